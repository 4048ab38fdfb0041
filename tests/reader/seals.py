"""Whether a commit was made with the key."""

import hmac
import re
from dataclasses import dataclass
from pathlib import Path

from tests.reader import age, config, git, keys
from tests.reader.errors import FormatError, NotSealedError

SEAL = b"Memory-Sync-Seal:"
ROTATION = b"Memory-Sync-Rotation:"
REST = re.compile(rb" 1 ([1-9][0-9]*) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Sealed:
    """A commit whose seal counts, and its sequence number."""

    commit: str
    n: int


def judge_seal(repository: Path, rev: str, identity: str, vault_id: str) -> Sealed:
    """Return the seal of a commit if it counts, or say why it does not."""
    return judge(*_one(repository, rev), identity, vault_id)


def judge_rotation(repository: Path, rev: str, old_identity: str, vault_id: str) -> Sealed:
    """Return the number under which the old identity handed the vault to the new recipient."""
    commit, about = _one(repository, rev)
    n, digits = _line(commit, ROTATION)
    parent = _parent(commit)
    found = config.parse(about)
    recipient = found.recipients[0]
    if found.id != vault_id:
        raise FormatError(f"{commit.id}: of the vault {found.id}, not {vault_id}")
    expected = keys.rotation(old_identity, vault_id, n, parent, commit.tree, recipient)
    if not hmac.compare_digest(digits, expected):
        raise FormatError(f"{commit.id}: the rotation's MAC is wrong")
    return Sealed(commit.id, n)


def judge(commit: git.Commit, about: bytes | None, identity: str, vault_id: str) -> Sealed:
    """Judge the seal of a commit whose `vault.json` holds these bytes."""
    n, digits = _line(commit, SEAL)
    parent = _parent(commit)
    found = config.parse(about)
    if found.id != vault_id:
        raise FormatError(f"{commit.id}: of the vault {found.id}, not {vault_id}")
    if found.recipients[0] != age.recipient_of(identity):
        raise FormatError(f"{commit.id}: recipients[0] is not the public half of the identity")
    expected = keys.seal(identity, vault_id, n, parent, commit.tree)
    if not hmac.compare_digest(digits, expected):
        raise FormatError(f"{commit.id}: the seal's MAC is wrong")
    return Sealed(commit.id, n)


def lines(message: bytes) -> list[bytes]:
    """Return the lines of a commit's message: split at newlines, a trailing return dropped."""
    return [line.removesuffix(b"\r") for line in message.split(b"\n")]


def _one(repository: Path, rev: str) -> tuple[git.Commit, bytes | None]:
    commit = git.resolve(repository, rev)
    return commit, git.blobs(repository, [f"{commit.id}:vault.json"])[0]


def _line(commit: git.Commit, label: bytes) -> tuple[int, str]:
    claims = [line.removeprefix(label) for line in lines(commit.message) if line.startswith(label)]
    if not claims:
        raise NotSealedError(f"{commit.id}: no line {label.decode()} in the message")
    found = [match for claim in claims if (match := REST.fullmatch(claim))]
    if len(found) != 1:
        raise FormatError(f"{commit.id}: {len(found)} true lines {label.decode()}, not one")
    return int(found[0][1]), found[0][2].decode()


def _parent(commit: git.Commit) -> str | None:
    if len(commit.parents) > 1:
        raise FormatError(f"{commit.id}: {len(commit.parents)} parents, not one or none")
    return commit.parents[0] if commit.parents else None

"""A whole vault, read from a repository."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.reader import config, git, history
from tests.reader.errors import FormatError
from tests.reader.objects import File, Reader
from tests.reader.seals import Sealed

COMMIT = re.compile(r"[0-9a-f]{40}")
KNOWN = {"README.md", "vault.json", "superseded", "objects", "pairing"}
RECOVERY = (
    "git clone <repository> vault && cd vault && mkdir -p ../recovered",
    "for f in objects/*/*.age; do",
    'for part in "$f"*; do age -d -i ../key.txt "$part"; done | tar -xz -C ../recovered',
    "done",
)


@dataclass(frozen=True)
class Vault:
    """All that a vault holds at one commit."""

    id: str
    recipients: tuple[str, ...]
    head: str
    sealed: Sealed | None
    files: dict[str, File]
    other: tuple[str, ...]
    superseded: tuple[str, ...]


def read_vault(
    repository: Path,
    identity: str,
    identity_file: Path,
    rev: str = "HEAD",
    *,
    vault_id: str | None = None,
) -> Vault:
    """Return the vault at `rev`, or raise at the first rule that it breaks."""
    chain = git.chain(repository, rev)
    abouts = git.blobs(repository, [f"{commit.id}:vault.json" for commit in chain])
    about = config.parse(abouts[0])
    if vault_id not in {None, about.id}:
        raise FormatError(f"a foreign vault: its id is {about.id}, not {vault_id}")
    sealed = history.newest_seal(repository, chain, abouts, identity, about.id)
    # Nothing else of the tree is believed before its seal is judged, the format included.
    config.check_format(about)
    head = chain[0].id
    made = sealed.commit if sealed else head
    below = [commit.id for commit in chain].index(made) + 1
    newborn = below == len(chain) or abouts[below] is None
    _check_readme(repository, made, newborn=newborn)
    top = git.top(repository, head)
    if not top["vault.json"].is_file:
        raise FormatError("vault.json is not a plain file")
    reader = Reader(repository, identity, identity_file, about.id, len(about.recipients))
    return Vault(
        id=about.id,
        recipients=about.recipients,
        head=head,
        sealed=sealed,
        files=reader.files(head),
        other=tuple(sorted(top.keys() - KNOWN)),
        superseded=_read_superseded(repository, top.get("superseded")),
    )


def _check_readme(repository: Path, commit: str, *, newborn: bool) -> None:
    top = git.top(repository, commit)
    # The first commit of a vault holds vault.json alone.
    if newborn and "README.md" not in top and "objects" not in top:
        return
    if "README.md" not in top or not top["README.md"].is_file:
        raise FormatError("README.md is missing")
    text = git.blobs(repository, [top["README.md"].id])[0] or b""
    lines = [line.strip() for line in text.decode(errors="replace").splitlines()]
    if not all(command in lines for command in RECOVERY):
        raise FormatError("README.md lacks the recovery commands")


def _read_superseded(repository: Path, entry: git.Entry | None) -> tuple[str, ...]:
    if entry is None:
        return ()
    data = git.blobs(repository, [entry.id])[0] or b""
    lines = data.decode(errors="replace").removesuffix("\n").split("\n")
    if not all(COMMIT.fullmatch(line) for line in lines):
        raise FormatError("superseded has a line that is not a commit id")
    return tuple(lines)

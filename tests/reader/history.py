"""Which commit of the history vouches for the vault."""

import itertools
from pathlib import Path

from tests.reader import git, seals
from tests.reader.errors import FormatError, NotSealedError
from tests.reader.seals import Sealed

VOUCHED = ("objects", "vault.json", "superseded")


def newest_seal(
    repository: Path,
    chain: list[git.Commit],
    abouts: list[bytes | None],
    identity: str,
    vault_id: str,
) -> Sealed | None:
    """Return the newest seal on the chain that counts, or None if no commit claims one."""
    judged = [
        _judge(commit, about, identity, vault_id)
        for commit, about in zip(chain, abouts, strict=True)
    ]
    counting = [one for one in judged if isinstance(one, Sealed)]
    if not counting:
        false = [one for one in judged if not isinstance(one, (Sealed, NotSealedError))]
        if false:
            raise false[0]
        return None
    _check_numbers(counting)
    at = judged.index(counting[0])
    _check_above(repository, chain[: at + 1], judged)
    _check_headline(chain[at])
    return counting[0]


def _judge(
    commit: git.Commit, about: bytes | None, identity: str, vault_id: str
) -> Sealed | FormatError:
    try:
        return seals.judge(commit, about, identity, vault_id)
    except FormatError as error:
        return error


def _check_numbers(counting: list[Sealed]) -> None:
    for newer, older in itertools.pairwise(counting):
        if newer.n <= older.n:
            raise FormatError(f"{newer.commit}: number {newer.n} upon number {older.n}")


def _check_above(
    repository: Path, upwards: list[git.Commit], judged: list[Sealed | FormatError]
) -> None:
    *above, sealed = upwards
    vouched = git.top(repository, sealed.id)
    for commit, reason in zip(above, judged, strict=False):
        entries = git.top(repository, commit.id)
        for name in VOUCHED:
            if entries.get(name) != vouched.get(name):
                raise FormatError(f"foreign content in {name}: {reason}")


def _check_headline(commit: git.Commit) -> None:
    if seals.lines(commit.message)[0] != b"sync":
        raise FormatError(f"{commit.id}: the headline of a sealed commit is not sync")

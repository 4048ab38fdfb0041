"""A repository, read with the real `git`."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.reader.errors import FormatError


@dataclass(frozen=True)
class Commit:
    """One commit, as its bytes say it."""

    id: str
    tree: str
    parents: tuple[str, ...]
    message: bytes


@dataclass(frozen=True)
class Entry:
    """One line of a tree."""

    mode: str
    kind: str
    id: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file, neither a link nor a folder."""
        return self.kind == "blob" and self.mode.startswith("100")


def chain(repository: Path, rev: str) -> list[Commit]:
    """Return the commit of `rev` and its first parents, newest first."""
    head = _id(repository, rev)
    ids = _git(repository, "rev-list", "--first-parent", head, "--").decode().split()
    return [_commit(one, data) for one, data in zip(ids, _read(repository, ids), strict=True)]


def resolve(repository: Path, rev: str) -> Commit:
    """Return the commit of `rev` alone."""
    one = _id(repository, rev)
    return _commit(one, _read(repository, [one])[0])


def top(repository: Path, commit: str) -> dict[str, Entry]:
    """Return the top-level entries of a commit's tree by name."""
    return _entries(_git(repository, "ls-tree", "-z", "--full-tree", commit))


def files(repository: Path, commit: str) -> dict[str, Entry]:
    """Return every entry of a commit's tree that is not a folder, by its full name."""
    return _entries(_git(repository, "ls-tree", "-r", "-z", "--full-tree", commit))


def blobs(repository: Path, names: Iterable[str]) -> list[bytes | None]:
    """Return the bytes of each named blob, or None where there is no such blob."""
    return [data[1] if data and data[0] == "blob" else None for data in _read(repository, names)]


def _id(repository: Path, rev: str) -> str:
    words = ("rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}")
    return _git(repository, *words).decode().split()[-1]


def _commit(one: str, data: tuple[str, bytes] | None) -> Commit:
    if data is None or data[0] != "commit":
        raise FormatError(f"{one}: not a commit of this repository")
    head, _, message = data[1].partition(b"\n\n")
    fields = [line.split(b" ", 1) for line in head.split(b"\n")]
    found = [(key[0], key[1].decode("ascii")) for key in fields if key[0] in {b"tree", b"parent"}]
    parents = tuple(value for key, value in found if key == b"parent")
    return Commit(one, found[0][1], parents, message)


def _entries(listing: bytes) -> dict[str, Entry]:
    entries = {}
    for line in listing.split(b"\0")[:-1]:
        fields, _, name = line.partition(b"\t")
        entries[os.fsdecode(name)] = Entry(*fields.decode().split())
    return entries


def _read(repository: Path, names: Iterable[str]) -> list[tuple[str, bytes] | None]:
    names = list(names)
    output = _git(repository, "cat-file", "--batch", given="".join(f"{name}\n" for name in names))
    found: list[tuple[str, bytes] | None] = []
    at = 0
    for _ in names:
        end = output.index(b"\n", at)
        fields = output[at:end].decode().split(" ")
        at = end + 1
        if fields[-1] == "missing":
            found.append(None)
            continue
        size = int(fields[2])
        found.append((fields[1], output[at : at + size]))
        at += size + 1
    return found


def _git(repository: Path, *words: str, given: str = "") -> bytes:
    # A caller's own GIT_DIR or a replaced object must not change what is read here.
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_CEILING_DIRECTORIES": str(repository.parent)}
    done = subprocess.run(
        ["git", "-C", str(repository), *words],
        input=given.encode(),
        capture_output=True,
        env=env,
        check=False,
    )
    if done.returncode:
        raise FormatError(f"git {words[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout

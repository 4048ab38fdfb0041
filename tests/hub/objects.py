"""A git object store that speaks hexadecimal text; the one place that knows dulwich's objects."""

from __future__ import annotations

import re
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dulwich.objects import Blob, Commit, ObjectID, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dulwich.object_store import BaseObjectStore
    from dulwich.objects import ShaFile

DIRECTORY = 0o040000
FILE = 0o100644


def is_sha(text: str) -> bool:
    """Tell whether this is a full object id."""
    return re.fullmatch(r"[0-9a-f]{40}", text) is not None


@dataclass(frozen=True)
class Entry:
    """One entry of a tree, under its name or its whole path."""

    path: str
    mode: int
    sha: str

    @property
    def is_tree(self) -> bool:
        """Tell a folder from a file."""
        return stat.S_ISDIR(self.mode)

    @property
    def type(self) -> str:
        """Git's name for what the entry points to."""
        return "tree" if self.is_tree else "commit" if self.mode == 0o160000 else "blob"


@dataclass(frozen=True)
class Person:
    """An author or a committer, and when."""

    name: str
    email: str
    time: int


@dataclass(frozen=True)
class CommitObject:
    """A commit as it stands in the store."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


class Objects:
    """Blobs, trees and commits by id."""

    def __init__(self, store: BaseObjectStore) -> None:
        self._store = store
        # Threads that read one pack through one file object would move it under each other.
        self._lock = threading.Lock()
        self._commits: dict[str, CommitObject] = {}
        self._sizes: dict[str, int] = {}

    def kind(self, sha: str) -> str | None:
        """Give the type of an object, None if there is no such object."""
        found = self._get(sha)
        return None if found is None else found.type_name.decode()

    def blob(self, sha: str) -> bytes | None:
        """Give a blob's bytes, None if there is no such blob."""
        found = self._get(sha)
        return found.data if isinstance(found, Blob) else None

    def size(self, sha: str) -> int:
        """Give a blob's size, read once; what is no blob has none."""
        if sha not in self._sizes:
            self._sizes[sha] = len(self.blob(sha) or b"")
        return self._sizes[sha]

    def entries(self, tree: str) -> list[Entry]:
        """List one tree in git's order."""
        found = self._get(tree)
        if not isinstance(found, Tree):
            raise KeyError(tree)
        return [Entry(_text(e.path), e.mode, e.sha.decode()) for e in found.items()]

    def commit(self, sha: str) -> CommitObject:
        """Read a commit; commits never change, so each is parsed once."""
        if sha not in self._commits:
            found = self._get(sha)
            if not isinstance(found, Commit):
                raise KeyError(sha)
            self._commits[sha] = CommitObject(
                sha,
                found.tree.decode(),
                tuple(parent.decode() for parent in found.parents),
                _person(found.author, found.author_time),
                _person(found.committer, found.commit_time),
                _text(found.message),
            )
        return self._commits[sha]

    def add_blob(self, data: bytes) -> str:
        """Store a blob."""
        return self._add(Blob.from_string(data))

    def add_tree(self, entries: Iterable[Entry]) -> str:
        """Store a tree."""
        tree = Tree()
        for entry in entries:
            tree.add(entry.path.encode(), entry.mode, ObjectID(entry.sha.encode()))
        return self._add(tree)

    def add_commit(
        self, tree: str, parents: Iterable[str], message: str, author: Person, committer: Person
    ) -> str:
        """Store a commit, its message as given to the byte."""
        commit = Commit()
        commit.tree = ObjectID(tree.encode())
        commit.parents = [ObjectID(parent.encode()) for parent in parents]
        commit.message = message.encode()
        commit.author = f"{author.name} <{author.email}>".encode()
        commit.committer = f"{committer.name} <{committer.email}>".encode()
        commit.author_time, commit.commit_time = author.time, committer.time
        commit.author_timezone = commit.commit_timezone = 0
        return self._add(commit)

    def _get(self, sha: str) -> ShaFile | None:
        with self._lock:
            try:
                return self._store[ObjectID(sha.encode())] if is_sha(sha) else None
            except KeyError:
                return None

    def _add(self, made: ShaFile) -> str:
        with self._lock:
            self._store.add_object(made)
        return made.id.decode()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _person(raw: bytes, time: int) -> Person:
    name, _, email = _text(raw).rpartition(" <")
    return Person(name, email.rstrip(">"), time)

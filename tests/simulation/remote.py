"""A repository in memory, with git's own object ids, and a client of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from memory_sync.errors import FolderGoneError, Moved, RemoteError
from memory_sync.model import Change, Commit, Entry, Listing
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.remote import AtHand, Condition
from memory_sync.vault.trees import blob_id, object_id, root_tree, top_entries

AUTHOR = "memory-sync <memory-sync@localhost>"
FIRST_TIME = 1_700_000_000


@dataclass
class Repository:
    """What lies at the remote; any number of clients share it, of any number of threads."""

    exists: bool = False
    head: str | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    listings: dict[str, Listing] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def chain(self) -> list[Commit]:
        """Return the first parents of the branch, newest first."""
        return list(self.follow(self.head))

    def follow(self, head: str | None) -> Iterator[Commit]:
        """Follow first parents; nothing comes of a commit that is not here."""
        while head and (commit := self.commits.get(head)):
            yield commit
            head = next(iter(commit.parents), None)

    def add(self, parent: str | None, change: Change) -> str:
        """Make a commit and move the branch; the caller holds the lock."""
        listing = dict(self.listings[parent]) if parent else {}
        if change.base:
            [listing] = [
                dict(self.listings[one.id])
                for one in self.follow(parent)
                if one.tree == change.base
            ][:1]
        for path in change.deletes:
            del listing[path]
        fresh = {blob_id(content): content for content in change.writes.values()}
        for path, oid in zip(change.writes, map(blob_id, change.writes.values()), strict=True):
            listing[path] = Entry(FILE_MODE, oid)
        tree = root_tree(listing)
        if tree != change.tree:
            raise ValueError(f"the change makes tree {tree}, not {change.tree}")
        commit = self._commit(parent, tree, change.message)
        self.blobs |= fresh
        self.listings[commit.id] = listing
        self.commits[commit.id] = commit
        self.head = commit.id
        return commit.id

    def _commit(self, parent: str | None, tree: str, message: str) -> Commit:
        time = FIRST_TIME + len(self.commits)
        lines = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
        lines += [f"{who} {AUTHOR} {time} +0000" for who in ("author", "committer")]
        oid = object_id("commit", "\n".join([*lines, "", message]).encode())
        return Commit(oid, (parent,) if parent else (), tree, message, time)


class MemoryRemote(AtHand):
    """A client of a repository in memory."""

    url = "memory:vault"

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def close(self) -> None:
        pass

    def condition(self) -> Condition:
        return Condition(exists=self.repository.exists)

    def create(self, *, public: bool = False) -> None:
        self.repository.exists = True

    def head(self, known: str | None = None) -> str | None:
        if not self.repository.exists:
            raise FolderGoneError(path=self.url)
        return self.repository.head

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        return self.repository.follow(head)

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        return dict(self.repository.listings[commit.id])

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        return top_entries(self.repository.listings[commit.id])

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        known = self.repository.blobs
        return ((oid, known[oid]) for oid in ids if oid in known)

    def commit(self, parent: str | None, change: Change) -> str:
        with self.repository.lock:
            if self.repository.head != parent:
                raise Moved
            try:
                return self.repository.add(parent, change)
            except (KeyError, ValueError) as error:
                raise RemoteError(remote=self.url, detail=str(error)) from None

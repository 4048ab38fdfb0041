"""A vault in a folder: a bare git repository on a disk, a NAS or a USB stick."""

from __future__ import annotations

import errno
import os
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID
from dulwich.pack import PackFileDisappeared

from memory_sync.config.durable import FULL
from memory_sync.errors import (
    DiskFullError,
    FolderGoneError,
    FolderNotRepositoryError,
    MemorySyncError,
    Moved,
    RemoteError,
    RemoteInvalidError,
    RemoteReadOnlyError,
    RemoteTroubleError,
)
from memory_sync.model import Change, Commit, Entry, Listing
from memory_sync.ports.gitfiles import (
    OBJECT_ID,
    Branch,
    DamageError,
    LockedError,
    find_repository,
    make_repository,
)
from memory_sync.ports.gitobjects import KINDS, GitObject, write_objects
from memory_sync.ports.gittrees import NoSuchFileError, edit, entries, walk
from memory_sync.ports.remote import AtHand, Condition
from memory_sync.vault.trees import EMPTY_TREE, object_id

AUTHOR = "memory-sync <memory-sync@localhost>"

BROKEN = (
    DamageError,
    FileFormatException,
    ChecksumMismatch,
    ApplyDeltaError,
    PackFileDisappeared,
    zlib.error,
    struct.error,
    LookupError,
    ValueError,
    AssertionError,
)
"""What dulwich raises over objects that are not as git leaves them."""


class MissingError(DamageError):
    """An object that is not there."""


class FolderRemote(AtHand):
    """A remote `file:///path/vault.git`.

    It holds nothing open between two calls, so that a disk can be taken away at any time.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._path = folder_path(url)

    @property
    def url(self) -> str:
        """The remote as the configuration writes it."""
        return self._url

    def close(self) -> None:
        """Nothing is held open between calls."""

    def condition(self) -> Condition:
        """Ask whether the repository exists; a disk that is not mounted looks as if it did not."""
        with self._explained():
            found = find_repository(self._path)
            if found is False:
                raise FolderNotRepositoryError(path=self._path)
            place = self._path
            while not found and not place.exists() and place != place.parent:
                place = place.parent
            return Condition(exists=bool(found), can_write=os.access(place, os.W_OK | os.X_OK))

    def create(self, *, public: bool = False) -> None:  # noqa: ARG002 - a folder is neither
        """Make the repository, empty, with its parents. One that exists by now is no error.

        Raises FolderNotRepositoryError, also for an empty folder: it may be a mount point.
        """
        if not self.condition().exists:
            with self._explained():
                make_repository(self._path)

    def head(self, known: str | None = None) -> str | None:  # noqa: ARG002 - always cheap
        """Return the branch's head, None if there is no commit yet.

        Raises FolderGoneError where no repository is: a vault is never taken for empty then.
        """
        with self._explained():
            self._require()
            return Branch(self._path).read()

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:  # noqa: ARG002
        """Follow first parents from `head` (included), newest first.

        Nothing comes of a commit that is unknown, unless the branch is at it.
        """
        with self._store() as store:
            following: str | None = head
            while following:
                try:
                    content = _read(store, following, "commit")
                except MissingError:
                    if following == head != Branch(self._path).read():
                        return  # only one that nobody has any more
                    raise
                commit = _parse_commit(following, content)
                yield commit
                following = next(iter(commit.parents), None)

    def listing(
        self,
        commit: Commit,
        since: tuple[str, Listing] | None = None,  # noqa: ARG002 - trees are near enough
    ) -> Listing:
        """Return the commit's whole tree, recursively."""
        with self._store() as store:
            return dict(walk(partial(_read_tree, store), commit.tree))

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the direct entries of the commit's root tree."""
        with self._store() as store:
            return dict(entries(_read_tree(store, commit.tree)))

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Read blobs; one that is missing, damaged or no blob is left out, the others are not."""
        with self._store() as store:
            for blob in ids:
                try:
                    content = _read(store, blob, "blob")
                except BROKEN:
                    continue
                yield blob, content

    def commit(self, parent: str | None, change: Change) -> str:
        """Make one commit on `parent` and move the branch to it, if the branch is at `parent`.

        Raises Moved, or RemoteError if the change does not fit; the branch stays as it was then.
        """
        with self._store() as store:
            branch = Branch(self._path)
            if branch.read() != parent:
                raise Moved
            load = partial(_read_tree, store)
            old = change.base or EMPTY_TREE
            if parent and not change.base:
                old = _parse_commit(parent, _read(store, parent, "commit")).tree
            blobs = {path: GitObject.of("blob", data) for path, data in change.writes.items()}
            writes = {path: blob.id for path, blob in blobs.items()}
            try:
                tree, trees = edit(load, old, writes, change.deletes)
            except NoSuchFileError as error:
                raise self._senseless(f"{error} is not there to be deleted") from None
            if tree != change.tree:
                raise self._senseless(f"the change makes tree {tree}, not {change.tree}")
            commit = _make_commit(parent, tree, change.message)
            write_objects(self._path / "objects", (*blobs.values(), *trees, commit))
            branch.move(parent, commit.id)
            return commit.id

    # --- what all of them need --------------------------------------------------------------

    @contextmanager
    def _store(self) -> Iterator[DiskObjectStore]:
        """Open the objects for one call."""
        with self._explained():
            self._require()
            store = DiskObjectStore(self._path / "objects")
            try:
                yield store
            finally:
                store.close()

    def _require(self) -> None:
        if not find_repository(self._path):
            raise FolderGoneError(path=self._path)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the system and dulwich raise into what a person can act on."""
        try:
            yield
        except OSError as error:
            raise self._explain(error) from error
        except LockedError as error:
            raise self._trouble(f"another program holds the lock {error}") from error
        except DamageError as error:
            raise self._trouble(f"the repository is damaged: {error}") from error
        except BROKEN as error:
            raise self._trouble(f"the repository is damaged: {type(error).__name__}") from error

    def _explain(self, error: OSError) -> MemorySyncError:
        # EFBIG: a disk can also be full for one file, by its format or by a limit.
        if error.errno in (*FULL, errno.EFBIG):
            return DiskFullError(path=self._path)
        if error.errno == errno.ENOENT and not self._path.exists():
            return FolderGoneError(path=self._path)
        detail = f"{error.strerror or error}: {error.filename or self._path}"
        if error.errno == errno.EROFS:
            return RemoteReadOnlyError(remote=self._url)
        return self._trouble(detail)

    def _trouble(self, detail: str) -> RemoteTroubleError:
        return RemoteTroubleError(remote=self._url, detail=detail)

    def _senseless(self, detail: str) -> RemoteError:
        return RemoteError(remote=self._url, detail=detail)


def folder_path(url: str) -> Path:
    """Return the path of a remote `file:///path/vault.git`; raises RemoteInvalidError."""
    path = unquote(url.removeprefix("file://"))
    if not url.startswith("file:///") or "\0" in path or not path.strip("/"):
        raise RemoteInvalidError(remote=url)
    return Path(path)


def _read(store: DiskObjectStore, oid: str, kind: str) -> bytes:
    """Return an object's content; raises what is in BROKEN."""
    if not OBJECT_ID.fullmatch(oid):
        raise DamageError(f"{oid!r} is no object id")
    key = ObjectID(oid.encode())
    try:
        number, content = store.get_raw(key)
    except KeyError:
        # `git gc` may just have moved it out of the place that was not looked at yet.
        store.close()
        try:
            number, content = store.get_raw(key)
        except KeyError:
            raise MissingError(f"object {oid} is missing") from None
    if number != KINDS[kind]:
        raise DamageError(f"object {oid} is no {kind}")
    # A commit's id is all that says what lies below it; of the others the caller computes it.
    if kind == "commit" and object_id(kind, content) != oid:
        raise DamageError(f"object {oid} has another content")
    return content


def _read_tree(store: DiskObjectStore, oid: str) -> bytes:
    # git knows the empty tree without having it.
    return b"" if oid == EMPTY_TREE else _read(store, oid, "tree")


def _parse_commit(oid: str, content: bytes) -> Commit:
    """Read what of a commit matters; the rest may be as odd as other programs like it."""
    head, _, message = content.partition(b"\n\n")
    tree, parents, moment = "", [], 0
    for line in head.decode("utf-8", "replace").split("\n"):
        word, _, value = line.partition(" ")
        if word == "tree":
            tree = value
        elif word == "parent":
            parents.append(value)
        elif word == "committer":
            stamp = value.split(" ")[-2:][0]
            moment = int(stamp) if stamp.isdecimal() else 0
    return Commit(oid, tuple(parents), tree, message.decode("utf-8", "replace"), moment)


def _make_commit(parent: str | None, tree: str, message: str) -> GitObject:
    stamp = f"{AUTHOR} {int(time.time())} +0000"
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
    lines += [f"author {stamp}", f"committer {stamp}", "", message]
    return GitObject.of("commit", "\n".join(lines).encode())

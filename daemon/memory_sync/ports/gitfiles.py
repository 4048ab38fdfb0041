"""A bare git repository as files: how it is made, how its branch is read and moved.

dulwich's own references are not used: they take a branch that cannot be read for one that does not
exist, and a lock that is left behind stops them for ever.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dulwich.refs import Ref, check_ref_format

from memory_sync.config.durable import take_lock
from memory_sync.errors import FolderNotRepositoryError, Moved
from memory_sync.ports.gitobjects import placed, sync

PATIENCE = 2.0
"""Seconds to wait for another program that holds the branch's lock."""

STALE = 5.0
"""Seconds after which git's lock was left behind by a killed process: it is held for milliseconds,
and none of our own kind can hold it while we hold our own."""


CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
DEFAULT_HEAD = b"ref: refs/heads/main\n"
FOLDERS = ("objects/info", "objects/pack", "refs/heads", "refs/tags")
FORBIDDEN = re.compile(
    r"^\s*(bare\s*=\s*(false|no|off|0)|objectformat\s*=\s*(?!sha1)\S|refstorage\s*=\s*(?!files)\S)",
    re.IGNORECASE | re.MULTILINE,
)
OBJECT_ID = re.compile(r"[0-9a-f]{40}")


class DamageError(Exception):
    """The repository is not as git leaves one; the text says where."""


class LockedError(Exception):
    """Another program holds the branch's lock; the text names the lock."""


# --- the repository -------------------------------------------------------------------------


def find_repository(path: Path) -> bool | None:
    """Tell whether a bare repository is there: None if nothing is, False for an empty folder.

    Raises FolderNotRepositoryError for anything else.
    """
    try:
        names = set(os.listdir(path))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise FolderNotRepositoryError(path=path) from None
    if not names:
        return False
    if not names >= {"HEAD", "objects", "refs"}:
        raise FolderNotRepositoryError(path=path)
    if "config" in names and FORBIDDEN.search((path / "config").read_text("utf-8", "replace")):
        raise FolderNotRepositoryError(path=path)
    return True


def make_repository(path: Path) -> None:
    """Make a bare repository that others see whole or not at all; one that is there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        for folder in FOLDERS:
            os.makedirs(temporary / folder)
        for name, content in (("config", CONFIG), ("HEAD", DEFAULT_HEAD)):
            with placed(temporary / name, mode=0o666) as stream:
                stream.write(content)
        for inside in (*FOLDERS, "objects", "refs", "."):
            sync(temporary / inside)
        os.rename(temporary, path)
        sync(path.parent)
    except OSError:
        # Another device that was quicker is the usual reason.
        if not find_repository(path):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


# --- the branch -----------------------------------------------------------------------------


class Branch:
    """The branch that HEAD names."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._name = _branch_name(repository)
        self._file = repository / self._name

    def read(self) -> str | None:
        """Return the commit that the branch is at, None if there is no such branch."""
        try:
            text = self._file.read_text("ascii", "replace").strip()
        except FileNotFoundError:
            return self._read_packed()
        return _checked(text, self._name)

    def move(self, parent: str | None, new: str) -> None:
        """Move the branch from one commit to the next, durably, by git's own lock protocol.

        Raises Moved if the branch is not at `parent`, and LockedError; it stays as it was then.
        """
        lock = self._file.with_name(f"{self._file.name}.lock")
        with self._alone(lock) as own:
            handle = self._take(lock, own)
            try:
                self._move_locked(lock, handle, parent, new)
            except BaseException:
                if _is_still(lock, handle):
                    lock.unlink(missing_ok=True)
                raise
            finally:
                os.close(handle)
        sync(self._file.parent)

    @contextmanager
    def _alone(self, lock: Path) -> Iterator[int]:
        """Be the only one of our kind that moves the branch, by a lock that dies with its process.

        So git's lock file, if it is there, is another program's, or what a killed process left.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self._repository / "memory-sync.lock", flags, 0o666)
        try:
            end = time.monotonic() + PATIENCE
            while not take_lock(handle):
                if time.monotonic() > end:
                    raise LockedError(lock)
                time.sleep(0.01)
            yield handle
        finally:
            os.close(handle)

    def _move_locked(self, lock: Path, handle: int, parent: str | None, new: str) -> None:
        if self.read() != parent:
            raise Moved
        os.write(handle, f"{new}\n".encode())
        os.fsync(handle)
        if not _is_still(lock, handle):
            # The machine slept for so long that another one took the lock for stale.
            raise LockedError(lock)
        os.replace(lock, self._file)

    def _read_packed(self) -> str | None:
        try:
            lines = (self._repository / "packed-refs").read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return None
        for line in lines:
            text, _, name = line.partition(" ")
            if name == self._name:
                return _checked(text, "packed-refs")
        return None

    def _take(self, lock: Path, own: int) -> int:
        """Make the lock file and return its handle."""
        if not lock.parent.is_dir():
            # git takes folders away whose branches it has packed.
            lock.parent.mkdir(exist_ok=True)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            except FileExistsError:
                if time.monotonic() > end and not _break(lock, own):
                    raise LockedError(lock) from None
            time.sleep(0.01)


def _break(lock: Path, own: int) -> bool:
    """Take away a lock that a killed process left behind; tell whether it is gone.

    Our own lock is held, so nobody else breaks it at the same time. Its file also tells the time as
    the disk's own clock has it, which on a NAS is not ours.
    """
    os.pwrite(own, b"\n", 0)
    os.fsync(own)
    try:
        if abs(os.fstat(own).st_mtime - os.stat(lock).st_mtime) <= STALE:
            return False
        lock.unlink()
    except FileNotFoundError:
        pass
    return True


def _branch_name(repository: Path) -> str:
    """Return the full name of the branch that HEAD stands for."""
    head = (repository / "HEAD").read_text("utf-8", "replace").strip()
    if OBJECT_ID.fullmatch(head):
        return "refs/heads/main"
    name = head.removeprefix("ref:").strip()
    safe = name.startswith("refs/heads/") and check_ref_format(Ref(name.encode()))
    if not safe or name == head:
        raise DamageError("HEAD names no branch")
    return name


def _checked(text: str, place: str) -> str:
    # A power cut can leave an empty file. That is a branch that is lost, not one that never was.
    if not OBJECT_ID.fullmatch(text):
        raise DamageError(f"{place} holds no commit id")
    return text


def _is_still(path: Path, handle: int) -> bool:
    """Tell whether the path still leads to the file that is open."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except OSError:
        return False

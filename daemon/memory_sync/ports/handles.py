"""Files and folders by open handles: a path that somebody bends meanwhile leads nowhere else.

Each folder on the way is opened from the one above and never through a symbolic link.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from memory_sync.config.durable import FULL
from memory_sync.errors import (
    DiskFullError,
    FileChangedError,
    FileError,
    FileInTheWayError,
    FileNameError,
    FileSpecialError,
    FileTooLargeError,
    FileUnreadableError,
    FileUnwritableError,
    MemorySyncError,
)
from memory_sync.ports import names

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

GONE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP)
"""What the system says where there is no such file, or something else in its place."""

KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a file lies: the open folder, its name there, and its path for people."""

    folder: int
    name: str
    shown: str

    def beside(self, name: str) -> Spot:
        """Return another name in the same folder that stands for the same file."""
        return Spot(self.folder, name, self.shown)

    def look(self) -> os.stat_result | None:
        """Return what is there, symbolic links not followed; None if nothing is."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None


@dataclass(slots=True)
class Way:
    """The open folders from a root down; `steps[i]` is the name of `folders[i + 1]`."""

    folders: list[int]
    steps: list[str] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The handle of the last folder."""
        return self.folders[-1]

    def anchor(self, known: set[tuple[int, int]]) -> None:
        """Make the folders' own names durable, but for those (device, inode) known to be."""
        for above, folder in pairwise(self.folders):
            seen = os.fstat(folder)
            if (seen.st_dev, seen.st_ino) not in known:
                os.fsync(above)
                known.add((seen.st_dev, seen.st_ino))

    def prune(self) -> None:
        """Remove the folders that are empty, from the last one up; never the first."""
        for above, name in zip(reversed(self.folders[:-1]), reversed(self.steps), strict=True):
            try:
                os.rmdir(name, dir_fd=above)
                os.fsync(above)
            except OSError:
                return


@contextmanager
def way(
    root: int,
    parts: Sequence[str],
    *,
    make: int | None = None,
    find: Callable[[int, str], str | None] = names.on_disk,
) -> Iterator[Way]:
    """Open the folders below `root` one after the other; `make` is the mode of missing ones.

    Raises FileNotFoundError without `make`, NotADirectoryError where a file or a link stands.
    """
    with ExitStack() as stack:
        found = Way([root])
        for part in parts:
            name = find(found.end, part)
            if name is None:
                name = part
                if make is not None:
                    _make_folder(found.end, name, make)
            handle = open_folder(found.end, name)
            stack.callback(os.close, handle)
            found.folders.append(handle)
            found.steps.append(name)
        yield found


def open_folder(parent: int, name: str) -> int:
    """Open a folder in a folder. Raises NotADirectoryError for a file or a symbolic link."""
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name) from None
        raise


def _make_folder(parent: int, name: str, mode: int) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, mode, dir_fd=parent)
        os.fsync(parent)


def read_whole(spot: Spot, limit: int) -> tuple[bytes, os.stat_result]:
    """Read a file in one go, and what the file system says of exactly this content.

    Raises FileTooLargeError, FileSpecialError, FileChangedError (it changed meanwhile) or OSError.
    """
    try:
        handle = os.open(spot.name, FILE, dir_fd=spot.folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileSpecialError(path=spot.shown, kind="symbolic link") from None
        raise
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise FileSpecialError(path=spot.shown, kind=kind_of(before))
        if before.st_size > limit:
            raise FileTooLargeError(path=spot.shown, size=before.st_size, limit=limit)
        content = _read(handle, before.st_size)
        after = os.fstat(handle)
    finally:
        os.close(handle)
    if len(content) != before.st_size or _stamp(before) != _stamp(after):
        raise FileChangedError(path=spot.shown)
    return content, after


def _read(handle: int, size: int) -> bytes:
    """Read up to one byte more than `size`: that byte shows that the file has grown."""
    content = os.read(handle, size + 1)
    while 0 < len(content) <= size:
        more = os.read(handle, size + 1 - len(content))
        if not more:
            break
        content += more
    return content


def _stamp(seen: os.stat_result) -> tuple[int, int, int]:
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def kind_of(seen: os.stat_result) -> str:
    """Say in words what stands there."""
    return KINDS.get(stat.S_IFMT(seen.st_mode), "special file")


def digest_of(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def make_file(
    folder: int, content: bytes, mode: int, *, like: os.stat_result | None = None
) -> tuple[str, int]:
    """Write a temporary file, durably; return its name and inode.

    It gets the permission bits of `mode` and, as far as that is allowed, the owner of `like`.
    """
    name = names.temporary_name()
    handle = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb", buffering=0) as stream:
            view = memoryview(content)
            while view:
                view = view[stream.write(view) or 0 :]
            made = os.fstat(handle)
            if like and (like.st_uid, like.st_gid) != (made.st_uid, made.st_gid):
                with contextlib.suppress(PermissionError):
                    os.fchown(handle, like.st_uid, like.st_gid)
            os.fchmod(handle, mode & 0o777)
            os.fsync(handle)
    except BaseException:
        drop(folder, name)
        raise
    return name, made.st_ino


def sync_file(spot: Spot) -> None:
    """Make what a file holds durable, whoever has written it. Raises OSError if it is none."""
    handle = os.open(spot.name, FILE, dir_fd=spot.folder)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), spot.name)
        os.fsync(handle)
    finally:
        os.close(handle)


def drop(folder: int, name: str) -> None:
    """Remove a file that nobody has seen yet."""
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)


@contextmanager
def reading(shown: str) -> Iterator[None]:
    """Turn what the system says about reading a file into an error for people."""
    try:
        yield
    except OSError as error:
        raise read_error(error, shown) from None


def read_error(error: OSError, shown: str) -> FileError:
    """Name an error of the system that came up on reading."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
        return FileChangedError(path=shown)
    return FileUnreadableError(path=shown, detail=error.strerror)


@contextmanager
def writing(shown: str) -> Iterator[None]:
    """Turn what the system says about writing a file into an error for people."""
    try:
        yield
    except OSError as error:
        raise write_error(error, shown) from None


def write_error(error: OSError, shown: str) -> MemorySyncError:
    """Name an error of the system that came up on writing."""
    # EFBIG: the account's or the file system's bound of one file.
    if error.errno in (*FULL, errno.EFBIG):
        return DiskFullError(path=shown)
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
        return FileNameError(path=shown, detail="this disk cannot hold such a name")
    if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP):
        return FileInTheWayError(path=shown)
    if error.errno == errno.ENOENT:
        return FileChangedError(path=shown)
    if error.errno == errno.EROFS:
        # Mostly a service that was confined when this was not there, or not known.
        hint = "memory-sync service restart"
        return FileUnwritableError(path=shown, detail=error.strerror, hint=hint)
    return FileUnwritableError(path=shown, detail=error.strerror)

"""Files of our own: private, and on the disk before anything is built upon them."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from memory_sync.errors import DiskFullError

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems say that have no locks: who else is at work cannot be seen there."""


def take_lock(handle: int) -> bool:
    """Lock an open file until its handle is closed, by whatever; False if somebody else has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in NO_LOCKS
    return True


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the lock of a file; nothing is made or kept."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in NO_LOCKS
    finally:
        os.close(handle)
    return False


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, and so its parents; one that is there stays."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        # mkdir's own `parents` would leave those open to whom the umask lets in.
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file so that after a crash it is wholly old or wholly new.

    Raises DiskFullError, with the old file in place.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in FULL:
            raise DiskFullError(path=path) from None
        raise


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

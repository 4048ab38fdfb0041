"""Files of our own, in whose place anything may stand by now: a pipe, a folder, something huge."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

LIMIT = 64 * 1024
"""Bytes that a small file has at most."""


def read_small(path: Path, limit: int = LIMIT) -> bytes:
    """Read a file of at most `limit` bytes. Raises OSError, or ValueError as `open_plain` does."""
    with open_plain(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError("too large")
    return content


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe or a device is never waited for.

    Raises OSError, or ValueError for what is no ordinary file.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check_plain(handle)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_plain(handle: int) -> None:
    mode = os.fstat(handle).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise ValueError("no ordinary file")

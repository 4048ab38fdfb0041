"""The two renames that lose nothing: trade two names, or take a name only if it is free.

Linux and macOS each have one system call for both; where it is missing, or the file system does
not know it, `exchange` says so and `rename_new` goes another way.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache

_EXCHANGE = 2
_NEW = 4 if sys.platform == "darwin" else 1
_UNKNOWN = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
NO_LINKS = (*_UNKNOWN, errno.EPERM, errno.EMLINK)


def exchange(folder: int, one: str, other: str) -> bool:
    """Let two files of an open folder trade their names, in one step; False where that cannot be.

    Raises FileNotFoundError if one of them is gone, with the other as it was.
    """
    return _rename(folder, one, folder, other, _EXCHANGE)


def rename_new(folder: int, name: str, target: int, new: str) -> None:
    """Move a file to a name that is free. Raises FileExistsError if it is not."""
    if _rename(folder, name, target, new, _NEW):
        return
    try:
        os.link(name, new, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        _rename_if_free(folder, name, target, new)
    else:
        os.unlink(name, dir_fd=folder)


def _rename_if_free(folder: int, name: str, target: int, new: str) -> None:
    """Look, then rename: the last resort of a file system that knows neither links nor flags."""
    try:
        os.stat(new, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=target)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)


def _rename(folder: int, name: str, target: int, new: str, flag: int) -> bool:
    call = _system_call()
    if call is None:
        return False
    if call(folder, os.fsencode(name), target, os.fsencode(new), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), name, None, new)


@cache
def _system_call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    name = "renameatx_np" if sys.platform == "darwin" else "renameat2"
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    call.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    )
    call.restype = ctypes.c_int
    found: Callable[[int, bytes, int, bytes, int], int] = call
    return found

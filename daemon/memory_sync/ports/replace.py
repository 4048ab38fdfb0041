"""Changing a file's content so that nothing is lost, whoever else changes it at the same time.

What is displaced is in our hands before it is judged: two names are traded in one step, and then
the bytes that were really there are compared with those that were expected. From that moment on
nothing is unlinked, only kept: what was once to be seen under the name may have been written to.

A kill can come at each step. What it leaves under a temporary name can be an agent's newest save,
so that name tells whose it is, and what is no save: what was to be displaced, and what was to come.
A file that nobody has seen yet and that may be half written has a plain temporary name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable

from memory_sync.errors import FileChangedError, FileInTheWayError, MemorySyncError
from memory_sync.ports import handles, names, switch
from memory_sync.ports.displaced import Record
from memory_sync.ports.handles import Spot
from memory_sync.ports.names import Told

Keep = Callable[[Spot, Record | None], None]
"""Takes a displaced file away, with what it held if that is known; raises with it in place."""


def verify(spot: Spot, expect: str, limit: int) -> Record:
    """Make sure that a file has the expected content. Raises FileChangedError or another."""
    content, seen = handles.read_whole(spot, limit)
    if handles.digest_of(content) != expect:
        raise FileChangedError(path=spot.shown)
    return Record(seen.st_size, seen.st_mtime_ns, expect)


def put_new(spot: Spot, content: bytes, mode: int) -> None:
    """Make a file that is not there yet."""
    if seen := spot.look():
        raise _in_place(spot, seen)
    fresh, _ = handles.make_file(spot.folder, content, mode)
    try:
        switch.rename_new(spot.folder, fresh, spot.folder, spot.name)
    except FileExistsError:
        handles.drop(spot.folder, fresh)
        seen = spot.look()
        raise (_in_place(spot, seen) if seen else FileChangedError(path=spot.shown)) from None
    except BaseException:
        handles.drop(spot.folder, fresh)
        raise
    os.fsync(spot.folder)


def _in_place(spot: Spot, seen: os.stat_result) -> MemorySyncError:
    """Name what stands where there should be nothing."""
    same_name = names.composed(spot.name) in map(names.composed, os.listdir(spot.folder))
    if stat.S_ISREG(seen.st_mode) and same_name:
        return FileChangedError(path=spot.shown)
    return FileInTheWayError(path=spot.shown)


def put_over(spot: Spot, content: bytes, mode: int, *, expect: str, limit: int, keep: Keep) -> None:
    """Replace a file whose content is the expected one."""
    seen = spot.look()
    if seen is None:
        raise FileChangedError(path=spot.shown)
    if not stat.S_ISREG(seen.st_mode):
        raise FileInTheWayError(path=spot.shown)
    was, digest = verify(spot, expect, limit), handles.digest_of(content)
    fresh, inode = handles.make_file(spot.folder, content, mode, like=seen)
    try:
        told = Told(spot.name, was.size, expect, digest[:16])
        fresh = _rename_telling(spot.folder, fresh, fresh, told)
        traded = switch.exchange(spot.folder, fresh, spot.name)
        if not traded:
            _rename_over(spot, fresh, expect=expect, limit=limit, keep=keep)
    except BaseException:
        handles.drop(spot.folder, fresh)
        raise
    if traded:
        displaced = spot.beside(fresh)
        try:
            keep(displaced, verify(displaced, expect, limit))
        except BaseException:
            _trade_back(spot, displaced, inode, digest, keep)
            raise
    os.fsync(spot.folder)


def _rename_telling(folder: int, name: str, plain: str, told: Told) -> str:
    """Give a file a temporary name that tells whose it is; the plain one if it cannot be longer."""
    new = names.telling_name(plain, told)
    try:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ENAMETOOLONG, errno.EINVAL):
            raise
        new = plain
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=folder)
    return new


def _trade_back(spot: Spot, displaced: Spot, ours: int, digest: str, keep: Keep) -> None:
    """Undo a trade; if a third content has come to the name since, that is the newest and stays."""
    try:
        switch.exchange(spot.folder, displaced.name, spot.name)
        seen = displaced.look()
        if seen and seen.st_ino != ours:
            switch.exchange(spot.folder, displaced.name, spot.name)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            switch.rename_new(spot.folder, displaced.name, spot.folder, spot.name)
    seen = displaced.look()
    if seen is None:
        return
    try:
        keep(displaced, None)
    except (OSError, MemorySyncError):
        # The trash fails. Only what is surely ours goes; all else waits beside the file for a
        # later look, which brings it to the trash.
        with contextlib.suppress(OSError, MemorySyncError):
            if seen.st_ino == ours:
                verify(displaced, digest, seen.st_size)
                handles.drop(spot.folder, displaced.name)


def _rename_over(spot: Spot, fresh: str, *, expect: str, limit: int, keep: Keep) -> None:
    """Replace a file where two names cannot be traded: a second name for it goes to the trash."""
    spare = spot.beside(names.temporary_name())
    here = {"src_dir_fd": spot.folder, "dst_dir_fd": spot.folder}
    try:
        os.link(spot.name, spare.name, follow_symlinks=False, **here)
    except OSError as error:
        if error.errno not in switch.NO_LINKS:
            raise
        content, seen = handles.read_whole(spot, limit)
        spare = spot.beside(handles.make_file(spot.folder, content, seen.st_mode)[0])
    try:
        keep(spare, verify(spare, expect, limit))
        # Between this look and the rename lies the one gap that such a file system leaves.
        verify(spot, expect, limit)
        os.rename(fresh, spot.name, **here)
    except BaseException:
        handles.drop(spot.folder, spare.name)
        raise


def take_out(spot: Spot, *, expect: str, limit: int, keep: Keep) -> bool:
    """Remove a file whose content is the expected one; False if it is gone already."""
    seen = spot.look()
    if seen is None or stat.S_ISDIR(seen.st_mode):
        return False
    was = verify(spot, expect, limit)
    told = Told(spot.name, was.size, expect, expect[:16])
    taken = spot.beside(_rename_telling(spot.folder, spot.name, names.temporary_name(), told))
    try:
        keep(taken, verify(taken, expect, limit))
    except BaseException:
        _put_back(spot, taken, keep)
        raise
    os.fsync(spot.folder)
    return True


def _put_back(spot: Spot, taken: Spot, keep: Keep) -> None:
    """Give a file its name again; if another has it by now, that one is newer and stays."""
    try:
        switch.rename_new(spot.folder, taken.name, spot.folder, spot.name)
    except FileExistsError:
        with contextlib.suppress(OSError, MemorySyncError):
            keep(taken, None)

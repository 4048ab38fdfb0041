"""Changing a file's content in the very steps of `memory_sync.ports.replace`."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable

from memory_sync.errors import FileChangedError, FileInTheWayError, MemorySyncError
from memory_sync.ports import names
from memory_sync.ports.displaced import Record
from memory_sync.ports.handles import digest_of
from memory_sync.ports.names import Told
from tests.simulation.spots import Spot, drop, make_file, verify
from tests.simulation.volume import File, Folder, Node

Keep = Callable[[Spot, Record | None], None]


def put_new(spot: Spot, content: bytes, mode: int) -> None:
    """Make a file that is not there yet."""
    disk, folder = spot.disk, spot.folder
    if seen := spot.look():
        raise _in_place(spot, seen)
    fresh, _ = make_file(disk, folder, content, mode)
    try:
        disk.move(folder, fresh, folder, spot.name)
    except FileExistsError:
        drop(disk, folder, fresh)
        there = spot.look()
        raise (_in_place(spot, there) if there else FileChangedError(path=spot.shown)) from None
    except Exception:
        drop(disk, folder, fresh)
        raise
    disk.fsync_folder(folder)


def _in_place(spot: Spot, seen: Node) -> MemorySyncError:
    """Name what stands where there should be nothing."""
    there = [names.composed(name) for name, _ in spot.folder.entries.values()]
    if isinstance(seen, File) and names.composed(spot.name) in there:
        return FileChangedError(path=spot.shown)
    return FileInTheWayError(path=spot.shown)


def put_over(spot: Spot, content: bytes, mode: int, *, expect: str, limit: int, keep: Keep) -> None:
    """Replace a file whose content is the expected one."""
    disk, folder = spot.disk, spot.folder
    seen = spot.look()
    if seen is None:
        raise FileChangedError(path=spot.shown)
    if isinstance(seen, Folder):
        raise FileInTheWayError(path=spot.shown)
    was, digest = verify(spot, expect, limit), digest_of(content)
    fresh, ours = make_file(disk, folder, content, mode)
    try:
        told = Told(spot.name, was.size, expect, digest[:16])
        fresh = _rename_telling(spot, fresh, fresh, told)
        disk.exchange(folder, fresh, spot.name)
    except Exception:
        drop(disk, folder, fresh)
        raise
    displaced = spot.beside(fresh)
    try:
        keep(displaced, verify(displaced, expect, limit))
    except Exception:
        _trade_back(spot, displaced, ours, digest, keep)
        raise
    disk.fsync_folder(folder)


def _rename_telling(spot: Spot, name: str, plain: str, told: Told) -> str:
    """Give a file a temporary name that tells whose it is; the plain one if it cannot be longer."""
    new = names.telling_name(plain, told)
    try:
        spot.disk.move_over(spot.folder, name, new)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        new = plain
        spot.disk.move_over(spot.folder, name, new)
    return new


def _trade_back(spot: Spot, displaced: Spot, ours: File, digest: str, keep: Keep) -> None:
    """Undo a trade; if a third content has come to the name since, that is the newest and stays."""
    disk, folder = spot.disk, spot.folder
    try:
        disk.exchange(folder, displaced.name, spot.name)
        seen = displaced.look()
        if seen and seen is not ours:
            disk.exchange(folder, displaced.name, spot.name)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):
            disk.move(folder, displaced.name, folder, spot.name)
    seen = displaced.look()
    if seen is None:
        return
    try:
        keep(displaced, None)
    except (OSError, MemorySyncError):
        with contextlib.suppress(OSError, MemorySyncError):
            if seen is ours:
                verify(displaced, digest, len(ours.content))
                drop(disk, folder, displaced.name)


def take_out(spot: Spot, *, expect: str, limit: int, keep: Keep) -> bool:
    """Remove a file whose content is the expected one; False if it is gone already."""
    disk, folder = spot.disk, spot.folder
    seen = spot.look()
    if seen is None or isinstance(seen, Folder):
        return False
    was = verify(spot, expect, limit)
    told = Told(spot.name, was.size, expect, expect[:16])
    taken = spot.beside(_rename_telling(spot, spot.name, disk.temporary_name(), told))
    try:
        keep(taken, verify(taken, expect, limit))
    except Exception:
        _put_back(spot, taken, keep)
        raise
    disk.fsync_folder(folder)
    return True


def _put_back(spot: Spot, taken: Spot, keep: Keep) -> None:
    """Give a file its name again; if another has it by now, that one is newer and stays."""
    try:
        spot.disk.move(spot.folder, taken.name, spot.folder, spot.name)
    except FileExistsError:
        with contextlib.suppress(OSError, MemorySyncError):
            keep(taken, None)

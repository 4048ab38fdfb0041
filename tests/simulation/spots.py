"""Folders and files of the disk in memory, reached as the real adapter reaches them.

No handler here or above catches a crash: what a killed process does after its end is nothing.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from memory_sync.errors import FileChangedError, FileSpecialError, FileTooLargeError
from memory_sync.ports import names
from memory_sync.ports.displaced import Record
from memory_sync.ports.handles import digest_of
from tests.simulation.primitives import Primitives
from tests.simulation.volume import File, Folder, Node, fault


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a file lies: the folder, its name there, and its path for people."""

    disk: Primitives
    folder: Folder
    name: str
    shown: str

    def beside(self, name: str) -> Spot:
        """Return another name in the same folder that stands for the same file."""
        return Spot(self.disk, self.folder, name, self.shown)

    def look(self) -> Node | None:
        """Return what is there, None if nothing is."""
        entry = self.disk.find(self.folder, self.name)
        return entry[1] if entry else None


@dataclass(slots=True)
class Way:
    """The folders from a root down; `steps[i]` is the name of `folders[i + 1]`."""

    disk: Primitives
    folders: list[Folder]
    steps: list[str]

    def anchor(self, known: set[int]) -> None:
        """Make the folders' own names durable, but for those known to be."""
        for above, folder in pairwise(self.folders):
            if id(folder) not in known:
                self.disk.fsync_folder(above)
                known.add(id(folder))

    def prune(self) -> None:
        """Remove the folders that are empty, from the last one up; never the first."""
        for above, name in zip(reversed(self.folders[:-1]), reversed(self.steps), strict=True):
            try:
                self.disk.rmdir(above, name)
                self.disk.fsync_folder(above)
            except OSError:
                return


def on_disk(disk: Primitives, folder: Folder, part: str) -> str | None:
    """Return the name under which a folder holds this part of a path, None if it does not.

    Raises FileExistsError if only a name of other case is there.
    """
    entry = disk.find(folder, part)
    if entry and entry[0] == part:
        return part
    if entry is None and part.isascii():
        return None
    for name in sorted(name for name, _ in folder.entries.values()):
        if names.composed(name) == part:
            return name
    if entry is None:
        return None
    raise fault(errno.EEXIST, part)


def any_case(disk: Primitives, folder: Folder, part: str) -> str | None:
    """Find a part of a path under a name of any case."""
    return part if disk.find(folder, part) else None


def way(
    disk: Primitives, root: Folder, parts: Sequence[str], *, make: bool, exact: bool = True
) -> Way:
    """Find the folders below `root` one after the other; with `make`, make missing ones, durably.

    Raises FileNotFoundError without `make`, NotADirectoryError where a file stands.
    """
    find = on_disk if exact else any_case
    found = Way(disk, [root], [])
    for part in parts:
        folder = found.folders[-1]
        name = find(disk, folder, part)
        if name is None:
            name = part
            if make:
                with contextlib.suppress(FileExistsError):
                    disk.mkdir(folder, name)
                    disk.fsync_folder(folder)
        node = disk.node(folder, name)
        if isinstance(node, File):
            raise fault(errno.ENOTDIR, name)
        found.folders.append(node)
        found.steps.append(name)
    return found


def read_whole(spot: Spot, limit: int) -> tuple[bytes, File]:
    """Read a file in one go.

    Raises FileTooLargeError, FileSpecialError, FileChangedError (it changed meanwhile) or OSError.
    """
    file = spot.disk.node(spot.folder, spot.name)
    if isinstance(file, Folder):
        raise FileSpecialError(path=spot.shown, kind="folder")
    before = file.stamp
    if before[0] > limit:
        raise FileTooLargeError(path=spot.shown, size=before[0], limit=limit)
    content = spot.disk.load(file)
    if file.stamp != before:
        raise FileChangedError(path=spot.shown)
    return content, file


def verify(spot: Spot, expect: str, limit: int) -> Record:
    """Make sure that a file has the expected content. Raises FileChangedError or another."""
    content, file = read_whole(spot, limit)
    if digest_of(content) != expect:
        raise FileChangedError(path=spot.shown)
    return Record(len(content), file.mtime_ns, expect)


def make_file(disk: Primitives, folder: Folder, content: bytes, mode: int) -> tuple[str, File]:
    """Write a temporary file, durably; return its name and the file."""
    name, file = disk.create(folder, mode & 0o777)
    try:
        disk.store(file, content)
        disk.fsync(file)
    except Exception:
        drop(disk, folder, name)
        raise
    return name, file


def drop(disk: Primitives, folder: Folder, name: str) -> None:
    """Remove a file that nobody has seen yet."""
    with contextlib.suppress(OSError):
        disk.unlink(folder, name)

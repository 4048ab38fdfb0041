"""One device's disk in memory, as agents see it."""

from __future__ import annotations

import errno
import random
from collections.abc import Iterable

from memory_sync.ports import names
from memory_sync.ports.clock import Clock
from tests.simulation.primitives import Crash, Fault, Primitives
from tests.simulation.volume import Edit, File, Folder, fault

__all__ = ["Crash", "Fault", "Handle", "MemoryDisk"]


class Handle:
    """A file that a program keeps open, wherever its name is by now."""

    def __init__(self, disk: MemoryDisk, file: File) -> None:
        self._disk = disk
        self._cuts = disk.cuts
        self.file = file

    @property
    def alive(self) -> bool:
        """Tell whether the program still runs: no power cut has ended it."""
        return self._cuts == self._disk.cuts

    def append(self, more: bytes, *, durable: bool = True) -> None:
        """Write on. Raises OSError (EBADF) if a power cut has ended the program."""
        if not self.alive:
            raise fault(errno.EBADF)
        self._disk.fill(self.file, self.file.content + more)
        if durable:
            self._disk.sync(self.file)


class MemoryDisk(Primitives):
    """One device's disk: a small POSIX-like file system in memory.

    Paths of agents are relative to the disk; several roots can lie in it. What an agent does is no
    operation of the program, always finds space, and raises the OSError that a real disk would:
    FileNotFoundError, IsADirectoryError, NotADirectoryError. `tops` are the folders of roots.
    """

    def __init__(
        self,
        rng: random.Random,
        clock: Clock,
        *,
        ignore_case: bool = False,
        decompose: bool = False,
        capacity: int | None = None,
        granularity: float = 0.01,
    ) -> None:
        super().__init__(
            rng,
            clock,
            ignore_case=ignore_case,
            decompose=decompose,
            capacity=capacity,
            granularity=granularity,
        )
        self.tops: set[str] = {""}
        self._away: dict[str, Folder] = {}

    # --- what agents do

    def save(
        self, path: str, content: bytes, *, durable: bool = True, mtime: float | None = None
    ) -> None:
        """Save into the file itself, which is emptied first; missing ones are made, with folders.

        `mtime` is set after it, as a program does that keeps old times; it is in seconds.
        """
        way, name = self._way(path, make=True)
        file = self._file(way[-1], name)
        if file is None:
            file = self.new_file(0o644)
            self.change(self.link(way[-1], name, file))
        self.fill(file, content, truncate=True)
        if mtime is not None:
            file.mtime_ns = int(mtime * 1_000_000_000)
        self._finish(way, durable, file)

    def replace(self, path: str, content: bytes, *, durable: bool = True) -> None:
        """Save as editors do, by a temporary file and a rename: it is another file then."""
        way, name = self._way(path, make=True)
        old = self._file(way[-1], name)
        file = self.new_file(old.mode if old else 0o644)
        self.fill(file, content, truncate=True)
        self.change(self.link(way[-1], name, file))
        self._finish(way, durable, file)

    def append(self, path: str, more: bytes, *, durable: bool = True) -> None:
        """Write at the end of a file."""
        way, file = self._there(path)
        self.fill(file, file.content + more)
        self._finish(way, durable, file)

    def delete(self, path: str, *, durable: bool = True) -> None:
        """Delete a file or a whole folder, and the parents that are empty then, but no root."""
        way, name = self._way(path)
        self.node(way[-1], name)
        self.change(self.link(way[-1], name, None))
        parts = path.split("/")[:-1]
        for above, here in zip(way[-2::-1], way[:0:-1], strict=True):
            if here.entries or "/".join(parts) in self.tops:
                break
            self.change(self.link(above, parts.pop(), None))
        self._finish(way, durable)

    def rename(self, old: str, new: str, *, durable: bool = True) -> None:
        """Rename a file, over another if there is one, or a folder to a name that is free."""
        way, name = self._way(old)
        node = self.node(way[-1], name)
        target, new_name = self._way(new, make=True)
        if node in target:
            raise fault(errno.EINVAL, new)
        there = self.find(target[-1], new_name)
        here: Edit = self.link(target[-1], new_name, node)
        if there and there[1] is node:  # another spelling of the same name
            self.change((here[0], here[1], (self.stored(new_name), node)))
        elif there and Folder in (type(there[1]), type(node)):
            raise fault(errno.EEXIST, new)
        else:
            self.change(self.link(way[-1], name, None), here)
        self._finish([*way, *target], durable)

    def open(self, path: str) -> Handle:
        """Open a file for writing at its end."""
        return Handle(self, self._there(path)[1])

    def chmod(self, path: str, mode: int) -> None:
        """Change a file's permission bits, which bind nobody here."""
        file = self._there(path)[1]
        file.mode, file.ctime_ns = mode, self.now_ns()

    def make_folder(self, path: str) -> None:
        """Make a folder, with its parents, durably."""
        self._finish(self._walk(path.split("/"), make=True), durable=True)

    # --- what is there

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is no file."""
        try:
            return self._there(path)[1].content
        except OSError:
            return None

    def mode(self, path: str) -> int:
        """Return a file's permission bits."""
        return self._there(path)[1].mode

    def files(self) -> dict[str, bytes]:
        """Return every file but markers and temporary files of ours, by composed (NFC) path."""
        return {
            names.composed(path): file.content
            for path, file in self.walk()
            if not names.is_ours(path.rpartition("/")[2])
        }

    def folders(self, folder: Folder | None = None, path: str = "") -> list[str]:
        """Return every folder below one, by its path as the disk writes it."""
        found = []
        for name, node in (folder or self.root or self.new_folder()).entries.values():
            if isinstance(node, Folder):
                found += [path + name, *self.folders(node, f"{path}{name}/")]
        return found

    def leftovers(self) -> list[str]:
        """Return the temporary files of ours."""
        return [path for path, _ in self.walk() if names.is_temporary(path.rpartition("/")[2])]

    # --- roots that go away

    def unmount(self, top: str = "") -> None:
        """Let a root be an empty folder without its marker until `mount`."""
        self._take_away(top, self.new_folder())

    def mount(self, top: str = "") -> None:
        """Let a root be there again; what came into the empty folder is hidden by it."""
        if top in self._away:
            self._put(top, self._away.pop(top))

    def remove_root(self, top: str = "") -> None:
        """Let a root not be there at all until `restore_root`; agents find no folder either."""
        self._take_away(top, None)

    def restore_root(self, top: str = "") -> None:
        """Let a root be there again, as it was."""
        self.mount(top)

    def folder(self, top: str) -> Folder | None:
        """Return the folder at a path, None if there is none."""
        try:
            return self._walk(top.split("/") if top else [])[-1]
        except OSError:
            return None

    def make_top(self, top: str) -> None:
        """Make the folder of a root if that is missing, with its parents, durably."""
        self.root = self.root or self.new_folder()
        if top:
            self.make_folder(top)

    def _take_away(self, top: str, instead: Folder | None) -> None:
        if top not in self._away and (folder := self.folder(top)):
            self._away[top] = folder
            self._put(top, instead)

    def _put(self, top: str, folder: Folder | None) -> None:
        """Put a folder in a place, as mounting does: nothing on the disk is written for it."""
        if not top:
            self.root = folder
            return
        parts = top.split("/")
        above, key = self._walk(parts[:-1])[-1], self.key(parts[-1])
        for entries in (above.entries, above.durable):
            entries.pop(key, None)
            if folder:
                entries[key] = (self.stored(parts[-1]), folder)

    # --- parts

    def _walk(self, parts: Iterable[str], *, make: bool = False) -> list[Folder]:
        """Return the folders from the top of the disk down."""
        if self.root is None:
            raise fault(errno.ENOENT)
        way = [self.root]
        for part in parts:
            entry = self.find(way[-1], part)
            if entry is None:
                if not make:
                    raise fault(errno.ENOENT, part)
                self.change(self.link(way[-1], part, self.new_folder()))
                entry = way[-1].entries[self.key(part)]
            if isinstance(entry[1], File):
                raise fault(errno.ENOTDIR, part)
            way.append(entry[1])
        return way

    def _way(self, path: str, *, make: bool = False) -> tuple[list[Folder], str]:
        *parts, name = path.split("/")
        return self._walk(parts, make=make), name

    def _file(self, folder: Folder, name: str) -> File | None:
        entry = self.find(folder, name)
        if entry and isinstance(entry[1], Folder):
            raise fault(errno.EISDIR, name)
        return entry[1] if entry and isinstance(entry[1], File) else None

    def _there(self, path: str) -> tuple[list[Folder], File]:
        way, name = self._way(path)
        file = self._file(way[-1], name)
        if file is None:
            raise fault(errno.ENOENT, name)
        return way, file

    def _finish(self, way: list[Folder], durable: bool, file: File | None = None) -> None:
        if not durable:
            return
        if file:
            self.sync(file)
        for folder in reversed(way):
            self.sync_folder(folder)

"""What the program does to a disk, one primitive operation at a time, and how each can fail."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator
from typing import Literal

from memory_sync.ports.clock import Clock
from tests.simulation.volume import Entry, File, Folder, Node, Volume, fault

Fault = Literal["kill", "cut", "full", "io", "hook"]


class Crash(BaseException):
    """The machine or the process ends here."""


class Primitives(Volume):
    """A volume whose every operation of the program counts and can fail.

    `capacity` is in bytes and can be set anew at any time; `operations` counts those of the
    program; `touched` tells whether it changed anything since that was last set to False; `hook` is
    what an armed hook calls; `cuts` counts the power cuts.
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
            rng, clock, ignore_case=ignore_case, decompose=decompose, granularity=granularity
        )
        self.capacity = capacity
        self.operations = 0
        self.cuts = 0
        self.touched = False
        self.hook: Callable[[], None] | None = None
        self._fault: Fault | None = None
        self._after = 0
        self._times = 0
        self._names = 0

    # --- faults

    def arm(self, after: int, kind: Fault, *, times: int = 1) -> None:
        """Let operations of the program fail: after so many more, so many in a row.

        kill: Crash, and the disk stays as it is. cut: a power cut, then Crash. full: ENOSPC, of the
        next operations that need space. io: EIO. hook: `hook` is called, then it goes on.
        """
        self._after, self._fault, self._times = after, kind, times

    @property
    def armed(self) -> bool:
        """Tell whether a fault is still to come."""
        return self._fault is not None

    def disarm(self) -> None:
        """Let nothing fail any more."""
        self._fault = None

    def power_cut(self) -> None:
        """Lose now what was not fsynced; programs that have files open end."""
        super().power_cut()
        self.cuts += 1

    def _step(self, *, grows: bool = False, changes: bool = True) -> None:
        """Count one operation of the program, and let it fail if that is due."""
        self.operations += 1
        if self._fault is not None:
            if self._after > 0:
                self._after -= 1
            elif grows or self._fault != "full":
                self._fail(self._fault)
        if changes:
            self.touched = True

    def _fail(self, kind: Fault) -> None:
        self._times -= 1
        if self._times <= 0:
            self._fault = None
        if kind == "hook":
            if self.hook:
                self.hook()
            return
        if kind == "full":
            raise fault(errno.ENOSPC)
        if kind == "io":
            raise fault(errno.EIO)
        if kind == "cut":
            self.power_cut()
        raise Crash(kind)

    # --- looking

    def entries(self, folder: Folder) -> list[Entry]:
        """List a folder."""
        self._step(changes=False)
        return list(folder.entries.values())

    def load(self, file: File) -> bytes:
        """Read a file."""
        self._step(changes=False)
        return file.content

    # --- contents

    def create(self, folder: Folder, mode: int) -> tuple[str, File]:
        """Make an empty file of a name that no other has."""
        self._step(grows=True)
        name, file = self.temporary_name(), self.new_file(mode)
        self.change(self.link(folder, name, file))
        return name, file

    def store(self, file: File, content: bytes) -> None:
        """Write a new file, in two halves: what goes wrong in between leaves the first."""
        half = len(content) // 2
        for end in (half, len(content)):
            self._step(grows=True)
            self._need(end - len(file.content))
            self.fill(file, content[:end])

    def _need(self, count: int) -> None:
        if self.capacity is None:
            return
        used = sum(len(file.content) for top in (None, self.bin) for _, file in self.walk(top))
        if used + count > self.capacity:
            raise fault(errno.ENOSPC)

    def walk(self, folder: Folder | None = None, path: str = "") -> Iterator[tuple[str, File]]:
        """Yield every file below a folder (or all), by its path as the disk writes it."""
        folder = folder or self.root
        for name, node in list(folder.entries.values()) if folder else ():
            if isinstance(node, File):
                yield path + name, node
            else:
                yield from self.walk(node, f"{path}{name}/")

    def fsync(self, file: File) -> None:
        """Make a file's content durable."""
        self._step(grows=True, changes=False)
        self.sync(file)

    def fsync_folder(self, folder: Folder) -> None:
        """Make a folder's names durable."""
        self._step(grows=True, changes=False)
        self.sync_folder(folder)

    # --- names

    def temporary_name(self) -> str:
        """Make up a name that no other file has."""
        self._names += 1
        return f".memory-sync-{self._names:016x}.tmp"

    def exchange(self, folder: Folder, one: str, other: str) -> None:
        """Let two names trade what they stand for. Raises FileNotFoundError."""
        self._step()
        first, second = self.node(folder, one), self.node(folder, other)
        self.change(self.link(folder, one, second), self.link(folder, other, first))

    def move(self, folder: Folder, name: str, target: Folder, new: str) -> None:
        """Rename to a name that is free.

        Raises FileExistsError if it is not, FileNotFoundError if the file is gone.
        """
        self._step(grows=True)
        node = self.node(folder, name)
        if self.find(target, new):
            raise fault(errno.EEXIST, new)
        self.change(self.link(folder, name, None), self.link(target, new, node))

    def move_over(self, folder: Folder, name: str, new: str) -> None:
        """Rename within a folder, over another file if there is one."""
        self._step(grows=True)
        node = self.node(folder, name)
        self.change(self.link(folder, name, None), self.link(folder, new, node))

    def unlink(self, folder: Folder, name: str) -> None:
        """Take a name away. Raises FileNotFoundError."""
        self._step()
        self.node(folder, name)
        self.change(self.link(folder, name, None))

    def mkdir(self, folder: Folder, name: str) -> None:
        """Make a folder. Raises FileExistsError."""
        self._step(grows=True)
        if self.find(folder, name):
            raise fault(errno.EEXIST, name)
        self.change(self.link(folder, name, self.new_folder()))

    def rmdir(self, folder: Folder, name: str) -> None:
        """Remove a folder. Raises OSError if it is not empty, or no folder."""
        self._step()
        node: Node = self.node(folder, name)
        if isinstance(node, File):
            raise fault(errno.ENOTDIR, name)
        if node.entries:
            raise fault(errno.ENOTEMPTY, name)
        self.change(self.link(folder, name, None))

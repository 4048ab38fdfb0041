"""The trash on the disk in memory: files are moved into it as `memory_sync.ports.trash` moves them.

The name of a file in it tells when it came and what it held. Nothing is ever purged.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from memory_sync.errors import FileChangedError
from memory_sync.ports import names
from memory_sync.ports.clock import Clock
from memory_sync.ports.displaced import FRESH, LATELY, Lately, Record
from memory_sync.ports.files import Echo
from memory_sync.ports.handles import digest_of, writing
from tests.simulation.primitives import Primitives
from tests.simulation.spots import Spot, way
from tests.simulation.volume import File, Folder

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"[^-]+-(\d+)-(-?\d+)-([0-9a-f]{64})(-\d+)?\Z")


@dataclass(slots=True)
class MemoryTrash:
    """The trash of one root of one device; it lies on the disk, beside everything else.

    A place is a path in it: that which the file had, and then its name there.
    """

    disk: Primitives
    root: str
    clock: Clock
    _heard: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    _lately: Lately[str] = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what only a process knows."""
        self._heard = {}
        self._lately = Lately(self.clock)

    def take(self, spot: Spot, path: str, record: Record | None = None) -> None:
        """Move a file into the trash, durably. Raises DiskFullError or another; it stays."""
        disk = self.disk
        with writing(f"trash/{self.root}/{path}"):
            parts = [self.root, *path.split("/")]
            target = way(disk, disk.bin, parts, make=True, exact=False).folders[-1]
            if record is None:
                file = disk.node(spot.folder, spot.name)
                if isinstance(file, Folder):
                    raise FileChangedError(path=spot.shown)
                mtime_ns, content = file.mtime_ns, disk.load(file)
                record = Record(len(content), mtime_ns, digest_of(content))
            stamp = time.strftime(_STAMP, time.gmtime(self.clock.now()))
            name = self._move(spot.folder, spot.name, target, _stem(stamp, record))
            disk.fsync_folder(target)
        self._lately.add(f"{path}/{name}")

    def _move(self, folder: Folder, name: str, target: Folder, stem: str) -> str:
        """Give the file the first name in the trash that is free."""
        for number in count(1):
            new = stem if number == 1 else f"{stem}-{number}"
            with contextlib.suppress(FileExistsError):
                self.disk.move(folder, name, target, new)
                return new
        raise AssertionError  # pragma: no cover - the numbers do not end

    def contents(self) -> list[tuple[str, bytes]]:
        """Return what was displaced: the path that each file had, and what it holds now."""
        return [(_path(place), file.content) for place, file in self._files()]

    def _files(self) -> Iterator[tuple[str, File]]:
        top = self.disk.find(self.disk.bin, self.root)
        return self.disk.walk(top[1]) if top and isinstance(top[1], Folder) else iter(())

    def _folder(self, place: str) -> tuple[Folder, str]:
        *parts, name = f"{self.root}/{place}".split("/")
        return way(self.disk, self.disk.bin, parts, make=False, exact=False).folders[-1], name

    # --- late writes

    def echoes(self, *, recent: bool, limit: int) -> Iterator[Echo]:
        """Look for files that were written to since they were recorded."""
        for place, file in list(self._latest() if recent else self._files()):
            youngest = file.mtime_ns / 1e9
            if not recent and 0 <= self.clock.now() - youngest < LATELY:
                self._lately.add(place)
            record = _record(place)
            fits = record and (record.size, record.mtime_ns) == (len(file.content), file.mtime_ns)
            if record and not fits and not names.trouble(self.root, _path(place)):
                with contextlib.suppress(OSError):
                    yield from self._look(place, file, record, limit)

    def _latest(self) -> Iterator[tuple[str, File]]:
        for place in self._lately:
            with contextlib.suppress(OSError):
                node = self.disk.node(*self._folder(place))
                if isinstance(node, File):
                    yield place, node

    def _look(self, place: str, file: File, record: Record, limit: int) -> Iterator[Echo]:
        """Look what was written, by the rules of `memory_sync.ports.displaced`."""
        if len(file.content) > limit:
            return
        mtime_ns, content = file.mtime_ns, self.disk.load(file)
        fresh = 0 <= self.clock.now() - mtime_ns / 1e9 < FRESH
        mtime_ns = 0 if fresh else mtime_ns
        before: bytes | None = content[: record.size]
        if digest_of(content[: record.size]) != record.digest:
            before = None
        elif fresh:
            # What may be the beginning of a line waits for its rest.
            content = content[: content.rfind(b"\n") + 1]
        if before is None or len(content) > record.size:
            self._lately.add(place)
            self._heard[place] = content, mtime_ns
            yield Echo(_path(place), before, content, place)
        elif not fresh:
            self._rename(place, replace(record, mtime_ns=mtime_ns))

    def settle(self, echo: Echo) -> None:
        """Record an echo's content as living on."""
        content, mtime_ns = self._heard.pop(echo.place, (b"", 0))
        if content != echo.content:
            mtime_ns = 0
        with contextlib.suppress(FileNotFoundError):
            record = Record(len(echo.content), mtime_ns, digest_of(echo.content))
            self._rename(echo.place, record)

    def _rename(self, place: str, record: Record) -> None:
        """Give a trashed file the name that tells what it holds now."""
        folder, name = self._folder(place)
        new = self._move(folder, name, folder, _stem(name.partition("-")[0], record))
        self.disk.fsync_folder(folder)
        self._lately.drop(place)
        self._lately.add(f"{place.rpartition('/')[0]}/{new}")


def _stem(stamp: str, record: Record) -> str:
    return f"{stamp}-{record.size}-{record.mtime_ns}-{record.digest}"


def _record(place: str) -> Record | None:
    match = _NAME.search(place.rpartition("/")[2])
    return Record(int(match[1]), int(match[2]), match[3]) if match else None


def _path(place: str) -> str:
    return names.composed(place.rpartition("/")[0])

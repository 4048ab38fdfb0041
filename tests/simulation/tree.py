"""The adapter of `LocalTree` to the disk in memory."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import lru_cache

from memory_sync.errors import (
    FileChangedError,
    FileNameError,
    FileSpecialError,
    MarkerForeignError,
    MarkerMissingError,
    MemorySyncError,
    RootBusyError,
    RootGoneError,
)
from memory_sync.ports import names
from memory_sync.ports.clock import Clock
from memory_sync.ports.displaced import Record
from memory_sync.ports.files import Echo, Glance, Scan
from memory_sync.ports.handles import GONE, digest_of, reading, writing
from memory_sync.ports.marker import Marker, understood
from memory_sync.ports.names import MARKER
from memory_sync.sync.patterns import Patterns
from tests.simulation import replacing
from tests.simulation.disk import MemoryDisk
from tests.simulation.look import Bounds, MemoryLook
from tests.simulation.spots import Spot, drop, make_file, on_disk, read_whole, way
from tests.simulation.trash import MemoryTrash
from tests.simulation.volume import File, Folder

_DAY = 86_400.0


class MemoryTree:
    """A `LocalTree` on a disk in memory: the steps of `DiskTree`, each of which can fail.

    `top` is the folder of this root on the disk, which is made when the root is first adopted.
    """

    def __init__(
        self,
        name: str,
        disk: MemoryDisk,
        *,
        patterns: Patterns,
        max_size: int,
        clock: Clock,
        top: str = "",
        vault: str = "vault",
        device: str = "device",
    ) -> None:
        self.name = name
        self._disk = disk
        self._top = top
        self._bounds = Bounds(disk, name, f"/{top}".rstrip("/"), patterns, max_size)
        self._marker = self._found = Marker(device=device, root=name, vault=vault)
        self._clock = clock
        self._trash = MemoryTrash(disk, name, clock)
        self._leftover_age = _DAY
        self._serving = False
        self._lock: File | None = None
        self._anchored: set[int] = set()

    # --- for the simulation

    def trash(self) -> list[tuple[str, bytes]]:
        """Return what was displaced: the path and what the file holds by now."""
        return self._trash.contents()

    def drop_marker(self) -> None:
        """Lose the marker, as somebody's clean-up might."""
        self._disk.delete(f"{self._top}/{MARKER}" if self._top else MARKER)

    def restart(self) -> None:
        """Do what the end of the process does: locks and all that only it knew are gone."""
        self.unlock()
        self._leftover_age = _DAY
        self._trash.restart()
        self._bounds.plain.clear()
        self._bounds.reached.clear()
        self._anchored.clear()

    # --- the marker

    def adopt(self, *, replace: bool = False, make: bool = False) -> None:
        """Write the root's marker; one that says the same already stays as it is."""
        if make or self._top not in self._disk.tops:
            self._disk.tops.add(self._top)
            with contextlib.suppress(OSError):
                self._disk.make_top(self._top)
        folder = self._folder()
        with writing(self._bounds.place):
            try:
                file, found = self._read_marker(folder)
            except MarkerForeignError:
                if not replace:
                    raise
                self._write_marker(folder)
                return
            if found is None:
                self._write_marker(folder)
            elif not found.is_of(self._marker):
                if not replace:
                    raise MarkerForeignError(path=self._bounds.place, found=str(found))
                if file and file.locker not in (None, self):
                    raise RootBusyError(path=self._bounds.place)
                self._write_marker(folder)

    def _write_marker(self, folder: Folder) -> None:
        disk = self._disk
        drawn = replace(self._marker, folder=self._clock.random_bytes(8).hex())
        content = json.dumps(asdict(drawn), sort_keys=True).encode() + b"\n"
        fresh, _ = make_file(disk, folder, content, 0o644)
        try:
            disk.move_over(folder, fresh, MARKER)
        except OSError:
            drop(disk, folder, fresh)
            raise
        disk.fsync_folder(folder)

    def lock(self) -> None:
        """Serve this root, alone; it is held until `unlock` or the end of the process."""
        if self._serving:
            return
        self._serving = True
        try:
            self._opened()
        except BaseException:
            self.unlock()
            raise
        # Nobody else writes here now: every temporary file is what a crash has left.
        self._leftover_age = 0.0

    def unlock(self) -> None:
        """Let others serve this root."""
        self._serving = False
        self._let_go()

    # --- the port

    def check(self) -> None:
        """Only make sure that the root is there and is the one that is meant."""
        self._opened()

    def scan(self, known: Mapping[str, Glance], *, marked: bool = True) -> Scan:
        """Look at every file that the patterns match; read only those that `known` cannot tell."""
        root = self._opened() if marked else self._folder()
        look = MemoryLook(
            bounds=self._bounds,
            known=known,
            now=int(self._clock.now() * 1_000_000_000),
            leftover=self._leftover if marked else _leave,
        )
        try:
            scan = look.scan(root)
        except OSError:
            raise RootGoneError(path=self._bounds.place, root=self.name) from None
        if marked:
            if self._opened() is not root:
                raise RootGoneError(path=self._bounds.place, root=self.name)
            self._leftover_age = _DAY
        return replace(scan, folder=self._found.folder) if marked else scan

    def read(self, path: str, expect: str) -> bytes:
        """Read a file whose content must have this digest."""
        shown = self._checked(path)
        root = self._opened()
        with reading(shown):
            found = way(self._disk, root, path.split("/")[:-1], make=False)
            spot = self._spot(found.folders[-1], path, shown)
            content, _ = read_whole(spot, self._bounds.max_size)
        if digest_of(content) != expect:
            raise FileChangedError(path=shown)
        return content

    def write(self, path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        """Replace a file, or make it, so that it is at every moment wholly old or wholly new."""
        shown = self._checked(path)
        root = self._opened()
        with writing(shown):
            found = way(self._disk, root, path.split("/")[:-1], make=expect is None)
            spot = self._spot(found.folders[-1], path, shown)
            if expect is None:
                replacing.put_new(spot, content, mode)
            else:
                limit, keep = self._bounds.max_size, self._keeper(path)
                replacing.put_over(spot, content, mode, expect=expect, limit=limit, keep=keep)
            found.anchor(self._anchored)

    def flush(self, paths: Iterable[str]) -> frozenset[str]:
        """Make files durable as they are, with their names; return where it failed."""
        failed: set[str] = set()
        root = self._opened()
        for path in paths:
            try:
                found = way(self._disk, root, path.split("/")[:-1], make=False)
                spot = self._spot(found.folders[-1], path, path)
                node = self._disk.node(spot.folder, spot.name)
                if isinstance(node, File):
                    self._disk.fsync(node)
                    self._disk.fsync_folder(spot.folder)
                    found.anchor(self._anchored)
            except OSError as error:
                if error.errno not in GONE:
                    failed.add(path)
        return frozenset(failed)

    def remove(self, path: str, expect: str) -> None:
        """Remove a file into the trash, and the folders that are empty then (never the root)."""
        shown = self._checked(path)
        root = self._opened()
        with writing(shown):
            try:
                found = way(self._disk, root, path.split("/")[:-1], make=False)
                spot, keep = self._spot(found.folders[-1], path, shown), self._keeper(path)
                if replacing.take_out(spot, expect=expect, limit=self._bounds.max_size, keep=keep):
                    found.prune()
            except (FileNotFoundError, FileExistsError):
                return  # gone already, or only another name of the same letters is there
            except FileSpecialError:
                raise FileChangedError(path=shown) from None

    def echoes(self, *, recent: bool) -> tuple[Echo, ...]:
        """Look for displaced files that were written to since."""
        found = self._trash.echoes(recent=recent, limit=self._bounds.max_size)
        return tuple(sorted(found, key=lambda echo: (echo.path, echo.place)))

    def settle(self, echo: Echo) -> None:
        """Note that an echo's content lives on elsewhere."""
        self._trash.settle(echo)

    # --- parts

    def _checked(self, path: str) -> str:
        """Refuse a path that could not be in the vault; return its place for people."""
        shown = self._bounds.shown(path)
        if detail := names.trouble(self.name, path):
            raise FileNameError(path=shown, detail=detail)
        return shown

    def _folder(self) -> Folder:
        folder = self._disk.folder(self._top)
        if folder is None:
            raise RootGoneError(path=self._bounds.place, root=self.name)
        return folder

    def _opened(self) -> Folder:
        """Find the root and make sure that it is the one that is meant, served by nobody else."""
        folder = self._folder()
        file, found = self._read_marker(folder)
        if found is None or file is None:
            raise MarkerMissingError(path=self._bounds.place, root=self.name)
        if not found.is_of(self._marker):
            raise MarkerForeignError(path=self._bounds.place, found=str(found))
        self._found = found
        if self._serving and self._lock is not file:
            self._let_go()
            if file.locker not in (None, self):
                raise RootBusyError(path=self._bounds.place)
            self._lock = file
            file.locker = self
        return folder

    def _read_marker(self, folder: Folder) -> tuple[File | None, Marker | None]:
        entry = self._disk.find(folder, MARKER)
        if entry is None:
            return None, None
        if isinstance(entry[1], Folder):
            raise MarkerForeignError(path=self._bounds.place, found="it cannot be understood")
        try:
            found = _understood(self._disk.load(entry[1]))
        except OSError as error:
            raise MarkerForeignError(path=self._bounds.place, found=error.strerror) from None
        if found is None:
            raise MarkerForeignError(path=self._bounds.place, found="it cannot be understood")
        return entry[1], found

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.locker = None
            self._lock = None

    def _spot(self, folder: Folder, path: str, shown: str) -> Spot:
        """Find the place of a file in its folder, under the name that the disk has for it."""
        part = path.rpartition("/")[2]
        return Spot(self._disk, folder, on_disk(self._disk, folder, part) or part, shown)

    def _keeper(self, path: str) -> replacing.Keep:
        def keep(spot: Spot, record: Record | None) -> None:
            node = spot.disk.node(spot.folder, spot.name)
            if isinstance(node, File):
                spot.disk.fsync(node)
            self._trash.take(spot, path, record)

        return keep

    def _leftover(self, folder: Folder, path: str, name: str, file: File) -> None:
        """Bring what a crash has left to the trash: it can be what a program had just saved."""
        if self._clock.now() - file.ctime_ns / 1e9 < self._leftover_age:
            return
        spot = Spot(self._disk, folder, name, name)
        with contextlib.suppress(OSError, MemorySyncError):
            # It stays where it is until the trash can take it.
            self._trash.take(spot, *self._told(spot, f"{path}/" if path else "", file))

    def _told(self, spot: Spot, prefix: str, file: File) -> tuple[str, Record | None]:
        """Return the path that a leftover stands for, and the content that needs no taking up."""
        told = names.told_by(spot.name)
        path = prefix + names.composed(told.name) if told else ""
        if told is None or names.trouble(self.name, path):
            return prefix + spot.name, None
        content = self._disk.load(file)
        found = Record(len(content), file.mtime_ns, digest_of(content))
        known = found.digest.startswith(told.ours)
        return path, found if known else Record(told.size, 0, told.digest)


def _leave(_folder: Folder, _path: str, _name: str, _file: File) -> None:
    """Leave a temporary file where it is: the folder may be another's."""


@lru_cache(maxsize=64)
def _understood(content: bytes) -> Marker | None:
    try:
        data = json.loads(content)
        return understood(data)
    except (ValueError, KeyError, TypeError):
        return None

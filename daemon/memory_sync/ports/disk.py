"""The adapter to one root's files on a real disk."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from memory_sync.errors import (
    FileChangedError,
    FileError,
    FileNameError,
    FileSpecialError,
    MarkerForeignError,
    MemorySyncError,
    RootGoneError,
)
from memory_sync.ports import handles, marker, names, replace
from memory_sync.ports.clock import Clock
from memory_sync.ports.displaced import Record, record_of
from memory_sync.ports.files import Echo, Glance, Scan
from memory_sync.ports.handles import Spot, Way
from memory_sync.ports.ignoring import heeded
from memory_sync.ports.look import Bounds, Look
from memory_sync.ports.marker import Marker
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.ports.switch import rename_new
from memory_sync.ports.trash import Trash
from memory_sync.sync.ignores import IGNORE_FILE
from memory_sync.sync.patterns import Patterns

_DAY = 86_400.0
_NEW_FOLDER = 0o777  # less the umask


class DiskTree:
    """A `LocalTree` on a disk.

    Each operation opens the root, checks its marker by that handle and reaches every file from
    there. Without `trash` nothing that is replaced or removed is kept. A marker with one of the
    `former` names of the root gets the present one.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        patterns: Patterns,
        max_size: int,
        vault_id: str,
        device: str,
        clock: Clock,
        trash: Trash | None,
        beat: Beat = no_beat,
        former: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.path = path
        self._bounds = Bounds(name, path, patterns, max_size)
        self._marker = self._found = Marker(device=device, root=name, vault=vault_id)
        self._clock = clock
        self._trash = trash
        self._beat = beat
        self._former = former
        self._strays = trash.strays(name) if trash else None
        self._serving = False
        self._lock: int | None = None
        self._leftover_age = _DAY
        self._plain: dict[str, str] = {}
        self._heeded = patterns
        self._ruleless = False
        self._anchored: set[tuple[int, int]] = set()

    # --- the marker

    def adopt(self, *, replace: bool = False, make: bool = False) -> None:
        """Write the root's marker; one that says the same already stays as it is."""
        if make:
            # Only the folder itself: what lies above is not there if a disk is not mounted.
            try:
                os.mkdir(self.path, _NEW_FOLDER)
            except OSError as error:
                if error.errno == errno.EROFS:
                    raise handles.write_error(error, names.shown(self.path)) from None
        with self._folder() as folder, handles.writing(names.shown(self.path)):
            try:
                found = marker.read(folder, self.path)
            except MarkerForeignError:
                if not replace:
                    raise
                marker.write(folder, self._drawn(), over=True)
                return
            if found is None:
                marker.write(folder, self._drawn(), over=False)
            elif not found[0].is_of(self._marker):
                if not replace:
                    raise MarkerForeignError(path=names.shown(self.path), found=str(found[0]))
                self._write_over(folder, self._drawn())

    def lock(self) -> None:
        """Serve this root, alone; it is held until `unlock` or the end of the process.

        Raises RootBusyError, or what every operation may raise.
        """
        if self._former:
            self._take_name()
        if self._serving:
            return
        self._serving = True
        try:
            with self._opened():
                # Nobody else writes here now: every temporary file is what a crash has left.
                self._leftover_age = 0.0
        except BaseException:
            self.unlock()
            raise

    def unlock(self) -> None:
        """Let others serve this root."""
        self._serving = False
        self._let_go()

    # --- the port

    def check(self) -> None:
        """Only make sure that the root is there and is the one that is meant."""
        with self._opened():
            pass

    def scan(self, known: Mapping[str, Glance], *, marked: bool = True) -> Scan:
        """Look at every file that the patterns match; read only those that `known` cannot tell."""
        with self._opened() if marked else self._folder() as root:
            try:
                bounds, notes = self._heed(root)
            except FileError as error:
                # Not known what is to be left out: all of it is held, and none of it forgotten.
                held = {"": error}
                folder = self._found.folder if marked else ""
                return Scan({}, known, held, folder=folder, patterns=self._heeded)
            leftover = partial(self._leftover, root) if marked else _leave
            look = Look(
                bounds=bounds,
                known=known,
                now=int(self._clock.now() * 1_000_000_000),
                plain=self._plain,
                leftover=leftover,
                beat=self._beat,
            )
            try:
                scan = look.scan(root)
            except OSError:
                raise RootGoneError(path=names.shown(self.path), root=self.name) from None
            if marked:
                self._still(root)
                self._leftover_age = _DAY
        found = dataclasses.replace(
            scan, notes=scan.notes + notes, patterns=bounds.patterns, again=self._ruleless
        )
        return dataclasses.replace(found, folder=self._found.folder) if marked else found

    def _heed(self, root: int) -> tuple[Bounds, tuple[FileError, ...]]:
        """Return what is to be looked at, by what the root's own file of rules says now."""
        patterns, notes = heeded(
            root,
            self.name,
            self._bounds.patterns,
            shown=self._bounds.shown(IGNORE_FILE),
            limit=self._bounds.max_size,
        )
        if self._heeded.ignore and not patterns.ignore and not self._ruleless:
            # An editor or a program may be at writing the file anew: so much for this look.
            self._ruleless, patterns = True, self._heeded
        else:
            self._ruleless = False
        if patterns != self._heeded:
            self._heeded = patterns
            self._plain.clear()
        return dataclasses.replace(self._bounds, patterns=patterns), notes

    def read(self, path: str, expect: str) -> bytes:
        """Read a file whose content must have this digest."""
        shown = self._checked(path)
        with self._opened() as root, handles.reading(shown), self._way(root, path) as way:
            spot = _spot(way, path, shown)
            content, _ = handles.read_whole(spot, self._bounds.max_size)
        if handles.digest_of(content) != expect:
            raise FileChangedError(path=shown)
        return content

    def present(self, path: str) -> tuple[bytes, int] | None:
        """Return the content and the mode of a file as it is now, None if there is none."""
        shown = self._checked(path)
        with self._opened() as root, handles.reading(shown):
            try:
                with self._way(root, path) as way:
                    spot = _spot(way, path, shown)
                    content, seen = handles.read_whole(spot, self._bounds.max_size)
            except FileNotFoundError:
                return None
        return content, seen.st_mode

    def write(self, path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        """Replace a file, or make it, so that it is at every moment wholly old or wholly new."""
        shown = self._checked(path)
        make = _NEW_FOLDER if expect is None else None
        with (
            self._opened() as root,
            handles.writing(shown),
            self._way(root, path, make=make) as way,
        ):
            spot = _spot(way, path, shown)
            if expect is None:
                replace.put_new(spot, content, mode)
            else:
                limit = self._bounds.max_size
                keep = self._keeper(root, path)
                replace.put_over(spot, content, mode, expect=expect, limit=limit, keep=keep)
            way.anchor(self._anchored)

    def flush(self, paths: Iterable[str]) -> frozenset[str]:
        """Make files durable as they are, with their names; return where it failed."""
        failed: set[str] = set()
        with self._opened() as root:
            for path in paths:
                self._beat()
                try:
                    with self._way(root, path) as way:
                        handles.sync_file(_spot(way, path, self._bounds.shown(path)))
                        os.fsync(way.end)
                        way.anchor(self._anchored)
                except OSError as error:
                    if error.errno not in handles.GONE:
                        failed.add(path)
        return frozenset(failed)

    def remove(self, path: str, expect: str) -> None:
        """Remove a file into the trash, and the folders that are empty then (never the root)."""
        shown = self._checked(path)
        with self._opened() as root, handles.writing(shown):
            try:
                with self._way(root, path) as way:
                    spot, keep = _spot(way, path, shown), self._keeper(root, path)
                    limit = self._bounds.max_size
                    if replace.take_out(spot, expect=expect, limit=limit, keep=keep):
                        way.prune()
            except (FileNotFoundError, FileExistsError):
                return  # gone already, or only another name of the same letters is there
            except FileSpecialError:
                raise FileChangedError(path=shown) from None

    def echoes(self, *, recent: bool) -> tuple[Echo, ...]:
        """Look for displaced files that were written to since."""
        if self._trash is None or self._strays is None:
            return ()
        limit = self._bounds.max_size
        if not recent:
            self._trash.tidy()
        found = list(self._trash.echoes(self.name, recent=recent, limit=limit))
        if self._strays.any(recent=recent):
            with self._opened() as root:
                found += self._strays.echoes(root, recent=recent, limit=limit)
        return tuple(sorted(found, key=lambda echo: (echo.path, echo.place)))

    def settle(self, echo: Echo) -> None:
        """Note that an echo's content lives on elsewhere."""
        with handles.writing(self._bounds.shown(echo.path)):
            if self._trash and self._strays and not self._strays.settle(echo):
                self._trash.settle(self.name, echo)

    # --- parts

    def _take_name(self) -> None:
        """Write the present name into a marker that has a former one; it stays the same folder."""
        with self._folder() as folder:
            try:
                found = marker.read(folder, self.path)
            except MarkerForeignError:
                return  # whoever opens the root tells what is wrong
            if found is None or found[0].vault != self._marker.vault:
                return
            if found[0].root not in self._former:
                return
            if self._trash:
                self._trash.rename(found[0].root, self.name)
            new = dataclasses.replace(self._marker, folder=found[0].folder)
            self._write_over(folder, new)

    def _write_over(self, folder: int, new: Marker) -> None:
        """Replace the marker of an open root that nobody serves. Raises RootBusyError."""
        lock = marker.lock(folder, self.path, self.name)
        try:
            with handles.writing(names.shown(self.path)):
                marker.write(folder, new, over=True)
        finally:
            os.close(lock)

    def _drawn(self) -> Marker:
        return dataclasses.replace(self._marker, folder=self._clock.random_bytes(8).hex())

    def _checked(self, path: str) -> str:
        """Refuse a path that could not be in the vault; return its place for people."""
        shown = self._bounds.shown(path)
        if detail := names.trouble(self.name, path):
            raise FileNameError(path=shown, detail=detail)
        return shown

    @contextmanager
    def _folder(self) -> Iterator[int]:
        handle = marker.open_root(self.path, self.name)
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the root and make sure that it is the one that is meant, and served by nobody else.

        Raises RootGoneError, MarkerMissingError, MarkerForeignError or RootBusyError.
        """
        with self._folder() as folder:
            self._check(folder)
            yield folder

    def _check(self, folder: int) -> None:
        self._found, seen = marker.check(folder, self.path, self._marker)
        if not self._serving:
            return
        if self._lock is None or not os.path.samestat(os.fstat(self._lock), seen):
            # If somebody wrote the marker anew, the lock on the old one keeps nobody out.
            self._let_go()
            self._lock = marker.lock(folder, self.path, self.name)

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _still(self, root: int) -> None:
        """Make sure that the root is still in its place: what was seen may be half of it."""
        with self._opened() as now:
            if not os.path.samestat(os.fstat(root), os.fstat(now)):
                raise RootGoneError(path=names.shown(self.path), root=self.name)

    @contextmanager
    def _way(self, root: int, path: str, *, make: int | None = None) -> Iterator[Way]:
        with handles.way(root, path.split("/")[:-1], make=make) as way:
            yield way

    def _keeper(self, root: int, path: str) -> replace.Keep:
        def keep(spot: Spot, record: Record | None) -> None:
            if self._trash is None or self._strays is None:
                os.unlink(spot.name, dir_fd=spot.folder)
                return
            # It is the last copy here, and whoever wrote it may not have made it durable.
            handles.sync_file(spot)
            if not self._trash.take(spot, self.name, path, record):
                with handles.writing(spot.shown):
                    found = record or record_of(spot.folder, spot.name)
                    self._strays.add(root, spot, path, found)

        return keep

    def _leftover(self, root: int, folder: int, path: str, name: str) -> None:
        """Bring what a crash has left to the trash: it can be what a program had just saved."""
        prefix = f"{path}/" if path else ""
        spot = Spot(folder, name, self._bounds.shown(prefix + name))
        seen = spot.look()
        if seen is None or self._clock.now() - seen.st_ctime < self._leftover_age:
            return
        if self._trash is None or self._strays is None:
            if self._serving:
                # A folder that no program but this one writes to, as that of the conflict copies.
                told = names.told_by(name)
                with suppress(OSError):
                    if told and told.digest.startswith(told.ours):
                        # It was being taken away, and may be nowhere else yet.
                        rename_new(folder, name, folder, told.name)
                    else:
                        os.unlink(name, dir_fd=folder)
            return
        if self._strays.has(name):
            return
        try:
            place, record = self._told(spot, prefix)
            if self._trash.take(spot, self.name, place, record):
                return
            if record is None:
                os.unlink(name, dir_fd=folder)
            else:
                self._strays.add(root, spot, place, record)
        except (OSError, MemorySyncError):
            return  # it stays where it is until the trash can take it

    def _told(self, spot: Spot, prefix: str) -> tuple[str, Record | None]:
        """Return the path that a leftover stands for, and the content that needs no taking up.

        What was to be displaced and what was to come are nobody's save: all else is. A leftover
        that tells nothing has only the path where it lies.
        """
        told = names.told_by(spot.name)
        path = prefix + names.composed(told.name) if told else ""
        if told is None or names.trouble(self.name, path):
            return prefix + spot.name, None
        found = record_of(spot.folder, spot.name)
        known = found.digest.startswith(told.ours)
        return path, found if known else Record(told.size, 0, told.digest)


def _leave(_folder: int, _path: str, _name: str) -> None:
    """Leave a temporary file where it is."""


def _spot(way: Way, path: str, shown: str) -> Spot:
    """Find the place of a file in its open folder, under the name that the disk has for it."""
    part = path.rpartition("/")[2]
    return Spot(way.end, names.on_disk(way.end, part) or part, shown)

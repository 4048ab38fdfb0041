"""The adapter to one root's files on a real disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from memory_sync.errors import (
    FileChangedError,
    FileNameError,
    FileSpecialError,
    MarkerForeignError,
    MemorySyncError,
    RootGoneError,
)
from memory_sync.ports import handles, marker, names, replace
from memory_sync.ports.clock import Clock
from memory_sync.ports.files import Glance, Scan
from memory_sync.ports.handles import Spot, Way
from memory_sync.ports.look import Bounds, Look
from memory_sync.ports.marker import Marker
from memory_sync.ports.trash import Trash
from memory_sync.sync.patterns import Patterns

_DAY = 86_400.0
_NEW_FOLDER = 0o777  # less the umask


class DiskTree:
    """A `LocalTree` on a disk.

    Each operation opens the root, checks its marker by that handle and reaches every file from
    there. Without `trash` nothing that is replaced or removed is kept.
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
    ) -> None:
        self.name = name
        self.path = path
        self._bounds = Bounds(name, path, patterns, max_size)
        self._marker = Marker(device=device, root=name, vault=vault_id)
        self._clock = clock
        self._trash = trash
        self._serving = False
        self._lock: int | None = None
        self._leftover_age = _DAY
        self._plain: dict[str, str] = {}

    # --- the marker

    def adopt(self, *, replace: bool = False) -> None:
        """Write the root's marker; one that says the same already stays as it is.

        Raises MarkerForeignError if another's is there, unless it is to be replaced, RootBusyError
        if that other is being served, or RootGoneError.
        """
        with self._folder() as folder, handles.writing(names.shown(self.path)):
            try:
                found = marker.read(folder, self.path)
            except MarkerForeignError:
                if not replace:
                    raise
                marker.write(folder, self._marker, over=True)
                return
            if found is None:
                marker.write(folder, self._marker, over=False)
            elif not found[0].is_of(self._marker):
                if not replace:
                    raise MarkerForeignError(path=names.shown(self.path), found=str(found[0]))
                lock = marker.lock(folder, self.path, self.name)
                try:
                    marker.write(folder, self._marker, over=True)
                finally:
                    os.close(lock)

    def lock(self) -> None:
        """Serve this root, alone; it is held until `unlock` or the end of the process.

        Raises RootBusyError, or what every operation may raise.
        """
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

    def scan(self, known: Mapping[str, Glance]) -> Scan:
        """Look at every file that the patterns match; read only those that `known` cannot tell."""
        with self._opened() as root:
            look = Look(
                bounds=self._bounds,
                known=known,
                now=int(self._clock.now() * 1_000_000_000),
                plain=self._plain,
                leftover=self._leftover,
            )
            try:
                scan = look.scan(root)
            except OSError:
                raise RootGoneError(path=names.shown(self.path), root=self.name) from None
            self._still(root)
        self._leftover_age = _DAY
        return scan

    def read(self, path: str, expect: str) -> bytes:
        """Read a file whose content must have this digest."""
        shown = self._checked(path)
        with self._opened() as root, handles.reading(shown), self._way(root, path) as way:
            spot = _spot(way, path, shown)
            content, _ = handles.read_whole(spot, self._bounds.max_size)
        if handles.digest_of(content) != expect:
            raise FileChangedError(path=shown)
        return content

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
                keep = self._keeper(path)
                replace.put_over(spot, content, mode, expect=expect, limit=limit, keep=keep)

    def remove(self, path: str, expect: str) -> None:
        """Remove a file into the trash, and the folders that are empty then (never the root)."""
        shown = self._checked(path)
        with self._opened() as root, handles.writing(shown):
            try:
                with self._way(root, path) as way:
                    spot, keep = _spot(way, path, shown), self._keeper(path)
                    limit = self._bounds.max_size
                    if replace.take_out(spot, expect=expect, limit=limit, keep=keep):
                        way.prune()
            except (FileNotFoundError, FileExistsError):
                return  # gone already, or only another name of the same letters is there
            except FileSpecialError:
                raise FileChangedError(path=shown) from None

    # --- parts

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
        seen = marker.check(folder, self.path, self._marker)
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

    def _keeper(self, path: str) -> replace.Keep:
        def keep(spot: Spot, digest: str | None) -> None:
            if self._trash is None:
                os.unlink(spot.name, dir_fd=spot.folder)
            else:
                self._trash.take(spot.folder, spot.name, self.name, path, digest)

        return keep

    def _leftover(self, folder: int, path: str, name: str) -> None:
        """Bring what a crash has left to the trash: it can be what a program had just saved."""
        seen = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if self._trash is None or self._clock.now() - seen.st_ctime < self._leftover_age:
            return
        try:
            self._trash.take(folder, name, self.name, f"{path}/{name}" if path else name)
        except (OSError, MemorySyncError):
            return  # it stays where it is until the trash can take it


def _spot(way: Way, path: str, shown: str) -> Spot:
    """Find the place of a file in its open folder, under the name that the disk has for it."""
    part = path.rpartition("/")[2]
    return Spot(way.end, names.on_disk(way.end, part) or part, shown)

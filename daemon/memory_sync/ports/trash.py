"""The device's own trash: what was replaced or removed here, for as long as it is kept.

A file lies in it as `<folder>/<root>/<path>/<YYYYMMDDTHHMMSSZ>-<size>-<mtime>-<digest>`: when it
came, and what it held when its content was last known to live on elsewhere. Where that is no longer
what it holds, a program has written into it (an `Echo`). An older form of the name ends in 8 hex of
the digest; what was written into such a file cannot be told.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from errno import EXDEV
from itertools import count
from pathlib import Path

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.errors import DiskFullError, FileChangedError
from memory_sync.ports import handles, names
from memory_sync.ports.clock import Clock
from memory_sync.ports.displaced import LATELY, Late, Lately, Record, look_again, record_of
from memory_sync.ports.files import Echo
from memory_sync.ports.handles import Spot
from memory_sync.ports.strays import Strays
from memory_sync.ports.switch import rename_new

DAY = 86_400.0
MONTH = 30 * DAY
GIBIBYTE = 1024.0**3
LEAP = 14 * DAY
"""Between two looks at the trash a clock goes no further, or it jumped."""
CLOCK = ".clock"
TIDY_EVERY = 3600.0

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"(?P<stamp>\d{8}T\d{6}Z)-"
    r"(?:(?P<size>\d+)-(?P<mtime>-?\d+)-(?P<digest>[0-9a-f]{64})|[0-9a-f]{8})(-(?P<number>\d+))?\Z"
)


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file in the trash.

    `came` is in seconds since the epoch, `number` tells apart what came in one second; `record` is
    None where the name has the older form; `seen` is what the file system says of it.
    """

    root: str
    path: str
    place: str
    came: float
    number: int
    record: Record | None
    seen: os.stat_result

    @property
    def changed(self) -> bool:
        """Tell whether it may hold something else than what was recorded."""
        return self.record is not None and not self.record.fits(self.seen)


class Trash:
    """One folder (0700) for all roots of a vault.

    `keep` is in seconds, `max_size` in bytes; what is younger than a day is kept whatever it takes.
    """

    def __init__(
        self, folder: Path, clock: Clock, *, keep: float = MONTH, max_size: float = GIBIBYTE
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._keep = keep
        self._max_size = max_size
        self._tidy_due = clock.monotonic()
        self._lately: Lately[tuple[str, str]] = Lately(clock)
        self._heard: dict[str, Late] = {}

    def strays(self, root: str) -> Strays:
        """Return what of a root could not be moved here. No root's name begins with a dot."""
        return Strays(self.folder / ".strays" / root, self._clock)

    def rename(self, old: str, new: str) -> None:
        """Let what is kept of a root be kept under its new name, unless that has something itself.

        What cannot be renamed stays to be found under the old name.
        """
        for top in (self.folder, self.folder / ".strays"):
            with contextlib.suppress(OSError):
                if not (top / new).exists():
                    os.rename(top / old, top / new)

    def take(
        self,
        spot: Spot,
        root: str,
        path: str,
        record: Record | None = None,
        *,
        came: float | None = None,
    ) -> bool:
        """Move a file out of an open folder into the trash, durably.

        On one file system the file itself is moved: what a program that has it open goes on
        writing is in the trash too. Elsewhere it is copied and stays in its place, and False is
        returned. `came` (seconds since the epoch) is when it is said to have come, now if None.
        Raises DiskFullError or another error, with the file in place.
        """
        place = self.folder / root / path
        with handles.writing(names.shown(place)), self._opened(root, path) as target:
            moment = self._clock.now() if came is None else came
            stamp = time.strftime(_STAMP, time.gmtime(moment))
            record = record or record_of(spot.folder, spot.name)
            moved = True
            try:
                new = _move(spot.folder, spot.name, target, _stem(stamp, record))
            except OSError as error:
                if error.errno != EXDEV:
                    raise
                moved = False
                _copy(spot, target, stamp)
            os.fsync(target)
        if moved:
            self._lately.add((root, str(place / new)))
        return moved

    def entries(self, root: str | None = None) -> Iterator[Trashed]:
        """Return what is in the trash, of one root or of all, in no order."""
        for name, path, place in self._places(root):
            if found := _entry(name, path, place):
                yield found

    def _places(self, root: str | None = None) -> Iterator[tuple[str, str, str]]:
        for name in _roots(self.folder) if root is None else (root,):
            for path, place in _walk(str(self.folder / name), ""):
                yield name, path, place

    # --- late writes

    def echoes(self, root: str, *, recent: bool, limit: int) -> Iterator[Echo]:
        """Look for files of a root that were written to since; `limit` is in bytes."""
        for item in self._latest(root) if recent else self.entries(root):
            youngest = max(item.came, item.seen.st_mtime)
            if not recent and 0 <= self._clock.now() - youngest < LATELY:
                self._lately.add((root, item.place))
            if item.record and item.changed and not _nobodys(item):
                with contextlib.suppress(OSError):
                    yield from self._look(item, item.record, limit)

    def _look(self, item: Trashed, record: Record, limit: int) -> Iterator[Echo]:
        found = look_again(None, item.place, record, limit=limit, now=self._clock.now())
        if isinstance(found, Record):
            self._record(item.root, item.place, found)
        if isinstance(found, Late):
            self._lately.add((item.root, item.place))
            self._heard[item.place] = found
            yield Echo(item.path, found.before, found.content, item.place)

    def settle(self, root: str, echo: Echo) -> None:
        """Record an echo's content as living on."""
        heard = self._heard.pop(echo.place, None)
        mtime_ns = heard.mtime_ns if heard and heard.content == echo.content else 0
        record = Record(len(echo.content), mtime_ns, handles.digest_of(echo.content))
        with contextlib.suppress(FileNotFoundError):
            self._record(root, echo.place, record)

    def _record(self, root: str, place: str, record: Record) -> None:
        """Give a trashed file the name that tells what it holds now."""
        above, _, name = place.rpartition("/")
        folder = os.open(above, handles.FOLDER)
        try:
            new = _move(folder, name, folder, _stem(name.partition("-")[0], record))
            os.fsync(folder)
        finally:
            os.close(folder)
        self._lately.drop((root, place))
        self._lately.add((root, f"{above}/{new}"))

    def _latest(self, root: str) -> Iterator[Trashed]:
        for key in self._lately:
            if key[0] == root:
                path = os.path.relpath(os.path.dirname(key[1]), self.folder / root)
                if found := _entry(root, path, key[1]):
                    yield found
                else:
                    self._lately.drop(key)

    # --- bounds

    def tidy(self) -> None:
        """Purge, at most once an hour."""
        now = self._clock.monotonic()
        if now >= self._tidy_due:
            self._tidy_due = now + TIDY_EVERY
            self.purge()

    def purge(self) -> int:
        """Delete what is kept long enough, and the oldest beyond the bound; return how many files.

        What is younger than a day stays, and what holds something that nobody has taken up; and
        everything, for a day, where the clock has jumped.
        """
        now, gone = self._clock.now(), 0
        if not self._steady(now):
            return 0
        found: list[Trashed] = []
        for root, path, place in self._places():
            if names.is_temporary(os.path.basename(place)):
                self._drop_half(place, now)
            elif item := _entry(root, path, place):
                found.append(item)
        found.sort(key=lambda item: (item.came, item.number))
        total = sum(item.seen.st_size for item in found)
        for item in found:
            if item.came >= now - self._keep and total <= self._max_size:
                break
            with contextlib.suppress(OSError):
                if not (_young(item, now) or _untaken(item)):
                    os.unlink(item.place)
                    _prune(os.path.dirname(item.place), str(self.folder))
                    total -= item.seen.st_size
                    gone += 1
        return gone

    def _steady(self, now: float) -> bool:
        """Tell whether the clock can be believed: a wrong one must not empty the trash.

        The last look and the last jump are noted beside the trashed files.
        """
        place, last, jumped = self.folder / CLOCK, now, 0.0
        if not self.folder.exists():
            return True
        with contextlib.suppress(OSError, ValueError):
            last, jumped = map(float, place.read_text("ascii").split())
        if not 0 <= now - last <= LEAP:
            jumped = now
        with contextlib.suppress(OSError, DiskFullError):
            write_durably(place, f"{now} {jumped}\n".encode())
        return not 0 <= now - jumped < DAY

    def _drop_half(self, place: str, now: float) -> None:
        """Delete a copy that a crash has cut short: its original is where it was."""
        with contextlib.suppress(OSError):
            if now - os.stat(place).st_ctime > DAY:
                os.unlink(place)
                _prune(os.path.dirname(place), str(self.folder))

    @contextmanager
    def _opened(self, root: str, path: str) -> Iterator[int]:
        make_private_folder(self.folder)
        top = os.open(self.folder, handles.FOLDER)
        try:
            parts = [root, *path.split("/")]
            with handles.way(top, parts, make=0o700, find=_any_case) as way:
                yield way.end
        finally:
            os.close(top)


def _any_case(folder: int, part: str) -> str | None:
    """Find a part of a path; on a disk that ignores case, names may well share their trash."""
    try:
        os.stat(part, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return part


def _stem(stamp: str, record: Record) -> str:
    return f"{stamp}-{record.size}-{record.mtime_ns}-{record.digest}"


def _move(folder: int, name: str, target: int, stem: str) -> str:
    """Give the file the first name in the trash that is free."""
    for number in count(1):
        new = stem if number == 1 else f"{stem}-{number}"
        with contextlib.suppress(FileExistsError):
            rename_new(folder, name, target, new)
            return new
    raise AssertionError  # pragma: no cover - the numbers do not end


def _copy(spot: Spot, target: int, stamp: str) -> None:
    """Copy a file from another file system."""
    temporary = names.temporary_name()
    try:
        record = _copy_bytes(spot, target, temporary)
        _move(target, temporary, target, _stem(stamp, record))
    except BaseException:
        handles.drop(target, temporary)
        raise


def _copy_bytes(spot: Spot, target: int, name: str) -> Record:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    digest = hashlib.sha256()
    with os.fdopen(os.open(spot.name, handles.FILE, dir_fd=spot.folder), "rb") as reader:
        before = os.fstat(reader.fileno())
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=target), "wb") as writer:
            while chunk := reader.read(1 << 20):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.utime(writer.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
            os.fsync(writer.fileno())
            made = os.fstat(writer.fileno())
        after = os.fstat(reader.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChangedError(path=spot.shown)
    return Record(made.st_size, made.st_mtime_ns, digest.hexdigest())


def _roots(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError:
        return []


def _walk(folder: str, path: str) -> Iterator[tuple[str, str]]:
    """Return path and place of every file below a folder of the trash."""
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{path}/{entry.name}" if path else entry.name)
        elif path:
            yield path, entry.path


def _entry(root: str, path: str, place: str) -> Trashed | None:
    """Read what a name in the trash says; None if it is no trashed file (any more)."""
    match = _NAME.match(os.path.basename(place))
    if match is None:
        return None
    try:
        seen = os.stat(place, follow_symlinks=False)
        came = datetime.fromisoformat(match["stamp"]).timestamp()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(seen.st_mode):
        return None
    record = None
    if match["digest"]:
        record = Record(int(match["size"]), int(match["mtime"]), match["digest"])
    return Trashed(
        root=root,
        path=names.composed(path),
        place=place,
        came=came,
        number=int(match["number"] or 1),
        record=record,
        seen=seen,
    )


def _nobodys(item: Trashed) -> bool:
    """Tell whether no file of a root can be meant: a crash has left it under a temporary name."""
    return names.trouble(item.root, item.path) is not None


def _young(item: Trashed, now: float) -> bool:
    return now - item.came < DAY or 0 <= now - item.seen.st_mtime < DAY


def _untaken(item: Trashed) -> bool:
    """Tell whether a file holds something that was written late and taken up by nobody."""
    if not (item.record and item.changed) or _nobodys(item):
        return False
    folder = os.open(os.path.dirname(item.place), handles.FOLDER)
    try:
        return record_of(folder, os.path.basename(item.place)).digest != item.record.digest
    finally:
        os.close(folder)


def _prune(folder: str, top: str) -> None:
    """Remove the folders that are empty now, up to the trash itself."""
    with contextlib.suppress(OSError):
        while folder != top:
            os.rmdir(folder)
            folder = os.path.dirname(folder)

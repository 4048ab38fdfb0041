"""The device's own trash: what was replaced or removed here, for as long as it is kept.

A file lies in it as `<folder>/<root>/<path>/<YYYYMMDDTHHMMSSZ>-<8 hex of its digest>`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from errno import EXDEV
from itertools import count
from pathlib import Path

from memory_sync.config.durable import make_private_folder
from memory_sync.errors import FileChangedError
from memory_sync.ports import handles, names
from memory_sync.ports.clock import Clock
from memory_sync.ports.switch import rename_new

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}(-\d+)?\Z")


class Trash:
    """One folder (0700) for all roots of a vault."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock

    def take(self, folder: int, name: str, root: str, path: str, digest: str | None = None) -> Path:
        """Move a file out of an open folder into the trash, durably; return where it lies now.

        On one file system the file itself is moved: what a program that has it open goes on
        writing is in the trash too. Raises DiskFullError or another error, with the file in place.
        """
        place = self.folder / root / path
        with handles.writing(names.shown(place)), self._opened(root, path) as target:
            stamp = time.strftime(_STAMP, time.gmtime(self._clock.now()))
            stem = f"{stamp}-{(digest or _digest(folder, name))[:8]}"
            try:
                new = _move(folder, name, target, stem)
            except OSError as error:
                if error.errno != EXDEV:
                    raise
                new = _copy(handles.Spot(folder, name, names.shown(place)), target, stem)
            os.fsync(target)
        return place / new

    def purge(self, older_than_seconds: float) -> int:
        """Delete what came here longer ago than this; return how many files."""
        limit = self._clock.now() - older_than_seconds
        gone = 0
        for folder, folders, files in os.walk(self.folder, topdown=False):
            for name in files:
                if _came(os.path.join(folder, name)) < limit:
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.join(folder, name))
                        gone += 1
            for name in folders:
                with contextlib.suppress(OSError):
                    os.rmdir(os.path.join(folder, name))
        return gone

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


def _move(folder: int, name: str, target: int, stem: str) -> str:
    """Give the file the first name in the trash that is free."""
    for number in count(1):
        new = stem if number == 1 else f"{stem}-{number}"
        with contextlib.suppress(FileExistsError):
            rename_new(folder, name, target, new)
            return new
    raise AssertionError  # pragma: no cover - the numbers do not end


def _copy(spot: handles.Spot, target: int, stem: str) -> str:
    """Copy the file from another file system and remove it there."""
    temporary = names.temporary_name()
    try:
        _copy_bytes(spot, target, temporary)
        new = _move(target, temporary, target, stem)
    except BaseException:
        handles.drop(target, temporary)
        raise
    os.fsync(target)
    os.unlink(spot.name, dir_fd=spot.folder)
    return new


def _copy_bytes(spot: handles.Spot, target: int, name: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(spot.name, handles.FILE, dir_fd=spot.folder), "rb") as reader:
        before = os.fstat(reader.fileno())
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=target), "wb") as writer:
            shutil.copyfileobj(reader, writer)
            writer.flush()
            os.utime(writer.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))
            os.fsync(writer.fileno())
        after = os.fstat(reader.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChangedError(path=spot.shown)


def _digest(folder: int, name: str) -> str:
    handle = os.open(name, handles.FILE, dir_fd=folder)
    with os.fdopen(handle, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _came(place: str) -> float:
    """Return when a file came into the trash; one that is no trashed file stays for ever."""
    name = os.path.basename(place)
    if names.is_temporary(name):
        with contextlib.suppress(OSError):
            return os.stat(place, follow_symlinks=False).st_mtime
    match = _NAME.match(name)
    if not match:
        return float("inf")
    with contextlib.suppress(ValueError):
        return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC).timestamp()
    return float("inf")

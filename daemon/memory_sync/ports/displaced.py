"""What is recorded of a displaced file, and what a program wrote into it since."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from memory_sync.ports import handles
from memory_sync.ports.clock import Clock

FRESH = 2.0
"""Seconds within which a file can change again without a trace in its times (FAT)."""
LATELY = 3600.0
"""Seconds for which a displaced file counts as displaced lately; each late write begins anew."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Record:
    """The content of a displaced file that is known to live on, or that is kept on purpose.

    `size` is in bytes, `digest` the SHA-256 in hex. `mtime_ns` spares reading the file again as
    long as it is the same; 0 spares nothing.
    """

    size: int
    mtime_ns: int
    digest: str

    def fits(self, seen: os.stat_result) -> bool:
        """Tell whether the file is surely still as it was recorded."""
        return (self.size, self.mtime_ns) == (seen.st_size, seen.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Late:
    """A displaced file that does not hold what was recorded of it.

    `before` is the recorded content, None if it can no longer be told; `mtime_ns` belongs to
    `content`, and is 0 if a further write could have left it as it is.
    """

    before: bytes | None
    content: bytes
    mtime_ns: int


def look_again(
    folder: int | None, name: str, record: Record, *, limit: int, now: float
) -> Late | Record | None:
    """Look whether a file was written to since it was recorded.

    Answers with what was written, with a better record if only the times are others, and with None
    if there is nothing to say (yet). A file that has grown beyond `limit` bytes is left alone.
    Raises OSError.
    """
    handle = os.open(name, handles.FILE, dir_fd=folder)
    with os.fdopen(handle, "rb") as stream:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or record.fits(seen) or seen.st_size > limit:
            return None
        # No more than there was: what is written meanwhile shows in the times of the next look.
        content = stream.read(seen.st_size)
    fresh = 0 <= now - seen.st_mtime < FRESH
    mtime_ns = 0 if fresh else seen.st_mtime_ns
    head = content[: record.size]
    if handles.digest_of(head) != record.digest:
        return Late(None, content, mtime_ns)
    if fresh:
        content = _without_half_a_line(content)
    if len(content) > record.size:
        return Late(head, content, mtime_ns)
    return None if fresh else replace(record, mtime_ns=mtime_ns)


def _without_half_a_line(content: bytes) -> bytes:
    """Leave out what may be the beginning of a line: the rest of it may be about to come."""
    return content[: content.rfind(b"\n") + 1]


def record_of(folder: int, name: str) -> Record:
    """Read a file of any size for what is to be recorded of it. Raises OSError."""
    with os.fdopen(os.open(name, handles.FILE, dir_fd=folder), "rb") as stream:
        seen = os.fstat(stream.fileno())
        digest, left = hashlib.sha256(), seen.st_size
        while chunk := stream.read(min(left, 1 << 20)):
            digest.update(chunk)
            left -= len(chunk)
    return Record(seen.st_size, seen.st_mtime_ns, digest.hexdigest())


class Lately(Generic[Key]):
    """What was displaced or written to within the last hour, as this process knows it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Key, float] = {}

    def add(self, key: Key) -> None:
        """Count something as of now."""
        self._until[key] = self._clock.monotonic() + LATELY

    def drop(self, key: Key) -> None:
        """Count something no longer."""
        self._until.pop(key, None)

    def __iter__(self) -> Iterator[Key]:
        now = self._clock.monotonic()
        self._until = {key: until for key, until in self._until.items() if until > now}
        return iter(tuple(self._until))

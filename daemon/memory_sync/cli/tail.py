"""The log as one stream of lines, whatever files it lies in, in little memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from memory_sync.config.logfile import FILES, log_files

BLOCK = 64 * 1024
LONGEST = 1024 * 1024
"""Bytes of a line; what is longer is none of ours, and is passed over."""
TRIES = 10


@dataclass(frozen=True, slots=True)
class _File:
    """An open file of the log; it stays the same when it is put aside."""

    handle: int

    @property
    def stat(self) -> os.stat_result:
        return os.fstat(self.handle)

    @property
    def end(self) -> int:
        """Where its last whole line ends."""
        for start, line in backwards(self.handle, self.stat.st_size):
            return start + len(line) + 1
        return 0

    def close(self) -> None:
        os.close(self.handle)


class Tail:
    """The lines of a log from some place on, and those that are written from now on.

    It holds open the file that it reads, and the newer ones as soon as it sees them: so nothing
    comes twice or is lost when files are put aside meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = _open_all(path)
        """The files from the one that is read on, the oldest first."""
        self._at = 0
        self._rest = b""
        self._skipping = False

    def begin(self, wanted: Callable[[bytes], bool], count: int | None, since: float = 0.0) -> None:
        """Go to where the last `count` wanted lines begin; None is all that there are.

        Files that were last written before `since` (seconds since the epoch) are not read.
        """
        files = [file for file in self._files if file.stat.st_mtime >= since] or self._files[-1:]
        if not files or count is None:
            self._go(files, 0, 0)
            return
        number, at = len(files) - 1, files[-1].end
        places = (
            (number, start)
            for number in reversed(range(len(files)))
            for start, line in backwards(files[number].handle, files[number].stat.st_size)
            if wanted(line)
        )
        for place in islice(places, count):
            number, at = place
        self._go(files, number, at)

    def _go(self, files: list[_File], number: int, at: int) -> None:
        """Read on in one of the files, from a place in it."""
        kept = files[number:]
        for file in self._files:
            if file not in kept:
                file.close()
        self._files, self._at = kept, at

    def lines(self) -> Iterator[bytes]:
        """Return the whole lines that are there and were not returned yet."""
        while True:
            if not self._files:
                self._files = _open_all(self._path)
            if not self._files:
                return
            # Looked at before it is read to its end: what comes later goes to the newer file.
            newer = len(self._files) > 1 or self._find_newer()
            yield from self._read()
            if not newer:
                return
            self._files.pop(0).close()
            self._at, self._rest, self._skipping = 0, b"", False

    def _find_newer(self) -> bool:
        """Open what was written after the file that is read; tell whether there is something."""
        mine = self._files[0].stat
        with suppress(OSError):
            if os.path.samestat(self._path.stat(), mine):
                return False
        found = _open_all(self._path)
        passed = [number for number, file in enumerate(found) if os.path.samestat(file.stat, mine)]
        if not passed:
            # It is no longer there: what was written to after it is newer.
            times = enumerate(file.stat.st_mtime_ns for file in found)
            passed = [number for number, written in times if written < mine.st_mtime_ns]
        first = passed[-1] + 1 if passed else 0
        for file in found[:first]:
            file.close()
        self._files += found[first:]
        return len(self._files) > 1

    def _read(self) -> Iterator[bytes]:
        """Return the whole lines up to the end of the file."""
        while chunk := os.pread(self._files[0].handle, BLOCK, self._at):
            self._at += len(chunk)
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            if whole and self._skipping:
                del whole[0]
                self._skipping = False
            if len(self._rest) > LONGEST:
                self._rest, self._skipping = b"", True
            yield from whole

    def close(self) -> None:
        """Close the files."""
        while self._files:
            self._files.pop().close()


def backwards(handle: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines before `end` and where each begins, the last one first."""
    rest, whole_only = b"", False
    while end > 0:
        start = max(0, end - BLOCK)
        block = os.pread(handle, end - start, start) + rest
        first, *lines = block.split(b"\n")
        at = start + len(block)
        for line in reversed(lines):
            at -= len(line)
            if whole_only:
                yield at, line
            # What stands behind the last end of a line is not whole.
            whole_only = True
            at -= 1
        rest, end = (first, start) if len(first) <= LONGEST else (b"", start)
    if whole_only:
        yield 0, rest


def _open_all(path: Path) -> list[_File]:
    """Open all files of a log, the oldest first.

    They are looked for from the newest to the oldest, so that one that is put aside meanwhile is
    met twice and not missed; and again, if the newest is another one afterwards.
    """
    for left in reversed(range(TRIES)):
        files: list[_File] = []
        for place in log_files(path, FILES):
            with suppress(OSError):
                file = _File(os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
                if any(os.path.samestat(file.stat, known.stat) for known in files):
                    file.close()
                else:
                    files.append(file)
        with suppress(OSError):
            if left == 0 or not files or os.path.samestat(path.stat(), files[0].stat):
                break
        if left:
            for file in files:
                file.close()
    return files[::-1]

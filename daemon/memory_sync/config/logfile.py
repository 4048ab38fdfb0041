"""The file of the log: private, of a bounded size, and never in the way of who writes to it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

from memory_sync.config.durable import make_private_folder

FILES = 5
"""How many files the log has, with those that were put aside."""


def log_files(path: Path, count: int) -> tuple[Path, ...]:
    """Return the places of a log and of the files that were put aside, the newest first."""
    return path, *(path.with_name(f"{path.name}.{number}") for number in range(1, count))


class LogFile:
    """Lines that are appended to a file, which is put aside when it is full.

    Each line is one write, so that several processes do not mix theirs. `logging` has a handler
    that rotates too; it keeps a line in memory that a full disk refused, and goes on writing into
    a file that was removed or that another process has put aside.
    """

    def __init__(self, path: Path, size: int, count: int) -> None:
        """Open `count` files of at most `size` bytes; the next line tries again what fails."""
        self._places = log_files(path, count)
        self._size = size
        self._lock = threading.Lock()
        self._handle = -1
        self._cut = False
        with suppress(OSError):
            self._open()

    def write(self, line: str) -> None:
        """Write a line; one that the disk refuses is given up: there is nowhere to tell of it."""
        content = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock, suppress(OSError):
            self._append(content)

    def _append(self, content: bytes) -> None:
        try:
            here, mine = os.stat(self._places[0]), os.fstat(self._handle)
        except OSError:
            # Removed, or never opened again after that.
            self._open()
        else:
            if not os.path.samestat(here, mine):
                self._open()
        used = os.fstat(self._handle).st_size
        if used and used + self._cut + len(content) > self._size:
            self._put_aside()
        if self._cut:
            content = b"\n" + content
        written = os.write(self._handle, content)
        self._cut = written < len(content)

    def _open(self) -> None:
        """Open the file, which may end in a line that was cut short."""
        make_private_folder(self._places[0].parent)
        # Where somebody put a pipe nobody waits for its reader.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(self._places[0], flags, 0o600)
        self.close()
        self._handle = handle
        os.fchmod(handle, 0o600)
        size = os.fstat(handle).st_size
        self._cut = size > 0 and os.pread(handle, 1, size - 1) != b"\n"

    def _put_aside(self) -> None:
        """Move every file on by one; the first, if it cannot be moved, begins anew as it is."""
        for older, newer in zip(self._places[:0:-1], self._places[-2::-1], strict=True):
            with suppress(OSError):
                os.replace(newer, older)
        full = os.fstat(self._handle)
        self._open()
        if os.path.samestat(full, os.fstat(self._handle)):
            os.ftruncate(self._handle, 0)
            self._cut = False

    def close(self) -> None:
        """Close the file."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            with suppress(OSError):
                os.close(handle)

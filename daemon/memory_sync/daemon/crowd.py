"""How many may talk on the control socket at once, and who gives way."""

from __future__ import annotations

import threading
import time

from memory_sync.daemon.lines import Lines

CONNECTIONS = 16
"""How many may talk at once."""
WAITING = 64
"""How many may wait for work at once, apart from those who talk."""
SILENT_SECONDS = 0.25
"""Seconds after which one that says nothing gives way if all places are taken."""


class Crowd:
    """Who talks, since when without a request, and who waits for work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._talking: dict[Lines, float] = {}
        self._waiting: set[Lines] = set()

    def enter(self, lines: Lines) -> bool:
        """Take a place, that of the one that has been silent longest if all are taken.

        False if all have said something just now.
        """
        with self._lock:
            if len(self._talking) >= CONNECTIONS:
                silent = min(self._talking, key=self._talking.__getitem__)
                if time.monotonic() - self._talking[silent] < SILENT_SECONDS:
                    return False
                del self._talking[silent]
                silent.hang_up()
            self._talking[lines] = time.monotonic()
            return True

    def heard(self, lines: Lines) -> None:
        """Note that somebody has made a request, or has taken in an answer."""
        with self._lock:
            if lines in self._talking:
                self._talking[lines] = time.monotonic()

    def wait(self, lines: Lines) -> bool:
        """Let somebody wait, and free the place where they talked; False if too many wait."""
        with self._lock:
            if len(self._waiting) >= WAITING:
                return False
            self._talking.pop(lines, None)
            self._waiting.add(lines)
            return True

    def come_back(self, lines: Lines) -> None:
        """Let somebody who waited talk again; they are one too many for a moment, perhaps."""
        with self._lock:
            self._waiting.discard(lines)
            self._talking[lines] = time.monotonic()

    def leave(self, lines: Lines) -> None:
        """Give a place back."""
        with self._lock:
            self._waiting.discard(lines)
            self._talking.pop(lines, None)

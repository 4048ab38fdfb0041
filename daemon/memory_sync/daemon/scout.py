"""The scout: looks every few seconds for projects that came, changed or went.

It has a thread of its own, so that a disk that hangs stops it alone. What it finds it writes down;
the main thread takes that up as it does a changed configuration.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from memory_sync.daemon.worker import Log
from memory_sync.errors import MemorySyncError

PAUSE = 3.0
"""Seconds between two looks."""


class Scout(threading.Thread):
    """Calls `look`, which tells the log what it did, until it is closed."""

    def __init__(self, look: Callable[[Log], object], log: Log, pause: float = PAUSE) -> None:
        super().__init__(name="scout", daemon=True)
        self._look = look
        self._log = log
        self._pause = pause
        self._ended = threading.Event()
        self._told = ""

    def run(self) -> None:
        """Look, and look again; what stands in the way is said once."""
        while not self._ended.is_set():
            try:
                self._look(self._log)
                self._told = ""
            except Exception as error:  # noqa: BLE001 - nobody would notice that it has ended
                self._fail(error)
            self._ended.wait(self._pause)

    def close(self) -> None:
        """Look no more; a look that goes on is not waited for."""
        self._ended.set()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, MemorySyncError):
            code, message = error.code, error.message
        else:
            # What the exception says may hold a path.
            code, message = "fault", type(error).__name__
        if message != self._told:
            self._told = message
            self._log.warning("projects.unseen", code=code, message=message)

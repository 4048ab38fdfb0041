"""Hints from macOS's FSEvents, through watchdog's stream: one for a root, whatever is below it."""

from __future__ import annotations

import errno
import os
import unicodedata

from watchdog.observers.api import EventQueue, ObservedWatch
from watchdog.observers.fsevents import FSEventsEmitter

from memory_sync.daemon.mailbox import Changed, Loss, Lost
from memory_sync.daemon.watch import Put, Watched

DROPPED = 0x1 | 0x2 | 0x4
"""Must scan the folders below; dropped by the reader; dropped by the kernel."""
ROOT_CHANGED = 0x20
MOUNTS = 0x40 | 0x80
IS_DIR = 0x20000


class FSEvents(FSEventsEmitter):
    """Listens to a root; its thread gets raw events, and makes hints of them.

    Watchdog's own way of reading them passes over the flags that say that some were dropped.
    """

    def __init__(self, watched: Watched, top: str, put: Put) -> None:
        place = unicodedata.normalize("NFC", top)
        super().__init__(EventQueue(), ObservedWatch(place, recursive=True))
        self._watched = watched
        self._top = place
        self._put = put
        self._told = False
        try:
            self.start()
        except (RuntimeError, SystemError) as error:
            # It gives no number: whatever keeps it from listening, the root is polled.
            raise OSError(errno.EAGAIN, str(error)) from error

    def well(self) -> bool:
        """Tell whether the thread runs."""
        return self.is_alive()

    def close(self) -> None:
        """Stop the stream and its thread."""
        self._told = True
        self.stop()
        self.join(timeout=5)

    def events_callback(
        self, paths: list[bytes], inodes: list[int], flags: list[int], ids: list[int]
    ) -> None:
        """Take what came in one go."""
        del inodes, ids
        if any(what & ROOT_CHANGED for what in flags):
            self._lose(Loss.DEAD)
        elif any(what & DROPPED for what in flags):
            self._lose(Loss.OVERFLOW)
        elif any(map(self._concerns, paths, flags)):
            self._put(Changed(self._watched.root))

    def _concerns(self, path: bytes | str, what: int) -> bool:
        place = unicodedata.normalize("NFC", os.fsdecode(path))
        if what & MOUNTS or not place.startswith(f"{self._top}/"):
            # The root itself, or written in another way (upper and lower case): better look.
            return True
        return self._watched.concerns(place[len(self._top) + 1 :], folder=bool(what & IS_DIR))

    def _lose(self, reason: Loss) -> None:
        if not self._told:
            self._told = True
            self._put(Lost(self._watched.root, reason))

"""For how long vaults had no success, kept over the end of the daemon.

Without it a daemon that is started again each half hour would never come to miss an hour.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from memory_sync.config.durable import write_durably
from memory_sync.config.small import read_small
from memory_sync.errors import MemorySyncError

EVERY = 300.0
"""Seconds without success that are worth a note, and between two notes."""


class Silence:
    """The notes of one home."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.found = _read(path)
        self._noted = dict(self.found)

    def note(self, quiet: Mapping[str, float]) -> None:
        """Keep how long each vault is quiet, seldom; nothing is kept of those that are well."""
        long = {name: seconds for name, seconds in quiet.items() if seconds >= EVERY}
        same = long.keys() == self._noted.keys()
        if same and all(long[name] < self._noted[name] + EVERY for name in long):
            return
        self._noted = long
        with suppress(OSError, MemorySyncError):
            write_durably(self._path, json.dumps(long).encode())


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(read_small(path))
        items = {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return {name: seconds for name, seconds in items.items() if 0 <= seconds < math.inf}

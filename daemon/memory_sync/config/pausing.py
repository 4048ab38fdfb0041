"""The pause: a file in the state folder, so that it survives the daemon and the machine.

The command writes it, the daemon looks at it. Imports nothing heavy.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.config.small import read_small

YEAR_9999 = 253_370_764_800
"""When that year begins, in seconds since the epoch: no calendar goes on much longer."""


class Pause(NamedTuple):
    """A pause; `until` is in seconds since the epoch, None until somebody resumes."""

    until: float | None = None

    def over(self, now: float) -> bool:
        """Tell whether its time is up."""
        return self.until is not None and now >= self.until


def read_pause(path: Path) -> Pause | None:
    """Read the pause that holds; a file that says nothing sensible pauses nothing."""
    try:
        until = json.loads(read_small(path))["until"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if until is None:
        return Pause()
    if isinstance(until, bool) or not isinstance(until, int | float):
        return None
    # Compared before it is converted: an integer may be larger than any float.
    return Pause(float(until)) if 0 <= until < YEAR_9999 else None


def write_pause(path: Path, pause: Pause) -> None:
    """Pause from now on. Raises OSError, or DiskFullError."""
    make_private_folder(path.parent)
    write_durably(path, json.dumps({"until": pause.until}).encode())


def end_pause(path: Path) -> bool:
    """End the pause; tell whether there was one. Raises OSError."""
    with suppress(FileNotFoundError):
        path.unlink()
        return True
    return False

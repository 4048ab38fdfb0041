"""What the program's own folders take on the disk. Imports nothing heavy."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from memory_sync.config.directories import Directories

LONGEST = 0.15
"""Seconds that counting may take."""


class Usage(NamedTuple):
    """Bytes by what they are for; not `whole` if there was no time to count all."""

    state: int
    trash: int
    logs: int
    whole: bool = True

    def data(self) -> dict[str, int]:
        """Return the figures by name."""
        return {"state": self.state, "trash": self.trash, "logs": self.logs}


def usage(places: Directories) -> Usage:
    """Count what state, trash and logs take, for as long as nobody minds."""
    deadline = time.monotonic() + LONGEST
    # A home of one's own has the logs beside the state, never in it; the trash lies in the state.
    sizes = [_size(places.logs, None, deadline), _size(places.trash, None, deadline)]
    sizes.append(_size(places.state, places.trash, deadline))
    logs, trash, state = sizes
    return Usage(state, trash, logs, time.monotonic() < deadline)


def _size(folder: Path, without: Path | None, deadline: float) -> int:
    """Add up what the files below a folder take, until the deadline."""
    total, left, seen = 0, [str(folder)], set[tuple[int, int]]()
    while left and time.monotonic() < deadline:
        try:
            with os.scandir(left.pop()) as entries:
                for number, entry in enumerate(entries):
                    if number % 256 == 255 and time.monotonic() >= deadline:
                        break
                    if without and entry.path == str(without):
                        continue
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    elif (status.st_dev, status.st_ino) not in seen:
                        seen.add((status.st_dev, status.st_ino))
                        # 512 bytes whatever the file system's blocks are: stat(2).
                        total += status.st_blocks * 512
        except OSError:
            # Gone meanwhile, or not ours to see.
            continue
    return total

"""The files that the daemon itself uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Where they lie."""

    config: Path
    socket: Path
    lock: Path
    pause: Path
    notices: Path
    silence: Path
    projects: Path | None = None

    def orders(self) -> object:
        """Return what changes when the configuration does, or the projects that were found."""
        return stamp(self.config), stamp(self.projects) if self.projects else None


def stamp(path: Path) -> object:
    """Return what changes when a file does; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino

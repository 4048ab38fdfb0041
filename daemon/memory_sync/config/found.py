"""What was found in the folders of projects: a file in the state folder.

Whoever looks (the daemon, or a command without one) writes it. Imports nothing heavy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.config.small import read_small

LIMIT = 16 * 1024**2
"""Bytes that the file has at most."""
MEMORY = "memory"
"""The folder of a project's memory, in the folder that the agent keeps of the project."""
FINE = ("", "empty", "soon", "not-open", "left-out")
"""Reasons that nobody has to do anything about."""


class Project(NamedTuple):
    """A project's folder: `top` of which vault, and `folder` in it, as the agent has named it.

    `name` is its root's, "" if it is not known; `path` is the project's own, `origin` its
    repository's; `reason` says why it is not mapped, "" if it is.
    """

    vault: str
    top: str
    folder: str
    name: str = ""
    path: str = ""
    origin: str = ""
    reason: str = ""
    detail: str = ""

    @property
    def memory(self) -> Path:
        """Where its memory lies."""
        return Path(self.top, self.folder, MEMORY)


def read_projects(path: Path) -> tuple[Project, ...]:
    """Read what was found last; a file that says nothing sensible tells of nothing."""
    try:
        rows = json.loads(read_small(path, LIMIT))["projects"]
        found = [Project(**{key: str(row[key]) for key in Project._fields}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(found)


def write_projects(path: Path, found: Iterable[Project]) -> None:
    """Write down what was found. Raises OSError, or DiskFullError."""
    make_private_folder(path.parent)
    rows = [project._asdict() for project in found]
    write_durably(path, json.dumps({"projects": rows}, indent=1).encode() + b"\n")

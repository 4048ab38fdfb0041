"""What is known of a server from one start to the next: what it lacks, and a repository's new name.

It only spares requests: where it cannot be read or written, all is found out again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from memory_sync.config.durable import write_durably
from memory_sync.errors import DiskFullError
from memory_sync.ports.clock import Clock

ANEW = 86_400.0
"""Seconds after which a server is asked again for what it lacked: it may have been upgraded."""


class Memory:
    """A small file of notes; without a path they last as long as the object.

    What was noted of another `server` (its URL) is not believed of this one.
    """

    def __init__(self, clock: Clock, path: Path | None = None, server: str = "") -> None:
        self._clock = clock
        self._path = path
        notes = _read(path) if path else {}
        self._notes = notes if notes.get("server") == server else {"server": server}

    @property
    def no_graphql(self) -> bool:
        """Tell whether the server had no GraphQL when it was last tried, not long ago."""
        seen = self._notes.get("no_graphql")
        return isinstance(seen, int | float) and 0 <= self._clock.now() - seen < ANEW

    def note_graphql(self, *, there: bool) -> None:
        """Remember whether there is GraphQL."""
        if there == self.no_graphql or (there and "no_graphql" in self._notes):
            self._put("no_graphql", None if there else self._clock.now())

    def renamed(self, name: str) -> str | None:
        """Return what `OWNER/REPO` was last seen to be called, if that is another name."""
        known = self._notes.get("renamed")
        new = known.get(name) if isinstance(known, dict) else None
        return new if isinstance(new, str) else None

    def note_renamed(self, name: str, new: str | None) -> None:
        """Remember what a repository is called now, or forget it."""
        if new != self.renamed(name):
            self._put("renamed", {name: new} if new else None)

    def _put(self, key: str, value: Any) -> None:
        self._notes[key] = value
        if value is None:
            del self._notes[key]
        if self._path:
            with suppress(OSError, DiskFullError):
                write_durably(self._path, json.dumps(self._notes).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

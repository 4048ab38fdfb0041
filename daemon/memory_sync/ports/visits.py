"""When requests to join were first seen here: the clock of a repository is not believed."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.config.small import read_small
from memory_sync.ports.clock import Clock

KEPT = 200
"""So many requests are remembered, those that were seen last."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request: when it was first seen (seconds since the epoch), and whether it is used up."""

    first: float
    spent: bool = False


class Visits:
    """A small file in a vault's state folder. If it is lost, all requests are new."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / "pairing.json"
        self._clock = clock

    def note(self, requests: Collection[str]) -> dict[str, Visit]:
        """Remember requests that are new here, and tell of all that are asked for."""
        known = self._load()
        fresh = {name: Visit(self._clock.now()) for name in requests if name not in known}
        if fresh:
            self._save(known | fresh)
        return {name: (known | fresh)[name] for name in requests}

    def spend(self, requests: Collection[str]) -> None:
        """Remember, durably, that requests are used up from now on."""
        now = Visit(self._clock.now(), spent=True)
        self._save(self._load() | dict.fromkeys(requests, now))

    def age(self, visit: Visit) -> float:
        """Return for how many seconds a visit has lasted; below 0 if a clock was turned back."""
        return self._clock.now() - visit.first

    def _load(self) -> dict[str, Visit]:
        with suppress(OSError, ValueError, TypeError, RecursionError, AttributeError):
            data: dict[str, Any] = json.loads(read_small(self._path))
            return {name: Visit(float(first), bool(spent)) for name, (first, spent) in data.items()}
        return {}

    def _save(self, visits: dict[str, Visit]) -> None:
        make_private_folder(self._path.parent)
        newest = sorted(visits.items(), key=lambda item: item[1].first)[-KEPT:]
        data = {name: [visit.first, visit.spent] for name, visit in newest}
        write_durably(self._path, json.dumps(data).encode())

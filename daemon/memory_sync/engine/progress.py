"""How far a transfer is, and an honest guess at how long the rest takes."""

from __future__ import annotations

import math

from memory_sync.engine.kit import Kit
from memory_sync.model import Step


class Progress:
    """Tells how far one transfer of `total` files is; `way` is up or down."""

    def __init__(self, kit: Kit, way: str, total: int) -> None:
        self._kit = kit
        self._way = way
        self._total = total
        self._done = 0
        self._commits = 0
        self._began = kit.clock.monotonic()

    @property
    def left(self) -> int:
        """Files that are still to come."""
        return self._total - self._done

    def start(self) -> None:
        """Tell that it begins; nothing is known yet of how long it takes."""
        self._kit.report(Step(self._way, 0, self._total))

    def moved_on(self, files: int, commits: int = 0) -> None:
        """Tell that so many more files are through, with so many commits."""
        self._done += files
        self._commits += commits
        self._kit.report(Step(self._way, self._done, self._total, self._rest()))

    def _rest(self) -> float:
        """Guess the seconds for what is left: it goes on as before, or as slowly as it must."""
        share = self.left / self._done if self._done else 0.0
        as_before = (self._kit.clock.monotonic() - self._began) * share
        commits = math.ceil(self._commits * share)
        return max(as_before, self._kit.remote.rest(commits) if commits else 0.0)

"""What has still to travel, and which way."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from memory_sync.model import Kind, Plan

UP = (Kind.UPLOAD, Kind.DELETE_REMOTE, Kind.OVERRULE)
DOWN = (Kind.DOWNLOAD, Kind.DELETE_LOCAL, Kind.MERGE_DOWN)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Paths of the vault; a merge waits to come down, and then to go up."""

    up: frozenset[str] = frozenset()
    down: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plan: Plan, uploads: Iterable[str] = ()) -> Self:
        """Return what a plan is about; `uploads` came up while it was carried out."""
        merges = {action.path for action in plan.of(Kind.MERGE)}
        up = {action.path for action in plan.of(*UP)} | set(uploads)
        down = {action.path for action in plan.of(*DOWN)}
        return cls(frozenset(up | merges), frozenset(down | merges))

    def less(self, *, up: Collection[str], down: Collection[str]) -> Self:
        """Return what is left when this much has travelled."""
        return type(self)(self.up.difference(up), self.down.difference(down))

    @property
    def all(self) -> frozenset[str]:
        """All paths that wait."""
        return self.up | self.down

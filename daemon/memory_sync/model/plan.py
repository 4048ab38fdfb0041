"""What the planner answers with."""

from __future__ import annotations

from dataclasses import dataclass

from memory_sync.model.kind import Kind


@dataclass(frozen=True, slots=True)
class Action:
    """One deed, with the digests that it was planned with; None where the file is not."""

    path: str
    kind: Kind
    local: str | None = None
    remote: str | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The actions, at most one for each path, in the order of the paths."""

    actions: tuple[Action, ...] = ()

    def of(self, *kinds: Kind) -> tuple[Action, ...]:
        """Return the actions of these kinds."""
        return tuple(action for action in self.actions if action.kind in kinds)

    def __bool__(self) -> bool:
        return bool(self.actions)

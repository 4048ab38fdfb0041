"""What a cycle has done, and what it could not do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Phase(StrEnum):
    """How far a vault is, as `status` shows it."""

    IDLE = "idle"
    SYNCING = "syncing"
    PAUSED = "paused"
    OFFLINE = "offline"
    STOPPED = "stopped"
    ATTENTION = "needs-attention"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Would:
    """What a halt keeps from happening.

    `counts` is how many files it is about by what would become of them (the words of `Kind`, or
    added, changed and removed where a vault halts), `paths` the first of them. `plan` is its id
    where `confirm` ends the halt, and empty where it does not.
    """

    counts: Mapping[str, int]
    paths: tuple[str, ...]
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a person should know: an error's code, message and hint as data."""

    code: str
    message: str
    hint: str
    status: int = 1
    path: str = ""
    root: str = ""
    would: Would | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one cycle.

    `up` and `down` name the paths that travelled (deletes included), `sent` and `received` are in
    bytes of ciphertext, `pending` counts the paths that have still to travel, up or down or (a
    merge) both, `again` says that something changed meanwhile and a further look is due.
    `resume` is after how many seconds the remote takes the rest; 0 if there is none, or it failed.
    """

    head: str = ""
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    new_conflicts: tuple[str, ...] = ()
    conflicts: int = 0
    pending: int = 0
    pending_up: int = 0
    pending_down: int = 0
    sent: int = 0
    received: int = 0
    problems: tuple[Problem, ...] = field(default=())
    halts: tuple[Problem, ...] = field(default=())
    again: bool = False
    resume: float = 0.0

    def after(self, earlier: Outcome) -> Outcome:
        """Return this outcome with what had travelled before it in the same cycle."""

        def both(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(sorted({*first, *second}))

        return replace(
            self,
            up=both(earlier.up, self.up),
            down=both(earlier.down, self.down),
            merged=both(earlier.merged, self.merged),
            new_conflicts=both(earlier.new_conflicts, self.new_conflicts),
            sent=earlier.sent + self.sent,
            received=earlier.received + self.received,
        )

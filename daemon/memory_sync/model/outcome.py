"""What a cycle has done, and what it could not do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from memory_sync.model.shown import Problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one cycle.

    `up` and `down` name the paths that travelled (deletes included), `sent` and `received` are in
    bytes of ciphertext, `pending` counts the paths that have still to travel, up or down or (a
    merge) both, `again` says that something changed meanwhile and a further look is due.
    `warnings` are to be seen and make no state worse.
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
    warnings: tuple[Problem, ...] = field(default=())
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

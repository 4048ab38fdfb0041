"""What the daemon says of each vault, as `status` shows it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from memory_sync.engine.local import problem
from memory_sync.errors import HaltError, MemorySyncError, OfflineError
from memory_sync.model import About, Outcome, Phase, Problem, Step

if TYPE_CHECKING:
    # `status` without a daemon needs the reports and none of what makes them.
    from memory_sync.engine.planning import Planned
    from memory_sync.engine.rekey import Survey


@dataclass(frozen=True, slots=True)
class VaultReport:
    """One vault at one moment. Times are in seconds since the epoch, 0 where there is none yet."""

    name: str
    remote: str
    roots: tuple[tuple[str, str], ...] = ()
    state: Phase = Phase.SYNCING
    problems: tuple[Problem, ...] = ()
    head: str = ""
    last_success: float = 0.0
    pending: int = 0
    pending_up: int = 0
    pending_down: int = 0
    conflicts: int = 0
    next_poll: float = 0.0
    about: About = field(default_factory=About)
    warnings: tuple[Problem, ...] = ()
    step: Step | None = None

    def paused(self, until: float) -> VaultReport:
        """Return the same while nothing is done by itself; a halt is worse, and stays."""
        state = self.state if self.state is Phase.HALTED else Phase.PAUSED
        return replace(self, state=state, next_poll=until)

    def data(self) -> dict[str, Any]:
        """Return the row of `status --json`; `reason` and `root` are the first of each."""
        reason = self.problems[0] if self.problems else None
        return {
            "name": self.name,
            "root": self.roots[0][1] if self.roots else "",
            "roots": [{"name": name, "path": path} for name, path in self.roots],
            "remote": self.remote,
            "state": self.state.value,
            "reason": reason.data() if reason else None,
            "problems": [problem.data() for problem in self.problems],
            "head": self.head,
            "last_success": self.last_success,
            "pending": self.pending,
            "pending_up": self.pending_up,
            "pending_down": self.pending_down,
            "conflicts": self.conflicts,
            "next_poll": self.next_poll,
            "about": asdict(self.about),
            "warnings": [warning.data() for warning in self.warnings],
            "progress": self.step.data() if self.step else None,
        }


def phase_of_outcome(outcome: Outcome) -> Phase:
    """Tell the state of a vault after a cycle."""
    if outcome.halts:
        return Phase.HALTED
    if outcome.problems or outcome.conflicts:
        return Phase.ATTENTION
    return Phase.SYNCING if outcome.again or outcome.resume else Phase.IDLE


def phase_of_error(error: MemorySyncError) -> Phase:
    """Tell the state of a vault after a cycle that failed."""
    if isinstance(error, HaltError):
        return Phase.HALTED
    return Phase.OFFLINE if isinstance(error, OfflineError) else Phase.ATTENTION


def preview_data(planned: Planned) -> dict[str, Any]:
    """Return the data of a dry run for one vault."""
    halts = [problem(error, root=root) for root, error in sorted(planned.halts.items())]
    return {
        "plan": [asdict(action) for action in planned.plan.actions],
        "halts": [halt.data() for halt in halts],
    }


def survey_data(survey: Survey) -> dict[str, Any]:
    """Return the data of a dry run of encrypting one vault anew."""
    return asdict(survey)


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """Return the data of `push`, `pull` and `now` for one vault."""
    told = {
        "problems": outcome.problems,
        "halts": outcome.halts,
        "warnings": outcome.warnings,
    }
    return {
        **asdict(outcome),
        **{key: [one.data() for one in found] for key, found in told.items()},
    }

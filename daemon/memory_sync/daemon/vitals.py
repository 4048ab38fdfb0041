"""Whether all workers move, and how long ago each had success, in seconds of being awake."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from memory_sync.daemon.report import VaultReport
from memory_sync.engine.local import problem
from memory_sync.errors import NoSuccessError, VaultStuckError
from memory_sync.model import Phase, Problem

LONGEST_TICK = 5.0
"""A longer time between two looks is not counted: the machine slept, or the process was stopped."""
HOUR = 3600.0
HOPELESS = 1800.0
"""Seconds without a sign of life of any worker after which only a new process can help."""


@dataclass(frozen=True, slots=True)
class Vault:
    """One vault at one look: its worker's count of beats, and its report.

    `patience` is for how many seconds the worker may take for one step.
    """

    beats: int
    report: VaultReport
    patience: float


@dataclass
class _Course:
    """What was seen of a vault last: of its worker, of its successes, of a transfer."""

    beat_at: float
    success_at: float
    beats: int = -1
    success: float = 0.0
    left: float = math.inf


class Vitals:
    """Looks at the workers once in a while. Not for use by several threads at once."""

    def __init__(self, now: float, quiet: Mapping[str, float] | None = None) -> None:
        """Begin at `now`; `quiet` is for how long vaults had no success before."""
        self._quiet = dict(quiet or {})
        self._last = now
        self._awake = 0.0
        self._courses: dict[str, _Course] = {}
        self.slept = 0.0
        """Seconds that the machine slept before the last look; 0 if it was awake."""

    def look(self, now: float, vaults: Mapping[str, Vault]) -> None:
        """Take in how things are, at a moment of a clock that runs on while the machine sleeps."""
        passed = now - self._last
        self._last = now
        self.slept = passed if passed > LONGEST_TICK else 0.0
        self._awake += min(passed, LONGEST_TICK)
        for name in self._courses.keys() - vaults.keys():
            del self._courses[name]
        for name, vault in vaults.items():
            if name not in self._courses:
                before = self._awake - self._quiet.pop(name, 0.0)
                success = vault.report.last_success
                self._courses[name] = _Course(self._awake, before, success=success)
            course = self._courses[name]
            if vault.beats != course.beats:
                course.beats, course.beat_at = vault.beats, self._awake
            if self._moves(course, vault.report):
                course.success_at = self._awake

    def skip(self, now: float) -> None:
        """Pass over the time since the last look: whoever looks was busy, and no machine slept."""
        self._awake += now - self._last
        self._last = now

    def _moves(self, course: _Course, report: VaultReport) -> bool:
        """Tell whether a vault has had success, or gets on, or is to do nothing.

        A transfer that gets on is success enough: a first upload may take hours. One that begins
        anew each time does not get on.
        """
        if report.state is Phase.PAUSED:
            return True
        if report.last_success and report.last_success != course.success:
            course.success, course.left = report.last_success, math.inf
            return True
        step = report.step
        if step and step.total and step.total - step.done < course.left:
            fresh, course.left = course.left == math.inf, step.total - step.done
            return not fresh
        return False

    def still(self, name: str) -> float:
        """Return for how many seconds a worker has given no sign of life."""
        course = self._courses.get(name)
        return self._awake - course.beat_at if course else 0.0

    def quiet(self, name: str) -> float:
        """Return for how many seconds a vault has had no success."""
        course = self._courses.get(name)
        return self._awake - course.success_at if course else 0.0

    def hopeless(self) -> bool:
        """Tell whether every worker has been stuck for so long that none will come back."""
        return bool(self._courses) and all(self.still(name) > HOPELESS for name in self._courses)

    def marks(self, name: str, vault: Vault) -> tuple[Problem, ...]:
        """Return what is to be said of a vault that its worker cannot say itself."""
        still, quiet = self.still(name), self.quiet(name)
        stuck = VaultStuckError(vault=name, minutes=int(still // 60))
        silent = NoSuccessError(vault=name, hours=int(quiet // HOUR))
        holds = {stuck: still > vault.patience, silent: quiet >= HOUR}
        return tuple(problem(error) for error, true in holds.items() if true)


def marked(report: VaultReport, marks: tuple[Problem, ...]) -> VaultReport:
    """Return a report with what its worker cannot say itself; a halt is worse, and stays first."""
    if not marks:
        return report
    state, problems = report.state, (*report.problems, *marks)
    stuck = any(mark.code == VaultStuckError.code for mark in marks)
    if stuck and state is not Phase.HALTED:
        problems = (*marks, *report.problems)
        state = Phase.ATTENTION
    if state in {Phase.IDLE, Phase.SYNCING}:
        state = Phase.ATTENTION
    return replace(report, state=state, problems=problems)

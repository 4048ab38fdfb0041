"""Whether all workers move, and how long ago each had success, in seconds of being awake."""

from __future__ import annotations

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
    beats: int = -1
    beat_at: float = 0.0
    sign: object = None
    success_at: float = 0.0


class Vitals:
    """Looks at the workers once in a while. Not for use by several threads at once."""

    def __init__(self, now: float) -> None:
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
            course = self._courses.setdefault(name, _Course(-1, self._awake, None, self._awake))
            if vault.beats != course.beats:
                course.beats, course.beat_at = vault.beats, self._awake
            # A transfer that moves on is success enough: a first upload may take hours.
            sign = vault.report.last_success, vault.report.step
            if sign != course.sign or vault.report.state is Phase.PAUSED:
                course.sign, course.success_at = sign, self._awake

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
        if still > vault.patience:
            return (problem(VaultStuckError(vault=name, minutes=int(still // 60))),)
        if quiet >= HOUR:
            return (problem(NoSuccessError(vault=name, hours=int(quiet // HOUR))),)
        return ()


def marked(report: VaultReport, marks: tuple[Problem, ...]) -> VaultReport:
    """Return a report with what its worker cannot say itself; a halt is worse, and stays first."""
    if not marks:
        return report
    state, problems = report.state, (*report.problems, *marks)
    stuck = any(mark.code == VaultStuckError.code for mark in marks)
    if stuck and state is not Phase.HALTED:
        problems = (*marks, *report.problems)
    if (stuck and state is not Phase.HALTED) or state in {Phase.IDLE, Phase.SYNCING}:
        state = Phase.ATTENTION
    return replace(report, state=state, problems=problems)

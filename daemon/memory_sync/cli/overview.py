"""What `status` says to people: a line, a table, what else there is. Imports nothing heavy."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from memory_sync.cli.conflicts import conflicts_problem
from memory_sync.cli.halts import stopped_text
from memory_sync.cli.result import Line, as_problem, problem_of
from memory_sync.cli.standing import Standing, never_exported, worst_state
from memory_sync.cli.ways import way
from memory_sync.cli.words import age, columns, duration, export_command, far, many, moment, size
from memory_sync.config.directories import Directories
from memory_sync.config.found import FINE, read_projects
from memory_sync.config.pausing import Pause
from memory_sync.config.usage import Usage
from memory_sync.errors import NotConfiguredError
from memory_sync.model import Phase, Problem, Step

STYLES = {
    Phase.IDLE: "good",
    Phase.SYNCING: "good",
    Phase.ATTENTION: "bad",
    Phase.HALTED: "bad",
}
HEADER = (
    "vault", "state", "last success", "up", "down", "conflicts", "next poll", "remote", "roots",
)  # fmt: skip

ROOTS = 3
"""How many roots of a vault are named."""


class Overview(NamedTuple):
    """Everything that `status` knows; `several` tells that there are more vaults than are shown."""

    places: Directories
    standing: Standing
    pause: Pause | None
    usage: Usage
    several: bool

    @property
    def state(self) -> str:
        """The worst state of all that is shown."""
        return worst_state(self.standing)

    def causes(self) -> list[Problem]:
        """Return why the state is the worst one; the first of them stands in the first line."""
        standing, state = self.standing, self.state
        if not standing.vaults and len(standing.notes) == int(not standing.served):
            return [problem_of(NotConfiguredError(path=self.places.config_file))]
        if state == Phase.PAUSED:
            return [self._paused()]
        rows = [row for row in standing.vaults if row["state"] == state]
        return [*standing.notes, *(problem for row in rows for problem in self.problems(row))]

    def problems(self, row: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with one vault, conflicts last."""
        found = [as_problem(problem) for problem in row["problems"]]
        if row["conflicts"]:
            name, count = str(row["name"]), int(row["conflicts"])
            found.append(conflicts_problem(self.places, name, count))
        return found

    def lines(self) -> tuple[Line, ...]:
        """Return all that is said."""
        causes = self.causes()
        return (
            *self._headline(causes),
            *self._table(),
            *self._more(causes),
            *self._warnings(),
            *self._reminders(),
            *self._projects(),
            *self._disk(),
        )

    def _paused(self) -> Problem:
        until = self.pause.until if self.pause else None
        text = "until it is resumed" if until is None else f"until {moment(until)}"
        return Problem("paused", f"Nothing happens by itself {text}.", "memory-sync resume", 0)

    def _headline(self, causes: list[Problem]) -> list[Line]:
        state = self.state
        style = STYLES.get(Phase(state), "warning")
        if not causes:
            text = "Everything is in sync." if state == Phase.IDLE else "Changes are on their way."
            return [Line(f"{state}: {text}", style)]
        first = causes[0]
        return [
            Line(f"{state}: {first.message}", style),
            *_stopped("", first),
            Line(f"hint: {first.hint}", "dim"),
            *self._last_heard(),
        ]

    def _last_heard(self) -> list[Line]:
        """Say what a daemon that does not answer wrote into its log last."""
        heard = self.standing.daemon.get("last_heard")
        if not heard or self.standing.served:
            return []
        ago = age(float(heard["time"]), time.time())
        return [
            Line(f"What follows is from the disk; the log's last line, {ago}: {heard['event']}")
        ]

    def _table(self) -> list[Line]:
        standing = self.standing
        if not standing.vaults:
            return []
        now = time.time()
        header, *body = columns([HEADER, *(self._cells(row, now) for row in standing.vaults)])
        ways = [(row["name"], way(row, now)) for row in standing.vaults]
        return [
            Line(""),
            Line(header, "bold"),
            *map(Line, body),
            *(Line(f"{name}: {text}", "dim") for name, text in ways if text),
        ]

    def _cells(self, row: Mapping[str, Any], now: float) -> tuple[str, ...]:
        served, step = self.standing.served, row.get("progress")
        last = float(row["last_success"])
        return (
            str(row["name"]),
            f"{row['state']}, {far(Step(**step))}" if step else str(row["state"]),
            f"{moment(last)}, {age(last, now)}" if last else "never",
            str(row.get("pending_up", row["pending"])) if served else "-",
            str(row.get("pending_down", 0)) if served else "-",
            str(row["conflicts"]),
            f"in {duration(float(row['next_poll']) - now)}" if row["next_poll"] else "-",
            str(row["remote"]),
            _roots(row["roots"]),
        )

    def _more(self, causes: list[Problem]) -> list[Line]:
        """Return the problems that the first line does not tell."""
        standing = self.standing
        if not standing.vaults and len(standing.notes) < 2:
            return []
        told = causes[:1]
        rest = [("", note) for note in (*standing.notes, *standing.asides)]
        if self.pause and self.state != Phase.PAUSED:
            rest.append(("", self._paused()))
        rest += [
            (f"{row['name']}: ", problem)
            for row in standing.vaults
            for problem in self.problems(row)
        ]
        lines = []
        for name, problem in rest:
            if problem not in told:
                lines += [
                    Line(f"{name}{problem.message}"),
                    *_stopped("  ", problem),
                    Line(f"  hint: {problem.hint}", "dim"),
                ]
        return [Line(""), *lines] if lines else []

    def _warnings(self) -> list[Line]:
        """Return what is to be seen and makes no state worse: an older daemon knows of none."""
        lines = []
        for row in self.standing.vaults:
            for warning in map(as_problem, row.get("warnings", ())):
                lines += [
                    Line(f"{row['name']}: {warning.message}", "warning"),
                    Line(f"  hint: {warning.hint}", "dim"),
                ]
        return [Line(""), *lines] if lines else []

    def _reminders(self) -> list[Line]:
        names = {str(row["name"]) for row in self.standing.vaults}
        return [
            Line(
                f"The key of {name} was never exported: "
                f"{export_command(name, several=self.several)}",
                "warning",
            )
            for name in never_exported(self.places)
            if name in names
        ]

    def _projects(self) -> list[Line]:
        """Say how many projects are not synced, for a reason that a person can mend."""
        names = {str(row["name"]) for row in self.standing.vaults}
        rows = read_projects(self.places.projects_file) if names else ()
        count = sum(row.vault in names and row.reason not in FINE for row in rows)
        return [Line(f"{many(count, 'project')} not synced: memory-sync roots")] if count else []

    def _disk(self) -> list[Line]:
        if not self.standing.vaults:
            return []
        parts = [f"{name} {size(count)}" for name, count in self.usage.data().items()]
        more = "" if self.usage.whole else " (and more: it takes long to count)"
        return [Line(f"on this disk: {', '.join(parts)}{more}", "dim")]


def _roots(roots: Sequence[Mapping[str, str]]) -> str:
    """Name the first roots: there is one for each project, which can be very many."""
    named = [f"{root['name']} = {root['path']}" for root in roots[:ROOTS]]
    more = len(roots) - len(named)
    return ", ".join([*named, *([f"and {more} more: memory-sync roots"] if more else [])])


def _stopped(indent: str, problem: Problem) -> list[Line]:
    """Say what a halt keeps from happening."""
    text = stopped_text(problem)
    return [Line(f"{indent}{text}")] if text else []

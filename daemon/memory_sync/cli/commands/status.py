"""`memory-sync status`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import click

from memory_sync.cli.conflicts import conflicts_problem
from memory_sync.cli.halts import stopped_text
from memory_sync.cli.options import example, json_option, vault_option
from memory_sync.cli.result import Line, Result, as_problem, problem_of, worst
from memory_sync.cli.standing import Standing, look, never_exported, worst_state
from memory_sync.cli.ways import way
from memory_sync.cli.words import age, columns, duration, export_command, far
from memory_sync.config.directories import Directories, directories
from memory_sync.errors import DaemonError, HaltError, NotConfiguredError, OfflineError
from memory_sync.model import Phase, Problem, Step

STATUSES = {
    Phase.OFFLINE: OfflineError.status,
    Phase.STOPPED: DaemonError.status,
    Phase.HALTED: HaltError.status,
}
"""The exit status of a state; that of needs-attention is its cause's."""
STYLES = {
    Phase.IDLE: "good",
    Phase.SYNCING: "good",
    Phase.ATTENTION: "bad",
    Phase.HALTED: "bad",
}
HEADER = ("vault", "state", "last success", "pending", "conflicts", "next poll", "remote", "roots")


@click.command("status", epilog=example("memory-sync status --json"))
@vault_option
@click.option("--exit-code", is_flag=True, help="Tell the state by the exit status, too.")
@json_option
def command(vault: str | None, exit_code: bool) -> Result:
    """Show how every vault is, and what mends it.

    The first line is the worst state: idle, syncing, paused, offline, stopped (no daemon),
    needs-attention or halted. With --exit-code the exit status tells it: 0 for the first three, 5
    offline, 6 stopped, 7 halted; that of needs-attention is its cause's.
    """
    places = directories(os.environ)
    everything = look(places, os.environ)
    several = len(everything.vaults) > 1
    standing = everything.only(vault)
    state = worst_state(standing)
    problems = {str(row["name"]): _problems(places, row) for row in standing.vaults}
    causes = _causes(places, standing, state, problems)
    data = {"state": state, "daemon": dict(standing.daemon), "vaults": list(standing.vaults)}
    lines = (
        *_headline(state, causes),
        *_table(standing),
        *_more(standing, problems, causes),
        *_reminders(places, vault, several=several),
    )
    return Result(data, lines, status=_status(state, causes) if exit_code else 0)


def _problems(places: Directories, row: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with one vault, conflicts last."""
    found = [as_problem(problem) for problem in row["problems"]]
    if row["conflicts"]:
        found.append(conflicts_problem(places, str(row["name"]), int(row["conflicts"])))
    return found


def _causes(
    places: Directories, standing: Standing, state: str, problems: Mapping[str, list[Problem]]
) -> list[Problem]:
    """Return why the state is the worst one; the first of them stands in the first line."""
    if not standing.vaults and not standing.served:
        return [problem_of(NotConfiguredError(path=places.config_file))]
    names = [str(row["name"]) for row in standing.vaults if row["state"] == state]
    return [*standing.notes, *(problem for name in names for problem in problems[name])]


def _headline(state: str, causes: list[Problem]) -> list[Line]:
    style = STYLES.get(Phase(state), "warning")
    if not causes:
        text = "Everything is in sync." if state == Phase.IDLE else "Changes are on their way."
        return [Line(f"{state}: {text}", style)]
    first = causes[0]
    return [
        Line(f"{state}: {first.message}", style),
        *_stopped("", first),
        Line(f"hint: {first.hint}", "dim"),
    ]


def _stopped(indent: str, problem: Problem) -> list[Line]:
    """Say what a halt keeps from happening."""
    text = stopped_text(problem)
    return [Line(f"{indent}{text}")] if text else []


def _table(standing: Standing) -> list[Line]:
    if not standing.vaults:
        return []
    now = time.time()
    rows = [HEADER, *(_cells(row, now, served=standing.served) for row in standing.vaults)]
    header, *body = columns(rows)
    ways = [(row["name"], way(row, now)) for row in standing.vaults]
    return [
        Line(""),
        Line(header, "bold"),
        *map(Line, body),
        *(Line(f"{name}: {text}", "dim") for name, text in ways if text),
    ]


def _moving(row: Mapping[str, Any]) -> str:
    """Return a vault's state, and how far it is with a transfer."""
    step = row.get("progress")
    return f"{row['state']}, {far(Step(**step))}" if step else str(row["state"])


def _cells(row: Mapping[str, Any], now: float, *, served: bool) -> tuple[str, ...]:
    roots = ", ".join(f"{root['name']} = {root['path']}" for root in row["roots"])
    return (
        str(row["name"]),
        _moving(row),
        age(float(row["last_success"]), now),
        str(row["pending"]) if served else "-",
        str(row["conflicts"]),
        f"in {duration(float(row['next_poll']) - now)}" if row["next_poll"] else "-",
        str(row["remote"]),
        roots,
    )


def _more(
    standing: Standing, problems: Mapping[str, list[Problem]], causes: list[Problem]
) -> list[Line]:
    """Return the problems that the first line does not tell."""
    if not standing.vaults:
        return []
    told = causes[:1]
    rest = [("", note) for note in standing.notes]
    rest += [(f"{name}: ", problem) for name, known in problems.items() for problem in known]
    lines = []
    for name, problem in rest:
        if problem not in told:
            lines += [
                Line(f"{name}{problem.message}"),
                *_stopped("  ", problem),
                Line(f"  hint: {problem.hint}", "dim"),
            ]
    return [Line(""), *lines] if lines else []


def _reminders(places: Directories, only: str | None, *, several: bool) -> list[Line]:
    vaults = [name for name in never_exported(places) if only in (None, name)]
    return [
        Line(
            f"The key of {name} was never exported: {export_command(name, several=several)}",
            "warning",
        )
        for name in vaults
    ]


def _status(state: str, causes: list[Problem]) -> int:
    if state == Phase.ATTENTION:
        return worst(problem.status for problem in causes) or 1
    return STATUSES.get(Phase(state), 0)

"""What `push`, `pull`, `now` and `init` share: a sync, and what people are told of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from memory_sync.app.context import Context, load_context
from memory_sync.app.sync import Wish, sync
from memory_sync.cli.conflicts import conflicts_problem
from memory_sync.cli.ending import ended_by_signals
from memory_sync.cli.render import waiting
from memory_sync.cli.result import Line, Result, as_problem, worst
from memory_sync.cli.words import many, size
from memory_sync.config.directories import Directories
from memory_sync.engine.kit import Report
from memory_sync.errors import BusyError
from memory_sync.model import Kind, Problem
from memory_sync.ports.spool import Spool

BUSY_TRIES = 10
WORDS = {
    Kind.UPLOAD: "send",
    Kind.DOWNLOAD: "fetch",
    Kind.MERGE: "merge",
    Kind.MERGE_DOWN: "merge here",
    Kind.OVERRULE: "overrule",
    Kind.DELETE_LOCAL: "delete here",
    Kind.DELETE_REMOTE: "delete there",
}
"""What a dry run calls the actions; the others are book-keeping."""


def sync_now(vault: str | None, wish: Wish) -> Result:
    """Sync one vault or all, and report."""
    context = load_context(os.environ)
    vaults = context.vaults(vault)
    with ended_by_signals(), waiting("Syncing") as show:
        rows = sync(context, vaults, wish, show)
    return report(context.directories, rows)


def sync_patiently(
    context: Context,
    name: str,
    wish: Wish,
    show: Report = lambda _: None,
    spool: Spool | None = None,
) -> dict[str, Any]:
    """Sync one vault; a daemon that is just opening it is waited for."""
    for _ in range(BUSY_TRIES):
        rows = sync(context, context.vaults(name), wish, show, spool)
        error = rows[name].get("error")
        if not error or error["code"] != BusyError.code:
            break
        context.clock.sleep(0.3)
    return rows


def report(places: Directories, rows: Mapping[str, Any]) -> Result:
    """Turn the rows of a sync into a result."""
    lines: list[Line] = []
    errors: list[Problem] = []
    for name, row in rows.items():
        lines += [Line(f"{name}: {summary(row)}"), *_details(row)]
        errors += row_problems(places, name, row)
    data = {"vaults": [{"name": name, **row} for name, row in rows.items()]}
    status = worst(problem.status for problem in errors)
    return Result(data, tuple(lines), tuple(errors), status)


def summary(row: Mapping[str, Any]) -> str:
    """Say in a line what a sync has done."""
    if "error" in row:
        return "not synced"
    if "plan" in row:
        count = sum(action["kind"] in WORDS for action in row["plan"])
        halted = ", halted" if row["halts"] else ""
        return (
            f"{many(count, 'change')} would travel{halted}" if count else f"nothing to do{halted}"
        )
    counts = [f"{len(row[key])} {key}" for key in ("up", "down", "merged") if row[key]]
    if row["halts"]:
        counts.append("halted")
    elif row.get("pending"):
        counts.append(f"{row['pending']} waiting")
    if not counts:
        return "nothing done" if row.get("problems") else "nothing to do"
    sizes = (("sent", row["sent"]), ("received", row["received"]))
    travelled = ", ".join(f"{size(count)} {word}" for word, count in sizes if count)
    return ", ".join(counts) + (f" ({travelled})" if travelled else "")


def row_problems(places: Directories, name: str, row: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with one vault, the worst first."""
    if "error" in row:
        return [as_problem(row["error"])]
    found = [*row.get("halts", ()), *row.get("problems", ())]
    problems = [as_problem(problem) for problem in found]
    if row.get("conflicts"):
        problems.append(conflicts_problem(places, name, row["conflicts"]))
    return problems


def _details(row: Mapping[str, Any]) -> list[Line]:
    planned = [
        f"  {WORDS[action['kind']]:12}  {action['path']}"
        for action in row.get("plan", ())
        if action["kind"] in WORDS
    ]
    conflicts = [f"  conflict  {path}" for path in row.get("new_conflicts", ())]
    sent = set(row.get("up", ()))
    warnings = [
        Line(f"  warning  {text}", "warning")
        for warning in map(as_problem, row.get("warnings", ()))
        if warning.path in sent
        for text in (warning.message, f"hint: {warning.hint}")
    ]
    return [*(Line(text) for text in (*planned, *conflicts)), *warnings]

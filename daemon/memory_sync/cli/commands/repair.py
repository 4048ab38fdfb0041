"""`memory-sync repair`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from memory_sync.cli.options import example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result, as_problem, worst
from memory_sync.model import Problem

if TYPE_CHECKING:
    from memory_sync.app.context import Context
    from memory_sync.config.settings import VaultSettings

DEEDS = {
    "foreign-content": (
        "Repair takes that back: a new commit on top of it holds again what was made with the key."
    ),
    "history-forced-back": (
        "Repair makes a new commit on top of it that holds again what was there last."
    ),
    "history-foreign": (
        "Repair makes a new commit on top of it that holds again what was there last."
    ),
    "history-forked": (
        "Repair unites both: what only one of them has or has changed is taken over, and nothing"
        " is deleted. Of what both have changed the vault's version stays, and yours becomes a"
        " conflict copy."
    ),
    "branch-gone": "Repair sends the vault anew, from the repository's rests and from this device.",
}
"""What a repair does, by the halt that it ends."""
KEPT = "What is there now stays in the history."
LOSSES = "repair-loses"


@click.command("repair", epilog=example("memory-sync repair"))
@vault_option
@yes_option
@json_option
def command(vault: str | None, yes: bool) -> Result:
    """Mend a vault that was changed or turned back without its key.

    It shows for each vault that is halted what has happened and what it will do, and asks. It is
    one new commit, on the very head that was shown; the history is kept. What neither the
    repository nor this device has any more is listed, and asked about again.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.context import load_context
    from memory_sync.app.sync import Wish, sync
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting
    from memory_sync.cli.syncing import report

    context = load_context(os.environ)
    vaults = context.vaults(vault)
    with waiting("Looking") as show:
        rows = sync(context, vaults, Wish(dry_run=True), show)
    plans: dict[str, Mapping[str, str]] = {}
    left: list[Problem] = []
    for name, row in rows.items():
        problem = _halt(row)
        if problem is None:
            continue
        if problem.code in DEEDS and problem.would and _agreed(problem, name, yes=yes):
            plans[name] = {"": problem.would.plan}
        else:
            left.append(problem)
    if not plans:
        lines = () if left else (Line("Nothing is to be repaired."),)
        return Result({"vaults": []}, lines, tuple(left), worst(one.status for one in left))
    with ended_by_signals(), waiting("Repairing") as show:
        meant = [one for one in vaults if one.name in plans]
        done = sync(context, meant, Wish(confirm=plans), show)
        done |= _again(context, meant, done, yes=yes)
    told = report(context.directories, done)
    mended = [name for name, row in done.items() if _halt(row) is None]
    good = [Line(f"Vault {name} is repaired.", "good") for name in mended]
    return told._replace(lines=(*good, *told.lines))


def _again(
    context: Context, vaults: list[VaultSettings], done: Mapping[str, Any], *, yes: bool
) -> dict[str, Any]:
    """Ask once more about vaults of which something is lost for good."""
    from memory_sync.app.sync import Wish, sync
    from memory_sync.cli.ask import say
    from memory_sync.cli.halts import would_text

    plans: dict[str, Mapping[str, str]] = {}
    for name, row in done.items():
        problem = _halt(row)
        if problem and problem.code == LOSSES and problem.would:
            say(problem.message)
            say(f"Repaired without them, the vault will {would_text(problem.would)}.")
            if not yes and _confirmed(f"Repair vault {name} without them?", yes=False):
                plans[name] = {"": problem.would.plan}
    meant = [one for one in vaults if one.name in plans]
    return sync(context, meant, Wish(confirm=plans)) if meant else {}


def _halt(row: Mapping[str, Any]) -> Problem | None:
    """Return what keeps a whole vault from being synced."""
    if "error" in row:
        return as_problem(row["error"])
    found = [one for one in map(as_problem, row.get("halts", ())) if not one.root]
    return found[0] if found else None


def _agreed(problem: Problem, name: str, *, yes: bool) -> bool:
    """Show what has happened and what would be done about it, and ask."""
    from memory_sync.cli.ask import say
    from memory_sync.cli.halts import would_text

    say(problem.message)
    if problem.would and problem.would.counts:
        say(f"Taken over as it is, it would {would_text(problem.would)}.")
    say(f"{DEEDS[problem.code]} {KEPT if problem.code != 'branch-gone' else ''}".rstrip())
    return _confirmed(f"Repair vault {name}?", yes=yes)


def _confirmed(question: str, *, yes: bool) -> bool:
    from memory_sync.cli.ask import confirm

    return confirm(question, command="repair", yes=yes, usual=False)

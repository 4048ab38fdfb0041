"""`memory-sync confirm`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result, as_problem, worst
from memory_sync.model import Problem

if TYPE_CHECKING:
    from memory_sync.config.settings import VaultSettings


@click.command("confirm", epilog=example("memory-sync confirm --root memory"))
@vault_option
@click.option("--root", metavar="NAME", help="Only this root.")
@yes_option
@json_option
def command(vault: str | None, root: str | None, yes: bool) -> Result:
    """Let pass what a halt has stopped.

    It shows for each root that is halted what would be done, and asks. Exactly that is then done,
    and nothing else: if more is to be deleted by then, the root halts again. A folder that was
    gone, or that carries another marker, is united with the vault: there nothing is deleted.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.context import load_context
    from memory_sync.app.sync import Wish, sync
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting
    from memory_sync.cli.syncing import report
    from memory_sync.errors import UsageError

    context = load_context(os.environ)
    vaults = context.vaults(vault)
    known = sorted({one.name for settings in vaults for one in settings.root})
    if root is not None and root not in known:
        raise UsageError(detail=f"There is no root {root}; there is: {', '.join(known) or 'none'}.")
    with waiting("Looking") as show:
        rows = sync(context, vaults, Wish(dry_run=True), show)
    troubles = [as_problem(row["error"]) for row in rows.values() if "error" in row]
    halts = [
        (name, problem)
        for name, row in rows.items()
        for problem in map(as_problem, row.get("halts", ()))
        if root in (None, problem.root)
    ]
    plans: dict[str, dict[str, str]] = {}
    left: list[Problem] = []
    for name, problem in halts:
        if problem.root and problem.would and problem.would.plan and _agreed(problem, yes=yes):
            plans.setdefault(name, {})[problem.root] = problem.would.plan
        else:
            left.append(problem)
    if not plans:
        errors = (*troubles, *left)
        lines = () if errors else (Line("Nothing is halted."),)
        return Result({"vaults": []}, lines, errors, worst(error.status for error in errors))
    _make_folders(vaults, halts, plans)
    with ended_by_signals(), waiting("Syncing") as show:
        meant = [vault for vault in vaults if vault.name in plans]
        done = sync(context, meant, Wish(confirm=plans), show)
    return report(context.directories, done)


def _make_folders(
    vaults: Iterable[VaultSettings],
    halts: Iterable[tuple[str, Problem]],
    plans: Mapping[str, Mapping[str, str]],
) -> None:
    """Make folders that are gone and are to be made anew: a confined service may not do it."""
    from contextlib import suppress

    paths = {(vault.name, root.name): root.path for vault in vaults for root in vault.root}
    for name, problem in halts:
        if problem.code == "root-gone" and problem.root in plans.get(name, {}):
            # Only the folder itself: what lies above is not there if a disk is not mounted.
            with suppress(OSError):
                os.mkdir(paths[name, problem.root])


def _agreed(problem: Problem, *, yes: bool) -> bool:
    """Show what would be done about a root, and ask."""
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.halts import UNITED, would_text

    say(problem.message)
    if problem.code in UNITED:
        say(f"{UNITED[problem.code]} Nothing is deleted.")
    elif problem.would:
        say(f"This will {would_text(problem.would)}.")
    return confirm(
        f"Let this pass for root {problem.root}?",
        command=f"confirm --root {problem.root}",
        yes=yes,
        usual=False,
    )

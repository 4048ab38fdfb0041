"""`memory-sync move-remote`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from memory_sync.cli.options import example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result, as_problem

if TYPE_CHECKING:
    from memory_sync.app.context import Context
    from memory_sync.config.settings import VaultSettings

CHANGED, LOSSES = "remote-changed", "repair-loses"


@click.command("move-remote", epilog=example("memory-sync move-remote github:ada/new-memory"))
@click.argument("url")
@vault_option
@yes_option
@json_option
def command(url: str, vault: str | None, yes: bool) -> Result:
    """Say that a vault lies in another remote now.

    Where the vault is there already (the repository was renamed or copied, or another machine has
    run this command), syncing goes on. Where nothing is there yet, the vault is put there, and this
    is asked about first. Another vault is refused. The old remote stays as it is; what it holds of
    the past is not taken along.
    """
    from memory_sync.app import moving
    from memory_sync.app.context import load_context
    from memory_sync.app.sync import Wish
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting
    from memory_sync.cli.serving import renewed
    from memory_sync.cli.syncing import report, sync_patiently
    from memory_sync.cli.where import normalised
    from memory_sync.errors import RemoteInvalidError

    context = load_context(os.environ)
    settings = context.one_vault(vault, f"move-remote {url}")
    try:
        target = settings.model_copy(update={"remote": normalised(url)})
    except RemoteInvalidError as error:
        raise RemoteInvalidError(**{**error.facts, "hint": moving.ELSEWHERE}) from None
    with waiting(f"Looking into {url}"):
        place = moving.look_at(context, target)
    if not place.there and not _made(context, settings, target, exists=place.exists, yes=yes):
        return Result(lines=(Line("Nothing was changed."),), status=1)
    with waiting("Waiting for the daemon"):
        context = moving.set_place(context, settings, target.remote)
    troubles = renewed(context)
    with ended_by_signals(), waiting("Syncing") as show:
        rows = sync_patiently(context, settings.name, Wish(), show)
    rows = _filled(context, settings.name, rows, yes=yes)
    done = report(context.directories, rows)
    told = (Line(f"Vault {settings.name} lies in {target.remote} now."),)
    failed = "error" in rows[settings.name]
    return done._replace(
        lines=done.lines if failed else (*told, *done.lines),
        errors=(*troubles, *done.errors),
        status=done.status or int(bool(troubles)),
    )


def _made(
    context: Context, before: VaultSettings, target: VaultSettings, *, exists: bool, yes: bool
) -> bool:
    """Make the place for the vault, if the person agrees; tell whether so."""
    from memory_sync.app import moving
    from memory_sync.app.sync import Wish
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting
    from memory_sync.cli.syncing import sync_patiently

    if not _agreed(before, target, exists=exists, yes=yes):
        return False
    with ended_by_signals(), waiting("Syncing") as show:
        # What the old remote has is taken along, if it can still be reached.
        sync_patiently(context, before.name, Wish(), show)
    moving.make_place(context, target)
    return True


def _agreed(before: VaultSettings, target: VaultSettings, *, exists: bool, yes: bool) -> bool:
    """Ask whether the vault is to be put where nothing is yet."""
    from memory_sync.cli.ask import confirm, say

    say(f"{target.remote} holds no vault{'' if exists else ': the repository is not there'}.")
    # Where the configuration was edited by hand, it has the new place already.
    old = before.remote if before.remote != target.remote else "The remote before it"
    say(f"{old} stays as it is. Run this command on your other machines, too.")
    make = "Put" if exists else "Create it, and put"
    question = f"{make} vault {before.name} there?"
    return confirm(question, command=f"move-remote {target.remote}", yes=yes)


def _filled(context: Context, name: str, rows: dict[str, Any], *, yes: bool) -> dict[str, Any]:
    """Put the vault into the new remote, where a sync has found that it is not there."""
    from memory_sync.app.sync import Wish
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.halts import would_text
    from memory_sync.cli.render import waiting
    from memory_sync.cli.syncing import sync_patiently

    problem = as_problem(rows[name]["error"]) if "error" in rows[name] else None
    if problem is None or problem.code != CHANGED or problem.would is None:
        return rows
    plan = problem.would.plan
    with ended_by_signals(), waiting("Moving") as show:
        rows = sync_patiently(context, name, Wish(confirm={name: {"": plan}}), show)
    problem = as_problem(rows[name]["error"]) if "error" in rows[name] else None
    if problem and problem.code == LOSSES and problem.would and not yes:
        say(problem.message)
        say(f"Moved without them, the vault will {would_text(problem.would)}.")
        if confirm("Move it without them?", command="move-remote", yes=False, usual=False):
            plan = problem.would.plan
            rows = sync_patiently(context, name, Wish(confirm={name: {"": plan}}))
    return rows

"""`memory-sync roots rename` and `memory-sync roots move`."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import FOLDERS, example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from pathlib import Path

    from memory_sync.app.context import Context
    from memory_sync.config.settings import RootSettings, VaultSettings


@click.command("rename", epilog=example("memory-sync roots rename memory work"))
@click.argument("old")
@click.argument("new")
@vault_option
@yes_option
@json_option
def rename(old: str, new: str, vault: str | None, yes: bool) -> Result:
    """Give a root another name, here and in the vault.

    The folder stays where it is. Every other machine that has the root stops syncing it, without
    deleting anything, until the same command was run there too. Conflict copies are renamed with
    it.
    """
    from memory_sync.app import moving
    from memory_sync.app.context import load_context
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.where import checked_name
    from memory_sync.cli.words import many

    context = load_context(os.environ)
    checked_name(new, "root", f"memory-sync roots rename {shlex.quote(old)} NAME")
    settings, root = moving.root_of(context, old, vault, f"roots rename {old} {new}")
    moving.check_rename(context, settings, root, new)
    if count := moving.vault_has(context, settings, root, new):
        say(f"The vault has a root {new} already, with {many(count, 'file')}, beside {old}.")
        question = f"Unite root {old} with it, for all machines?"
        again = shlex.join(["roots", "rename", old, new])
        if not confirm(question, command=again, yes=yes, usual=False):
            return Result(lines=(Line("Nothing was changed."),), status=1)
    context = moving.rename(context, settings, root, new)
    told = Line(
        f"Root {old} is called {new} now. On each other machine that has it, run:"
        f" memory-sync roots rename {old} {new}"
    )
    return _synced(context, settings, root.model_copy(update={"name": new}), told)


@click.command("move", epilog=example("memory-sync roots move memory ~/agents/main"))
@click.argument("name")
@click.argument("path", shell_complete=FOLDERS)
@vault_option
@yes_option
@json_option
def move(name: str, path: str, vault: str | None, yes: bool) -> Result:
    """Say that a root lies in another folder on this machine.

    Where you have moved the folder itself, syncing goes on as before. Any other folder is united
    with the vault, and nothing is deleted; where it has files, that is asked about first. The old
    folder stays as it is and is no longer synced.
    """
    from pathlib import Path

    from memory_sync.app import moving
    from memory_sync.app.context import load_context
    from memory_sync.cli.serving import renewed

    context = load_context(os.environ)
    settings, root = moving.root_of(context, name, vault, f"roots move {name} {path}")
    folder = Path(os.path.abspath(os.path.expanduser(path)))
    moving.check_move(context, settings, root, folder)
    if not _agreed(context, settings, root, folder, yes=yes):
        return Result(lines=(Line("Nothing was changed."),), status=1)
    before, heirs = root, moving.heirs(context, [root])
    same = moving.move(context, settings, root, folder)
    context = moving.reloaded(context)
    troubles = renewed(context)
    root = root.model_copy(update={"path": folder})
    trust = context.keystore.trust(settings.name)
    notes = []
    if not same and trust:
        moving.taken_up(context, moving.serves(settings.name, root))
        if not moving.unmark(context, trust.vault_id, before):
            notes.append(Line(f"{before.path} still has its marker .memory-sync: remove it."))
        elif outer := heirs.get(name):
            notes.append(Line(f"{before.path} stays as it is, a part of root {outer}."))
        else:
            notes.append(Line(f"{before.path} stays as it is, and is synced no longer."))
    how = "the folder was moved" if same else "both sides are united"
    told = Line(f"Root {name} lies in {folder} now ({how}).")
    done = _synced(context, settings, root, told, *notes)
    status = done.status or int(bool(troubles))
    return done._replace(errors=(*troubles, *done.errors), status=status)


def _agreed(
    context: Context, vault: VaultSettings, root: RootSettings, folder: Path, *, yes: bool
) -> bool:
    """Ask where the folder is another one, with files that would be united with the vault's."""
    from memory_sync.app import moving, setup
    from memory_sync.app.standing import remembered_files
    from memory_sync.cli.agreeing import say_compared, say_outer
    from memory_sync.cli.ask import confirm
    from memory_sync.cli.commands.leave import say_heirs

    if not folder.is_dir() or moving.is_moved(context, vault, root, folder):
        return True
    target = root.model_copy(update={"path": folder})
    compared = setup.compare(context, target, remembered_files(context, vault) or {})
    if not (
        compared.only_here
        or compared.different
        or setup.outer_roots(context, folder)
        or moving.heirs(context, [root])
    ):
        return True
    say_compared(root.name, compared)
    say_outer(context, target)
    say_heirs(context, [root])
    question = f"Unite {folder} with root {root.name}? Nothing is deleted on either side."
    again = shlex.join(["roots", "move", root.name, str(folder)])
    return confirm(question, command=again, yes=yes)


def _synced(context: Context, vault: VaultSettings, root: RootSettings, *told: Line) -> Result:
    """Sync what has changed house, through a daemon once that has taken it up."""
    from memory_sync.app import moving
    from memory_sync.app.sync import Wish
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting
    from memory_sync.cli.syncing import report, sync_patiently

    with ended_by_signals(), waiting("Syncing") as show:
        moving.taken_up(context, moving.serves(vault.name, root))
        rows = sync_patiently(context, vault.name, Wish(), show)
    done = report(context.directories, rows)
    return done._replace(lines=(*told, *done.lines))

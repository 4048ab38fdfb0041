"""`memory-sync leave`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result
from memory_sync.ports.names import MARKER

if TYPE_CHECKING:
    from collections.abc import Collection

    from memory_sync.app.context import Context
    from memory_sync.app.moving import Left
    from memory_sync.config.settings import RootSettings, VaultSettings

SHOWN = 5
"""Files that are named."""


@click.command("leave", epilog=example("memory-sync leave --root work", "memory-sync leave"))
@click.option("--root", metavar="NAME", help="Only this root; the vault stays.")
@vault_option
@yes_option
@json_option
def command(root: str | None, vault: str | None, yes: bool) -> Result:
    """Stop syncing a vault, or one root of it, on this machine.

    Its files stay where they are, and so do the vault and all other machines. What is not in the
    vault yet is named first. The key stays, unless you say otherwise when you are asked; --yes
    keeps it. Joined again with init, both sides are united.
    """
    from memory_sync.app import moving
    from memory_sync.app.context import load_context

    context = load_context(os.environ)
    if root is not None:
        return _leave_root(context, root, vault, yes=yes)
    settings = context.one_vault(vault, "leave")
    moving.check_written(context, settings)
    what = f"vault {settings.name} ({settings.remote})"
    if not _agreed(context, settings, what, settings.root, None, yes=yes):
        return Result(lines=(Line("Nothing was changed."),), status=1)
    recipient, delete = _key(context, settings, yes=yes)
    left = moving.leave_vault(context, settings)
    lines = [Line(f"This machine has left {what}; its files stay."), *_told(left, _kept(left))]
    if delete:
        context.keystore.remove(recipient)
        lines.append(Line(f"The key {recipient} is deleted here."))
    elif recipient:
        lines.append(Line(f"The key {recipient} stays in {context.directories.keys}."))
    data = {
        "vault": settings.name,
        "root": None,
        "kept": str(left.kept) if left.kept else None,
        "recipient": recipient,
        "key_deleted": delete,
    }
    return Result(data, tuple(lines))


def _leave_root(context: Context, name: str, vault: str | None, *, yes: bool) -> Result:
    """Leave one root."""
    from memory_sync.app import moving

    command = f"leave --root {name}"
    settings, root = moving.root_of(context, name, vault, command, projects=True)
    what = f"root {name} ({root.path}) of vault {settings.name}"
    if not _agreed(context, settings, what, [root], name, yes=yes):
        return Result(lines=(Line("Nothing was changed."),), status=1)
    left = moving.leave_root(context, settings, root)
    return Result(
        {"vault": settings.name, "root": name, "kept": str(left.kept)},
        (Line(f"This machine has left {what}; its files stay."), *_told(left, "trash")),
    )


def say_heirs(context: Context, roots: Collection[RootSettings]) -> None:
    """Say of roots that lie in others that leaving them does not keep their files from the vault.

    Their folders are then no more than a part of those others.
    """
    from memory_sync.app.moving import heirs
    from memory_sync.cli.ask import say

    for name, outer in heirs(context, roots).items():
        say(
            f"Root {name} lies in root {outer}: its files belong to root {outer} again, and are"
            f" synced as its. To keep them out, put the folder into the exclude of {outer} first."
        )


def _agreed(
    context: Context,
    vault: VaultSettings,
    what: str,
    roots: Collection[RootSettings],
    root: str | None,
    *,
    yes: bool,
) -> bool:
    """Say what is not synced yet, and what goes on to be, and ask."""
    from memory_sync.app.moving import of_root, unsent
    from memory_sync.app.sync import Wish
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.render import waiting
    from memory_sync.cli.result import as_problem
    from memory_sync.cli.syncing import sync_patiently
    from memory_sync.cli.words import many

    with waiting("Looking") as show:
        row = sync_patiently(context, vault.name, Wish(dry_run=True), show)[vault.name]
    if "error" in row:
        say(f"What is not in the vault yet cannot be told: {as_problem(row['error']).message}")
    halts = [as_problem(halt) for halt in row.get("halts", ())]
    for halt in halts:
        if root in (None, halt.root) or not halt.root:
            say(f"Not all of it may be in the vault: {halt.message}")
    waits = unsent(row) if root is None else of_root(unsent(row), root)
    if waits:
        more = f" and {len(waits) - SHOWN} more" if len(waits) > SHOWN else ""
        say(f"Not in the vault yet: {many(len(waits), 'file')} ({', '.join(waits[:SHOWN])}{more}).")
        say("They stay in the folder. To send them first: memory-sync now")
    say_heirs(context, roots)
    again = f"leave --root {root}" if root else "leave"
    return confirm(f"Leave {what}?", command=again, yes=yes, usual=False)


def _key(context: Context, vault: VaultSettings, *, yes: bool) -> tuple[str, bool]:
    """Return the recipient of the vault's key ("" if none is stored), and whether it is to go.

    A key that was never exported, or that another vault has, is not asked about.
    """
    from memory_sync.cli.ask import confirm, interactive, say

    keystore = context.keystore
    trust = keystore.trust(vault.name)
    if trust is None or not keystore.stored(trust.recipient):
        return "", False
    others = (keystore.trust(one.name) for one in context.settings.vault if one.name != vault.name)
    shared = any(other and other.recipient == trust.recipient for other in others)
    if not keystore.was_exported(trust.recipient):
        say(
            "The key stays: it was never exported from this machine, and without it nobody may be"
            " able to read the vault."
        )
        return trust.recipient, False
    if yes or shared or not interactive():
        return trust.recipient, False
    say("The vault can be read with its key alone. Keep it here if you may come back.")
    question = "Delete the key from this machine, too?"
    return trust.recipient, confirm(question, command="leave", yes=False, usual=False)


def _kept(left: Left) -> str:
    """Say what it is that was put aside of a vault: what may be memories, or the state alone."""
    if left.kept is None:
        return ""
    places = {"trash": left.kept / "trash", "copies": left.kept / "state" / "conflicts"}
    found = [
        what
        for what, place in places.items()
        if any(path.is_file() and path.name != MARKER for path in place.rglob("*"))
    ]
    return ", ".join(found) or "its state: no trash, no copies"


def _told(left: Left, what: str) -> list[Line]:
    """Say where the rest lies, and what could not be done."""
    lines = [
        Line(f"{folder} still has its marker .memory-sync: remove it when nothing serves it.")
        for folder in left.marked
    ]
    if left.kept is None:
        lines.append(Line("A process still holds the vault: what is known of it stays in place."))
    elif left.kept.exists():
        lines.append(Line(f"What this machine kept of it ({what}) lies in {left.kept}."))
    return lines

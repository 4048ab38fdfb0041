"""`memory-sync conflicts`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import Any

import click

from memory_sync.cli.options import FILES, example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result

NOTHING = "Nothing was changed."
DONE = {
    "theirs": "the file stays as it was",
    "mine": "the file is what the copy was",
    "both": "the file has the lines of both",
    "with": "the file is what you gave",
}


@click.group(
    "conflicts",
    invoke_without_command=True,
    epilog=example(
        "memory-sync conflicts",
        "memory-sync conflicts show memory/MEMORY.md",
        "memory-sync conflicts resolve memory/MEMORY.md --keep both",
    ),
)
@vault_option
@json_option
@click.pass_context
def command(context: click.Context, /, *, vault: str | None) -> Result | None:
    """List conflicts, show one, and resolve it.

    Where two machines have changed the same lines, the version that was in the vault first stays in
    the file: it is called theirs. The other one is kept as a conflict copy: it is called mine. Each
    can be resolved on any machine that has the vault. Without a command, conflicts are listed.
    """
    context.obj = vault
    return None if context.invoked_subcommand else _listed(vault)


def _which(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says which conflict is meant."""
    name = click.option("--copy", metavar="NAME", help="Which copy, where the file has several.")
    return click.argument("path", shell_complete=FILES)(name(function))


@command.command("list", epilog=example("memory-sync conflicts list --json"))
@vault_option
@json_option
@click.pass_obj
def listing(above: str | None, /, *, vault: str | None) -> Result:
    """List all conflicts.

    Of each: the file, who wrote the copy and when, who wrote the file last, and in how many lines
    they differ.
    """
    return _listed(vault or above)


@command.command("show", epilog=example("memory-sync conflicts show memory/MEMORY.md"))
@_which
@vault_option
@json_option
@click.pass_obj
def show(above: str | None, /, path: str, *, copy: str | None, vault: str | None) -> Result:
    """Show one conflict as base, theirs and mine.

    Theirs is what stands in the file, mine what the copy has, base what both began with; only the
    machine that made the copy knows that. PATH is a file as the vault names it, <root>/<path>, a
    file in a synced folder, or a copy.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.conflicts import base_of, content_of, live_of
    from memory_sync.app.context import load_context
    from memory_sync.cli.conflict_choice import one
    from memory_sync.cli.conflict_words import apart, side, standing, told, writer_of
    from memory_sync.cli.threeway import threeway
    from memory_sync.cli.words import size

    context = load_context(os.environ)
    conflict = one(context, vault or above, path, copy, "show")
    if conflict is None:
        return Result(lines=(Line(NOTHING),))
    live, mine = live_of(context, conflict), content_of(context, conflict)
    base = base_of(context, conflict)
    known = "not known on this machine"
    lines = [
        Line(conflict.path, "bold"),
        Line(f"theirs   {standing(live)}"),
        Line(f"mine     the copy of {writer_of(conflict)}, {size(len(mine))}"),
        Line(f"base     {known if base is None else f'what both began with, {size(len(base))}'}"),
        Line(f"differs  {apart(live, mine)}"),
        Line(""),
        *threeway(base, live.content, mine),
    ]
    sides = {"base": side(base), "theirs": side(live.content), "mine": side(mine)}
    return Result({**told(conflict), "file_device": live.device, **sides}, tuple(lines))


@command.command(
    "resolve", epilog=example("memory-sync conflicts resolve memory/MEMORY.md --keep both")
)
@_which
@click.option("--keep", type=click.Choice(list(DONE)[:3]), help="What is to stand in the file.")
@click.option(
    "--with",
    "file",
    metavar="FILE",
    help="Put this file's content there instead.",
    shell_complete=FILES,
)
@vault_option
@yes_option
@json_option
@click.pass_obj
def resolve(
    above: str | None,
    /,
    path: str,
    *,
    copy: str | None,
    keep: str | None,
    file: str | None,
    vault: str | None,
    yes: bool,
) -> Result:
    """Resolve one conflict.

    theirs leaves the file as it is, mine puts the copy in its place, both has the lines of both:
    where they differ, those of the file, then those of the copy. Whatever is displaced goes to this
    machine's trash, so that `memory-sync restore` can bring it back. The next sync settles it on
    all machines.
    """
    from memory_sync.app.conflicts import content_of, live_of, settle
    from memory_sync.app.context import load_context
    from memory_sync.cli.ask import confirm, say
    from memory_sync.cli.conflict_choice import one, wanted, way_for
    from memory_sync.cli.conflict_words import plan, told, typed
    from memory_sync.cli.words import goes_on
    from memory_sync.errors import UsageError

    if keep and file:
        hint = "memory-sync conflicts resolve --help"
        raise UsageError(detail="--keep and --with do not go together.", hint=hint)
    context = load_context(os.environ)
    conflict = one(context, vault or above, path, copy, "resolve")
    way = way_for(conflict, keep, file) if conflict else None
    if conflict is None or way is None:
        return Result({"resolved": False}, (Line(NOTHING),))
    live, mine = live_of(context, conflict), content_of(context, conflict)
    content = wanted(conflict, live, mine, way, file)
    for line in () if yes else plan(conflict, live, mine, content):
        say(line)
    again = typed("resolve", conflict, *(("--with", file) if file else ("--keep", way)))
    data = {**told(conflict), "keep": way}
    if not confirm("Resolve it?", command=again, yes=yes):
        return Result({**data, "resolved": False}, (Line(NOTHING),))
    settle(context, conflict, live, content)
    lines = (
        Line(f"The conflict of {conflict.path} is resolved: {DONE[way]}.", "good"),
        Line(goes_on(conflict.vault, conflict.path)),
    )
    return Result({**data, "resolved": True}, lines)


def _listed(vault: str | None) -> Result:
    from memory_sync.app.conflicts import list_conflicts
    from memory_sync.app.context import load_context
    from memory_sync.cli.conflict_words import row
    from memory_sync.cli.words import columns

    context = load_context(os.environ)
    found, troubles = list_conflicts(context, vault)
    several = len(context.vaults(vault)) > 1
    cells, data = [["FILE", "COPY OF", "FILE OF", "DIFFERENCE", "VAULT"]], []
    for conflict in found:
        shown, known = row(context, conflict)
        cells.append([*shown, conflict.vault.name])
        data.append(known)
    table = columns([line if several else line[:-1] for line in cells])
    lines = [Line(table[0], "bold"), *map(Line, table[1:])] if found else [Line("No conflicts.")]
    lines += [Line(error.message, "warning") for error in troubles]
    if found:
        path = shlex.quote(found[0].path)
        lines.append(Line(f"show one: memory-sync conflicts show {path}", "dim"))
    return Result({"conflicts": data}, tuple(lines))

"""`memory-sync roots`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from memory_sync.cli.options import FOLDERS, example, json_option, vault_option, yes_option
from memory_sync.cli.result import Line, Result
from memory_sync.cli.root_moves import move, rename


@click.group(
    "roots",
    invoke_without_command=True,
    epilog=example(
        "memory-sync roots",
        "memory-sync roots add ~/notes --name notes",
        "memory-sync roots map ~/code/widget claude-widget",
    ),
)
@vault_option
@json_option
@click.pass_context
def command(context: click.Context, /, *, vault: str | None) -> Result | None:
    """List what is synced, add a folder, and map a project.

    A root is a folder under a name that all machines share. The memory of an agent's projects is
    one root for each project, found by the origin of its git repository. Without a command, all is
    listed.
    """
    context.obj = vault
    return None if context.invoked_subcommand else _listed(vault)


@command.command("list", epilog=example("memory-sync roots list --json"))
@vault_option
@json_option
@click.pass_obj
def listing(above: str | None, /, *, vault: str | None) -> Result:
    """List all roots.

    Of each: its name, files, direction and folder, and whether it comes from the configuration or
    is a project that was found. Then the projects that are not synced, and why; then what the vault
    has of other machines.
    """
    return _listed(vault or above)


@command.command("add", epilog=example("memory-sync roots add ~/notes --name notes"))
@click.argument("path", type=click.Path(path_type=Path), shell_complete=FOLDERS)
@click.option("--name", metavar="NAME", required=True, help="What all devices call the folder.")
@click.option(
    "--include",
    metavar="GLOB",
    multiple=True,
    help="Which files are synced; may be given several times. Default: MEMORY.md, memory/**/*.md.",
)
@click.option(
    "--direction",
    type=click.Choice(["both", "push", "pull"]),
    help="push only sends what is here, pull only fetches. Default: both.",
)
@vault_option
@yes_option
@json_option
@click.pass_obj
def add(above: str | None, /, path: Path, *, vault: str | None, **given: Any) -> Result:
    """Add a folder to a vault that is set up.

    The folder is first compared with what the vault has under that name; then both are united, and
    nothing is deleted on either side.
    """
    from memory_sync.app.context import load_context
    from memory_sync.cli.setup import set_up
    from memory_sync.cli.where import options_of

    known = load_context(os.environ).one_vault(vault or above, "roots add")
    return set_up(
        options_of(root=path, remote=None, vault=known.name, command="roots add", **given)
    )


@command.command("map", epilog=example("memory-sync roots map ~/code/widget claude-widget"))
@click.argument("project", shell_complete=FOLDERS)
@click.argument("name")
@vault_option
@yes_option
@json_option
@click.pass_obj
def mapping(
    above: str | None, /, project: str, name: str, *, vault: str | None, yes: bool
) -> Result:
    """Map a project by hand, to the root with this name.

    For a project without an origin, or one that is to have another name. PROJECT is the project's
    own folder, or the one that the agent keeps of it. Give the same name on each machine. What both
    sides have is united; what was synced under another name stays in the vault.
    """
    import shlex

    from memory_sync.app.context import load_context
    from memory_sync.app.roots import assign, find_project, wanted_root
    from memory_sync.app.sync import Wish, sync
    from memory_sync.cli.ask import confirm
    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.render import waiting
    from memory_sync.cli.syncing import report
    from memory_sync.cli.where import checked_name

    context = load_context(os.environ)
    target = find_project(context, vault or above, project)
    hint = f"memory-sync roots map {shlex.quote(project)} NAME"
    root = wanted_root(context, target, checked_name(name, "root", hint))
    data = {"vault": target.vault.name, "name": name, "path": str(target.memory), "mapped": False}
    if root is None:
        return Result(data, (Line(f"It is the root {name} already."),))
    question = (
        f"Unite {target.memory} with root {name} of vault {target.vault.name}?"
        " Nothing is deleted on either side."
    )
    again = shlex.join(["roots", "map", project, name])
    if not confirm(question, command=again, yes=yes):
        return Result(data, (Line("Nothing was changed."),))
    with ended_by_signals(), waiting("Syncing") as show:
        context = assign(context, target, root)
        rows = sync(context, context.vaults(target.vault.name), Wish(), show)
    done = report(context.directories, rows)
    lines = (Line(f"{target.memory} is the root {name} now.", "good"), *done.lines)
    return done._replace(data={**data, "mapped": True, "sync": done.data["vaults"]}, lines=lines)


def _listed(vault: str | None) -> Result:
    from memory_sync.app.context import load_context
    from memory_sync.app.roots import listing
    from memory_sync.cli.rooted import lines, told

    found = listing(load_context(os.environ), vault)
    data = {
        "roots": found.roots,
        "projects": [told(project) for project in found.projects],
        "elsewhere": found.elsewhere,
    }
    return Result(data, tuple(lines(found)))


command.add_command(rename)
command.add_command(move)

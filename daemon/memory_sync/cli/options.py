"""Options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

FILES = click.Path().shell_complete
"""How a shell completes what is a file."""
FOLDERS = click.Path(file_okay=False).shell_complete
"""How a shell completes what is a folder."""
JSON_HELP = "Answer with one line of JSON, for programs."

Command = Callable[..., Any]


def _agents(_: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the agents whose name begins so."""
    # Imported here because only a shell that completes needs it.
    from memory_sync.config.presets import preset_names

    return [name for name in preset_names() if name.startswith(incomplete)]


SETUP = (
    click.argument("root", required=False, type=click.Path(path_type=Path), shell_complete=FOLDERS),
    click.option(
        "--remote",
        metavar="URL",
        help="github:OWNER/REPO or file:///path/x.git. Default: the repository memory-sync-vault"
        " of the token's owner.",
    ),
    click.option("--vault", metavar="NAME", help="What the vault is called here."),
    click.option(
        "--name", metavar="NAME", help="What all devices call the folder. Default: memory."
    ),
    click.option("--device", metavar="NAME", help="What the others call this machine."),
    click.option(
        "--include",
        metavar="GLOB",
        multiple=True,
        help="Which files are synced; may be given several times. Default: MEMORY.md,"
        " memory/**/*.md. With --agent: these besides the agent's own.",
    ),
    click.option(
        "--agent",
        metavar="NAME",
        multiple=True,
        help="Sync the memory of this agent: openclaw, claude-code, codex, gemini-cli, hermes. May"
        " be given several times. ROOT is then the agent's own folder, if it is not where it"
        " usually is.",
        shell_complete=_agents,
    ),
    click.option(
        "--allow-public", is_flag=True, help="Let the repository be one that all can see."
    ),
    click.option(
        "--service/--no-service",
        default=None,
        help="Install the service too, or do not ask about it. --yes alone installs none.",
    ),
)
"""What `init` and `join` have in common, in the order of their help."""


def setup_options(command: Command) -> Command:
    """Add the folder and the options of a command that sets up a vault or joins one."""
    for option in reversed(SETUP):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    """Add `--json`; that it was given is seen by `main`, which renders."""
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        help=JSON_HELP,
    )(command)


def vault_option(command: Command) -> Command:
    """Add `--vault NAME`."""
    return click.option("--vault", metavar="NAME", help="Only this vault.", shell_complete=_vaults)(
        command
    )


def _vaults(_: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the vaults of the configuration that begin so; none of a broken one."""
    # Imported here because only a shell that completes needs it.
    import tomllib

    from memory_sync.config.directories import directories
    from memory_sync.errors import MemorySyncError

    try:
        text = directories(os.environ).config_file.read_text("utf-8")
        names = [str(vault["name"]) for vault in tomllib.loads(text)["vault"]]
    except (OSError, ValueError, KeyError, TypeError, MemorySyncError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def yes_option(command: Command) -> Command:
    """Add `--yes`."""
    return click.option("--yes", is_flag=True, help="Take every question as answered with yes.")(
        command
    )


def example(*lines: str) -> str:
    """Return an epilogue with an example in it."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)

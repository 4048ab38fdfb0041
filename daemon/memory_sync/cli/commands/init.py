"""`memory-sync init`."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import click

from memory_sync.cli.options import example, json_option, setup_options, yes_option
from memory_sync.cli.result import Line, Result


@click.command(
    "init",
    epilog=example(
        "cd ~/agent && memory-sync init",
        "memory-sync init --agent claude-code --agent codex",
        "memory-sync init ~/agent --remote file:///mnt/nas/memory.git",
    ),
)
@setup_options
@click.option("--new-token", is_flag=True, help="Only store a new token for a vault.")
@yes_option
@json_option
def command(*, new_token: bool, yes: bool, **given: Any) -> Result:
    """Set up a vault for a folder or for agents, or join one.

    ROOT is the folder. Without it the agents that are on this machine are shown, with what of each
    would be synced, and you are asked which; --yes takes all. If there are none, or you want none,
    it is the current folder.

    The repository is created, private, if it is missing. If it holds a vault, each folder is
    compared with it first, and the vault's key must be here: see import-key. Nothing is changed
    before you have agreed.
    """
    from memory_sync.cli.setup import set_up
    from memory_sync.cli.where import options_of

    options = options_of(**given, yes=yes)
    if new_token:
        return _new_token(options.remote, options.vault)
    return set_up(options)


def _new_token(remote: str | None, name: str | None) -> Result:
    """Store a new token for a vault that is set up."""
    from memory_sync.app.context import load_context
    from memory_sync.app.sync import Wish, through_daemon
    from memory_sync.app.tokens import supplying
    from memory_sync.cli.credentials import renew_token
    from memory_sync.cli.where import same
    from memory_sync.config.settings import EnvironmentVault
    from memory_sync.errors import DaemonError, UsageError

    context = load_context(os.environ)
    if name is None and remote is not None:
        name = next((v.name for v in context.vaults() if same(v.remote, remote)), remote)
    vault = context.one_vault(name, "init --new-token")
    if isinstance(vault, EnvironmentVault):
        detail = f"The vault {vault.name} is described by the environment, and so is its token."
        raise UsageError(detail=detail, hint=supplying(context.settings, vault))
    if not vault.remote.startswith("github:"):
        raise UsageError(detail=f"The vault {vault.name} lies in {vault.remote}: it has no token.")
    path = renew_token(context, vault)
    with suppress(DaemonError):
        # A daemon that has given up on the old token is told to try again.
        through_daemon(context, [vault.name], Wish())
    lines = (Line(f"The new token of vault {vault.name} lies in {path}."),)
    return Result({"vault": vault.name, "token_file": str(path)}, lines)

"""`memory-sync init`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from memory_sync.cli.options import FOLDERS, example, json_option, yes_option
from memory_sync.cli.result import Line, Result


@click.command(
    "init",
    epilog=example(
        "cd ~/agent && memory-sync init",
        "memory-sync init ~/agent --remote file:///mnt/nas/memory.git",
    ),
)
@click.argument("root", required=False, type=click.Path(path_type=Path), shell_complete=FOLDERS)
@click.option(
    "--remote",
    metavar="URL",
    help="github:OWNER/REPO or file:///path/x.git. Default: the repository memory-sync-vault of the"
    " token's owner.",
)
@click.option("--vault", metavar="NAME", help="What the vault is called here.")
@click.option("--name", metavar="NAME", help="What all devices call the folder. Default: memory.")
@click.option("--device", metavar="NAME", help="What the others call this machine.")
@click.option(
    "--include",
    metavar="GLOB",
    multiple=True,
    help="Which files are synced; may be given several times. Default: MEMORY.md, memory/**/*.md.",
)
@click.option("--allow-public", is_flag=True, help="Let the repository be one that all can see.")
@click.option(
    "--service/--no-service",
    default=None,
    help="Install the service too, or do not ask about it. --yes alone installs none.",
)
@click.option("--new-token", is_flag=True, help="Only store a new token for a vault.")
@yes_option
@json_option
def command(
    *,
    root: Path | None,
    remote: str | None,
    vault: str | None,
    name: str | None,
    device: str | None,
    include: tuple[str, ...],
    allow_public: bool,
    service: bool | None,
    new_token: bool,
    yes: bool,
) -> Result:
    """Set up a vault for a folder, or join one that exists.

    ROOT is the folder, by default the current one. The repository is created, private, if it is
    missing. If it holds a vault, the folder is compared with it first, and the vault's key must be
    here: see import-key. Nothing is changed before you have agreed.
    """
    from memory_sync.cli.setup import set_up
    from memory_sync.cli.where import Options, normalised

    options = Options(
        root=Path(os.path.abspath(os.path.expanduser(root or "."))),
        remote=normalised(remote) if remote else None,
        vault=vault,
        name=name,
        device=device,
        include=include,
        allow_public=allow_public,
        yes=yes,
        service=service,
    )
    if new_token:
        return _new_token(options.remote, vault)
    return set_up(options)


def _new_token(remote: str | None, name: str | None) -> Result:
    """Store a new token for a vault that is set up."""
    from memory_sync.app.context import load_context
    from memory_sync.app.sync import Wish, through_daemon
    from memory_sync.cli.credentials import renew_token
    from memory_sync.cli.where import same
    from memory_sync.errors import DaemonError, UsageError

    context = load_context(os.environ)
    if name is None and remote is not None:
        name = next((v.name for v in context.vaults() if same(v.remote, remote)), remote)
    vault = context.one_vault(name, "init --new-token")
    if not vault.remote.startswith("github:"):
        raise UsageError(detail=f"The vault {vault.name} lies in {vault.remote}: it has no token.")
    path = renew_token(context, vault)
    with suppress(DaemonError):
        # A daemon that has given up on the old token is told to try again.
        through_daemon(context, [vault.name], Wish())
    lines = (Line(f"The new token of vault {vault.name} lies in {path}."),)
    return Result({"vault": vault.name, "token_file": str(path)}, lines)

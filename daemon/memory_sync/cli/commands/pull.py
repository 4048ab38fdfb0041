"""`memory-sync pull`."""

from __future__ import annotations

import click

from memory_sync.cli.options import example, json_option, vault_option
from memory_sync.cli.result import Result


@click.command("pull", epilog=example("memory-sync pull --dry-run"))
@vault_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option(
    "--read-only",
    is_flag=True,
    help="Let nothing write to the remote, by construction; no daemon is asked.",
)
@json_option
def command(vault: str | None, dry_run: bool, read_only: bool) -> Result:
    """Fetch now what changed elsewhere.

    Nothing of this machine is sent. With --read-only a token does that may only read, and so does
    a folder that cannot be written; where a daemon serves the vault, that is an error (8).
    """
    # Imported here so that --help is quick.
    from memory_sync.app.sync import Wish
    from memory_sync.cli.syncing import sync_now

    return sync_now(vault, Wish(up=False, dry_run=dry_run, read_only=read_only))

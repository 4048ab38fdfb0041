"""`memory-sync pull`."""

from __future__ import annotations

import click

from memory_sync.cli.options import example, json_option, vault_option
from memory_sync.cli.result import Result


@click.command("pull", epilog=example("memory-sync pull --dry-run"))
@vault_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
def command(vault: str | None, dry_run: bool) -> Result:
    """Fetch now what changed elsewhere.

    Nothing of this machine is sent.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.sync import Wish
    from memory_sync.cli.syncing import sync_now

    return sync_now(vault, Wish(up=False, dry_run=dry_run))

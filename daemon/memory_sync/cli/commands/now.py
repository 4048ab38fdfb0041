"""`memory-sync now`."""

from __future__ import annotations

import click

from memory_sync.cli.options import example, json_option, vault_option
from memory_sync.cli.result import Result


@click.command("now", epilog=example("memory-sync now --dry-run"))
@vault_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
def command(vault: str | None, dry_run: bool) -> Result:
    """Sync now, in both directions.

    What changed here is sent, what changed elsewhere is fetched, and what changed on both sides is
    merged. The daemon does it where one runs, else this command does.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.sync import Wish
    from memory_sync.cli.syncing import sync_now

    return sync_now(vault, Wish(dry_run=dry_run))

"""`memory-sync pair`."""

from __future__ import annotations

import os

import click

from memory_sync.cli.options import example, json_option, vault_option
from memory_sync.cli.result import Result


@click.command("pair", epilog=example("memory-sync pair"))
@vault_option
@click.option(
    "--words",
    metavar="WORDS",
    help="The six words that the other machine shows, in quotes: compares them instead of asking.",
)
@click.option("--clear", is_flag=True, help="Take all requests out of the vault, whosever.")
@json_option
def command(vault: str | None, words: str | None, clear: bool) -> Result:
    """Give the key of a vault to a machine that asks for it.

    It shows the machines that have asked with memory-sync join, each with six words. Say yes only
    if the other machine shows the same: they cannot be the same by chance or by fraud. A request is
    good for 15 minutes, and once.
    """
    from memory_sync.app.context import load_context
    from memory_sync.cli.pairing import clear as clear_all
    from memory_sync.cli.pairing import let_in

    context = load_context(os.environ)
    settings = context.one_vault(vault, "pair")
    return clear_all(context, settings) if clear else let_in(context, settings, words)

"""`memory-sync join`."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from memory_sync.cli.options import example, json_option, setup_options, yes_option
from memory_sync.cli.result import Result


@click.command(
    "join",
    epilog=example("memory-sync join ~/agent --remote github:OWNER/REPO"),
)
@setup_options
@click.option(
    "--words",
    type=click.Choice(["-"]),
    help="Read the six words that pair shows from standard input, and compare them.",
)
@yes_option
@json_option
def command(*, words: str | None, yes: bool, **given: Any) -> Result:
    """Join a vault without carrying its key.

    This machine leaves a request in the vault and shows six words. On a machine that has the key,
    memory-sync pair shows them too: compare them, and say yes on both. The key then comes through
    the vault, encrypted to this machine alone. All else is as with init: ROOT is the folder, or
    there are agents; each folder is compared with the vault, and nothing is changed before you have
    agreed.

    --yes is about those questions. The words are always compared.
    """
    from memory_sync.cli.pairing import bring_key
    from memory_sync.cli.setup import set_up
    from memory_sync.cli.where import options_of

    options = options_of(**given, yes=yes, command="join")
    return set_up(options, partial(bring_key, piped=words is not None))

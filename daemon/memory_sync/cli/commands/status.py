"""`memory-sync status`."""

from __future__ import annotations

import sys
import time

import click

from memory_sync.cli.looking import answer, look_over
from memory_sync.cli.options import JSON_HELP, example, vault_option
from memory_sync.cli.render import screen
from memory_sync.cli.result import Result

EVERY = 1.0
"""Seconds between two looks of --watch."""


@click.command("status", epilog=example("memory-sync status --json"))
@vault_option
@click.option("--exit-code", is_flag=True, help="Tell the state by the exit status, too.")
@click.option("--watch", is_flag=True, help="Show it anew each second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def command(vault: str | None, exit_code: bool, watch: bool, as_json: bool) -> Result:
    """Show how every vault is, and what mends it.

    The first line is the worst state: idle, syncing, paused, offline, stopped (no daemon),
    needs-attention or halted. With --exit-code the exit status tells it: 0 for the first three, 5
    offline, 6 stopped, 7 halted; that of needs-attention is its cause's.
    """
    if not watch:
        return answer(look_over(vault), exit_code=exit_code)
    if as_json or not sys.stdout.isatty():
        raise click.UsageError("--watch draws on a terminal: not with --json, not into a pipe.")
    try:
        with screen() as draw:
            while True:
                overview = look_over(vault)
                draw(overview.lines())
                time.sleep(EVERY)
    except KeyboardInterrupt:
        # That is how one ends it; what was shown last stays to be read.
        result = answer(overview, exit_code=exit_code)
        return result if exit_code else Result(lines=result.lines, status=130)

"""`memory-sync status`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable

import click

from memory_sync.cli.options import JSON_HELP, example, vault_option
from memory_sync.cli.overview import Overview
from memory_sync.cli.render import screen
from memory_sync.cli.result import Result, worst
from memory_sync.cli.standing import look
from memory_sync.config.directories import directories
from memory_sync.config.pausing import read_pause
from memory_sync.config.usage import usage
from memory_sync.errors import DaemonError, HaltError, OfflineError
from memory_sync.model import Phase, Problem

STATUSES = {
    Phase.OFFLINE: OfflineError.status,
    Phase.STOPPED: DaemonError.status,
    Phase.HALTED: HaltError.status,
}
"""The exit status of a state; that of needs-attention is its cause's."""
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
        return _result(_look(vault), exit_code=exit_code)
    if as_json or not sys.stdout.isatty():
        raise click.UsageError("--watch draws on a terminal: not with --json, not into a pipe.")
    try:
        with screen() as draw:
            while True:
                overview = _look(vault)
                draw(overview.lines())
                time.sleep(EVERY)
    except KeyboardInterrupt:
        # That is how one ends it; what was shown last stays to be read.
        result = _result(overview, exit_code=exit_code)
        return result if exit_code else Result(lines=result.lines, status=130)


def _look(vault: str | None) -> Overview:
    places = directories(os.environ)
    everything = look(places, os.environ)
    pause = read_pause(places.pause_file)
    return Overview(
        places,
        everything.only(vault),
        None if pause and pause.over(time.time()) else pause,
        usage(places),
        several=len(everything.vaults) > 1,
    )


def _result(overview: Overview, *, exit_code: bool) -> Result:
    standing, state, pause = overview.standing, overview.state, overview.pause
    data = {
        "state": state,
        "daemon": dict(standing.daemon),
        "vaults": list(standing.vaults),
        "paused": {"until": pause.until} if pause else None,
        "disk": overview.usage.data(),
    }
    status = _status(state, overview.causes()) if exit_code else 0
    return Result(data, overview.lines(), status=status)


def _status(state: str, causes: Iterable[Problem]) -> int:
    if state == Phase.ATTENTION:
        return worst(problem.status for problem in causes) or 1
    return STATUSES.get(Phase(state), 0)

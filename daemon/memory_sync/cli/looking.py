"""What `status` does: look, and answer. Imports nothing heavy, and not even click."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

from memory_sync.cli.overview import Overview
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


def look_over(vault: str | None) -> Overview:
    """Look at everything, or at one vault. Raises VaultUnknownError."""
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


def answer(overview: Overview, *, exit_code: bool) -> Result:
    """Answer with what was seen; `exit_code` has the exit status tell the state."""
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


def quick(words: Sequence[str]) -> Result | None:
    """Answer `status` without click, or None where something unusual is asked of it.

    Prompts and bars ask it every few seconds, and click alone takes longer than all the rest.
    Raises VaultUnknownError.
    """
    vault, exit_code = None, False
    left = iter(words)
    if next(left, "") != "status":
        return None
    for word in left:
        if word == "--vault":
            vault = next(left, "")
            if not vault or vault.startswith("-"):
                return None
        elif word == "--exit-code":
            exit_code = True
        elif word != "--json":
            return None
    return answer(look_over(vault), exit_code=exit_code)

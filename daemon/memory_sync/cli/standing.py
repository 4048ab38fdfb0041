"""What `status` shows: from the daemon with light imports only, or from the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from memory_sync.cli.result import as_problem, problem_of
from memory_sync.config.directories import Directories
from memory_sync.daemon.client import Client, find_socket
from memory_sync.errors import DaemonError, DaemonSilentError, VaultUnknownError
from memory_sync.model import Phase, Problem

SILENT_AFTER = 1.0
"""Seconds for each answer; a daemon that takes longer is stuck."""


@dataclass(frozen=True)
class Standing:
    """The daemon and all vaults at one moment.

    `notes` concern no single vault: a daemon that does not answer, a broken configuration.
    """

    daemon: Mapping[str, Any]
    vaults: tuple[Mapping[str, Any], ...]
    notes: tuple[Problem, ...] = field(default=())
    served: bool = False

    def only(self, vault: str | None) -> Standing:
        """Return the same with one vault. Raises VaultUnknownError."""
        if vault is None:
            return self
        rows = tuple(row for row in self.vaults if row["name"] == vault)
        if not rows:
            known = ", ".join(row["name"] for row in self.vaults) or "none"
            raise VaultUnknownError(name=vault, known=known)
        return Standing(self.daemon, rows, self.notes, self.served)


def look(places: Directories, env: Mapping[str, str]) -> Standing:
    """Ask the daemon; where none answers, look at what is on the disk."""
    try:
        with Client(find_socket(places.daemon_lock, places.socket), SILENT_AFTER) as client:
            answer = client.call("status", {})
    except DaemonSilentError:
        error = DaemonSilentError(pid=_locked_by(places) or "unknown")
        return _from_disk(env, _locked_by(places), problem_of(error))
    except DaemonError as error:
        return _from_disk(env, None, problem_of(error))
    daemon = answer["daemon"]
    notes = (as_problem(daemon["config"]),) if daemon.get("config") else ()
    return Standing(daemon, tuple(answer["vaults"]), notes, served=True)


def _from_disk(env: Mapping[str, str], pid: int | None, note: Problem) -> Standing:
    # Imported here because a daemon that answers makes all of it unnecessary.
    from memory_sync.app.context import load_context
    from memory_sync.app.standing import standing

    silent = note.code == DaemonSilentError.code
    daemon = {"running": silent, "pid": pid, "version": None}
    return Standing(daemon, tuple(standing(load_context(env))), (note,))


def _locked_by(places: Directories) -> int | None:
    """Return the process that wrote itself into the daemon's lock."""
    try:
        return int(places.daemon_lock.read_text("utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def never_exported(places: Directories) -> list[str]:
    """Return the vaults whose key lies on this machine and was never exported from it."""
    vaults = []
    with suppress(OSError):
        for name in sorted(os.listdir(places.keys)):
            vault = name.removesuffix(".trust.json")
            recipient = _recipient(places, name) if vault != name else ""
            key = places.keys / f"{recipient}.txt"
            mark = places.keys / f"{recipient}.exported"
            if recipient and key.exists() and not mark.exists():
                vaults.append(vault)
    return vaults


def _recipient(places: Directories, name: str) -> str:
    try:
        recipient = json.loads((places.keys / name).read_bytes())["recipient"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return recipient if isinstance(recipient, str) and recipient.isalnum() else ""


STATES = (
    Phase.IDLE,
    Phase.SYNCING,
    Phase.PAUSED,
    Phase.OFFLINE,
    Phase.STOPPED,
    Phase.ATTENTION,
    Phase.HALTED,
)
"""From the best to the worst."""


def worst_state(standing: Standing) -> str:
    """Return the worst state over everything that is shown."""
    states = {str(row["state"]) for row in standing.vaults}
    if not standing.served:
        states.add(Phase.ATTENTION if standing.daemon["running"] else Phase.STOPPED)
    elif standing.notes:
        states.add(Phase.ATTENTION)
    return next((state for state in reversed(STATES) if state in states), Phase.IDLE).value

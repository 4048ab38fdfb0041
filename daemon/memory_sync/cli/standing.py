"""What `status` shows: from the daemon with light imports only, or from the disk."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from memory_sync.cli.result import as_problem, problem_of
from memory_sync.config.directories import Directories
from memory_sync.config.durable import is_held
from memory_sync.config.small import open_plain, read_small
from memory_sync.daemon.client import Client, find_socket
from memory_sync.errors import DaemonError, DaemonSilentError, UsageError, VaultUnknownError
from memory_sync.model import Phase, Problem

LAST_LINE = 16384
"""Bytes at the end of the log in which its last line is looked for."""
FIRST_WAIT, SILENT_AFTER = 0.1, 0.5
"""Seconds that the daemon has to answer: before anything else is made ready, and in all."""
RETRY = 0.02
"""Seconds between two tries to connect to a daemon that has only just begun."""


class Standing(NamedTuple):
    """The daemon and all vaults at one moment.

    `notes` concern no single vault: a daemon that does not answer, a broken configuration.
    `asides` do not either, and need no hurry: a daemon of another version.
    """

    daemon: Mapping[str, Any]
    vaults: tuple[Mapping[str, Any], ...]
    notes: tuple[Problem, ...] = ()
    served: bool = False
    asides: tuple[Problem, ...] = ()

    def only(self, vault: str | None) -> Standing:
        """Return the same with one vault. Raises VaultUnknownError."""
        if vault is None:
            return self
        rows = tuple(row for row in self.vaults if row["name"] == vault)
        if not rows:
            known = ", ".join(row["name"] for row in self.vaults) or "none"
            raise VaultUnknownError(name=vault, known=known)
        return self._replace(vaults=rows)


def look(places: Directories, env: Mapping[str, str]) -> Standing:
    """Ask the daemon; where none answers, look at what is on the disk.

    What that needs is loaded while a daemon that may only be busy has still time to answer.
    """
    began = time.monotonic()
    answers: queue.SimpleQueue[Standing | DaemonError] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(places, answers), daemon=True).start()
    answer = _next(answers, FIRST_WAIT)
    if answer is None:
        import memory_sync.app.context
        import memory_sync.app.standing  # noqa: F401 - a moment later it is there

        left = max(0.0, SILENT_AFTER - (time.monotonic() - began))
        answer = _next(answers, left) or DaemonSilentError(pid="unknown")
    if isinstance(answer, Standing):
        return answer
    pid = _locked_by(places) if isinstance(answer, DaemonSilentError) else None
    if isinstance(answer, DaemonSilentError):
        answer = DaemonSilentError(pid=pid or "unknown")
    return _from_disk(places, env, pid, problem_of(answer))


def _next(
    answers: queue.SimpleQueue[Standing | DaemonError], seconds: float
) -> Standing | DaemonError | None:
    with suppress(queue.Empty):
        return answers.get(timeout=seconds)
    return None


def _ask(places: Directories, answers: queue.SimpleQueue[Standing | DaemonError]) -> None:
    """Ask the daemon, and put what comes of it where it is waited for."""
    try:
        with _connected(places) as client:
            answer = client.status(SILENT_AFTER)
            other = client.differs
        daemon = answer["daemon"]
        found = (daemon.get(name) for name in ("stuck", "config"))
        notes = tuple(as_problem(note) for note in found if note)
        asides = (problem_of(other),) if other else ()
        rows = tuple(answer["vaults"])
        answers.put(Standing(daemon, rows, notes, served=True, asides=asides))
    except DaemonError as error:
        answers.put(error)


def _connected(places: Directories) -> Client:
    """Connect to the daemon. Raises DaemonError, or DaemonSilentError where one lives.

    Its lock it holds from its start to its end; its socket it opens a moment later, and it may be
    taken away.
    """
    until = time.monotonic() + SILENT_AFTER
    while True:
        try:
            return Client(find_socket(places.daemon_lock, places.socket), SILENT_AFTER)
        except DaemonSilentError:
            raise
        except DaemonError:
            if not is_held(places.daemon_lock):
                raise
        if time.monotonic() > until:
            raise DaemonSilentError(pid="unknown")
        time.sleep(RETRY)


def _from_disk(
    places: Directories, env: Mapping[str, str], pid: int | None, note: Problem
) -> Standing:
    # Imported here because a daemon that answers makes all of it unnecessary.
    from memory_sync.app.context import load_context
    from memory_sync.app.standing import standing
    from memory_sync_service import start_command

    if note.code == DaemonError.code:
        note = note._replace(hint=start_command(env))
    silent = note.code == DaemonSilentError.code
    notes: tuple[Problem, ...] = (note,)
    broken: dict[str, Any] = {}
    rows: tuple[Mapping[str, Any], ...] = ()
    try:
        rows = tuple(standing(load_context(env)))
    except UsageError as error:
        # What cannot be read says nothing of the vaults; that no daemon runs is known all the same.
        notes = (note, problem_of(error))
        broken = {"config": notes[1].data()}
    daemon = {"running": silent, "pid": pid, "version": None, "last_heard": _last_heard(places)}
    daemon |= broken
    return Standing(daemon, rows, notes)


def _last_heard(places: Directories) -> dict[str, Any] | None:
    """Return the last line of the log: when the daemon was heard of last, and with what."""
    from datetime import datetime

    try:
        with open_plain(places.log_file) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_LINE))
            lines = file.read(LAST_LINE).splitlines()
    except (OSError, ValueError):
        return None
    for line in reversed(lines):
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            found = json.loads(line)
            when = datetime.fromisoformat(found["ts"]).timestamp()
            return {"time": when, "event": str(found["event"])}
    return None


def _locked_by(places: Directories) -> int | None:
    """Return the process that wrote itself into the daemon's lock."""
    try:
        return int(read_small(places.daemon_lock).split()[0])
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
            here = key.exists() or key.with_suffix(".keyring").exists()
            if recipient and here and not mark.exists():
                vaults.append(vault)
    return vaults


def _recipient(places: Directories, name: str) -> str:
    try:
        recipient = json.loads(read_small(places.keys / name))["recipient"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
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

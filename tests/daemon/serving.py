"""A worker in this process, with the real engine of a home, that a test can take apart."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from memory_sync.app.context import load_context
from memory_sync.app.jobs import jobs
from memory_sync.app.vaults import open_vault
from memory_sync.daemon.mailbox import Board, Stop
from memory_sync.daemon.report import VaultReport
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.worker import Worker
from memory_sync.model import Phase
from memory_sync.ports.clock import SystemClock
from tests.daemon.homes import Home, wait
from tests.daemon.test_worker import Notes

SELDOM = 3600.0


def end_thread(ears: object) -> None:
    """End a thread that listens to a root, without a word."""
    from memory_sync.daemon.inotify import Inotify

    assert isinstance(ears, Inotify)
    ears._stopped_event.set()
    os.write(ears._kill_w, b"!")
    ears.join()


class Served:
    """A worker, its log and its report."""

    def __init__(self, worker: Worker, log: Notes, board: Board[VaultReport]) -> None:
        self.worker = worker
        self.log = log
        self._board = board
        self._before = 0

    def idle(self) -> None:
        """Wait until what was there before is sent, and count from there."""
        wait(lambda: self._report().state is Phase.IDLE, "it is idle")
        self._before = len(self._batches())

    def _report(self) -> VaultReport:
        return self._board.all()[self.worker.job.name]

    def _batches(self) -> list[int]:
        return [int(str(fields["files"])) for fields in self.told("batch.up")]

    def told(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.log.events if name == event]

    def sends(self, files: int) -> None:
        """Wait until that many files have gone up since it was idle first."""
        wait(lambda: sum(self._batches()[self._before :]) == files, f"{files} files have gone up")


@contextmanager
def serving(
    home: Home,
    *,
    debounce: float = 0.2,
    max_delay: float = 1.0,
    poll: float = SELDOM,
    scan: float = SELDOM,
    **job: Any,
) -> Iterator[Served]:
    """Serve a home's one vault until the end of the context."""
    (made,) = jobs(load_context(home.env))
    timing = Timing(debounce, max_delay, poll, scan)
    board: Board[VaultReport] = Board()
    log = Notes()
    worker = Worker(replace(made, timing=timing, **job), board, SystemClock(), log)
    worker.start()
    served = Served(worker, log, board)
    try:
        served.idle()
        yield served
    finally:
        worker.mailbox.put(Stop())
        worker.join(20)


def digests(home: Home) -> dict[str, str]:
    """Return the digests of what the vault holds, by path; nobody serves the home meanwhile."""
    context = load_context(home.env)
    with open_vault(context, context.vaults()[0]) as engine:
        return {path: file.version.digest for path, file in engine.remote_files().items()}


def commits(vault: Path) -> list[str]:
    """Return the commits of a vault in a folder, the newest first."""
    return _git(vault, "rev-list", "HEAD").split()


def changed(vault: Path, since: str) -> list[str]:
    """Return how each commit since then changed an object: `M` or `D`, say, one for each object."""
    text = _git(vault, "log", "--format=", "--name-status", f"{since}..HEAD", "--", "objects")
    return [line.split()[0] for line in text.splitlines() if line]


def _git(vault: Path, *words: str) -> str:
    command = ["git", "-C", str(vault), *words]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout

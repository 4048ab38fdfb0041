"""The daemon's main thread: workers, control socket, signals, a changed configuration."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory_sync import __version__
from memory_sync.config.durable import take_lock
from memory_sync.daemon.control import ControlServer
from memory_sync.daemon.mailbox import Mailbox, Request, Stop
from memory_sync.daemon.network import NetworkWatch, open_ear
from memory_sync.daemon.notices import Screen
from memory_sync.daemon.notify import Notifier
from memory_sync.daemon.oversight import Oversight, Shown
from memory_sync.daemon.places import Places
from memory_sync.daemon.scout import Scout
from memory_sync.daemon.worker import Job, Log, Worker
from memory_sync.engine.local import problem
from memory_sync.errors import (
    DaemonRunningError,
    DaemonStuckError,
    FileUnwritableError,
    MemorySyncError,
    UsageError,
)
from memory_sync.ports.clock import Clock

TICK = 1.0
"""Seconds between looks at the configuration file and at the workers."""
PATIENCE = 20.0
"""Seconds that workers have to come to an end; a cycle that is cut short loses nothing."""

AGAIN = 60.0
"""Seconds after which a configuration that could not be used is read again: what stood in its way,
a disk that was not there for example, may be gone."""
LONGEST_LOOK = 30.0
"""Seconds between two looks of the main thread after which it is stuck: longer than PATIENCE."""
NETWORK = 0
"""What stands in the mailbox among the numbers of signals: the network has changed."""


@dataclass(frozen=True)
class Orders:
    """What the configuration wants of the daemon."""

    jobs: tuple[Job, ...]
    notifications: bool = True


class Supervisor:
    """Runs one worker for each vault, until a signal ends it."""

    def __init__(
        self,
        places: Places,
        load: Callable[[], Orders],
        clock: Clock,
        log: Log,
        *,
        notifier: Notifier,
        screen: Screen,
        scout: Scout | None = None,
    ) -> None:
        self._places = places
        self._scout = scout
        self._load = load
        self._clock = clock
        self._log = log
        self._notifier = notifier
        self._board = Shown()
        self._oversight = Oversight(
            places, clock, log, board=self._board, notifier=notifier, screen=screen
        )
        self._workers: dict[str, Worker] = {}
        self._signals: Mailbox[int] = Mailbox()
        self._network = NetworkWatch(lambda: self._signals.put(NETWORK), open_ear())
        self._next: dict[str, Job] = {}
        self._lost = False
        self._broken_at = math.inf
        self._control = ControlServer(
            places.socket,
            self._board,
            self._submit,
            fault=self._control_failed,
            health=self._health,
        )

    def run(self) -> None:
        """Serve until a signal ends it.

        Raises DaemonRunningError if another daemon serves this home, or what is wrong with the
        configuration at the start.
        """
        with locked(self._places.lock, self._places.socket):
            seen = self._places.orders()
            jobs = self._obey(self._load())
            self._heed()
            self._oversight.begin()
            # Whoever asks from the first moment on finds all vaults.
            workers = self._make(jobs)
            self._control.open()
            self._log.info("daemon.started", version=__version__, pid=os.getpid(), vaults=len(jobs))
            try:
                self._network.start()
                for worker in workers:
                    worker.start()
                self._oversight.skip()
                if self._scout:
                    self._scout.start()
                self._notifier.tell(READY=1)
                self._loop(seen)
            finally:
                self._notifier.tell(STOPPING=1)
                if self._scout:
                    self._scout.close()
                self._control.close()
                self._network.close()
                self._stop(list(self._workers.values()))
                self._log.info("daemon.stopped", pid=os.getpid())

    def _heed(self) -> None:
        """Let signals end it; one that is ignored (by nohup) stays so."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, _: self._signals.put(number))

    def _loop(self, seen: object) -> None:
        while True:
            heard = self._signals.get(TICK)
            if heard == NETWORK:
                self._oversight.network_changed()
            elif heard is not None:
                return
            now = self._places.orders()
            if now != seen or self._clock.monotonic() >= self._broken_at + AGAIN:
                seen = now
                self._reload()
            self._replace_ended()
            self._keep_socket()
            self._oversight.look(self._workers)

    def _replace_ended(self) -> None:
        """Start a new worker where one has ended: by a fault, or at last as it was told to."""
        for name, worker in list(self._workers.items()):
            if not worker.is_alive():
                if name not in self._next:
                    self._log.error("worker.ended", vault=name)
                self._start((self._next.pop(name, worker.job),))

    def _keep_socket(self) -> None:
        """Listen anew where the socket was taken away: a logout empties its folder."""
        if self._control.there():
            self._lost = False
            return
        if not self._lost:
            self._lost = True
            self._log.warning("control.lost")
        with suppress(MemorySyncError):
            self._control.close()
            self._control.open()

    def _health(self) -> dict[str, Any]:
        """Tell what `status` has to say of this thread, which cannot say it itself."""
        seconds = self._clock.monotonic() - self._oversight.looked.all().get("", math.inf)
        if LONGEST_LOOK < seconds < math.inf:
            return {"stuck": problem(DaemonStuckError(seconds=round(seconds))).data()}
        return {}

    def _reload(self) -> None:
        """Take up a changed configuration; a broken one leaves the old in force and is shown."""
        try:
            jobs = self._obey(self._load())
        except MemorySyncError as error:
            note = {"config": problem(error).data()}
            if note != self._control.notes:
                self._log.warning("config.broken", code=error.code, message=error.message)
            self._control.notes = note
            self._broken_at = self._clock.monotonic()
            return
        self._control.notes, self._broken_at = {}, math.inf
        kept = {job.name for job in jobs if self._serves(job)}
        self._stop([worker for name, worker in self._workers.items() if name not in kept])
        wanted = {job.name: job for job in jobs if job.name not in kept}
        self._next = {}
        for name in set(self._workers) - kept:
            if name in wanted and self._workers[name].is_alive():
                # It is stuck. What is to follow it waits, and it goes on to be seen as stuck.
                self._next[name] = wanted.pop(name)
                continue
            del self._workers[name]
            self._board.drop(name)
        self._start(tuple(wanted.values()))
        self._oversight.skip()
        self._log.info("config.loaded", vaults=len(jobs))

    def _obey(self, orders: Orders) -> tuple[Job, ...]:
        self._oversight.notifications = orders.notifications
        return orders.jobs

    def _serves(self, job: Job) -> bool:
        worker = self._workers.get(job.name)
        return worker is not None and worker.job.same(job)

    def _make(self, jobs: tuple[Job, ...]) -> list[Worker]:
        """Make a worker for each job; they can be given messages before they start."""
        made = []
        for job in jobs:
            worker = Worker(job, self._board, self._clock, self._log)
            self._workers[job.name] = worker
            if paused := self._oversight.paused:
                worker.mailbox.put(paused)
            made.append(worker)
        return made

    def _start(self, jobs: tuple[Job, ...]) -> None:
        for worker in self._make(jobs):
            worker.start()

    def _stop(self, workers: list[Worker]) -> None:
        for worker in workers:
            worker.mailbox.put(Stop())
        deadline = self._clock.monotonic() + PATIENCE
        for worker in workers:
            worker.join(timeout=max(0.0, deadline - self._clock.monotonic()))

    def _control_failed(self, method: str, error: Exception) -> None:
        """Write down where a method failed that should not be able to."""
        self._log.error("control.fault", method=method, kind=type(error).__name__, exc_info=error)

    def _submit(self, vault: str, request: Request) -> Callable[[], bool]:
        """Give a request to a vault's worker; return what tells whether that still lives."""
        worker = self._workers.get(vault)
        if worker is None:
            error = UsageError(detail=f"the daemon serves no vault named {vault}")
            answer: dict[str, Any] = {"error": problem(error).data()}
            request.reply.put(answer)
            return lambda: False
        worker.mailbox.put(request)
        return lambda: worker.ident is None or worker.is_alive()


@contextmanager
def locked(path: Path, socket: Path) -> Iterator[None]:
    """Hold the lock of a home; it dies with the process.

    The file names the process that holds it and its socket: a shell with another environment than
    the daemon's would look for that elsewhere. Raises DaemonRunningError, FileUnwritableError.
    """
    with os.fdopen(_open_lock(path), "r+") as file:
        if not take_lock(file.fileno()):
            raise DaemonRunningError(pid=file.readline().strip() or "unknown")
        # On a full disk there is no room for it, and the lock holds all the same.
        with suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), f"{os.getpid()}\n{socket}\n".encode(), 0)
        yield


def _open_lock(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileUnwritableError(path=path, detail=detail) from None

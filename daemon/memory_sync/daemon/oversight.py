"""What the main thread looks after besides the workers themselves.

Each second it sees whether everything is paused, whether the machine has slept, whether all workers
move, what a person should be shown, and what the service manager should be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from memory_sync.config.pausing import Pause, end_pause, read_pause
from memory_sync.daemon.mailbox import Board, Mailbox, Message, Paused, Woken
from memory_sync.daemon.notices import Notices, Screen
from memory_sync.daemon.notify import Notifier
from memory_sync.daemon.places import Places, stamp
from memory_sync.daemon.report import VaultReport
from memory_sync.daemon.silence import Silence
from memory_sync.daemon.vitals import Vault, Vitals, marked
from memory_sync.daemon.worker import Job, Log
from memory_sync.model import Phase, Problem
from memory_sync.ports.clock import Clock
from memory_sync.ports.pulse import Pulse

WORST = (
    Phase.HALTED,
    Phase.ATTENTION,
    Phase.OFFLINE,
    Phase.PAUSED,
    Phase.SYNCING,
    Phase.IDLE,
)
"""The states of a vault; the first that holds is the daemon's."""
CALM = 1.0
"""Seconds for which a changing network must be quiet before anybody is woken."""


class Served(Protocol):
    """A worker, as far as it is looked after."""

    job: Job
    mailbox: Mailbox[Message]
    beats: Pulse


class Shown(Board[VaultReport]):
    """The reports of the workers, and what they cannot say themselves."""

    def __init__(self) -> None:
        super().__init__()
        self._marks: Board[tuple[Problem, ...]] = Board()

    def drop(self, name: str) -> None:
        """Take a vault off, with what was added to it."""
        super().drop(name)
        self._marks.drop(name)

    def mark(self, name: str, marks: tuple[Problem, ...]) -> None:
        """Replace what is added to a vault's report."""
        self._marks.put(name, marks)

    def unmarked(self) -> dict[str, VaultReport]:
        """Return what the workers say, by name."""
        return super().all()

    def all(self) -> dict[str, VaultReport]:
        """Return the reports by name, with what is added to them."""
        marks = self._marks.all()
        return {name: marked(known, marks.get(name, ())) for name, known in super().all().items()}


class Oversight:
    """Looks after everything once a second; of the main thread alone."""

    def __init__(
        self,
        places: Places,
        clock: Clock,
        log: Log,
        *,
        board: Shown,
        notifier: Notifier,
        screen: Screen,
    ) -> None:
        self.notifications = True
        self._places = places
        self._clock = clock
        self._log = log
        self._board = board
        self._notifier = notifier
        self._screen = screen
        self._notices = Notices(places.notices)
        self._silence = Silence(places.silence)
        self._vitals = Vitals(clock.monotonic(), self._silence.found)
        self.looked: Board[float] = Board()
        self._seen: object = None
        self._pause: Pause | None = None
        self._stuck: frozenset[str] = frozenset()
        self._alive_at = 0.0
        self._told = ""
        self._network_at: float | None = None

    @property
    def paused(self) -> Paused | None:
        """What a worker that begins now has to know."""
        return Paused(self._pause.until or 0.0) if self._pause else None

    def begin(self) -> None:
        """Look whether everything is paused, before any worker begins."""
        self._see_pause(())

    def network_changed(self) -> None:
        """Note that the network is changing."""
        self._network_at = self._clock.monotonic()

    def skip(self) -> None:
        """Count no time until now as sleep: this thread was busy."""
        self._vitals.skip(self._clock.monotonic())

    def look(self, workers: Mapping[str, Served]) -> None:
        """Look after everything."""
        now = self._clock.monotonic()
        self.looked.put("", now)
        self._see_pause(workers.values())
        reports = self._board.unmarked()
        vaults = {
            name: Vault(worker.beats.count, reports[name], worker.job.patience)
            for name, worker in workers.items()
            if name in reports
        }
        self._vitals.look(now, vaults)
        self._silence.note({name: self._vitals.quiet(name) for name in vaults})
        self._wake(now, workers.values())
        self._mark(vaults)
        shown = self._board.all()
        self._notify_person(shown)
        self._notify_manager(now, shown)

    def _see_pause(self, workers: Iterable[Served]) -> None:
        """Take up a pause that was begun or ended since the last look, or that is over."""
        now, before = self._clock.now(), self._pause
        seen = stamp(self._places.pause)
        if seen != self._seen:
            self._seen = seen
            self._pause = read_pause(self._places.pause) if seen else None
        if self._pause and self._pause.over(now):
            self._pause = None
            # Where it cannot be removed it is over all the same.
            with suppress(OSError):
                end_pause(self._places.pause)
        if self._pause == before:
            return
        if self._pause:
            self._log.info("daemon.paused", until=self._pause.until)
        else:
            self._log.info("daemon.resumed")
        for worker in workers:
            worker.mailbox.put(self.paused or Paused(over=True))

    def _wake(self, now: float, workers: Iterable[Served]) -> None:
        """Tell the workers that the machine has slept, or that its network has changed."""
        slept = self._vitals.slept
        calm = self._network_at is not None and now - self._network_at >= CALM
        if calm:
            self._network_at = None
            # Addresses are renewed all day long; that matters to who waits for the network.
            states = {report.state for report in self._board.unmarked().values()}
            calm = Phase.OFFLINE in states
        if not slept and not calm:
            return
        reason = "sleep" if slept else "network"
        self._log.info("daemon.woke", seconds=round(slept), reason=reason)
        for worker in workers:
            worker.mailbox.put(Woken(network=not slept))

    def _mark(self, vaults: Mapping[str, Vault]) -> None:
        """Add to the reports what the workers cannot say themselves."""
        for name, vault in vaults.items():
            self._board.mark(name, self._vitals.marks(name, vault))
        stuck = {
            name for name, vault in vaults.items() if self._vitals.still(name) > vault.patience
        }
        for name in sorted(stuck - self._stuck):
            self._log.warning("vault.stuck", vault=name, seconds=round(self._vitals.still(name)))
        for name in sorted(self._stuck & vaults.keys() - stuck):
            self._log.info("vault.moving", vault=name)
        self._stuck = frozenset(stuck)

    def _notify_person(self, reports: Mapping[str, VaultReport]) -> None:
        if not self.notifications:
            return
        for vault, problem in self._notices.due(list(reports.values()), self._clock.now()):
            text = f"{problem.message}\n{problem.hint}"
            if self._screen.show(f"memory-sync: {vault}", text):
                self._log.info("notice.shown", vault=vault, code=problem.code)
            else:
                self._log.info("notice.failed", vault=vault, code=problem.code)

    def _notify_manager(self, now: float, reports: Mapping[str, VaultReport]) -> None:
        """Say how it is, and that the daemon lives, unless only a new process can help."""
        states = {name: report.state for name, report in sorted(reports.items())}
        text = ", ".join(f"{name} {state.value}" for name, state in states.items())
        if text != self._told:
            self._told = text
            self._notifier.tell(STATUS=text)
        due = self._notifier.interval
        if due is not None and now >= self._alive_at + due and not self._vitals.hopeless():
            self._alive_at = now
            self._notifier.tell(WATCHDOG=1)

"""One vault's thread: it owns the engine, the remote and the state, and reads one mailbox."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from memory_sync.daemon.events import told
from memory_sync.daemon.mailbox import (
    Board,
    Changed,
    Lost,
    Mailbox,
    Message,
    Paused,
    Request,
    Stop,
    Woken,
)
from memory_sync.daemon.report import (
    VaultReport,
    outcome_data,
    phase_of_error,
    phase_of_outcome,
    preview_data,
    survey_data,
)
from memory_sync.daemon.schedule import Schedule, Timing, Turn, stretch
from memory_sync.daemon.watch import Watched, Watcher
from memory_sync.engine.cycle import Engine
from memory_sync.engine.local import problem
from memory_sync.errors import (
    AuthError,
    BusyError,
    HaltError,
    KeyError_,
    MemorySyncError,
    PlanChangedError,
    RecoveryInvalidError,
    RekeyBlockedError,
    RepairChangedError,
    RepairLosesError,
)
from memory_sync.model import About, Outcome, Phase, Step
from memory_sync.ports.clock import Clock
from memory_sync.ports.pulse import Beat, Pulse

HALTED = HaltError.status
NOTHING_DONE = (
    PlanChangedError,
    RecoveryInvalidError,
    RekeyBlockedError,
    RepairChangedError,
    RepairLosesError,
)
"""Errors of who asked: the vault is as it was."""
LONGEST_WAIT = 30.0
"""Seconds of one wait: the system stops it while the machine sleeps, but not the time it is for."""
POLLING_SECONDS = 10.0
POLLING_SHARE = 100
"""Where folders cannot be watched, the next look comes after ten seconds, or after a hundred times
what a look takes: the more files, the more seldom, and never over a hundredth of a core."""


class Log(Protocol):
    """Where events go: a name and fields."""

    def info(self, event: str, **fields: object) -> object:
        """Note what happened."""
        ...

    def warning(self, event: str, **fields: object) -> object:
        """Note what a person may want to know."""
        ...

    def error(self, event: str, **fields: object) -> object:
        """Note what should not have happened."""
        ...


class Opener(Protocol):
    """Gives a vault's engine, and closes it again."""

    def __call__(
        self, report: Callable[[Step], None], *, beat: Beat
    ) -> AbstractContextManager[Engine]:
        """Open the vault; `report` is told how far a transfer is, `beat` is a sign of life."""
        ...


@dataclass(frozen=True)
class Job:
    """One vault as the daemon serves it.

    `patience` is for how many seconds one step of the work may take, `before` what is known of the
    vault since it was served last.
    """

    name: str
    remote: str
    roots: tuple[tuple[str, str], ...]
    open: Opener
    watched: tuple[Watched, ...]
    timing: Timing
    fingerprint: str
    log_paths: bool = False
    patience: float = 180.0
    before: VaultReport | None = None

    def same(self, other: Job) -> bool:
        """Tell whether nothing that concerns this vault differs in the configuration."""
        return self.fingerprint == other.fingerprint


class Worker(threading.Thread):
    """Serves one vault until it is told to stop."""

    def __init__(self, job: Job, board: Board[VaultReport], clock: Clock, log: Log) -> None:
        super().__init__(name=f"vault-{job.name}", daemon=True)
        self.mailbox: Mailbox[Message] = Mailbox()
        self.job = job
        self._board = board
        self._clock = clock
        self._log = log
        self._schedule = Schedule(clock, job.timing)
        known = job.before or VaultReport(job.name, job.remote, job.roots)
        self._report = replace(known, state=Phase.SYNCING)
        self._stopping = False
        self._stale = False
        self._uncounted = False
        self._requests: list[Request] = []
        self._watcher = Watcher(job.watched, self.mailbox.put, clock)
        self._look_seconds = 0.0
        self._in_trouble = False
        self._paused: Paused | None = None
        self.beats = Pulse()
        self._publish()

    def run(self) -> None:
        """Serve the vault until told to stop; whoever still waits then is told."""
        try:
            self._live()
        finally:
            while message := self.mailbox.get(0):
                if isinstance(message, Request):
                    self._requests.append(message)
            self._refuse(BusyError(vault=self.job.name))

    def _live(self) -> None:
        """Open the vault and serve it; what fails is shown and tried again later."""
        self._sleep()
        while not self._stopping:
            self._stale = False
            try:
                with self.job.open(self._show, beat=self.beats.beat) as engine, self._watcher:
                    # What changed before the watch began is found by this first look.
                    self._schedule.lost()
                    self._serve(engine)
            except MemorySyncError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - a fault in one vault must not end the others
                self._log.error(
                    "worker.fault",
                    vault=self.job.name,
                    kind=type(error).__name__,
                    exc_info=error,
                )
                self._fail(MemorySyncError(detail=type(error).__name__))
            else:
                continue
            self._sleep()

    def _sleep(self, engine: Engine | None = None) -> None:
        """Wait for the next try, for somebody who asks for one, or for the end."""
        # What has come is read first, also where no time is left to wait: the end may be in it.
        while message := self.mailbox.get(0):
            self._take(message)
        while not self._stopping and self._waiting() > 0 and not self._requests:
            self.beats.beat()
            count = engine is not None and self._uncounted
            longest = min(self.job.timing.debounce or 0.1, LONGEST_WAIT) if count else LONGEST_WAIT
            message = self.mailbox.get(min(self._waiting(), longest))
            if engine and count and message is None:
                self._count(engine)
            self._take(message)

    def _waiting(self) -> float:
        """Return the seconds until there is something to do."""
        return LONGEST_WAIT if self._paused else self._schedule.wait()

    def _count(self, engine: Engine) -> None:
        """Count what waits to go up while nothing can; it is only for show."""
        self._uncounted = False
        with suppress(MemorySyncError):
            waiting = engine.pending()
            self._report = replace(
                self._report,
                pending=len(waiting.all),
                pending_up=len(waiting.up),
                pending_down=len(waiting.down),
            )
        self._publish()

    def _serve(self, engine: Engine) -> None:
        while True:
            self._sleep(engine)
            if self._stopping or self._stale:
                return
            if self._requests:
                self._answer(engine, self._requests.pop(0))
            else:
                self._turn(engine, self._schedule.turn())

    def _take(self, message: Message | None) -> None:
        match message:
            case Changed():
                self._schedule.changed()
                self._uncounted = self._schedule.failing or self._paused is not None
            case Lost(root, reason):
                self._log.warning("watch.lost", vault=self.job.name, root=root, reason=reason.value)
                self._watcher.renew(message)
                self._schedule.lost()
            case Request():
                self._requests.append(message)
            case Woken(network):
                self._schedule.woken(network=network)
            case Paused():
                self._pause(message)
            case Stop():
                self._stopping = True
            case None:
                pass

    def _pause(self, message: Paused) -> None:
        """Do nothing by itself from now on, or go on: with a look, as much may have happened."""
        self._paused = None if message.over else message
        if message.over:
            self._schedule.lost()
            self._schedule.woken(network=False)
        self._publish()

    def _show(self, step: Step) -> None:
        """Show how far a transfer is."""
        self._report = replace(self._report, state=Phase.SYNCING, step=step)
        self._publish()

    def _show_again(self, before: VaultReport) -> None:
        """Show what was shown before something that has changed nothing."""
        self._report = before
        self._publish()

    def _turn(self, engine: Engine, turn: Turn) -> None:
        try:
            outcome = self._cycle(engine, turn)
        except MemorySyncError as error:
            self._fail(error, engine)
        else:
            self._succeed(turn, outcome, engine.about())

    def _cycle(self, engine: Engine, turn: Turn) -> Outcome:
        began = self._clock.monotonic()
        if turn.look:
            self._report = replace(self._report, state=Phase.SYNCING)
            self._publish()
        self._watcher.check()
        outcome = engine.cycle(up=turn.up, look=turn.look, fetch=turn.fetch)
        seconds = self._clock.monotonic() - began
        if turn.look and not (turn.fetch or outcome.up or outcome.down or outcome.merged):
            self._look_seconds = seconds
        self._watcher.adopt(engine.rules)
        self._note(outcome, seconds)
        return outcome

    def _answer(self, engine: Engine, request: Request) -> None:
        """Carry out what somebody waits for, whatever the schedule says."""
        began, before = self._clock.monotonic(), self._report
        try:
            if request.dry_run:
                try:
                    data = _foreseen(engine, request)
                finally:
                    self._show_again(before)
                request.reply.put(data)
                return
            engine.distrust()
            if request.confirm:
                outcome = engine.confirm(request.confirm)
            elif request.rekey:
                outcome = engine.rekey(rotate=request.rekey == "rotate")
                self._log.info("vault.rekeyed", vault=self.job.name, head=outcome.head)
            else:
                outcome = engine.cycle(up=request.up, down=request.down)
        except NOTHING_DONE as error:
            self._show_again(before)
            request.reply.put({"error": problem(error).data()})
            return
        except MemorySyncError as error:
            self._fail(error, engine)
            request.reply.put({"error": problem(error).data()})
        except Exception:
            request.reply.put({"error": problem(MemorySyncError(detail="a fault")).data()})
            raise
        else:
            self._watcher.adopt(engine.rules)
            self._note(outcome, self._clock.monotonic() - began)
            self._succeed(Turn(look=True, fetch=True), outcome, engine.about())
            request.reply.put(outcome_data(outcome))

    def _succeed(self, turn: Turn, outcome: Outcome, about: About) -> None:
        now = self._clock.now()
        if self._in_trouble:
            self._in_trouble = False
            self._log.info("vault.recovered", vault=self.job.name)
        self._note_held(outcome)
        self._note_warnings(outcome)
        self._schedule.succeeded(
            turn,
            again=outcome.again,
            resume=outcome.resume,
            stretch=stretch(about.budgets, now),
        )
        if self._watcher.polling:
            self._schedule.look_within(max(POLLING_SECONDS, POLLING_SHARE * self._look_seconds))
        before = {known.root for known in self._report.problems if known.status == HALTED}
        for halt in outcome.halts:
            if halt.root not in before:
                self._log.warning(
                    "root.halted", vault=self.job.name, root=halt.root, code=halt.code
                )
        self._report = replace(
            self._report,
            state=phase_of_outcome(outcome),
            problems=(*outcome.halts, *outcome.problems),
            head=outcome.head,
            last_success=now,
            pending=outcome.pending,
            pending_up=outcome.pending_up,
            pending_down=outcome.pending_down,
            conflicts=outcome.conflicts,
            about=about,
            warnings=outcome.warnings,
            step=self._report.step if outcome.resume else None,
        )
        self._publish()

    def _fail(self, error: MemorySyncError, engine: Engine | None = None) -> None:
        """Show the error and when the next try is; requests that wait are told."""
        self._in_trouble = True
        self._schedule.failed(error)
        # The next try opens the vault anew, with the token or the key that is there by then.
        self._stale = isinstance(error, AuthError | KeyError_)
        if error.code not in {known.code for known in self._report.problems}:
            folders = [folder for _, folder in self.job.roots]
            what = told(error, folders, paths=self.job.log_paths)
            self._log.warning("vault.trouble", vault=self.job.name, **what)
        self._report = replace(
            self._report,
            state=phase_of_error(error),
            problems=(problem(error),),
            about=engine.about() if engine else self._report.about,
            step=None,
        )
        if engine:
            self._count(engine)
        self._publish()
        self._refuse(error)

    def _refuse(self, error: MemorySyncError) -> None:
        """Tell all who wait that nothing comes of it."""
        for request in self._requests:
            request.reply.put({"error": problem(error).data()})
        self._requests.clear()

    def _publish(self) -> None:
        next_poll = self._clock.now() + max(0.0, self._schedule.wait())
        report = self._report = replace(self._report, next_poll=next_poll)
        if self._paused:
            report = report.paused(self._paused.until)
        self._board.put(self.job.name, report)

    def _note(self, outcome: Outcome, seconds: float) -> None:
        """Write one line for each batch that travelled; names of files only if that was asked."""
        for event, paths, size in (
            ("batch.up", outcome.up, outcome.sent),
            ("batch.down", outcome.down + outcome.merged, outcome.received),
        ):
            if not paths:
                continue
            self._log.info(
                event,
                vault=self.job.name,
                files=len(paths),
                bytes=size,
                seconds=round(seconds, 3),
                head=outcome.head,
                **self._named(paths),
            )
        if kept := outcome.new_conflicts:
            self._log.warning(
                "conflict.kept", vault=self.job.name, files=len(kept), **self._named(kept)
            )

    def _note_held(self, outcome: Outcome) -> None:
        """Write one line for each reason for which further files are not synced."""
        before = {(known.code, known.path) for known in self._report.problems}
        held: dict[str, list[str]] = {}
        for new in outcome.problems:
            if (new.code, new.path) not in before:
                held.setdefault(new.code, []).append(new.path)
        for code, paths in held.items():
            self._log.warning(
                "file.held",
                vault=self.job.name,
                code=code,
                files=len(paths),
                **self._named(paths),
            )

    def _note_warnings(self, outcome: Outcome) -> None:
        """Write one line for the files in which something new looks like a credential."""
        new = [one.path for one in outcome.warnings if one not in self._report.warnings]
        if new:
            self._log.warning(
                "secret.found", vault=self.job.name, files=len(new), **self._named(new)
            )

    def _named(self, paths: Sequence[str]) -> dict[str, Any]:
        """Return the field with names of memory files, where a person wants them in the log."""
        return {"paths": list(paths)} if self.job.log_paths else {}


def _foreseen(engine: Engine, request: Request) -> dict[str, Any]:
    """Tell what a request would do, and do nothing."""
    return survey_data(engine.survey()) if request.rekey else preview_data(engine.preview())

"""One vault's thread, on an engine that does what the test says."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self, cast

import pytest

from memory_sync.config.logs import trace
from memory_sync.daemon import worker
from memory_sync.daemon.client import Client
from memory_sync.daemon.control import ControlServer
from memory_sync.daemon.mailbox import Board, Changed, Request, Stop
from memory_sync.daemon.methods import Alive
from memory_sync.daemon.report import VaultReport
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.worker import Job, Worker
from memory_sync.engine.cycle import Engine
from memory_sync.engine.local import Looked
from memory_sync.engine.planning import Planned
from memory_sync.engine.waiting import Waiting
from memory_sync.errors import (
    MemorySyncError,
    OfflineError,
    PlanChangedError,
    RateLimitedError,
    TokenRejectedError,
)
from memory_sync.model import About, Outcome, Phase, Plan, Step
from memory_sync.ports.clock import SystemClock
from memory_sync.sync.patterns import Patterns
from tests.daemon.homes import wait
from tests.engine.devices import Clock

BUSY = "busy"
Cycle = Callable[[], Outcome]


class Notes:
    """A log that keeps what it is told, exceptions as the real one does."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **fields: object) -> None:
        self.events.append((event, dict(trace(None, "", fields))))

    warning = error = info


class FullLog(Notes):
    """A log that cannot be written."""

    def error(self, event: str, **fields: object) -> None:
        raise OSError


class Script:
    """An engine whose cycles are a list; the last one goes on for ever."""

    def __init__(self, *cycles: Cycle) -> None:
        self.cycles = list(cycles)
        self.calls = 0
        self.distrusted = False
        self.plan: Callable[[], Planned] = lambda: Planned(Plan(), Looked({}), {}, {}, {})
        self.report: Callable[[Step], None] = lambda _: None
        self.beat: Callable[[], object] = lambda: None

    def cycle(self, **_how: object) -> Outcome:
        self.calls += 1
        return (self.cycles.pop(0) if len(self.cycles) > 1 else self.cycles[0])()

    def preview(self) -> Planned:
        self.report(Step("down", 0, 10))
        return self.plan()

    def confirm(self, plans: Mapping[str, str]) -> Outcome:
        self.report(Step("down", 0, 10))
        raise PlanChangedError(root=next(iter(plans)))

    def distrust(self) -> None:
        self.distrusted = True

    rules: ClassVar[dict[str, Patterns]] = {}

    def about(self) -> About:
        return About()

    def pending(self) -> Waiting:
        return Waiting(frozenset("abc"))


class Bench:
    """A worker with its script, board and log."""

    def __init__(
        self,
        *cycles: Cycle,
        timing: Timing | None = None,
        clock: Clock | None = None,
        log: Notes | None = None,
    ) -> None:
        self.script = Script(*cycles)
        self.opened = 0
        self.board: Board[VaultReport] = Board()
        self.log = log or Notes()

        @contextmanager
        def opener(
            report: Callable[[Step], None], *, beat: Callable[[], object]
        ) -> Iterator[Engine]:
            self.opened += 1
            self.script.report, self.script.beat = report, beat
            yield cast("Engine", self.script)

        job = Job("v", "file:///x.git", (), opener, (), timing or Timing(0, 0, 60, 60), "")
        self.worker = Worker(job, self.board, clock or SystemClock(), self.log)

    def __enter__(self) -> Self:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.mailbox.put(Stop())
        self.worker.join(5)
        assert not self.worker.is_alive()

    def report(self) -> VaultReport:
        return self.board.all()["v"]


def _raise(error: Exception) -> Cycle:
    def cycle() -> Outcome:
        raise error

    return cycle


def test_i72_a_worker_that_is_never_idle_still_ends() -> None:
    """Changes without pause and no debounce: the mailbox is read all the same."""
    with Bench(lambda: Outcome(again=True)) as bench:
        wait(lambda: bench.script.calls > 5, "it works")


def test_a_request_is_answered_also_while_nothing_is_due() -> None:
    """Whoever asks gets the outcome of a cycle made for it."""
    with Bench(lambda: Outcome(up=("m/x",), head="h")) as bench:
        wait(lambda: bench.report().state is Phase.IDLE, "idle")
        request = Request()
        bench.worker.mailbox.put(request)
        answer = request.reply.get(5)
        assert answer
        assert (answer["up"], answer["head"]) == (("m/x",), "h")
        assert bench.script.distrusted


def test_i44_while_it_is_offline_what_waits_is_counted() -> None:
    """The state, the reason, the next try and the number of changes that wait are shown."""
    error = OfflineError(remote="x", detail="no route")
    with Bench(_raise(error)) as bench:
        wait(lambda: bench.report().state is Phase.OFFLINE, "offline")
        report = bench.report()
        assert (report.pending, report.problems[0].code) == (3, "offline")
        assert report.next_poll > SystemClock().now()
        calls = bench.script.calls
        bench.worker.mailbox.put(Changed("m"))
        request = Request()
        bench.worker.mailbox.put(request)
        answer = request.reply.get(5)
        assert answer
        assert answer["error"]["code"] == "offline"
        assert bench.script.calls == calls + 1


def test_i45_after_a_refused_token_the_vault_is_opened_anew() -> None:
    """The next try looks for the token again, and success clears the notice."""
    error = TokenRejectedError(source="x", remote="y")
    with Bench(_raise(error), lambda: Outcome(head="h")) as bench:
        wait(lambda: bench.report().state is Phase.ATTENTION, "it says so")
        assert (bench.opened, bench.script.calls) == (1, 1)
        request = Request()
        bench.worker.mailbox.put(request)
        assert request.reply.get(5)
        wait(lambda: bench.report().state is Phase.IDLE, "idle")
        assert bench.opened == 2


def test_a_fault_is_logged_without_its_text_and_tried_again() -> None:
    """What should not happen ends neither the thread nor shows what was in the exception."""
    with Bench(_raise(ValueError("a secret")), lambda: Outcome(head="h")) as bench:
        wait(lambda: bench.log.events, "it is logged")
        [fault] = [fields for event, fields in bench.log.events if event == "worker.fault"]
        assert (fault["vault"], fault["kind"]) == ("v", "ValueError")
        assert "in _turn" in str(fault["exception"])
        assert "a secret" not in str(bench.log.events) + str(bench.report())
        request = Request()
        bench.worker.mailbox.put(request)
        assert request.reply.get(5)
        assert bench.report().state is Phase.IDLE


def test_i37_after_a_database_broke_the_next_try_begins_anew() -> None:
    """Whoever opens it finds what is corrupt; the next try does not go on with the broken one."""
    broken = _raise(sqlite3.DatabaseError("database disk image is malformed"))
    with Bench(broken, lambda: Outcome(head="h")) as bench:
        wait(lambda: bench.log.events, "it is logged")
        assert bench.opened == 1
        request = Request()
        bench.worker.mailbox.put(request)
        assert request.reply.get(5)
        assert bench.opened == 2


def test_a_fault_answers_whoever_waits() -> None:
    """Nobody waits for ever for a cycle that fell over."""
    with Bench(Outcome, _raise(ValueError())) as bench:
        wait(lambda: bench.report().state is Phase.IDLE, "idle")
        request = Request()
        bench.worker.mailbox.put(request)
        answer = request.reply.get(5)
        assert answer
        assert answer["error"]["code"] == MemorySyncError.code


@pytest.mark.parametrize("stop_first", [True, False], ids=["behind", "before"])
def test_whoever_waits_when_a_worker_is_told_to_end_is_answered(stop_first: bool) -> None:
    """A request that lies in the mailbox beside the end gets an error, on either side of it."""
    entered, go = threading.Event(), threading.Event()

    def slow() -> Outcome:
        entered.set()
        assert go.wait(5)
        return Outcome()

    with Bench(slow) as bench:
        assert entered.wait(5)
        request = Request()
        for message in (Stop(), request) if stop_first else (request, Stop()):
            bench.worker.mailbox.put(message)
        go.set()
        answer = request.reply.get(5)
    assert answer
    assert answer["error"]["code"] == BUSY
    assert bench.script.calls == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whoever_waits_when_a_worker_dies_is_answered() -> None:
    """A thread that falls over, here in its log, leaves nobody behind."""
    entered, go = threading.Event(), threading.Event()

    def fall() -> Outcome:
        entered.set()
        assert go.wait(5)
        raise ValueError

    with Bench(fall, log=FullLog()) as bench:
        assert entered.wait(5)
        request = Request()
        bench.worker.mailbox.put(request)
        go.set()
        answer = request.reply.get(5)
    assert answer
    assert answer["error"]["code"] == BUSY


def test_a_request_that_comes_too_late_is_answered(tmp_path: Path) -> None:
    """A worker that has ended by the time it is asked reads nothing; the caller is told so."""
    with Bench(Outcome) as bench:
        wait(lambda: bench.report().state is Phase.IDLE, "idle")

    def submit(_: str, request: Request) -> Alive:
        bench.worker.mailbox.put(request)
        return bench.worker.is_alive

    server = ControlServer(tmp_path / "run" / "s", bench.board, submit)
    server.open()
    try:
        with Client(str(server.path)) as client:
            answer = client.call("sync", {"vaults": ["v"]})
    finally:
        server.close()
    assert answer["v"]["error"]["code"] == BUSY


@pytest.mark.parametrize("how", ["dry run", "dry run that fails over", "changed plan"])
def test_what_changes_nothing_leaves_the_state_as_it_was(how: str) -> None:
    """While the next try waits, a dry run shows how far it is, and then all is as before."""
    limited = RateLimitedError(remote="x", seconds=3000)

    def refuse() -> Planned:
        raise limited

    with Bench(_raise(limited)) as bench:
        wait(lambda: bench.report().problems, "refused")
        before = bench.report()
        if how == "dry run that fails over":
            bench.script.plan = refuse
        request = Request(confirm={"m": "p"}) if how == "changed plan" else Request(dry_run=True)
        bench.worker.mailbox.put(request)
        assert request.reply.get(5)
        after = bench.report()
    assert (after.state, after.step) == (before.state, None)
    assert after.state is not Phase.SYNCING


def test_after_a_sleep_of_the_machine_a_worker_soon_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait stands still in suspend, so that it is cut into short ones, and the clock is asked."""
    assert worker.LONGEST_WAIT <= 30
    monkeypatch.setattr(worker, "LONGEST_WAIT", 0.05)
    clock = Clock()
    with Bench(Outcome, timing=Timing(0, 0, 3600, 7200), clock=clock) as bench:
        wait(lambda: bench.report().state is Phase.IDLE, "idle")
        calls = bench.script.calls
        clock.ahead = 4000
        wait(lambda: bench.script.calls > calls, "it polls", 5)

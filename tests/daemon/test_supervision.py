"""The main thread of the daemon with workers whose engines do what the test says."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from memory_sync.daemon import supervisor
from memory_sync.daemon.client import Client
from memory_sync.daemon.notify import Notifier
from memory_sync.daemon.places import Places
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.supervisor import Orders, Supervisor
from memory_sync.daemon.worker import Job, Opener
from memory_sync.engine.cycle import Engine
from memory_sync.errors import DaemonError, UsageError
from memory_sync.model import Outcome, Problem
from memory_sync.ports.clock import SystemClock
from tests.daemon.homes import wait
from tests.daemon.test_oversight import Screens
from tests.daemon.test_worker import Notes, Script

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HALT = Problem("root-gone", "The folder is gone.", "memory-sync confirm", 7)
Open = Callable[[], AbstractContextManager[Engine]]


class Manager(Notifier):
    """A service manager that asks the daemon how it is as soon as it hears that it is ready."""

    def __init__(self, socket: Path) -> None:
        super().__init__({}, 1)
        self._socket = socket
        self.heard: list[str] = []
        self.ready = threading.Event()
        self.answer: dict[str, Any] | None = None

    def tell(self, **facts: str | int) -> None:
        self.heard += [f"{name}={value}" for name, value in facts.items()]
        if "READY" in facts and not self.ready.is_set():
            with suppress(DaemonError), Client(str(self._socket), 2.0) as client:
                self.answer = client.status()
            self.ready.set()


class Stage:
    """A supervisor in the main thread of this process, with one vault."""

    def __init__(self, top: Path) -> None:
        self.top = top
        names = Places.__dataclass_fields__
        self.places = Places(**{name: top / "run" / name for name in names})
        self.places.socket.parent.mkdir(mode=0o700)
        self.log, self.screen = Notes(), Screens()
        self.manager = Manager(self.places.socket)
        self.notifications = True
        self.wrong: UsageError | None = None
        self._faults: list[BaseException] = []

    def run(self, opens: Open, act: Callable[[], object]) -> None:
        """Serve until something was done in another thread; then comes SIGTERM."""

        def opener(*_: object, **__: object) -> AbstractContextManager[Engine]:
            return opens()

        job = Job("v", "r", (), cast("Opener", opener), (), Timing(0, 0, 60, 60), "")
        made = Supervisor(
            self.places,
            lambda: self._orders(job),
            SystemClock(),
            self.log,
            notifier=self.manager,
            screen=self.screen,
        )
        thread = threading.Thread(target=self._play, args=(act,))
        thread.start()
        made.run()
        thread.join(20)
        for fault in self._faults:
            raise fault

    def _orders(self, job: Job) -> Orders:
        if self.wrong:
            raise self.wrong
        return Orders((job,), self.notifications)

    def _play(self, act: Callable[[], object]) -> None:
        try:
            assert self.manager.ready.wait(10)
            act()
        except BaseException as fault:  # noqa: BLE001 - it is raised again in the main thread
            self._faults.append(fault)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def events(self, name: str) -> list[dict[str, object]]:
        return [fields for event, fields in self.log.events if event == name]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give a supervisor that looks twenty times a second; signals are afterwards as before."""
    monkeypatch.setattr(supervisor, "TICK", 0.05)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    # A signal that comes before the supervisor heeds it must not end the tests.
    signal.signal(signal.SIGTERM, lambda *_: None)
    yield Stage(tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def _engine(outcome: Outcome) -> Iterator[Engine]:
    yield cast("Engine", Script(lambda: outcome))


def test_it_is_ready_when_its_socket_answers(stage: Stage) -> None:
    """Whoever asks at the moment of READY=1 gets an answer, with every vault in it."""
    stage.run(lambda: _engine(Outcome()), lambda: None)
    assert stage.manager.answer, "nobody answers yet"
    assert [row["name"] for row in stage.manager.answer["vaults"]] == ["v"]
    assert stage.manager.heard[0] == "READY=1"
    assert stage.manager.heard[-1] == "STOPPING=1"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_has_ended_is_followed_by_another(stage: Stage) -> None:
    """Within a tick; the log says that it happened, and the vault is served again."""
    opened: list[float] = []

    def opens() -> AbstractContextManager[Engine]:
        opened.append(time.monotonic())
        if len(opened) == 1:
            raise SystemExit
        return _engine(Outcome())

    stage.run(opens, lambda: wait(lambda: "STATUS=v idle" in stage.manager.heard, "idle", 5))
    assert len(opened) == 2
    assert stage.events("worker.ended") == [{"vault": "v"}]


def test_i72_a_stuck_worker_does_not_keep_the_daemon_from_ending(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM waits for it as long as it has patience, and no longer."""
    monkeypatch.setattr(supervisor, "PATIENCE", 0.5)
    told: list[float] = []
    go = threading.Event()

    def opens() -> AbstractContextManager[Engine]:
        go.wait(5)
        return _engine(Outcome())

    stage.run(opens, lambda: told.append(time.monotonic()))
    seconds = time.monotonic() - told[0]
    go.set()
    assert 0.5 <= seconds < 4


def test_notifications_that_are_off_are_not_shown_until_they_are_on(stage: Stage) -> None:
    """The setting of the configuration reaches the desktop, at the start and when it changes."""
    stage.notifications = False
    before: list[int] = []

    def act() -> None:
        # The manager is told in the same look as the person would be, and after it.
        wait(lambda: "STATUS=v halted" in stage.manager.heard, "it is halted", 5)
        before.append(len(stage.screen.shown))
        stage.notifications = True
        stage.places.config.write_text("changed\n")
        wait(lambda: stage.screen.shown, "it is shown", 5)

    stage.run(lambda: _engine(Outcome(halts=(HALT,))), act)
    assert before == [0]
    assert [title for title, _ in stage.screen.shown] == ["memory-sync: v"]


def test_a_configuration_that_could_not_be_used_is_read_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody touches the file: what stood in its way is gone; the log told of it once."""
    monkeypatch.setattr(supervisor, "AGAIN", 0.1)

    def act() -> None:
        stage.wrong = UsageError(detail="its disk is away")
        stage.places.config.write_text("changed\n")
        wait(lambda: stage.events("config.broken"), "it is told", 5)
        time.sleep(0.5)
        stage.wrong = None
        wait(lambda: stage.events("config.loaded"), "it is read again", 5)

    stage.run(lambda: _engine(Outcome()), act)
    assert len(stage.events("config.broken")) == 1

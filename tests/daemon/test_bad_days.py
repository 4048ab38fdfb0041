"""A real daemon whose surroundings are taken away or hang."""

import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from memory_sync.config.directories import directories
from memory_sync.daemon.notify import Notifier
from memory_sync.daemon.places import Places
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.supervisor import Orders, Supervisor
from memory_sync.daemon.worker import Job
from memory_sync.engine.cycle import Engine
from memory_sync.model import Outcome, Step
from memory_sync.ports.clock import SystemClock
from tests.cli.person import Person
from tests.daemon.homes import Home, wait
from tests.daemon.test_worker import Notes, Script


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Give a person with a memory file, who has set up nothing yet."""
    person = Person("laptop", tmp_path, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    person.write("MEMORY.md", "# Memory\n")
    return person


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a home whose vault lies in a folder, with a daemon at work."""
    made = Home(tmp_path, "one")
    made.write("MEMORY.md", "# memory\n")
    made.run("init", str(made.root), "--remote", f"file://{tmp_path}/vault.git", "--yes")
    made.configure()
    made.start()
    made.idle()
    yield made
    made.close()


def test_a_socket_that_is_taken_away_is_made_anew(home: Home) -> None:
    """A logout empties the folder of sockets, and the daemon lives on."""
    path = directories(home.env).socket
    path.unlink()
    wait(path.exists, "it is there again")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    home.write("memory/a.md", "a\n")
    home.idle()
    assert [line["event"] for line in home.log()].count("control.lost") == 1


def test_a_daemon_whose_socket_cannot_be_made_is_silent_and_not_stopped(home: Home) -> None:
    """Its lock tells that it lives, and who it is."""
    assert home.daemon
    path = directories(home.env).socket
    home.daemon.send_signal(signal.SIGSTOP)
    path.unlink()
    answer = home.json("status", "--exit-code")
    home.daemon.send_signal(signal.SIGCONT)
    assert answer["data"]["daemon"]["running"] is True
    assert answer["data"]["daemon"]["pid"] == home.daemon.pid
    assert answer["data"]["state"] == "needs-attention"


class Still(SystemClock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time


class Nobody:
    """A desktop at which nobody looks."""

    def show(self, title: str, text: str) -> bool:
        return False


def test_i74_a_main_thread_that_hangs_is_said_by_the_socket(ada: Person) -> None:
    """It looks after nothing any more; the first line of `status` says so, and what mends it."""
    ada.init()
    paths, clock = ada.places, Still()
    names = (paths.config_file, paths.socket, paths.daemon_lock, paths.pause_file)
    places = Places(*names, paths.notices_file, paths.silence_file)
    made = Supervisor(
        places, lambda: Orders(()), clock, Notes(), notifier=Notifier({}, 1), screen=Nobody()
    )
    made._control.open()
    try:
        made._oversight.look({})
        clock.time += 25
        assert ada.state() == "idle"
        clock.time += 10
        ran = ada.types("status", "--exit-code")
        assert ran.out.startswith("needs-attention: The daemon looks after nothing since 35 s")
        assert ran.out.splitlines()[1] == "hint: memory-sync service restart"
        assert ran.status == 6
    finally:
        made._control.close()
        made._network.close()


def test_a_worker_that_is_stuck_is_not_followed_before_it_has_ended(ada: Person) -> None:
    """A changed configuration does not hide it; the new worker begins when the old one ends."""
    ada.init()
    paths, hold = ada.places, threading.Event()
    names = (paths.config_file, paths.socket, paths.daemon_lock, paths.pause_file)
    opened: list[str] = []

    def job(mark: str) -> Job:
        @contextmanager
        def opener(
            report: Callable[[Step], None], *, beat: Callable[[], object]
        ) -> Iterator[Engine]:
            opened.append(mark)
            hold.wait(20)
            yield cast("Engine", Script(lambda: Outcome(head="h")))

        return Job("v", "r", (), opener, (), Timing(0, 0, 60, 60), mark)

    wanted = [job("old")]
    made = Supervisor(
        Places(*names, paths.notices_file, paths.silence_file),
        lambda: Orders(tuple(wanted)),
        SystemClock(),
        Notes(),
        notifier=Notifier({}, 1),
        screen=Nobody(),
    )
    made._start(tuple(wanted))
    wait(lambda: opened == ["old"], "it is stuck")
    old, wanted[0] = made._workers["v"], job("new")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memory_sync.daemon.supervisor.PATIENCE", 0.2)
        made._reload()
    made._replace_ended()
    assert made._workers["v"] is old
    assert opened == ["old"]
    hold.set()
    old.join(10)
    made._replace_ended()
    wait(lambda: opened == ["old", "new"], "the new one has begun")
    made._stop(list(made._workers.values()))
    made._network.close()

"""What the main thread looks after, second by second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from memory_sync.config.pausing import Pause, end_pause, read_pause, write_pause
from memory_sync.daemon.mailbox import Mailbox, Message, Paused, Stop, Woken
from memory_sync.daemon.notify import Notifier
from memory_sync.daemon.oversight import Oversight, Shown
from memory_sync.daemon.places import Places
from memory_sync.daemon.report import VaultReport
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.vitals import HOPELESS, HOUR
from memory_sync.daemon.worker import Job, Opener, Worker
from memory_sync.engine.cycle import Engine
from memory_sync.model import Outcome, Phase, Problem, Step
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.pulse import Pulse
from tests.daemon.homes import wait
from tests.daemon.test_worker import Notes, Script


class Hands:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time - 900_000

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def jitter(self) -> float:
        return 0.5

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)


class Manager(Notifier):
    """A service manager that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__({}, 1)
        self.interval = 30.0
        self.heard: list[dict[str, str | int]] = []

    def tell(self, **facts: str | int) -> None:
        self.heard.append(facts)


@dataclass
class Screens:
    """A desktop that keeps what it shows, if it shows anything."""

    works: bool = True
    shown: list[tuple[str, str]] = field(default_factory=list)

    def show(self, title: str, text: str) -> bool:
        self.shown.append((title, text))
        return self.works


class Fake:
    """A worker that does nothing but live."""

    def __init__(self, name: str) -> None:
        nobody = cast("Opener", None)
        self.job = Job(name, "r", (), nobody, (), Timing(), "", patience=100.0)
        self.mailbox: Mailbox[Message] = Mailbox()
        self.beats = Pulse()
        self.alive = True

    def messages(self) -> list[Message]:
        found = []
        while message := self.mailbox.get(0):
            found.append(message)
        return found


class Desk:
    """An oversight with all that it looks after."""

    def __init__(self, top: Path) -> None:
        self.places = Places(
            top / "c", top / "s", top / "l", top / "pause.json", top / "n.json", top / "q.json"
        )
        self.clock, self.log, self.board = Hands(), Notes(), Shown()
        self.manager, self.screen = Manager(), Screens()
        self.workers = {name: Fake(name) for name in ("one", "two")}
        for name in self.workers:
            self.says(name)
        self.oversight = self.made()

    def made(self) -> Oversight:
        return Oversight(
            self.places,
            self.clock,
            self.log,
            board=self.board,
            notifier=self.manager,
            screen=self.screen,
        )

    def says(self, name: str, state: Phase = Phase.IDLE, *problems: Problem) -> None:
        made = VaultReport(name, "r", state=state, problems=problems, last_success=self.clock.now())
        self.board.put(name, made)

    def live(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.clock.time += 1
            for worker in self.workers.values():
                if worker.alive:
                    worker.beats.beat()
            self.oversight.look(self.workers)

    def told(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.log.events if name == event]

    def messages(self) -> list[list[Message]]:
        return [worker.messages() for worker in self.workers.values()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give an oversight over two workers that are well."""
    return Desk(tmp_path)


def test_i71_a_pause_reaches_all_workers_and_those_that_begin_later(desk: Desk) -> None:
    """Within a second, and it is over when somebody says so."""
    desk.live(3)
    assert desk.messages() == [[], []]
    write_pause(desk.places.pause, Pause())
    desk.live()
    assert desk.messages() == [[Paused()], [Paused()]]
    assert desk.oversight.paused == Paused()
    end_pause(desk.places.pause)
    desk.live()
    assert desk.messages() == [[Paused(over=True)], [Paused(over=True)]]
    assert desk.oversight.paused is None
    assert desk.told("daemon.paused") == [{"until": None}]
    assert desk.told("daemon.resumed") == [{}]


def test_i71_a_pause_is_known_before_any_worker_begins(desk: Desk) -> None:
    """After a reboot, too."""
    write_pause(desk.places.pause, Pause(desk.clock.now() + 60))
    again = desk.made()
    again.begin()
    assert again.paused == Paused(desk.clock.now() + 60)


def test_a_pause_for_a_time_ends_by_itself(desk: Desk) -> None:
    """And its file goes; one that was over before the daemon began pauses nothing."""
    write_pause(desk.places.pause, Pause(desk.clock.now() + 5))
    desk.live(4)
    assert desk.messages() == [[Paused(desk.clock.now() + 1)]] * 2
    desk.live()
    assert desk.messages() == [[Paused(over=True)]] * 2
    assert read_pause(desk.places.pause) is None
    write_pause(desk.places.pause, Pause(desk.clock.now() - 5))
    desk.live()
    assert desk.messages() == [[], []]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"until": "soon"}', '{"until": NaN}', "[" * 9999]
)
def test_a_broken_pause_pauses_nothing(desk: Desk, text: str) -> None:
    """What cannot be read must not keep memories from being saved."""
    desk.places.pause.write_text(text)
    desk.live(2)
    assert desk.messages() == [[], []]


def test_i70_after_sleep_all_workers_are_woken(desk: Desk) -> None:
    """The clock has made a leap: that is how it is noticed."""
    desk.live(5)
    desk.clock.time += 8 * HOUR
    desk.live()
    assert desk.messages() == [[Woken()], [Woken()]]
    assert [fields["reason"] for fields in desk.told("daemon.woke")] == ["sleep"]
    desk.live(5)
    assert desk.messages() == [[], []]


def test_i70_a_changed_network_wakes_who_waits_for_it(desk: Desk) -> None:
    """Once it is quiet for a second; where nobody is offline, it matters to nobody."""
    desk.oversight.network_changed()
    desk.live(5)
    assert desk.messages() == [[], []]
    desk.says("one", Phase.OFFLINE)
    for _ in range(3):
        desk.oversight.network_changed()
        desk.clock.time += 0.5
        desk.oversight.look(desk.workers)
    assert desk.messages() == [[], []]
    desk.live()
    assert desk.messages() == [[Woken(network=True)]] * 2
    desk.live(5)
    assert desk.messages() == [[], []]


def test_a_stuck_vault_shows_and_the_other_goes_on(desk: Desk) -> None:
    """The service manager is told that the daemon lives, for as long as one worker moves."""
    desk.workers["one"].alive = False
    desk.live(round(HOPELESS) + 200)
    shown = desk.board.all()
    assert shown["one"].state is Phase.ATTENTION
    assert shown["one"].problems[0].code == "vault-stuck"
    assert shown["two"].state is Phase.IDLE
    assert [fields["vault"] for fields in desk.told("vault.stuck")] == ["one"]
    beats = sum("WATCHDOG" in facts for facts in desk.manager.heard)
    assert beats == pytest.approx((HOPELESS + 200) / 30, abs=1)
    desk.workers["one"].alive = True
    desk.live()
    assert desk.board.all()["one"].state is Phase.IDLE
    assert desk.told("vault.moving") == [{"vault": "one"}]


def test_where_nothing_moves_any_more_the_watchdog_is_left_to_end_it(desk: Desk) -> None:
    """And not before half an hour: a large file may take long, but none takes that long."""
    for worker in desk.workers.values():
        worker.alive = False
    desk.live(round(HOPELESS) - 60)
    before = len([facts for facts in desk.manager.heard if "WATCHDOG" in facts])
    assert before == pytest.approx((HOPELESS - 60) / 30, abs=1)
    desk.live(600)
    after = [facts for facts in desk.manager.heard if "WATCHDOG" in facts]
    assert len(after) <= before + 3


def test_the_manager_is_told_how_it_is(desk: Desk) -> None:
    """Whenever that changes."""
    desk.live(3)
    desk.says("two", Phase.OFFLINE)
    desk.live(3)
    told = [facts["STATUS"] for facts in desk.manager.heard if "STATUS" in facts]
    assert told == ["one idle, two idle", "one idle, two offline"]


def test_i75_a_person_is_shown_a_halt_once(desk: Desk) -> None:
    """With the command that mends it; a desktop that shows nothing is noted, and never awaited."""
    halt = Problem("root-gone", "The folder is gone.", "memory-sync confirm", 7)
    desk.says("one", Phase.HALTED, halt)
    desk.live(10)
    assert desk.screen.shown == [("memory-sync: one", "The folder is gone.\nmemory-sync confirm")]
    assert desk.told("notice.shown") == [{"vault": "one", "code": "root-gone"}]
    desk.screen.works = False
    desk.says("two", Phase.HALTED, halt)
    desk.live(10)
    assert desk.told("notice.failed") == [{"vault": "two", "code": "root-gone"}]


def test_i75_a_person_is_shown_an_hour_without_success_once(desk: Desk) -> None:
    """It stands in `status` then, and is shown; the setting turns showing off."""
    cold = Problem("offline", "No network.", "memory-sync now", 5)
    for name in ("one", "two"):
        desk.says(name, Phase.OFFLINE, cold)
    desk.board.put("two", replace(desk.board.unmarked()["two"], last_success=0.0))
    desk.live(round(HOUR) + 10)
    assert {title for title, _ in desk.screen.shown} == {"memory-sync: one", "memory-sync: two"}
    assert len(desk.screen.shown) == 2
    assert [p.code for p in desk.board.all()["one"].problems] == ["offline", "no-success"]


def test_i75_what_was_missed_outlives_the_daemon(desk: Desk) -> None:
    """It is kept every five minutes, and goes with the next success."""
    cold = Problem("offline", "No network.", "memory-sync now", 5)
    for name in desk.workers:
        desk.says(name, Phase.OFFLINE, cold)
    desk.live(2000)
    desk.oversight = desk.made()
    desk.live(2000)
    assert {title for title, _ in desk.screen.shown} == {"memory-sync: one", "memory-sync: two"}
    for name in desk.workers:
        desk.says(name)
    desk.live(2)
    again = desk.made()
    again.look(desk.workers)
    assert all(not known.problems for known in desk.board.all().values())


@pytest.mark.parametrize(
    "text", ["", "[]", '{"one": "x"}', '{"one": 1' + "0" * 400 + "}", '{"one": NaN}']
)
def test_a_broken_note_of_silence_is_none(desk: Desk, text: str) -> None:
    """The daemon begins to count anew."""
    desk.places.silence.write_text(text)
    desk.oversight = desk.made()
    desk.live(10)
    assert all(known.state is Phase.IDLE for known in desk.board.all().values())


def test_notifications_can_be_turned_off(desk: Desk) -> None:
    """Then nothing is shown, whatever happens."""
    desk.oversight.notifications = False
    desk.says("one", Phase.HALTED, Problem("root-gone", "gone", "hint", 7))
    desk.live(10)
    assert desk.screen.shown == []


def _worker(board: Shown, name: str, cycle: Callable[[], Outcome]) -> Worker:
    script = Script(cycle)

    @contextmanager
    def opener(report: Callable[[Step], None], *, beat: Callable[[], object]) -> Iterator[Engine]:
        yield cast("Engine", script)

    job = Job(name, "r", (), opener, (), Timing(0, 0, 0.1, 60), "", patience=0.5)
    return Worker(job, board, SystemClock(), Notes())


def test_a_worker_that_hangs_delays_no_other(tmp_path: Path) -> None:
    """Two real workers: one waits for a disk that never answers, the other goes on polling."""
    desk, stuck = Desk(tmp_path), threading.Event()
    done: list[float] = []

    def hang() -> Outcome:
        stuck.wait(60)
        return Outcome(head="h")

    def go_on() -> Outcome:
        done.append(time.monotonic())
        return Outcome(head="h")

    workers = {
        name: _worker(desk.board, name, cycle) for name, cycle in (("one", hang), ("two", go_on))
    }
    for worker in workers.values():
        worker.start()
    clock = SystemClock()
    oversight = Oversight(
        desk.places, clock, desk.log, board=desk.board, notifier=desk.manager, screen=desk.screen
    )

    def shown(name: str, state: Phase) -> bool:
        oversight.look(workers)
        return desk.board.all()[name].state is state

    wait(lambda: shown("one", Phase.ATTENTION), "it is seen")
    assert desk.board.all()["one"].problems[0].code == "vault-stuck"
    before = len(done)
    wait(lambda: len(done) > before + 3, "the other goes on")
    assert shown("two", Phase.IDLE)
    stuck.set()
    wait(lambda: shown("one", Phase.IDLE), "it is well again")
    for worker in workers.values():
        worker.mailbox.put(Stop())
        worker.join(5)
        assert not worker.is_alive()

"""Whether workers move, and for how long there was no success."""

from dataclasses import replace
from typing import Any

import pytest

from memory_sync.daemon.report import VaultReport
from memory_sync.daemon.vitals import HOPELESS, HOUR, Vault, Vitals, marked
from memory_sync.model import Phase, Problem, Step

PATIENCE = 100.0
HALT = Problem("root-gone", "gone", "hint", 7)
COLD = Problem("offline", "offline", "hint", 5)


class Course:
    """A vault that is looked at each second of a time that the test tells."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.vitals = Vitals(self.now)
        self.beats = 0
        self.report = VaultReport("v", "file:///x.git", state=Phase.SYNCING)
        self.look()

    def look(self) -> None:
        self.vitals.look(self.now, {"v": self.vault()})

    def vault(self) -> Vault:
        return Vault(self.beats, self.report, PATIENCE)

    def live(self, seconds: float, **report: Any) -> list[str]:
        """Let time go by; return what is to be said of the vault then."""
        self.report = replace(VaultReport("v", "r", state=Phase.SYNCING), **report)
        for _ in range(round(seconds)):
            self.now += 1
            self.look()
        return [mark.code for mark in self.vitals.marks("v", self.vault())]


@pytest.fixture
def course() -> Course:
    """Give a vault that has just begun."""
    return Course()


def test_a_worker_that_gives_no_sign_of_life_is_stuck(course: Course) -> None:
    """After its patience and not before; one sign, and it is not."""
    assert course.live(PATIENCE) == []
    assert course.live(1) == ["vault-stuck"]
    course.beats += 1
    assert course.live(1) == []


def test_i75_an_hour_without_success_is_said(course: Course) -> None:
    """Also where each try fails in another way; any success ends it."""
    for _ in range(int(HOUR) // 50):
        course.beats += 1
        last = course.live(50)
    assert last == ["no-success"]
    course.beats += 1
    assert course.live(1, last_success=5.0) == []


def test_the_hours_in_which_the_machine_sleeps_do_not_count(course: Course) -> None:
    """Woken in the morning, nothing is stuck and no success is missed: there was no time for it."""
    course.now += 8 * HOUR
    course.look()
    assert course.vitals.slept == 8 * HOUR
    assert course.live(1) == []
    assert course.vitals.slept == 0.0


def test_a_first_upload_of_hours_is_no_trouble(course: Course) -> None:
    """It moves on, file by file, though there is no success yet."""
    for done in range(200):
        course.beats += 1
        assert course.live(90, step=Step("up", done, 200)) == []
    assert not course.vitals.hopeless()


def test_i75_a_transfer_that_always_begins_anew_is_no_success(course: Course) -> None:
    """A server that takes no commit lets it get no further; one that gets further is well."""
    for _ in range(60):
        course.beats += 1
        course.live(30, step=Step("up", 0, 200))
        last = course.live(31, state=Phase.OFFLINE)
    assert last == ["no-success"]
    assert course.live(1, step=Step("up", 1, 200)) == []


def test_i75_an_hour_is_missed_by_a_worker_that_is_stuck_too(course: Course) -> None:
    """Both is said: the one that a restart mends, and the one that a person is shown."""
    assert course.live(HOUR + 1) == ["vault-stuck", "no-success"]


def test_i75_daemons_that_do_not_last_come_to_an_hour_together() -> None:
    """What one leaves behind the next begins with; only success ends it."""
    quiet: dict[str, float] = {}
    for _ in range(3):
        vitals, vault = Vitals(0.0, quiet), Vault(0, VaultReport("v", "r"), PATIENCE)
        for second in range(1500):
            vitals.look(float(second), {"v": vault})
        quiet = {"v": vitals.quiet("v")}
    assert [mark.code for mark in vitals.marks("v", vault)][-1] == "no-success"
    well = Vault(0, VaultReport("v", "r", last_success=1.0), PATIENCE)
    vitals.look(1501.0, {"v": well})
    assert vitals.quiet("v") == 0


def test_time_in_which_nobody_looked_is_no_sleep(course: Course) -> None:
    """The main thread waits for workers that end: nobody has slept, and the seconds count."""
    before = course.vitals.quiet("v")
    course.now += 20
    course.vitals.skip(course.now)
    course.live(1)
    assert course.vitals.slept == 0
    assert course.vitals.quiet("v") == before + 21


def test_a_pause_is_no_lack_of_success(course: Course) -> None:
    """Nothing is missed while nothing is wanted."""
    for _ in range(100):
        course.beats += 1
        assert course.live(90, state=Phase.PAUSED) == []


def test_only_where_every_worker_is_lost_a_new_process_is_wanted() -> None:
    """One that moves keeps all; and where there is no vault, nothing is lost."""
    vitals = Vitals(0.0)
    assert not vitals.hopeless()
    for second in range(round(HOPELESS) + 10):
        beats = {"one": 0, "two": second // 60}
        vitals.look(second, {n: Vault(b, VaultReport(n, "r"), 1.0) for n, b in beats.items()})
    assert vitals.still("one") > HOPELESS
    assert not vitals.hopeless()
    vitals.look(second + 1.0, {"one": Vault(0, VaultReport("one", "r"), 1.0)})
    assert vitals.hopeless()


@pytest.mark.parametrize(
    ("state", "problems", "mark", "shown", "first"),
    [
        (Phase.IDLE, (), "vault-stuck", Phase.ATTENTION, "vault-stuck"),
        (Phase.OFFLINE, (COLD,), "vault-stuck", Phase.ATTENTION, "vault-stuck"),
        (Phase.HALTED, (HALT,), "vault-stuck", Phase.HALTED, "root-gone"),
        (Phase.SYNCING, (), "no-success", Phase.ATTENTION, "no-success"),
        (Phase.OFFLINE, (COLD,), "no-success", Phase.OFFLINE, "offline"),
        (Phase.HALTED, (HALT,), "no-success", Phase.HALTED, "root-gone"),
    ],
)
def test_what_is_added_to_a_report_hides_nothing(
    state: Phase, problems: tuple[Problem, ...], mark: str, shown: Phase, first: str
) -> None:
    """The state is the worse one, all problems stay, and the cause stands first."""
    report = VaultReport("v", "r", state=state, problems=problems)
    made = marked(report, (Problem(mark, "text", "hint"),))
    assert made.state is shown
    assert made.problems[0].code == first
    assert {known.code for known in made.problems} == {mark, *(p.code for p in problems)}
    assert marked(report, ()) is report

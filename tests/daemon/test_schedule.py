"""When a worker does what."""

import sys
import time

import pytest

from memory_sync.daemon.schedule import Schedule, Timing, Turn, stretch
from memory_sync.errors import (
    MemorySyncError,
    OfflineError,
    RaceLostError,
    RateLimitedError,
    RemoteError,
    RootGoneError,
    TokenRejectedError,
)
from memory_sync.model import Budget
from memory_sync.ports.clock import SystemClock


class Clock(SystemClock):
    """A clock that stands still until it is moved, and whose chance is what it is set to."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1000.0
        self.chance = 0.5

    def monotonic(self) -> float:
        return self.time

    def jitter(self) -> float:
        return self.chance


@pytest.fixture
def clock() -> Clock:
    """Give a clock at 1000 s."""
    return Clock()


@pytest.fixture
def schedule(clock: Clock) -> Schedule:
    """Give a schedule after its first cycle."""
    made = Schedule(clock, Timing(debounce=2, max_delay=30, poll=15, scan=3600))
    assert made.wait() <= 0
    assert made.turn() == Turn(look=True, fetch=True)
    made.succeeded(Turn(look=True, fetch=True), again=False)
    return made


def test_i57_idle_only_polls_but_looks_once_in_a_scan_interval(
    schedule: Schedule, clock: Clock
) -> None:
    """Each poll asks and does not look; once an hour it looks."""
    for _ in range(239):
        assert schedule.wait() == 15
        clock.time += 15
        turn = schedule.turn()
        assert turn == Turn(look=False, fetch=True)
        schedule.succeeded(turn, again=False)
    clock.time += 15
    assert schedule.turn() == Turn(look=True, fetch=True)


def test_i47_a_burst_of_saves_waits_for_quiet(schedule: Schedule, clock: Clock) -> None:
    """Changes within the debounce put the cycle off; then one cycle takes them all, unasked."""
    for _ in range(5):
        clock.time += 1
        schedule.changed()
        assert schedule.wait() == 2
    clock.time += 2
    assert schedule.wait() == 0
    assert schedule.turn() == Turn(look=True, fetch=False)


def test_i60_writing_without_pause_is_put_off_only_so_long(
    clock: Clock,
) -> None:
    """After the longest delay the cycle is due, quiet or not."""
    schedule = Schedule(clock, Timing(debounce=2, max_delay=30, poll=900, scan=3600))
    schedule.succeeded(schedule.turn(), again=False)
    start = clock.time
    while schedule.wait() > 0:
        schedule.changed()
        clock.time += 1
    assert clock.time - start == 30


def test_a_cycle_that_saw_changes_asks_for_another_look(schedule: Schedule, clock: Clock) -> None:
    """A file that changed under the look is looked at again after the debounce."""
    schedule.succeeded(Turn(look=True, fetch=True), again=True)
    assert schedule.wait() == 2
    clock.time += 2
    assert schedule.turn().look


def test_lost_events_make_a_full_look_due_at_once(schedule: Schedule) -> None:
    """What the watch has missed is found by a scan."""
    schedule.lost()
    assert schedule.wait() <= 0
    assert schedule.turn().look


def test_i58_without_events_the_next_look_is_brought_forward(
    schedule: Schedule, clock: Clock
) -> None:
    """A look is due within the time that is asked for; asking again does not put it off."""
    for _ in range(2):
        schedule.look_within(10)
        clock.time += 4
        assert not schedule.turn().look
    assert schedule.wait() == 2
    clock.time += 2
    turn = schedule.turn()
    assert turn.look
    schedule.succeeded(turn, again=False)
    schedule.look_within(5000)
    clock.time += 3600
    assert schedule.turn().look


@pytest.mark.parametrize(
    "error",
    [
        OfflineError(remote="x", detail="y"),
        RemoteError(remote="x", detail="y"),
        RaceLostError(vault="x", tries=8),
    ],
    ids=["offline", "no sense", "race"],
)
def test_i44_failures_back_off_and_end(
    schedule: Schedule, clock: Clock, error: MemorySyncError
) -> None:
    """Each try is later than the last, up to a bound; a success ends it."""
    waits = []
    for _ in range(9):
        schedule.failed(error)
        waits.append(schedule.wait())
        clock.time += waits[-1]
        assert schedule.turn() == Turn(look=True, fetch=True)
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(5 * 1.125)
    assert waits[-1] == pytest.approx(300 * 1.125)
    schedule.succeeded(Turn(look=True, fetch=True), again=False)
    assert schedule.wait() == 15


def test_a_change_does_not_end_a_back_off(schedule: Schedule, clock: Clock) -> None:
    """An agent that goes on writing is no reason to hammer a remote that has trouble."""
    schedule.failed(OfflineError(remote="x", detail="y"))
    before = schedule.wait()
    schedule.changed()
    clock.time += 3
    assert schedule.wait() == pytest.approx(before - 3)


@pytest.mark.parametrize(
    ("error", "least"),
    [
        (RateLimitedError(seconds=77, remote="x"), 77),
        (TokenRejectedError(source="x", remote="x"), 3600),
        (RootGoneError(path="x", root="x"), 15),
        (MemorySyncError(detail="x"), 15),
    ],
    ids=["asked to wait", "hopeless", "halt", "fault"],
)
def test_i45_the_next_try_fits_the_error(
    schedule: Schedule, error: MemorySyncError, least: float
) -> None:
    """As long as was asked; seldom where only a person can mend it; a halt at each poll."""
    schedule.failed(error)
    assert schedule.wait() == pytest.approx(least * 1.125)


def test_i47_a_poll_within_a_burst_does_not_look_early(schedule: Schedule, clock: Clock) -> None:
    """The poll asks and sends nothing; the look still waits for quiet."""
    clock.time += 14.5
    schedule.changed()
    clock.time += 0.5
    turn = schedule.turn()
    assert turn == Turn(look=False, fetch=True, up=False)
    schedule.succeeded(turn, again=False)
    assert schedule.wait() == 1.5
    clock.time += 1.5
    assert schedule.turn() == Turn(look=True, fetch=False, up=True)


def test_i60_a_poll_does_not_put_the_longest_delay_off(schedule: Schedule, clock: Clock) -> None:
    """A file that is written without pause is looked at in time, whatever polls come between."""
    waited = 0.0
    for _ in range(100):
        schedule.changed()
        clock.time += 1.0
        waited += 1.0
        if schedule.wait() <= 0:
            turn = schedule.turn()
            schedule.succeeded(turn, again=False)
            if turn.look:
                break
    assert waited == 30.0


def test_the_rest_of_an_upload_goes_on_when_the_remote_takes_it(
    schedule: Schedule, clock: Clock
) -> None:
    """It looks and sends again after the pause; polls go on meanwhile, until the rest is up."""
    schedule.succeeded(Turn(look=True, fetch=True), again=False, resume=20.0)
    assert schedule.wait() == 15
    clock.time += 15
    poll = schedule.turn()
    assert poll == Turn(look=False, fetch=True)
    schedule.succeeded(poll, again=False)
    assert schedule.wait() == 5
    clock.time += 5
    assert schedule.turn() == Turn(look=True, fetch=False)
    schedule.succeeded(Turn(look=True, fetch=False), again=False)
    assert schedule.wait() == 10


def test_i44_refusals_that_name_no_time_come_more_and_more_seldom(
    schedule: Schedule, clock: Clock
) -> None:
    """A limit whose clock lies is not asked each second: each refusal doubles the wait."""
    waits = []
    for _ in range(9):
        schedule.failed(RateLimitedError(remote="r", seconds=1))
        waits.append(schedule.wait())
        clock.time += waits[-1]
    assert waits == sorted(waits)
    assert waits[-1] >= 300


def test_after_a_sleep_of_the_machine_all_that_was_due_is_due(
    schedule: Schedule, clock: Clock
) -> None:
    """A clock that ran on meanwhile ends a poll's wait and a back-off alike."""
    clock.time += 8 * 3600
    assert schedule.wait() <= 0
    turn = schedule.turn()
    assert turn == Turn(look=True, fetch=True)
    schedule.succeeded(turn, again=False)
    assert schedule.wait() == 15
    for _ in range(9):
        schedule.failed(OfflineError(remote="x", detail="y"))
    assert schedule.wait() > 300
    clock.time += 8 * 3600
    assert schedule.wait() <= 0


def test_the_clock_of_waits_runs_on_in_suspend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the system's clocks it reads the one that a machine's sleep does not stop."""
    runs_on = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)
    monkeypatch.setattr(time, "clock_gettime", lambda clock: 1000.0 if clock == runs_on else 1.0)
    assert SystemClock().monotonic() == 1000.0


def test_an_even_share_is_used_freely() -> None:
    """Who uses no more than the hour's even share, less a tenth for others, waits no longer."""
    for minutes in range(0, 60, 5):
        left = 500 + 4500 * (60 - minutes) // 60
        assert stretch([Budget("core", 5000, left, 60.0 * (60 - minutes))], 0.0) == 1.0


def test_while_most_of_the_requests_are_left_nothing_waits_longer() -> None:
    """However quickly the first quarter goes; then the waits grow from where they were."""
    for seconds in range(60, 3601, 60):
        assert stretch([Budget("core", 5000, 3750, float(seconds))], 0.0) == 1.0
    assert 1.0 < stretch([Budget("core", 5000, 3700, 3600.0)], 0.0) < 1.1


def test_waits_grow_as_requests_come_to_their_end() -> None:
    """A little over the share hardly counts, half of what should be left is eight times."""
    factors = [
        stretch([Budget("core", 5000, 500 + left, 1800.0)], 0.0)
        for left in (2250, 2100, 1125, 600, 0, -500)
    ]
    assert factors[0] == 1.0
    assert 1.0 < factors[1] < 1.3
    assert factors[2] == pytest.approx(8.0)
    assert factors[3:] == [20.0, 20.0, 20.0]


def test_the_scarcest_of_all_budgets_counts() -> None:
    """GraphQL that comes to its end slows down what REST would still allow; an hour over none."""
    plenty, scarce = Budget("core", 5000, 5000, 1800.0), Budget("graphql", 5000, 1625, 1800.0)
    assert stretch([plenty, scarce], 0.0) == pytest.approx(8.0)
    assert stretch([plenty, scarce], 1800.0) == 1.0
    assert stretch([Budget("core", 0, 0, 1800.0)], 0.0) == 1.0


def test_machines_that_began_together_do_not_poll_in_step() -> None:
    """Chance moves each poll by up to a tenth, and not their number."""
    waits = []
    for chance in (0.0, 0.5, 1.0):
        clock = Clock()
        clock.chance = chance
        schedule = Schedule(clock, Timing(poll=15))
        schedule.succeeded(schedule.turn(), again=False)
        waits.append(schedule.wait())
    assert waits == [pytest.approx(13.5), pytest.approx(15.0), pytest.approx(16.5)]


def test_where_requests_are_short_sends_wait_like_polls(schedule: Schedule, clock: Clock) -> None:
    """However often files are saved, one exchange in a stretched poll sends and asks together."""
    schedule.succeeded(Turn(look=True, fetch=True), again=False, stretch=4.0)
    began, turns = clock.time, []
    for _ in range(120):
        schedule.changed()
        clock.time += 1
        if schedule.wait() <= 0:
            turn = schedule.turn()
            turns.append((clock.time - began, turn))
            schedule.succeeded(turn, again=False, stretch=4.0)
    sends = [(when, turn.fetch) for when, turn in turns if turn.look]
    assert sends == [(120.0, True)]
    assert [when for when, turn in turns if not turn.look] == [60.0]


def test_a_rest_that_waits_for_its_turn_waits_longer_where_requests_are_short(
    schedule: Schedule, clock: Clock
) -> None:
    """What could go up in five seconds goes with the next exchange; a full look is due as ever."""
    schedule.succeeded(Turn(look=True, fetch=True), again=False, resume=5.0, stretch=3.0)
    assert schedule.wait() == 30
    schedule.lost()
    assert schedule.wait() == 0
    clock.time += 1
    schedule.succeeded(Turn(look=True, fetch=False), again=False, resume=5.0)
    assert schedule.wait() == 5


def test_i70_waking_makes_due_what_time_mends(schedule: Schedule, clock: Clock) -> None:
    """After sleep a poll is due, and so is a try that waits for the network, however long."""
    schedule.woken(network=False)
    assert schedule.wait() <= 0
    assert schedule.turn().fetch
    schedule.succeeded(Turn(look=False, fetch=True), again=False)
    for _ in range(9):
        schedule.failed(OfflineError(remote="x", detail="y"))
    assert schedule.wait() > 300
    schedule.woken(network=False)
    assert schedule.wait() <= 0


def test_i70_a_changed_network_makes_due_what_waits_for_it(
    schedule: Schedule, clock: Clock
) -> None:
    """Nothing else: who is online polls when it is time."""
    schedule.woken(network=True)
    assert schedule.wait() == 15
    schedule.failed(OfflineError(remote="x", detail="y"))
    schedule.woken(network=True)
    assert schedule.wait() <= 0


@pytest.mark.parametrize(
    "error",
    [
        RateLimitedError(remote="r", seconds=600),
        TokenRejectedError(remote="r", source="x"),
        RootGoneError(path="/x", root="r"),
    ],
)
def test_waking_does_not_shorten_what_no_network_mends(
    schedule: Schedule, error: MemorySyncError
) -> None:
    """A remote that asked for quiet has it, and a token is not tried at each new address."""
    schedule.failed(error)
    before = schedule.wait()
    for network in (True, False):
        schedule.woken(network=network)
    assert schedule.wait() == before > 0

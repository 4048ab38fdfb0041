"""How much is asked, and how quickly."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.model import Budget
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.pace import MUTATION, QUERY, READ, UNLIMITED, WRITE, Ask, Pace, Paces, Rates


class Clock(SystemClock):
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 500.0

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


def _sent(pace: Pace, clock: Clock, ask: Ask, count: int) -> list[float]:
    """Send so many requests as soon as they may go, and return when they went."""
    times = []
    for _ in range(count):
        while wait := pace.take(ask):
            clock.sleep(wait)
        times.append(clock.time)
    return times


def test_a_few_commits_go_at_once_and_then_one_a_second(clock: Clock) -> None:
    """Ten are no hurry; after that each waits a second for the one before."""
    times = _sent(Pace(clock), clock, MUTATION, 13)
    assert [time - times[0] for time in times] == [*[0.0] * 10, 1.0, 2.0, 3.0]


def test_a_burst_is_allowed_again_after_a_rest(clock: Clock) -> None:
    """Who has been quiet may send ten at once again."""
    pace = Pace(clock)
    _sent(pace, clock, MUTATION, 20)
    clock.time += 11
    assert len(set(_sent(pace, clock, WRITE, 10))) == 1


@pytest.mark.parametrize(("limit", "seconds"), [(80, 60.0), (500, 3600.0)])
def test_no_window_holds_more_than_is_allowed(clock: Clock, limit: int, seconds: float) -> None:
    """Of 1,200 commits in a row no minute holds over 80 and no hour over 500."""
    times = _sent(Pace(clock), clock, MUTATION, 1200)
    assert all(late - early >= seconds for early, late in zip(times, times[limit:], strict=False))
    assert times[-1] - times[0] < 3 * 3600


def test_reads_wait_only_for_points(clock: Clock) -> None:
    """900 reads a minute go at once, and the next waits until the minute is over."""
    pace = Pace(clock)
    assert len(set(_sent(pace, clock, READ, 900))) == 1
    assert pace.take(READ) == 0.0
    assert clock.time == 560.0


def test_resources_have_points_of_their_own(clock: Clock) -> None:
    """Reads of REST that are spent leave GraphQL free."""
    pace = Pace(clock)
    _sent(pace, clock, READ, 900)
    before = clock.time
    _sent(pace, clock, QUERY, 2000)
    assert clock.time == before


def test_what_would_wait_too_long_is_told_and_not_booked(clock: Clock) -> None:
    """After an hour's commits the next is half an hour off or more: nobody sleeps so long."""
    pace = Pace(clock)
    _sent(pace, clock, MUTATION, 500)
    before = clock.time
    first = pace.take(MUTATION)
    assert first > 60
    assert pace.take(MUTATION) == first
    assert clock.time == before


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([READ, WRITE, QUERY, MUTATION]), st.floats(0, 30))))
def test_every_mixture_keeps_to_every_limit(asked: list[tuple[Ask, float]]) -> None:
    """Whatever is asked in whatever order, no window ever holds more than its limit."""
    clock = Clock()
    rates = Rates(minute=4, hour=9, burst=2, points={"core": 12, "graphql": 9})
    pace = Pace(clock, rates)
    made: list[tuple[float, Ask]] = []
    for ask, quiet in asked:
        clock.time += quiet
        while wait := pace.take(ask):
            clock.sleep(wait)
        made.append((clock.time, ask))
    makes = [time for time, ask in made if ask.makes]
    for limit, seconds in ((rates.minute, 60.0), (rates.hour, 3600.0)):
        assert all(b - a >= seconds - 1e-6 for a, b in zip(makes, makes[limit:], strict=False))
    for start, _ in made:
        for resource, most in rates.points.items():
            spent = sum(
                ask.points
                for time, ask in made
                if ask.resource == resource and start <= time < start + 60 - 1e-6
            )
            assert spent <= most


def test_who_is_barred_sends_nothing(clock: Clock) -> None:
    """As long as the server wants quiet each request is told how long that still is."""
    pace = Pace(clock)
    pace.bar(90)
    pace.bar(10)
    assert pace.take(READ) == 90
    clock.time += 60
    assert pace.take(MUTATION) == 30
    assert pace.pause() == 30
    clock.time += 30
    assert pace.take(READ) == 0


@pytest.mark.parametrize("commits", [1, 9, 40, 200, 700])
def test_the_estimate_is_what_it_takes(clock: Clock, commits: int) -> None:
    """What is told beforehand is when the last of so many commits goes."""
    pace = Pace(clock)
    _sent(pace, clock, MUTATION, 7)
    began, told = clock.time, pace.rest(commits)
    assert pace.rest(commits) == told
    assert _sent(pace, clock, MUTATION, commits)[-1] - began == pytest.approx(told)


@pytest.mark.parametrize("requests", [1, 11, 16, 79, 80, 81, 500, 900])
def test_a_large_commit_may_begin_on_a_quiet_day(clock: Clock, requests: int) -> None:
    """However many requests it takes, it need not wait where nothing was sent."""
    assert Pace(clock).pause(requests) == 0


def test_a_large_commit_begins_when_there_is_room_for_all_of_it(clock: Clock) -> None:
    """With 70 sent of a minute's 80, ten may begin now and twenty when the first have left."""
    pace = Pace(clock, Rates(burst=70))
    _sent(pace, clock, MUTATION, 70)
    assert pace.pause(10) == 0
    assert pace.pause(20) == 60


def test_what_is_left_is_remembered_by_resource(clock: Clock) -> None:
    """The newest word about each resource counts."""
    pace = Pace(clock)
    for budget in (Budget("core", 9, 5, 1.0), Budget("graphql", 9, 7, 2.0)):
        pace.note(budget)
    pace.note(Budget("core", 9, 4, 1.0))
    assert pace.budgets() == (Budget("core", 9, 4, 1.0), Budget("graphql", 9, 7, 2.0))


def test_all_that_use_one_token_share_one_pace(clock: Clock) -> None:
    """Vaults on one server with one token keep to its limits together, others do not."""
    paces = Paces(clock)
    one = paces.of("https://api.github.com", "a")
    assert paces.of("https://api.github.com", "a") is one
    assert paces.of("https://api.github.com", "b") is not one
    assert paces.of("https://ghe.example/api/v3", "a") is not one


def test_threads_that_share_a_pace_lose_no_count() -> None:
    """Of many threads that ask at once no two get the same place."""
    rates = Rates(minute=10**6, hour=10**6, burst=1, points={})
    pace = Pace(SystemClock(), rates)
    waits: list[float] = []

    def ask() -> None:
        waits.extend(pace.take(MUTATION, longest=0.0) for _ in range(25))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0.0) == 1


def test_what_others_committed_uses_up_the_same_limits(clock: Clock) -> None:
    """Eight commits of others fill a minute of ten, until they are a minute old; old ones none."""
    pace = Pace(clock, Rates(minute=10, hour=1000))
    pace.saw([0.0] * 8)
    pace.saw([3600.0, 9000.0, -5.0])
    assert pace.pause() == 60
    clock.time += 59
    assert pace.pause() == 1
    clock.time += 1
    assert pace.pause() == 0


def test_half_an_hours_share_is_free_for_all(clock: Clock) -> None:
    """As long as less than half of the hour is used nobody waits for the sake of others."""
    pace = Pace(clock, Rates(minute=1000, hour=100, burst=1000))
    pace.saw([1.0] * 30)
    _sent(pace, clock, MUTATION, 10)
    assert pace.pause() == 0


def test_who_writes_much_leaves_the_rest_of_the_hour_to_others(clock: Clock) -> None:
    """Beyond half of it the next commit waits: the longer, the more others write."""
    waits = []
    for others in (10, 32, 40):
        pace = Pace(clock, Rates(minute=1000, hour=100, burst=1000))
        pace.saw([1.0] * others)
        _sent(pace, clock, MUTATION, 54 - others)
        waits.append(pace.pause())
        assert pace.take(MUTATION) == 0.0
    assert 0 < waits[0] < waits[1] < waits[2]
    assert waits[2] <= 900 * 1.25


def test_who_has_not_written_yet_is_let_through(clock: Clock) -> None:
    """However much others wrote, a first commit waits for no turn."""
    pace = Pace(clock, Rates(minute=1000, hour=100, burst=1000))
    pace.saw([1.0] * 70)
    assert pace.pause() == 0


def test_alone_the_whole_hour_is_ones_own(clock: Clock) -> None:
    """An upload without others around takes what there is, as quickly as it may."""
    pace = Pace(clock, Rates(minute=1000, hour=100, burst=1000))
    assert _sent(pace, clock, MUTATION, 100)[-1] == 500.0


def test_a_server_without_limits_never_waits(clock: Clock) -> None:
    """Thousands of commits go at once where no limits are known."""
    times = _sent(Pace(clock, UNLIMITED), clock, MUTATION, 3000)
    assert all(early == late for early, late in pairwise(times))

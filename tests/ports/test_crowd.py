"""Taking turns with others who write to the same branch."""

from __future__ import annotations

import pytest

from memory_sync.ports.clock import SystemClock
from memory_sync.ports.github.crowd import Crowd


class Clock(SystemClock):
    """A clock that stands still until it is moved, and whose chance is always the highest."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 500.0

    def monotonic(self) -> float:
        return self.time

    def jitter(self) -> float:
        return 1.0


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def crowd(clock: Clock) -> Crowd:
    """Give a branch of which nothing is known yet."""
    return Crowd(clock)


def test_alone_nobody_asks_or_waits(crowd: Crowd) -> None:
    """As long as nobody else writes, a commit is one request, at once."""
    crowd.won()
    crowd.saw(1)
    crowd.saw(1)
    assert not crowd.wary
    assert crowd.wait() == 0


def test_who_did_not_know_waits_a_moment_and_asks_from_then_on(crowd: Crowd, clock: Clock) -> None:
    """A first loss may be an old commit: three seconds at most, and ten minutes of asking first."""
    crowd.lost(asked=False)
    assert crowd.wait() == 3
    clock.time += 599
    assert crowd.wary
    clock.time += 1
    assert not crowd.wary


def test_who_loses_against_others_now_waits_longer_each_time(crowd: Crowd, clock: Clock) -> None:
    """Losing again at once, or after asking, doubles the wait, up to four minutes."""
    waits = []
    crowd.lost(asked=False)
    for _ in range(7):
        clock.time += 2
        crowd.lost(asked=False)
        waits.append(crowd.wait())
    assert waits == [15, 30, 60, 120, 240, 240, 240]


def test_asking_first_and_losing_is_a_crowd_at_once(crowd: Crowd) -> None:
    """Who saw the branch in its place a moment before lost against one who writes now."""
    crowd.lost(asked=True)
    assert crowd.wait() == 15


def test_a_larger_crowd_spreads_wider(crowd: Crowd, clock: Clock) -> None:
    """Six commits of others within a minute make it six times as long; older ones do not count."""
    crowd.saw(2)
    clock.time += 61
    crowd.saw(2)
    clock.time += 1
    crowd.saw(4)
    crowd.lost(asked=True)
    assert crowd.wait() == 15 * 6


def test_a_loss_long_after_another_is_no_crowd(crowd: Crowd, clock: Clock) -> None:
    """What moved while one waited one's turn is only news."""
    crowd.lost(asked=True)
    clock.time += 16
    crowd.lost(asked=False)
    assert crowd.wait() == 3


def test_a_commit_ends_the_doubling(crowd: Crowd, clock: Clock) -> None:
    """Who has had a turn begins anew."""
    for _ in range(4):
        crowd.lost(asked=True)
    crowd.won()
    clock.time += 400
    crowd.lost(asked=True)
    assert crowd.wait() == 15


def test_many_commits_at_once_are_seen_to_be_a_crowd(crowd: Crowd) -> None:
    """Three commits of others in one look are enough to ask first."""
    crowd.saw(3)
    assert crowd.wary
    assert crowd.wait() == 0


def test_who_has_no_limits_never_waits(clock: Clock) -> None:
    """Without a pace to keep, losing costs no time."""
    crowd = Crowd(clock, patient=False)
    for _ in range(3):
        crowd.lost(asked=True)
    assert crowd.wait() == 0
    assert crowd.wary

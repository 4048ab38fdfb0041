"""What the GitHub adapter does where others write to the same branch."""

from __future__ import annotations

from contextlib import closing

import pytest

from memory_sync.errors import Moved
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.pace import Pace, Rates
from memory_sync.ports.token import Token
from tests.remotes.case import Vault, object_name
from tests.remotes.desk import NAME, SOURCE, Clock, Desk

HEAD = "GET /commits/heads/main"


class Unlucky(Clock):
    """A clock whose chance is always the highest."""

    def jitter(self) -> float:
        return 1.0


@pytest.fixture
def clock() -> Clock:
    """Give a clock on which nobody waits."""
    return Unlucky()


@pytest.fixture
def ours(desk: Desk, clock: Clock) -> Vault:
    """Give a device that keeps to GitHub's limits, at the head of a vault that others share."""
    first = desk.begin()
    remote = _paced(desk, clock)
    remote.condition()  # tells what the branch is called
    return Vault(remote, first.head, dict(first.tree))


def _paced(desk: Desk, clock: Clock, rates: Rates | None = None) -> GitHubRemote:
    secret = Token(desk.token, SOURCE)
    made = GitHubRemote(NAME, secret, desk.hub.base_url, 10.0, pace=Pace(clock, rates))
    return desk.clients.enter_context(closing(made))


def _others_commit(desk: Desk, count: int = 1) -> None:
    vault = Vault(desk.remote)
    vault.catch_up()
    for _ in range(count):
        vault.commit({object_name(len(vault.tree)): "theirs\n"})


def test_alone_a_commit_is_one_request(desk: Desk, ours: Vault) -> None:
    """Nobody is asked first as long as nobody else writes."""
    ours.catch_up()
    assert desk.asked(lambda: ours.commit({object_name(70): "ours\n"})) == ["mutation"]


def test_who_lost_asks_first_and_loses_no_more(desk: Desk, ours: Vault) -> None:
    """After a lost race the branch is looked at before a commit, and nothing is sent in vain."""
    _others_commit(desk)
    with pytest.raises(Moved):
        ours.commit({object_name(70): "ours\n"})
    ours.catch_up()
    asked = desk.asked(lambda: ours.commit({object_name(70): "ours\n"}))
    assert asked[-2:] == [HEAD, "mutation"]
    assert desk.hub.requests[-2].status == 304
    _others_commit(desk)

    def again() -> None:
        with pytest.raises(Moved):
            ours.commit({object_name(71): "ours\n"})

    assert desk.asked(again) == [HEAD]


def test_a_short_wait_is_waited_and_a_long_one_told(desk: Desk, ours: Vault, clock: Clock) -> None:
    """Three seconds pass on the spot; what is longer is for the caller, who does other things."""
    ours.catch_up()
    for _ in range(2):
        _others_commit(desk)
        with pytest.raises(Moved):
            ours.commit({object_name(70): "ours\n"})
        if not clock.ahead:
            assert 2 < ours.remote.pause() <= 3
    assert clock.ahead == pytest.approx(3, abs=1)
    assert 10 < ours.remote.pause() <= 15


def test_what_others_committed_is_counted_when_it_is_read(desk: Desk, clock: Clock) -> None:
    """A comparison tells of commits with the same token: a minute's share may be used up."""
    first = desk.begin()
    ours = Vault(_paced(desk, clock, Rates(minute=5)), first.head, dict(first.tree))
    _others_commit(desk, 4)
    assert ours.remote.pause() == 0
    list(ours.remote.history(ours.remote.head() or "", first.head))
    assert 50 < ours.remote.pause() <= 60


def test_what_is_not_accepted_counts_once(desk: Desk, ours: Vault, clock: Clock) -> None:
    """A halted vault compares the same commits at each poll: nobody is held back by that."""
    since = ours.head or ""
    _others_commit(desk, 5)
    head = desk.repo.head() or ""
    for _ in range(200):
        assert next(ours.remote.history(head, since)).id == head
    assert ours.remote.pause() == 0
    ours.catch_up()
    ours.commit({object_name(99): "x\n"})
    assert ours.remote.pause() < 5


def test_what_others_wrote_yesterday_is_no_crowd_of_today(desk: Desk, clock: Clock) -> None:
    """Who comes back after a day may commit at once, however much the others wrote meanwhile."""
    first = desk.begin()
    _others_commit(desk, 30)
    clock.ahead += 86_400
    remote = _paced(desk, clock, Rates(hour=20))
    remote.condition()
    next(remote.history(desk.repo.head() or "", first.head))
    assert remote.pause() == 0

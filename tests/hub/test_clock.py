"""The hub's clock, which tests may drive and which its headers may belie."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.hub import Fault, Hub, faults
from tests.hub.conftest import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLSchema

START = 1_800_000_000.0


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def bob(github_schema: GraphQLSchema, clock: Clock) -> Iterator[Client]:
    """Bob on a hub that goes by this clock, with a repository."""
    with Hub(github_schema, now=clock) as hub:
        client = Client(hub, hub.add_user("bob"))
        hub.add_repo("bob/vault", init="readme")
        with client.session:
            yield client


def test_an_hour_ends_by_the_clock(bob: Client, clock: Clock) -> None:
    """What was used is forgotten at the reset that was told, and not before."""
    bob.hub.limits.allowed["core"] = 1
    first = bob("GET", "/user")
    assert first.headers["X-RateLimit-Reset"] == str(int(START) + 3600)
    assert bob("GET", "/user").status_code == 403
    clock.time += 3599
    assert bob("GET", "/user").status_code == 403
    clock.time += 1
    assert bob("GET", "/user").headers["X-RateLimit-Remaining"] == "0"


def test_everything_goes_by_the_clock(bob: Client, clock: Clock) -> None:
    """Headers, commits, repositories and lagging reads have the clock's time."""
    repo = bob.hub.repo("bob/vault")
    former = repo.head()
    clock.time += 100
    shown = bob("GET", "/repos/bob/vault")
    assert parsedate_to_datetime(shown.headers["Date"]).timestamp() == clock.time
    assert shown.json()["created_at"] == "2027-01-15T08:00:00Z"
    clock.time += 1
    head = repo.change({"a": b"a"}, "later")
    commit = bob("GET", f"/repos/bob/vault/git/commits/{head}").json()
    assert commit["author"]["date"] == "2027-01-15T08:01:41Z"
    bob.hub.faults.add(Fault("GET", faults.stale(5), times=None))
    read = "/repos/bob/vault/git/ref/heads/main"
    assert bob("GET", read).json()["object"]["sha"] == former
    clock.time += 6
    assert bob("GET", read).json()["object"]["sha"] == head


def test_clocks_may_lie(bob: Client) -> None:
    """`Date` and the reset can each be wrong by so many seconds, in answers and in faults."""
    bob.hub.date_skew, bob.hub.reset_skew = -7200, 86400
    bob.hub.faults.add(Fault("/rate_limit", faults.primary_limit(90)))
    for path, reset in (("/user", START + 3600), ("/rate_limit", START + 90)):
        answer = bob("GET", path)
        assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == START - 7200
        assert float(answer.headers["X-RateLimit-Reset"]) == reset + 86400

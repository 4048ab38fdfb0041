"""What may be asked in an hour, in a minute and in a short time, and how the headers tell it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from urllib3.util import SKIP_HEADER

from tests.hub import Fault, Repository, faults
from tests.hub.conftest import Client
from tests.hub.limits import Limits
from tests.hub.test_clock import START, Clock

VAULT = "/repos/ada/vault"
BLOB = {"content": "x"}
LOGIN = "{ viewer { login } }"
HEADERS = ("limit", "remaining", "used", "reset", "resource")


def told(answer: Any) -> tuple[str, ...]:
    """Read the headers that tell of the rate limit."""
    return tuple(answer.headers[f"x-ratelimit-{name}"] for name in HEADERS)


def test_every_answer_tells_what_is_left(vault: Repository, ada: Client) -> None:
    """200, 201, 304, refusals, redirections and GraphQL count as they should and say so."""
    assert vault.private
    first = ada("GET", VAULT)
    reset = first.headers["x-ratelimit-reset"]
    assert 3590 < int(reset) - time.time() <= 3600
    assert told(first) == ("5000", "4999", "1", reset, "core")
    ada.hub.rename(vault, "ada/notes")
    number = f"/repositories/{vault.id}"
    tag = ada("GET", number).headers["ETag"]
    answers = [
        ada("GET", number, If_None_Match=tag),
        ada("POST", f"{number}/git/blobs", BLOB),
        ada("GET", "/repos/ada/none"),
        ada("GET", VAULT),
        ada("GET", "/rate_limit"),
        ada("POST", "/graphql", {"query": LOGIN}),
        ada("POST", "/graphql", {"query": "{ viewer { colour } }"}),
    ]
    assert [answer.status_code for answer in answers] == [304, 201, 404, 301, 200, 200, 200]
    assert [told(answer)[2] for answer in answers] == ["2", "3", "4", "5", "5", "1", "2"]
    assert [told(answer)[4] for answer in answers] == ["core"] * 5 + ["graphql"] * 2
    assert (ada.hub.limits.used("ada", "core"), ada.hub.limits.used("ada", "graphql")) == (5, 2)


def test_a_stranger_has_sixty(ada: Client) -> None:
    """Who is not known is told of the few requests that nobody's address has."""
    refused = ada("GET", "/user", Authorization="Bearer nonsense")
    assert (refused.status_code, told(refused)[0]) == (401, "60")


def test_a_client_says_what_it_is(ada: Client) -> None:
    """A request without a User-Agent is refused."""
    refused = ada("GET", "/user", User_Agent=SKIP_HEADER)
    assert (refused.status_code, "User-Agent" in refused.json()["message"]) == (403, True)


@pytest.mark.usefixtures("vault")
def test_writes_of_a_minute(ada: Client) -> None:
    """The 81st write in a minute is refused with Retry-After, while reads go on."""
    path = f"{VAULT}/git/blobs"
    assert {ada("POST", path, BLOB).status_code for _ in range(80)} == {201}
    refused = ada("POST", path, BLOB)
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("You have exceeded a secondary rate limit.")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert told(refused)[1] == "4919"
    assert ada("GET", VAULT).status_code == 200
    assert ada("POST", "/graphql", {"query": LOGIN}).status_code == 200
    mutation = {"query": 'mutation { updateRefs(input: {repositoryId: "x", refUpdates: []})'
                " { __typename } }"}  # fmt: skip
    assert ada("POST", "/graphql", mutation).status_code == 403
    assert ada.hub.limits.used("ada", "content_minute") == 80


@pytest.mark.usefixtures("vault")
def test_secondary_limits_may_be_off(ada: Client) -> None:
    """Without them the same is counted and not refused."""
    ada.hub.limits.secondary = False
    ada.hub.limits.ceilings["content_minute"] = 1
    assert {ada("POST", f"{VAULT}/git/blobs", BLOB).status_code for _ in range(3)} == {201}
    assert ada.hub.limits.used("ada", "content_minute") == 3


@pytest.mark.parametrize(
    ("resource", "writing", "most", "seconds"),
    [
        ("core", True, 80, 60),
        ("core", False, 900, 60),
        ("graphql", True, 80, 60),
        ("graphql", False, 2000, 60),
    ],
)
def test_what_a_minute_allows(resource: str, writing: bool, most: int, seconds: int) -> None:
    """So many get through at once, the next one when the first is a minute old."""
    clock = Clock()
    limits = Limits(clock)
    waits = [limits.admit("ada", resource, writing=writing) for _ in range(most + 1)]
    assert waits == [0] * most + [seconds]
    clock.time += seconds - 1
    assert limits.admit("ada", resource, writing=writing) == 1
    assert limits.admit("bob", resource, writing=writing) == 0
    clock.time += 1
    assert limits.admit("ada", resource, writing=writing) == 0


def test_writes_weigh_more(ada: Client) -> None:
    """A write has five points of the minute's, a read one; both kinds count for both APIs."""
    clock = Clock()
    limits = Limits(clock)
    limits.ceilings["content_minute"] = 10**6
    for writing in (True, False):
        assert not limits.admit("ada", "core", writing=writing)
    assert limits.used("ada", "core_points") == 6
    assert [limits.admit("ada", "core", writing=True) for _ in range(178)] == [0] * 178
    assert limits.used("ada", "core_points") == 896
    assert limits.admit("ada", "core", writing=True) == 60
    assert [limits.admit("ada", "core", writing=False) for _ in range(5)] == [0] * 4 + [60]
    assert ada.hub.limits.secondary


def test_writes_of_an_hour() -> None:
    """However they are spread, 500 writes fit into an hour."""
    clock = Clock()
    limits = Limits(clock)
    for _ in range(500):
        assert not limits.admit("ada", "graphql", writing=True)
        clock.time += 6
    assert limits.used("ada", "content_hour") == 500
    assert limits.admit("ada", "core", writing=True) == START + 3600 - clock.time
    clock.time = START + 3600
    assert limits.admit("ada", "core", writing=True) == 0


@pytest.mark.usefixtures("vault")
def test_a_fault_costs_nothing(ada: Client) -> None:
    """What GitHub did not take up is not counted."""
    ada.hub.faults.add(Fault("GET", faults.bad_gateway))
    assert ada("GET", VAULT).status_code == 502
    assert ada.hub.limits.used("ada", "core") == 0

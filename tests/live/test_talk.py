"""The suite's way to a server: safe, within its limits, and silent about the token."""

from __future__ import annotations

from contextlib import closing

import pytest

from memory_sync.ports.clock import SystemClock
from memory_sync.ports.token import Token
from tests.hub import Fault, Hub
from tests.hub.faults import status
from tests.live.talk import Patience, RefusedError, Reply, Talk, checked, turned_away, web


class FastClock(SystemClock):
    """A clock on which waiting takes no time; `slept` tells what was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.mark.parametrize(
    "base_url",
    ["http://ghe.example/api/v3", "https://ada:secret@ghe.example", "ghe.example", "", "https://"],
)
def test_an_unsafe_server_is_refused(base_url: str) -> None:
    """A token goes over HTTPS only, or to this machine, and no password stands in the URL."""
    with pytest.raises(RefusedError) as caught:
        checked(base_url)
    assert "secret" not in str(caught.value)


def test_where_the_repositories_are() -> None:
    """Git finds them at github.com, at an Enterprise's own host, or where a double is."""
    assert web("https://api.github.com") == "https://github.com"
    assert web("https://ghe.example/api/v3") == "https://ghe.example"
    assert web(checked("http://127.0.0.1:8080/")) == "http://127.0.0.1:8080"


def test_the_paths_of_an_enterprise(hub: Hub, token: Token) -> None:
    """Below `/api/v3` REST is asked, and GraphQL beside it."""
    with closing(Talk(hub.enterprise_url, token)) as talk:
        assert talk("GET", "/user").data["login"] == "ada"
        assert talk.graph("{ viewer { login } }").data["data"]["viewer"]["login"] == "ada"


def test_a_limit_is_waited_for(hub: Hub, token: Token) -> None:
    """What GitHub turns away is sent again after the seconds that it asks for."""
    clock = FastClock()
    limited = status(403, b'{"message": "secondary rate limit"}', {"Retry-After": "7"})
    hub.faults.add(Fault("^GET /user$", limited, 2))
    with closing(Talk(hub.base_url, token, clock)) as talk:
        assert talk("GET", "/user").status == 200
    assert clock.slept == [7, 7]


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(403, {"retry-after": "0"}, b""), 1),
        (Reply(429, {}, b""), 60),
        (Reply(403, {}, b"You have exceeded a secondary rate limit"), 60),
        (Reply(403, {}, b"Must have admin rights to Repository."), 0),
        (Reply(404, {"retry-after": "9"}, b""), 0),
        (
            Reply(
                403,
                {
                    "x-ratelimit-remaining": "0",
                    "x-ratelimit-reset": "1767322865",
                    "date": "Fri, 02 Jan 2026 03:00:05 GMT",
                },
                b"",
            ),
            61,
        ),
    ],
)
def test_how_long_to_wait(reply: Reply, seconds: int) -> None:
    """A limit is told from a refusal, and lasts as long as GitHub says, by its own clock."""
    assert turned_away(reply) == seconds


def test_a_real_server_is_asked_slowly(token: Token) -> None:
    """Away from this machine there is a second between writes after the first few."""
    clock = FastClock()
    with closing(Talk("https://ghe.example/api/v3", token, clock)) as talk:
        for _ in range(100):
            talk.wait_for()
    assert sum(clock.slept) >= 80


def test_a_redirection_is_not_followed(hub: Hub, token: Token) -> None:
    """Where an answer leads elsewhere, the token does not go along."""
    hub.add_repo("ada/vault", init="readme")
    with closing(Talk(hub.base_url, token)) as talk:
        assert talk("GET", "/repos/ada/vault/tarball/main").status == 302
    assert {one.kind for one in hub.requests} == {"rest"}


def test_nothing_shows_the_token(hub: Hub, token: Token) -> None:
    """Neither what is printed of the parts nor an error of the network has it."""
    with closing(Talk("http://127.0.0.1:9", token)) as talk:
        with pytest.raises(OSError) as caught:
            talk("GET", "/user")
        texts = [repr(talk), repr(vars(talk)), str(caught.value), repr(caught.value)]
    assert not any(token.value in text for text in texts)


def test_patience_ends() -> None:
    """A read that stays behind is given up after half a minute, as it is, and told."""
    clock = FastClock()
    patience = Patience(clock)
    assert patience.until("head", lambda: "old", lambda found: found == "new") == "old"
    assert 30 <= sum(clock.slept) < 35
    assert [(lag.what, lag.came) for lag in patience.lags] == [("head", False)]


def test_patience_is_not_needed() -> None:
    """A read that shows the truth at once is no lag."""
    patience = Patience(FastClock())
    assert patience.until("head", lambda: "new", lambda found: found == "new") == "new"
    assert patience.lags == []

"""Raw requests to one GitHub, real or double, within what it allows."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from memory_sync.ports.clock import Clock, SystemClock
from memory_sync.ports.pace import MUTATION, QUERY, READ, UNLIMITED, WRITE, Ask, Pace
from memory_sync.ports.token import Token

T = TypeVar("T")

TIMEOUT = 60.0
LONGEST_LAG = 30.0
LONGEST_LIMIT = 3700
"""Seconds: for an answer, for a read that lags behind a write, for a limit to pass."""


class RefusedError(Exception):
    """The suite will not do this, or cannot; the text says why and holds no token."""


@dataclass(frozen=True)
class Reply:
    """An answer as it came; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def data(self) -> Any:
        """The body if it is JSON, else None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Lag:
    """A read that showed an older state for some seconds; `came` tells if the new one ever did."""

    what: str
    seconds: float
    came: bool


class Patience:
    """Repeats reads that lag behind writes, and remembers them."""

    def __init__(self, clock: Clock, longest: float = LONGEST_LAG) -> None:
        self.clock = clock
        self.lags: list[Lag] = []
        self._longest = longest

    def until(
        self,
        what: str,
        action: Callable[[], T],
        good: Callable[[T], bool],
        was_lag: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Repeat an action until what it returns is good; after so long, return what it is.

        `was_lag` says in the end whether it was a lag that was waited for.
        """
        begun, pause = self.clock.monotonic(), 0.1
        found = action()
        if good(found):
            return found
        while not good(found) and self.clock.monotonic() - begun < self._longest:
            self.clock.sleep(pause)
            pause = min(pause * 2, 4.0)
            found = action()
        if was_lag(found):
            self.lags.append(Lag(what, self.clock.monotonic() - begun, good(found)))
        return found


class _Bearer(AuthBase):
    """Puts a token into a request; given as such, it keeps `.netrc` out."""

    def __init__(self, token: Token | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token.value}"
        return request


class Talk:
    """Requests with one token; each is sent once, but for one that a limit has turned away."""

    def __init__(self, base_url: str, token: Token | None, clock: Clock | None = None) -> None:
        self.base_url = checked(base_url)
        self.token = token
        self.clock = clock or SystemClock()
        self.patience = Patience(self.clock)
        self.pace = Pace(self.clock, UNLIMITED if is_here(self.base_url) else None)
        self._session = requests.Session()

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        token: Token | None = None,
        anonymous: bool = False,
    ) -> Reply:
        """Send a request, with another token or none if so told.

        `path` may be a whole URL; `body` is JSON, or bytes as they are.
        """
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        while True:
            self.wait_for(_kind(method, path, data))
            answer = self._session.request(
                method,
                path if "://" in path else self._url(path),
                data=data,
                headers={"User-Agent": "memory-sync", **(headers or {})},
                auth=_Bearer(None if anonymous else token or self.token),
                allow_redirects=False,
                timeout=TIMEOUT,
            )
            named = {name.lower(): text for name, text in answer.headers.items()}
            reply = Reply(answer.status_code, named, answer.content)
            if not (seconds := turned_away(reply)):
                return reply
            self.clock.sleep(seconds)

    def graph(self, query: str, **variables: object) -> Reply:
        """Send a GraphQL query."""
        return self("POST", "/graphql", {"query": query, "variables": variables})

    def wait_for(self, ask: Ask = WRITE) -> None:
        """Wait until GitHub's limits allow a request."""
        while wait := self.pace.take(ask):
            self.clock.sleep(wait)

    def _url(self, path: str) -> str:
        if path == "/graphql":
            return self.base_url.removesuffix("/v3") + path
        return self.base_url + path


def _kind(method: str, path: str, data: bytes | None) -> Ask:
    if path == "/graphql":
        return MUTATION if b"mutation" in (data or b"") else QUERY
    return READ if method == "GET" else WRITE


def turned_away(reply: Reply) -> int:
    """Return for how many seconds GitHub asks to wait, 0 if it does not."""
    if reply.status not in {403, 429}:
        return 0
    headers = reply.headers
    asked, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    seconds = 0
    if asked.isdecimal():
        seconds = int(asked) or 1
    elif headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        now = parsedate_to_datetime(headers["date"]).timestamp()
        seconds = max(1, int(int(reset) - now) + 1)
    elif reply.status == 429 or b"rate limit" in reply.body:
        seconds = 60
    return min(seconds, LONGEST_LIMIT)


def checked(base_url: str) -> str:
    """Return an API's base without its last slash; raises RefusedError if it is not safe."""
    url = urlsplit(base_url)
    if url.username or url.query or url.fragment or not url.hostname:
        raise RefusedError("MEMORY_SYNC_LIVE_URL is not the base of an API: https://HOST/api/v3")
    if url.scheme != "https" and not is_here(base_url):
        raise RefusedError("MEMORY_SYNC_LIVE_URL must begin with https://")
    return base_url.rstrip("/")


def is_here(base_url: str) -> bool:
    """Tell whether a server is on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def web(base_url: str) -> str:
    """Return where a server has its repositories for git."""
    if urlsplit(base_url).hostname == "api.github.com":
        return "https://github.com"
    return base_url.removesuffix("/api/v3")

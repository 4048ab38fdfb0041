"""The way from a device to the double of GitHub, without sockets and with the time it takes.

All of the program's own transport is there but the last step: where it would send a request over
the network, the request waits for as long as that takes on the simulated clock, and is handed to
the double, which counts and answers as it does over HTTP.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from memory_sync.ports.github import wire
from memory_sync.ports.github.transport import Link, Transport
from tests.crowd.referee import Referee
from tests.crowd.stage import Clock, Stage
from tests.hub import Hub
from tests.hub.api import counted, kind_of, respond
from tests.hub.wire import Answer, Recorded, Request

SECONDS: Mapping[str, float] = {"rest": 0.2, "query": 0.4, "mutation": 0.9, "codeload": 1.0}
"""How long a request takes in all, on average; a conditional one that is free half of that."""
SPREAD = 0.5
"""By how much of it a single one takes less or more."""


@dataclass
class Net:
    """What lies between all devices and GitHub."""

    stage: Stage
    hub: Hub
    random: Random
    referee: Referee = field(default_factory=Referee)
    log: list[tuple[float, str]] = field(default_factory=list)
    """When each request was carried out, and of what kind it was: `free` is a 304."""
    refused: Counter[str] = field(default_factory=Counter)

    def answer(self, request: Request) -> Answer:
        """Let the referee and then the double judge a request."""
        kind = kind_of(request)
        now = self.stage.time
        if kind == "codeload":
            answer, login = respond(self.hub, request)
        elif refusal := self.referee.judge(request, now):
            login = self.hub.login_of(request)
            answer = counted(self.hub, request, login, refusal)
            self.refused["secondary"] += 1
        else:
            answer, login = respond(self.hub, request)
            if answer.headers.get("X-RateLimit-Remaining") == "0" and (
                answer.status == 403 or b'"RATE_LIMIT"' in answer.body
            ):
                self.refused["primary"] += 1
        self.log.append((now, "free" if answer.status == 304 else kind))
        path, size = request.path, len(request.body)
        self.hub.record(Recorded(request.method, path, "", answer.status, kind, login, size))
        return answer


class Direct(HTTPAdapter):
    """Hands requests to the double, half of the time before it and half after."""

    net: Net
    clock: Clock

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send it."""
        asked = _request(request, self.net.hub.base_url)
        kind = kind_of(asked)
        share = 1 - SPREAD + 2 * SPREAD * self.net.random.random()
        half = SECONDS[kind] * share / 2
        if "if-none-match" in asked.headers:
            half /= 2
        self.net.referee.began()
        self.clock.sleep(half)
        answer = self.net.answer(asked)
        self.clock.sleep(half)
        self.net.referee.ended()
        body = io.BytesIO(answer.body)
        raw = HTTPResponse(body, answer.headers, answer.status, preload_content=False)
        return self.build_response(request, raw)


class Simulated(Transport, Direct):
    """The program's transport, with the direct way below it."""

    def __init__(self, link: Link, net: Net, clock: Clock) -> None:
        super().__init__(link)
        self.net = net
        self.clock = clock


def _request(prepared: requests.PreparedRequest, base: str) -> Request:
    url = urlsplit(str(prepared.url))
    body: Any = prepared.body or b""
    return Request(
        prepared.method or "GET",
        url.path,
        dict(parse_qsl(url.query, keep_blank_values=True)),
        {name.lower(): str(value) for name, value in prepared.headers.items()},
        body.encode() if isinstance(body, str) else bytes(body),
        base,
    )


@contextmanager
def connected(net: Net, clock: Clock) -> Iterator[None]:
    """Let the remotes that are made meanwhile use this net, on this device's clock."""

    def session(link: Link) -> requests.Session:
        made = requests.Session()
        made.trust_env = False
        made.mount("http://", Simulated(link, net, clock))
        return made

    with patch.object(wire, "session", session):
        yield

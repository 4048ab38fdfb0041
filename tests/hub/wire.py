"""What goes over the wire: a request, an answer, and the two ways in which one is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]

DOCS = "https://docs.github.com/rest"
REDIRECTS = f"{DOCS}/guides/best-practices-for-using-the-rest-api#follow-redirects"


@dataclass(frozen=True)
class Request:
    """One HTTP request as it came in; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str = ""
    """The URL of the API as the client addresses it."""
    lag: float = 0.0
    """How many seconds behind the truth this request sees the branches."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, before the headers that every answer carries."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """One request as the tests count it.

    `kind` is `rest`, `query`, `mutation` or `codeload`; `status` is 0 where the connection was
    closed without an answer; `sent_bytes` is the size of the body that the client sent.
    """

    method: str
    path: str
    query: str
    status: int
    kind: str
    token_login: str | None
    sent_bytes: int


class RefusedError(Exception):
    """GitHub's own refusal, with its status and its words."""

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.more = more

    def answer(self) -> Answer:
        """Say it the way that GitHub does."""
        body: Json = {"message": self.message, "documentation_url": DOCS, **self.more}
        return json_answer(body | {"status": str(self.status)}, self.status, self.headers)


class MovedError(RefusedError):
    """The repository has another name now, and this is where the request would be answered."""

    def __init__(self, method: str, location: str) -> None:
        reading = method in {"GET", "HEAD"}
        status, message = (301, "Moved Permanently") if reading else (307, "Temporary Redirect")
        super().__init__(status, message)
        self.location = location

    def answer(self) -> Answer:
        """Say it the way that GitHub does."""
        body = {"message": self.message, "url": self.location, "documentation_url": REDIRECTS}
        return json_answer(body, self.status, {"Location": self.location})


class UnsupportedError(Exception):
    """The client asked for what this double does not do, so no answer would be honest."""


def json_answer(
    data: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer with JSON."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status, json.dumps(data).encode(), kind | dict(headers or {}))


def raw_answer(body: bytes, media: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer 200 with bytes of another type."""
    return Answer(200, body, {"Content-Type": media} | dict(headers or {}))

"""What GitHub's refusals and broken connections mean, in errors of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import NameResolutionError

from memory_sync.errors import (
    MemorySyncError,
    OfflineError,
    RateLimitedError,
    RemoteError,
    RemoteTroubleError,
    RepositoryGoneError,
    TokenForbiddenError,
    TokenRejectedError,
)
from memory_sync.ports.names import shown
from memory_sync.ports.token import Token

DEFAULT_WAIT = 60
LONGEST_WAIT = 3600
"""Seconds to wait where GitHub names none, and at most: its limits are for an hour."""

LIMITED = re.compile(r"rate limit|abuse detection", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are in lower case, `data` is the body if that is JSON."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)
    data: Any = field(default=None, repr=False)


def dig(data: Any, *keys: str | int) -> Any:
    """Return what lies below these keys of a JSON value, None if it is not there."""
    for key in keys:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return None
    return data


class Explain:
    """Makes the errors for one remote and one token."""

    def __init__(self, remote: str, token: Token) -> None:
        self._remote = remote
        self._token = token

    def answer(self, answer: Answer) -> MemorySyncError:
        """Explain a status that is no success."""
        message = dig(answer.data, "message") or ""
        status = answer.status
        if status == 401:
            return self.rejected()
        if status == 429 or (status == 403 and _limited(answer, str(message))):
            return self.limited(answer)
        if status == 403:
            return self.forbidden(message or "GitHub answered 403")
        if status == 404:
            return self.gone()
        if status >= 500 or status == 408:
            return self.trouble(f"GitHub answered {status} {message}")
        return self.senseless(f"{status} {message}")

    def graph(self, errors: Sequence[Any], answer: Answer) -> MemorySyncError | None:
        """Explain errors of a GraphQL answer that mean the same whatever was asked."""
        for error in errors:
            kind = dig(error, "type")
            if kind in {"RATE_LIMIT", "RATE_LIMITED"}:
                return self.limited(answer)
            if kind in {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
                return self.forbidden(dig(error, "message") or str(kind))
        return None

    def failure(self, error: Exception) -> MemorySyncError:
        """Explain a request that got no answer; what the exception says is not repeated."""
        kinds = requests.exceptions
        if isinstance(error, (kinds.ChunkedEncodingError, kinds.ContentDecodingError)):
            return self._offline("the answer broke off")
        if isinstance(error, kinds.Timeout):
            return self._offline("no answer in time")
        if isinstance(error, kinds.SSLError):
            return self._offline("no trusted connection (TLS)")
        if isinstance(error, kinds.ProxyError):
            return self._offline("the proxy does not connect")
        if isinstance(error, kinds.ConnectionError):
            cause = dig(error.args, 0)
            if isinstance(getattr(cause, "reason", None), NameResolutionError):
                return self._offline("its name is not known here (DNS)")
            return self._offline("the connection failed")
        if isinstance(error, (requests.RequestException, OSError)):
            return self._offline(type(error).__name__)
        return self.trouble(type(error).__name__)

    def limited(self, answer: Answer) -> RateLimitedError:
        """Say for how long GitHub asks to wait."""
        return RateLimitedError(remote=self._remote, seconds=_wait(answer))

    def rejected(self) -> TokenRejectedError:
        """Say that the token is worth nothing."""
        return TokenRejectedError(remote=self._remote, source=self._token.source)

    def forbidden(self, detail: object) -> TokenForbiddenError:
        """Say that the token is good and may not do this."""
        source = self._token.source
        return TokenForbiddenError(remote=self._remote, source=source, detail=self._clean(detail))

    def gone(self) -> RepositoryGoneError:
        """Say that there is no such repository for this token."""
        return RepositoryGoneError(remote=self._remote)

    def trouble(self, detail: object) -> RemoteTroubleError:
        """Say that GitHub cannot answer now."""
        return RemoteTroubleError(remote=self._remote, detail=self._clean(detail))

    def senseless(self, detail: object) -> RemoteError:
        """Say that GitHub answered what it should not."""
        return RemoteError(remote=self._remote, detail=self._clean(detail))

    def _offline(self, detail: str) -> OfflineError:
        return OfflineError(remote=self._remote, detail=detail)

    def _clean(self, detail: object) -> str:
        """Make what a server says fit for a line on a terminal, and free of the token."""
        text = str(detail).encode("utf-8", "replace").decode()
        text = " ".join(text.replace(self._token.value, "(token)").split())
        return shown(text[:200].rstrip(". "))


def _limited(answer: Answer, message: str) -> bool:
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or bool(LIMITED.search(message))
    )


def _wait(answer: Answer) -> int:
    """Return for how many seconds to wait, by the server's own clock."""
    headers = answer.headers
    seconds = DEFAULT_WAIT
    asked, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if asked.isdecimal():
        seconds = int(asked)
    elif headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        try:
            now = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return DEFAULT_WAIT
        seconds = int(int(reset) - now) + 1
    return max(1, min(seconds, LONGEST_WAIT))

"""What GitHub's refusals and broken connections mean, in errors of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NameResolutionError

from memory_sync.errors import (
    MemorySyncError,
    OfflineError,
    ProxyError,
    RateLimitedError,
    RemoteError,
    RemoteTroubleError,
    RepositoryGoneError,
    TokenForbiddenError,
    TokenRejectedError,
    TokenSignOnError,
    UntrustedError,
)
from memory_sync.ports.clock import Clock
from memory_sync.ports.github.answers import Answer, dig, limited, limited_graph, wait
from memory_sync.ports.github.transport import Link, ProxyFailedError, UntrustedServerError
from memory_sync.ports.names import shown
from memory_sync.ports.token import Token

ARCHIVED = re.compile(r"\barchived\b", re.IGNORECASE)


class Explain:
    """Makes the errors for one remote and one token."""

    def __init__(self, remote: str, token: Token, link: Link, clock: Clock) -> None:
        self._remote = remote
        self._token = token
        self._link = link
        self._clock = clock

    def answer(self, answer: Answer) -> MemorySyncError:
        """Explain a status that is no success."""
        message = dig(answer.data, "message") or ""
        status = answer.status
        if status == 401:
            return self.rejected()
        if status == 403 and (url := _sign_on(answer)):
            return self._unauthorised(url)
        if status == 429 or (status == 403 and limited(answer, str(message))):
            return self.limited(answer)
        if status == 503 and "retry-after" in answer.headers:
            return self.limited(answer)
        if status == 403:
            return self.forbidden(message or "GitHub answered 403", answer)
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
                if url := _sign_on(answer):
                    return self._unauthorised(url)
                return self.forbidden(dig(error, "message") or str(kind), answer)
        return self.limited(answer) if limited_graph(answer, errors) else None

    def failure(self, error: Exception) -> MemorySyncError:
        """Explain a request that got no answer; what the exception says is not repeated."""
        kinds = requests.exceptions
        if isinstance(error, ProxyFailedError):
            return ProxyError(remote=self._remote, proxy=error.proxy, detail=error.detail)
        if isinstance(error, UntrustedServerError):
            return self._untrusted(str(error))
        if isinstance(error, (kinds.ChunkedEncodingError, kinds.ContentDecodingError)):
            return self._offline("the answer broke off")
        if isinstance(error, kinds.Timeout):
            return self._offline("no answer in time")
        if isinstance(error, kinds.SSLError):
            return self._offline("no trusted connection (TLS)")
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
        return self.pausing(wait(answer, self._clock.now()))

    def pausing(self, seconds: float) -> RateLimitedError:
        """Say that nothing is to be sent for so long."""
        return RateLimitedError(remote=self._remote, seconds=math.ceil(seconds))

    def rejected(self) -> TokenRejectedError:
        """Say that the token is worth nothing."""
        return TokenRejectedError(remote=self._remote, source=self._token.source)

    def forbidden(self, detail: object, answer: Answer | None = None) -> TokenForbiddenError:
        """Say that the token is good and may not do this, and which permission GitHub misses."""
        text = self._clean(detail)
        if answer and (needed := _permissions(answer)):
            text = f"{text} (it needs {self._clean(needed)})"
        # A new token could do no more: it is to be tried again once the archive is a repository.
        better = {"hint": "memory-sync now"} if ARCHIVED.search(text) else {}
        source = self._token.source
        return TokenForbiddenError(remote=self._remote, source=source, detail=text, **better)

    def uncreated(self, answer: Answer, owner: str) -> MemorySyncError:
        """Say why a repository was not created: a limit, or a token that cannot do that."""
        if answer.status == 403:
            error = self.answer(answer)
            if not isinstance(error, TokenForbiddenError):
                return error
        return self.forbidden(
            f"it cannot create repositories for {owner}: that takes Administration: write (classic:"
            " repo); or create the repository yourself, private and empty"
        )

    def _unauthorised(self, url: str) -> TokenSignOnError:
        source, remote = self._token.source, self._remote
        shown_url = self._clean(url, 500)
        return TokenSignOnError(remote=remote, source=source, url=shown_url)

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

    def _untrusted(self, detail: str) -> UntrustedError:
        server, ca_file = urlsplit(self._link.base_url).hostname, self._link.ca_file or "not set"
        return UntrustedError(remote=self._remote, server=server, detail=detail, ca_file=ca_file)

    def _clean(self, detail: object, longest: int = 200) -> str:
        """Make what a server says fit for a line on a terminal, and free of the token."""
        text = str(detail).encode("utf-8", "replace").decode()
        text = " ".join(text.replace(self._token.value, "(token)").split())
        return shown(text[:longest].rstrip(". "))


def _sign_on(answer: Answer) -> str | None:
    """Return where the token is to be authorised for an organisation, None if that is not it."""
    told = answer.headers.get("x-github-sso", "")
    if not told.startswith("required"):
        return None
    found = re.search(r"url=(https://[!-~]+)", told)
    return found[1] if found else "the organisation's sign-on page"


def _permissions(answer: Answer) -> str:
    """Return which permissions would do, in the words of GitHub's pages: `Contents: write`."""
    told = answer.headers.get("x-accepted-github-permissions", "")
    pairs = re.findall(r"([a-z_]+)=([a-z]+)", told.partition(";")[0])
    return ", ".join(f"{name.replace('_', ' ').capitalize()}: {level}" for name, level in pairs)

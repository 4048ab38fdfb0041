"""The one way to GitHub: each request goes through here, once, and each failure becomes ours.

PyGithub's own retry and throttle are off. Its `Requester` follows a 301 without the query string
and waits inside a call on a 202; the transport below lets neither happen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from memory_sync.errors import MemorySyncError
from memory_sync.ports.github.trouble import Answer, Explain, dig
from memory_sync.ports.token import Token

OBJECT_ID = re.compile(r"[0-9a-f]{40}")
SENDABLE = re.compile(r"[!-~]+")
ASIDE = (202, 301, 302, 303, 307, 308)
"""Statuses on which PyGithub would go on by itself, or give back an object full of None."""
NO_GRAPH = (404, 405, 410, 501)
SCHEMA = re.compile(
    r"doesn't exist on type|isn't a defined|Cannot query field|Unknown (type|field|mutation)"
)


class NoGraphError(Exception):
    """The server has no GraphQL, or not what was asked of it; nothing was carried out."""


class _AsideError(Exception):
    """An answer that leads elsewhere."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__(status)
        self.status = status
        self.location = location


class _Transport(HTTPAdapter):
    """Sends each request once, with a time-out that may be a fraction, and follows nothing."""

    def __init__(self, timeout: float) -> None:
        super().__init__(max_retries=0)
        self._timeout = timeout

    def send(  # noqa: PLR0917 - the base class's arguments
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,  # noqa: ARG002 - PyGithub's knows whole seconds only
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send it."""
        response = super().send(request, stream, self._timeout, verify, cert, proxies)
        if response.status_code in ASIDE:
            response.close()
            raise _AsideError(response.status_code, response.headers.get("location", ""))
        # Otherwise the encoding is guessed from the bytes.
        response.encoding = "utf-8"
        return response


class Wire:
    """A connection to GitHub for one repository and one token; not for several threads."""

    def __init__(self, remote: str, token: Token, base_url: str, timeout: float) -> None:
        self.explain: Final = Explain(remote, token)
        if not SENDABLE.fullmatch(token.value):
            raise self.explain.rejected()
        self._github = Github(
            auth=Auth.Token(token.value),
            base_url=base_url,
            user_agent="memory-sync",
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )
        url = urlsplit(base_url)
        https = url.scheme == "https"
        made = HTTPSRequestsConnectionClass if https else HTTPRequestsConnectionClass
        self._connection = made(url.hostname or "", url.port)
        self._connection.session.mount(f"{url.scheme}://", _Transport(timeout))
        self.graph_available = True

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
        self._github.close()

    def ask(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
        plain: bool = False,
    ) -> Answer:
        """Send a request and return its answer: a success in JSON, or a status in `allow`.

        `plain` allows a body that is not JSON. Any other answer, or none, is raised as our error.
        """
        outcome = self._attempt(verb, path, query, body, headers)
        # Raised out here, so that it carries no other exception with it.
        if isinstance(outcome, MemorySyncError):
            raise outcome
        if outcome.status in allow:
            return outcome
        if outcome.status >= 300:
            raise self.explain.answer(outcome)
        page = "html" in outcome.headers.get("content-type", "")
        if page or (outcome.data is None and not plain):
            raise self.explain.trouble("what answered was not GitHub (a proxy or a sign-in page?)")
        return outcome

    def graph(self, query: str, variables: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Send a GraphQL query and return data and errors.

        Raises NoGraphError, from the first time on without asking again.
        """
        if not self.graph_available:
            raise NoGraphError
        url = self._github.requester.graphql_url
        body = {"query": query, "variables": variables}
        answer = self.ask("POST", url, body=body, allow=NO_GRAPH)
        errors = dig(answer.data, "errors") or []
        if answer.status in NO_GRAPH or _not_in_schema(answer.data, errors):
            self.graph_available = False
            raise NoGraphError
        if not isinstance(errors, list):
            raise self.explain.senseless("errors that are no list")
        refusal = self.explain.graph(errors, answer)
        if refusal:
            raise refusal
        return dig(answer.data, "data"), errors

    def oid(self, data: Any, *keys: str | int) -> str:
        """Return the object id that lies below these keys; raises RemoteError if none does."""
        found = dig(data, *keys)
        if not isinstance(found, str) or not OBJECT_ID.fullmatch(found):
            place = ".".join(map(str, keys)) or "the body"
            raise self.explain.senseless(f"no object id in {place}")
        return found

    def _attempt(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | MemorySyncError:
        """Send a request; whatever PyGithub or what lies below it raises ends here."""
        try:
            status, found, text = self._github.requester.requestJson(
                verb, path, dict(query or {}), dict(headers or {}), body, self._connection
            )
        except _AsideError as error:
            aside = error
        except Exception as error:  # noqa: BLE001 - nothing foreign leaves the adapter
            return self.explain.failure(error)
        else:
            return Answer(status, found, text, _parse(text))
        return self._explain_aside(path, aside)

    def _explain_aside(self, path: str, aside: _AsideError) -> MemorySyncError:
        """Say what a redirection means: a repository that was renamed leads to its number."""
        number = re.search(r"/repositories/([0-9]+)", aside.location)
        if number is None:
            return self.explain.trouble(f"GitHub answered {aside.status} instead of an answer")
        named = None
        place = f"/repositories/{number[1]}"
        if path != place:
            answer = self._attempt("GET", place)
            named = dig(answer.data, "full_name") if isinstance(answer, Answer) else None
        new = f" to {named}" if named else ""
        return self.explain.trouble(f"the repository was renamed{new}")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _not_in_schema(data: Any, errors: Any) -> bool:
    """Tell whether a query was refused before any of it ran, as the schema lacks a part of it."""
    return (
        isinstance(errors, list)
        and dig(data, "data") is None
        and any(SCHEMA.search(str(dig(error, "message"))) for error in errors)
    )

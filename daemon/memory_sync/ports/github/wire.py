"""The one way to GitHub: each request goes through here, once, and each failure becomes ours.

PyGithub's own retry and throttle are off: `Pace` keeps to GitHub's limits. Its `Requester` follows
a 301 without the query string and waits inside a call on a 202; the transport lets neither happen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

from memory_sync.errors import MemorySyncError, RateLimitedError
from memory_sync.ports.github.answers import Answer, budget, dig
from memory_sync.ports.github.memory import Memory
from memory_sync.ports.github.transport import AsideError, Link, session
from memory_sync.ports.github.trouble import Explain
from memory_sync.ports.pace import MUTATION, QUERY, READ, WRITE, Ask, Pace
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.ports.token import Token

OBJECT_ID = re.compile(r"[0-9a-f]{40}")
SENDABLE = re.compile(r"[!-~]+")
NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
RENAMED = re.compile(r"/repositories/([0-9]+)")
NO_GRAPH = (404, 405, 410, 501)
NO_GITHUB = "what answered was not GitHub (a proxy or a sign-in page?)"
SCHEMA = re.compile(
    r"doesn't exist on type|isn't a defined|Cannot query field|Unknown (type|field|mutation)"
)


class NoGraphError(Exception):
    """The server has no GraphQL, or not what was asked of it; nothing was carried out."""


class Stream(Protocol):
    """What is downloaded, as it comes."""

    def read1(self, size: int) -> bytes:
        """Wait once for bytes of the server's, and return them; none at the end."""


class Wire:
    """A connection to GitHub for one repository and one token; not for several threads.

    `name` is what the repository `OWNER/REPO` is called now; it follows a renaming.
    """

    def __init__(
        self,
        name: str,
        token: Token,
        link: Link,
        pace: Pace,
        memory: Memory,
        *,
        beat: Beat = no_beat,
    ) -> None:
        self.beat: Final = beat
        self._clock: Final = pace.clock
        self.link: Final = link
        self.explain: Final = Explain(f"github:{name}", token, link, self._clock)
        if not SENDABLE.fullmatch(token.value):
            raise self.explain.rejected()
        self._configured: Final = name
        self._memory: Final = memory
        self.pace: Final = pace
        known = memory.renamed(name)
        self.name = known if known and NAME.fullmatch(known) else name
        base_url = link.base_url
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
        self._connection.session = session(link)
        self._unknown = 0

    @property
    def graph_available(self) -> bool:
        """Tell whether the server has GraphQL, as far as is known: after a day it is tried anew."""
        return not self._memory.no_graphql

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

        `plain` allows a body that is not JSON, if there is one. Any other answer, or none, is
        raised as our error.
        """
        outcome = self._outcome(verb, path, query, body, headers)
        # Raised out here, so that it carries no other exception with it.
        if isinstance(outcome, MemorySyncError):
            raise outcome
        if isinstance(outcome, AsideError):
            raise self.explain.trouble(f"GitHub answered {outcome.status} instead of an answer")
        if outcome.status in allow:
            return outcome
        if outcome.status >= 300:
            raise self._barred(self.explain.answer(outcome))
        if _is_page(outcome) or (outcome.data is None and not (plain and outcome.text.strip())):
            raise self.explain.trouble(NO_GITHUB)
        return outcome

    def graph(self, query: str, variables: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Send a GraphQL query and return data and errors.

        Raises NoGraphError, from the first time on without asking again, for a day.
        """
        if not self.graph_available:
            raise NoGraphError
        url = self._github.requester.graphql_url
        body = {"query": query, "variables": variables}
        answer = self.ask("POST", url, body=body, allow=NO_GRAPH)
        errors = dig(answer.data, "errors") or []
        if answer.status in NO_GRAPH and _is_page(answer):
            # It may be somebody else's, in passing; REST says whether the server is there at all.
            self.unknown()
            raise NoGraphError
        if answer.status in NO_GRAPH or _not_in_schema(answer.data, errors):
            self._memory.note_graphql(there=False)
            raise NoGraphError
        if not isinstance(errors, list):
            raise self.explain.senseless("errors that are no list")
        refusal = self.explain.graph(errors, answer)
        if refusal:
            raise self._barred(refusal)
        self._memory.note_graphql(there=True)
        if not errors:
            self._unknown = 0
        return dig(answer.data, "data"), errors

    def unknown(self) -> None:
        """Note that GraphQL did not do what may be done over REST: a second time, it is left alone.

        Once is a bad moment; two in a row are a server that does not do it.
        """
        self._unknown += 1
        if self._unknown > 1:
            self._unknown = 0
            self._memory.note_graphql(there=False)

    @contextmanager
    def download(self, path: str) -> Iterator[Stream | None]:
        """Give the stream of what a redirection leads to, such as an archive; None without one.

        It lies on another server, which gets no token. Raises RateLimitedError; what reading the
        stream raises is urllib3's.
        """
        outcome = self._outcome("GET", path)
        if isinstance(outcome, Answer) and outcome.status >= 300:
            outcome = self._barred(self.explain.answer(outcome))
        if isinstance(outcome, RateLimitedError):
            raise outcome
        place = outcome.location if isinstance(outcome, AsideError) else ""
        if not place.startswith(("https://", self.link.base_url)):
            yield None
            return
        with closing(session(self.link)) as aside:
            try:
                response = aside.get(place, stream=True)
            except Exception:  # noqa: BLE001 - there are other ways, which say what is wrong
                yield None
                return
            with response:
                raw: Any = response.raw
                yield raw if response.status_code == 200 else None

    def oid(self, data: Any, *keys: str | int) -> str:
        """Return the object id that lies below these keys; raises RemoteError if none does."""
        found = dig(data, *keys)
        if not isinstance(found, str) or not OBJECT_ID.fullmatch(found):
            place = ".".join(map(str, keys)) or "the body"
            raise self.explain.senseless(f"no object id in {place}")
        return found

    def _outcome(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | AsideError | MemorySyncError:
        """Send a request, and again to a repository's new name where the old one leads there.

        A request that was answered with a redirection was not carried out.
        """
        outcome = self._attempt(verb, path, query, body, headers)
        if not isinstance(outcome, AsideError) or not (found := RENAMED.search(outcome.location)):
            return outcome
        answer = self._attempt("GET", f"/repositories/{found[1]}")
        if isinstance(answer, MemorySyncError):
            return answer
        if isinstance(answer, Answer) and answer.status >= 300:
            # A 404 here: where the repository went, this token does not see it.
            return self._barred(self.explain.answer(answer))
        new, old = None, f"/repos/{self.name}"
        if isinstance(answer, Answer):
            new = dig(answer.data, "full_name")
        if not path.startswith(old) or not isinstance(new, str) or not NAME.fullmatch(new):
            return self.explain.trouble("the repository was renamed, and not to be found")
        self.rename(new)
        return self._attempt(verb, f"/repos/{new}{path[len(old) :]}", query, body, headers)

    def rename(self, name: str | None) -> None:
        """Use this name of the repository from now on; None for the one that is configured."""
        self.name = name or self._configured
        self._memory.note_renamed(self._configured, name)

    @property
    def renamed(self) -> bool:
        """Tell whether the repository has another name now than the configuration knows."""
        return self.name != self._configured

    def _barred(self, error: MemorySyncError) -> MemorySyncError:
        """Keep quiet for as long as an answer asks for, whoever uses this token."""
        if isinstance(error, RateLimitedError):
            self.pace.bar(float(str(error.facts["seconds"])))
        return error

    def _attempt(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | AsideError | MemorySyncError:
        """Send a request; whatever PyGithub or what lies below it raises ends here."""
        self.beat()
        if seconds := self.pace.take(self._kind(verb, path, body)):
            return self.explain.pausing(seconds)
        try:
            status, found, text = self._github.requester.requestJson(
                verb, path, dict(query or {}), dict(headers or {}), body, self._connection
            )
        except AsideError as error:
            return error
        except Exception as error:  # noqa: BLE001 - nothing foreign leaves the adapter
            return self.explain.failure(error)
        answer = Answer(status, found, text, _parse(text))
        if left := budget(answer, self._clock.now()):
            self.pace.note(left)
        return answer

    def _kind(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Ask:
        if path == self._github.requester.graphql_url:
            return MUTATION if str(dig(body, "query")).startswith("mutation") else QUERY
        return READ if verb == "GET" else WRITE


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_page(answer: Answer) -> bool:
    """Tell whether this is a page for people, which GitHub's API never answers with."""
    return "html" in answer.headers.get("content-type", "")


def _not_in_schema(data: Any, errors: Any) -> bool:
    """Tell whether a query was refused before any of it ran, as the schema lacks a part of it."""
    return (
        isinstance(errors, list)
        and dig(data, "data") is None
        and any(SCHEMA.search(str(dig(error, "message"))) for error in errors)
    )

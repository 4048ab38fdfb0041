"""The table of REST routes: what each takes, and who may ask for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlencode

from tests.hub import permits
from tests.hub.permits import may_read
from tests.hub.shapes import Shapes
from tests.hub.wire import Answer, Json, MovedError, RefusedError, Request, UnsupportedError

if TYPE_CHECKING:
    from tests.hub.accounts import Token
    from tests.hub.hub import Hub
    from tests.hub.repository import Repository

JSON_TYPES: dict[object, str] = {
    str: "a string", list: "an array", bool: "a boolean", dict: "an object",
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A request that has found its route, for a user who may make it."""

    hub: Hub
    request: Request
    token: Token
    params: Mapping[str, str]
    fields: Json
    found: Repository | None = None

    @property
    def repo(self) -> Repository:
        """The repository that the path names."""
        if self.found is None:
            raise RefusedError(404, "Not Found")
        return self.found

    @property
    def shapes(self) -> Shapes:
        """How to write down what lies in the repository."""
        return Shapes(self.request.base, self.hub.accounts, self.repo)

    @property
    def person(self) -> tuple[str, str]:
        """The token's user as an author."""
        account = self.hub.accounts.find(self.token.login)
        return account.login, account.email

    def number(self, name: str, default: int, most: int) -> int:
        """Read a number from the query, cut to what GitHub allows."""
        text = self.request.query.get(name, "")
        return max(1, min(most, int(text))) if text.isdecimal() else default

    def not_empty(self) -> None:
        """Refuse what GitHub refuses on a repository without a commit."""
        # A write sees the truth, however much reads lag behind it.
        lag = self.request.lag if self.request.method == "GET" else 0.0
        if self.repo.is_empty(lag):
            raise RefusedError(409, "Git Repository is empty.")


CHECKS: dict[str, Callable[[Hub, Token, Repository], None]] = {
    "metadata": lambda _hub, _token, _repo: None,
    "read": permits.check_read,
    "write": permits.check_write,
    "admin": permits.check_delete,
}
Handler: TypeAlias = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    """One route; `access` is one of user, create, metadata, read, write and admin."""

    method: str
    template: str
    pattern: re.Pattern[str]
    access: str
    handler: Handler
    query: frozenset[str]
    body: Mapping[str, type]
    required: tuple[str, ...]
    media: frozenset[str]


@dataclass
class Router:
    """All the routes, in the order in which they are tried."""

    routes: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        template: str,
        access: str,
        *,
        query: tuple[str, ...] = (),
        body: Mapping[str, type] | None = None,
        required: tuple[str, ...] = (),
        media: tuple[str, ...] = ("json",),
    ) -> Callable[[Handler], Handler]:
        """Enter a handler; `{name}` in the template is one part of the path, `{name*}` the rest."""
        rest = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", template)
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", rest))

        def enter(handler: Handler) -> Handler:
            self.routes.append(
                Route(
                    method, template, pattern, access, handler, frozenset(query), body or {},
                    required, frozenset(media),
                )
            )  # fmt: skip
            return handler

        return enter

    def match(self, request: Request) -> Route | None:
        """Find the route of a request, if there is one."""
        for route in self.routes:
            if route.method == request.method and route.pattern.fullmatch(request.path):
                return route
        return None

    def find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """Find the route of a request; there must be one, and it must know every parameter."""
        route = self.match(request)
        if route is None:
            raise UnsupportedError("no such route")
        unknown = request.query.keys() - route.query
        if unknown:
            raise UnsupportedError(f"query parameters {sorted(unknown)}")
        if media_type(request) not in route.media:
            raise UnsupportedError(f"media type {request.headers.get('accept')}")
        match = route.pattern.fullmatch(request.path)
        found = match.groupdict() if match else {}
        return route, {name: unquote(text) for name, text in found.items()}


router = Router()


def media_type(request: Request) -> str:
    """Give the form of the answer that the client asks for: `json`, `sha`, `raw` or another."""
    accept = request.headers.get("accept", "*/*")
    form = re.search(r"vnd\.github\.(?:v3\.)?(sha|raw|diff|patch|html|text|full|object)\b", accept)
    return form.group(1) if form else "json" if "json" in accept or "*/*" in accept else accept


def read_fields(route: Route, request: Request) -> Json:
    """Parse the body and hold it to what the route takes."""
    if not route.body:
        if request.body:
            raise UnsupportedError("a body")
        return {}
    try:
        fields: Any = json.loads(request.body or b"{}")
    except ValueError:
        raise RefusedError(400, "Problems parsing JSON") from None
    if not isinstance(fields, dict):
        raise RefusedError(400, "Body should be a JSON object")
    check_fields(fields, route.body, route.required)
    return fields


def check_fields(fields: Json, types: Mapping[str, type], required: tuple[str, ...]) -> None:
    """Refuse a field that is missing or of the wrong type, in GitHub's words."""
    if fields.keys() - types.keys():
        raise UnsupportedError(f"body fields {sorted(fields.keys() - types.keys())}")
    for name in required:
        if name not in fields:
            raise invalid(f'"{name}" wasn\'t supplied.')
    for name, value in fields.items():
        if not isinstance(value, types[name]):
            word = "nil" if value is None else json.dumps(value)
            raise invalid(f"For 'properties/{name}', {word} is not {JSON_TYPES[types[name]]}.")


def invalid(why: str) -> RefusedError:
    """Make the refusal of a malformed body."""
    return RefusedError(422, f"Invalid request.\n\n{why}")


def by_name(hub: Hub, request: Request) -> Request:
    """Turn a path that names a repository by its number into the one that names it by name."""
    match = re.fullmatch(r"/repositories/(\d+)(/.+)?", request.path)
    if match is None:
        return request
    repo = hub.repo_by_id(match[1])
    if repo is None:
        raise RefusedError(404, "Not Found")
    return replace(request, path=f"/repos/{repo.full_name}{match[2] or ''}")


def _check_former(hub: Hub, token: Token, request: Request, name: str) -> None:
    """Lead on what asks for a repository under a former name, if its user may see it."""
    repo = hub.find_former(name)
    if repo is None or not may_read(hub, token, repo):
        return
    rest = "".join(f"/{part}" for part in request.path.split("/")[4:])
    query = f"?{urlencode(request.query)}" if request.query else ""
    raise MovedError(request.method, f"{request.base}/repositories/{repo.id}{rest}{query}")


def find_repo(
    hub: Hub, token: Token, route: Route, request: Request, params: Mapping[str, str]
) -> Repository | None:
    """Find the repository that a path names and check that this user may do this to it."""
    if "repo" not in params:
        return None
    name = f"{params['owner']}/{params['repo']}"
    repo = hub.find_repo(name)
    if repo is None:
        _check_former(hub, token, request, name)
    if repo is None or not may_read(hub, token, repo):
        raise RefusedError(404, "Not Found")
    CHECKS[route.access](hub, token, repo)
    return repo

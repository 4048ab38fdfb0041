"""From a request to its answer: who asks, what is left of the hour, which route, what changed."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.hub import archives, graph, permits, rest_commits, rest_contents, rest_git, rest_repos
from tests.hub.checking import wrong_answer, wrong_request
from tests.hub.faults import SECONDARY, TOO_MUCH
from tests.hub.routes import Call, Route, by_name, find_repo, read_fields, router
from tests.hub.shapes import weak_tag
from tests.hub.wire import Answer, RefusedError, Request, UnsupportedError, json_answer

if TYPE_CHECKING:
    from tests.hub.accounts import Token
    from tests.hub.hub import Hub
    from tests.hub.openapi import Operation

NO_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
    " header."
)
# The modules that enter their routes by being imported.
ROUTED = (rest_repos, rest_commits, rest_git, rest_contents)


def kind_of(request: Request) -> str:
    """Give the kind under which a request is recorded."""
    if request.path.startswith(archives.PREFIX):
        return "codeload"
    if request.path != "/graphql":
        return "rest"
    return "mutation" if re.search(rb'"query":\s*"\s*mutation\b', request.body) else "query"


def respond(hub: Hub, request: Request) -> tuple[Answer, str | None]:
    """Answer a request, and say whose it was."""
    if request.path.startswith(archives.PREFIX):
        return _tried(hub, request, lambda: hub.archives.serve(request)), None
    route, token = _route(hub, request), _known(hub, request)
    operation = _described(hub, route)
    answer = _tried(hub, request, lambda: _authorised(hub, request))
    login = token.login if token else None
    if answer.status == 501:
        return answer, login
    if token:
        told = permits.accepted(token, route.access if route else "user")
        answer = replace(answer, headers={**answer.headers, **told})
    if operation:
        for wrong in (*wrong_request(operation, request), *wrong_answer(operation, answer)):
            hub.note(f"{request.method} {request.path}: not as described: {wrong}")
    return counted(hub, request, login, answer), login


def _tried(hub: Hub, request: Request, action: Callable[[], Answer]) -> Answer:
    """Carry something out; a refusal is an answer, and a gap in the double a violation."""
    try:
        return action()
    except RefusedError as refused:
        return refused.answer()
    except UnsupportedError as unsupported:
        return hub.violated(f"{request.method} {request.path}: unsupported: {unsupported}")
    except Exception:  # noqa: BLE001 - whatever breaks in here must break the test, not hang it
        return hub.violated(f"{request.method} {request.path}: {traceback.format_exc()}")


def _authorised(hub: Hub, request: Request) -> Answer:
    """Answer a request that says what it is and whose, within what the limits allow."""
    if "user-agent" not in request.headers:
        raise RefusedError(403, NO_AGENT)
    token = hub.accounts.authenticate(request.headers.get("authorization"), hub.now())
    try:
        return _limited(hub, request, token)
    except RefusedError:
        hub.limits.charge(token.login, resource_of(request))
        raise


def _known(hub: Hub, request: Request) -> Token | None:
    """Find the token that a request carries, if it is a good one."""
    try:
        return hub.accounts.authenticate(request.headers.get("authorization"), hub.now())
    except RefusedError:
        return None


def _route(hub: Hub, request: Request) -> Route | None:
    """Find a request's route, if it has one."""
    try:
        return router.match(by_name(hub, request))
    except RefusedError:
        return None


def _described(hub: Hub, route: Route | None) -> Operation | None:
    """Find the description of what a request asks for."""
    if hub.description is None or route is None:
        return None
    operation = hub.description.operation(route.method, route.template)
    if operation is None:
        hub.note(f"{route.method} {route.template} is not described")
    return operation


def counted(hub: Hub, request: Request, login: str | None, answer: Answer) -> Answer:
    """Tell on an answer what is left of the hour."""
    limits = hub.limits.headers(login or "", resource_of(request))
    return replace(answer, headers={**answer.headers, **limits})


def resource_of(request: Request) -> str:
    """Give the resource that a request uses up."""
    return "graphql" if request.path == "/graphql" else "core"


def _limited(hub: Hub, request: Request, token: Token) -> Answer:
    """Answer a request with a good token, within what the limits allow."""
    resource = resource_of(request)
    state = hub.limits.state(token.login, resource)
    free = request.path == "/rate_limit"
    if not state["remaining"] and not free:
        user = hub.accounts.find(token.login).id
        message = f"API rate limit exceeded for user ID {user}."
        if resource == "graphql":
            return json_answer({"errors": [{"type": "RATE_LIMIT", "message": message}]})
        raise RefusedError(403, message)
    kind = kind_of(request)
    writing = kind == "mutation" or (kind == "rest" and request.method not in {"GET", "HEAD"})
    wait = hub.limits.admit(token.login, resource, writing=writing)
    if wait:
        raise RefusedError(403, TOO_MUCH, {"Retry-After": str(wait)}, documentation_url=SECONDARY)
    if resource == "graphql":
        if not hub.graphql:
            raise RefusedError(404, "Not Found")
        # The cost is counted first, so that the answer's own `rateLimit` includes it.
        hub.limits.charge(token.login, resource)
        return graph.serve(hub, request, token)
    answer = _conditional(request, _rest(hub, request, token))
    if answer.status != 304 and not free:
        hub.limits.charge(token.login, resource)
    return answer


def _rest(hub: Hub, request: Request, token: Token) -> Answer:
    request = by_name(hub, request)
    route, params = router.find(request)
    repo = find_repo(hub, token, route, request, params)
    fields = read_fields(route, request)
    call = Call(hub, request, token, params, fields, repo)
    if repo is None:
        return route.handler(call)
    with repo.lock:
        return route.handler(call)


def _conditional(request: Request, answer: Answer) -> Answer:
    """Give the answer its entity tag, and leave out what the client already has."""
    if request.method != "GET" or answer.status != 200:
        return answer
    tag = answer.headers.get("ETag") or weak_tag(answer.body)
    headers = {**answer.headers, "ETag": tag, "Cache-Control": "private, max-age=60, s-maxage=60"}
    known = [text.strip() for text in request.headers.get("if-none-match", "").split(",")]
    if tag.removeprefix("W/") in [text.removeprefix("W/") for text in known]:
        return Answer(304, b"", headers)
    return replace(answer, headers=headers)

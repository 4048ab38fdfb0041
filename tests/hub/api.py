"""From a request to its answer: who asks, what is left of the hour, which route, what changed."""

from __future__ import annotations

import re
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.hub import archives, graph, rest_commits, rest_contents, rest_git, rest_repos
from tests.hub.checking import wrong_answer, wrong_request
from tests.hub.routes import Call, by_name, find_repo, read_fields, router
from tests.hub.shapes import weak_tag
from tests.hub.wire import Answer, RefusedError, Request, UnsupportedError, json_answer

if TYPE_CHECKING:
    from tests.hub.accounts import Token
    from tests.hub.hub import Hub
    from tests.hub.openapi import Operation

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
    operation = _described(hub, request)
    login: str | None = None
    resource = resource_of(request)
    try:
        if request.path.startswith(archives.PREFIX):
            return hub.archives.serve(request), None
        token = hub.accounts.authenticate(request.headers.get("authorization"))
        login = token.login
        answer = _authorised(hub, request, token, resource)
    except RefusedError as refused:
        answer = refused.answer()
        if login:
            hub.limits.charge(login, resource)
    except UnsupportedError as unsupported:
        return hub.violated(f"{request.method} {request.path}: unsupported: {unsupported}"), login
    except Exception:  # noqa: BLE001 - whatever breaks in here must break the test, not hang it
        return hub.violated(f"{request.method} {request.path}: {traceback.format_exc()}"), login
    scopes = {"X-OAuth-Scopes": "delete_repo, repo"} if login and token.classic else {}
    answer = replace(answer, headers={**answer.headers, **scopes})
    if operation:
        for wrong in (*wrong_request(operation, request), *wrong_answer(operation, answer)):
            hub.note(f"{request.method} {request.path}: not as described: {wrong}")
    return counted(hub, request, login, answer), login


def _described(hub: Hub, request: Request) -> Operation | None:
    """Find the description of what a request asks for."""
    try:
        route = router.match(by_name(hub, request))
    except RefusedError:
        return None
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


def _authorised(hub: Hub, request: Request, token: Token, resource: str) -> Answer:
    """Answer a request with a good token, within what the hour allows."""
    state = hub.limits.state(token.login, resource)
    free = request.path == "/rate_limit"
    if not state["remaining"] and not free:
        user = hub.accounts.find(token.login).id
        message = f"API rate limit exceeded for user ID {user}."
        if resource == "graphql":
            return json_answer({"errors": [{"type": "RATE_LIMIT", "message": message}]})
        raise RefusedError(403, message)
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

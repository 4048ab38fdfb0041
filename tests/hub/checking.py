"""Holds requests and answers to GitHub's OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft202012Validator

from tests.hub.openapi import Operation
from tests.hub.wire import Answer, Json, Request

GENERAL = (301, 307, 400, 401, 403, 404, 429)
"""Refusals that GitHub describes in prose, for all operations; the body is the usual one."""
MEDIA = {"application/vnd.github.raw"}
"""Types that GitHub describes in prose, for files; there is nothing to check in them."""
MOST = 5


def wrong_request(operation: Operation, request: Request) -> Iterator[str]:
    """Tell what in a request is not as the description has it."""
    for name, text in request.query.items():
        if name not in operation.query:
            yield f"unknown query parameter {name}"
        elif not _fits(operation.query[name], text):
            yield f"query parameter {name} is {text!r}"
    if operation.body is None:
        if request.body:
            yield "a body where none belongs"
        return
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        yield "a body that is not JSON"
        return
    yield from _faults("body", operation.body, body)


def wrong_answer(operation: Operation, answer: Answer) -> Iterator[str]:
    """Tell what in an answer is not as the description has it."""
    status, content = answer.status, operation.media(answer.status)
    if status == 304 or content == {}:
        if answer.body:
            yield f"status {status} with a body, which is not described"
        return
    if content is None and status in GENERAL:
        yield from _refusal(answer)
        return
    if content is None:
        yield f"status {status}, which is not described"
        return
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    if media in MEDIA:
        return
    if media not in content:
        yield f"status {status} as {media or 'nothing'}, which is not described"
        return
    check = operation.answer(status, media)
    if check is None:
        return
    body = json.loads(answer.body) if media.endswith("json") else answer.body.decode()
    yield from _faults(f"answer {status}", check, body)


def _refusal(answer: Answer) -> Iterator[str]:
    """Hold a refusal to the form that all of them have."""
    try:
        body: Any = json.loads(answer.body)
    except ValueError:
        yield f"answer {answer.status}: not JSON"
        return
    for name in ("message", "documentation_url"):
        if not isinstance(body.get(name), str):
            yield f"answer {answer.status}: no {name}"


def _faults(what: str, check: Draft202012Validator, body: Any) -> Iterator[str]:
    """List the first few faults of a body, each with its place."""
    for number, fault in enumerate(check.iter_errors(body)):
        if number == MOST:
            return
        place = "/".join(map(str, fault.instance_path)) or "."
        yield f"{what}: {place}: {fault.message[:300]}"


def _fits(schema: Json, text: str) -> bool:
    """Tell whether a text from a query is of the type that belongs there."""
    if "enum" in schema:
        return text in schema["enum"]
    match schema.get("type"):
        case "integer":
            return text.isdecimal()
        case "boolean":
            return text in {"true", "false"}
    return True

"""The double and its clients are held to GitHub's OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hub import Fault, Hub, faults
from tests.hub.api import ROUTED
from tests.hub.checking import wrong_answer, wrong_request
from tests.hub.conftest import Client
from tests.hub.openapi import Description, Operation
from tests.hub.routes import Route, router
from tests.hub.shapes import Shapes
from tests.hub.wire import Answer, Request

VAULT = "/repos/ada/vault"
REF = "/repos/{owner}/{repo}/git/ref/heads/{branch*}"
URL = "https://api.github.com/repos/ada/vault/git"
SHA = "0" * 40
GOOD: dict[str, Any] = {
    "ref": "refs/heads/main",
    "node_id": "x",
    "url": f"{URL}/refs/heads/main",
    "object": {"type": "commit", "sha": SHA, "url": f"{URL}/commits/{SHA}"},
}
PUT = {"message": "m", "content": "eA=="}


@pytest.fixture
def strict(hub: Hub, ada: Client) -> Iterator[Client]:
    """Give Ada on a hub whose violations are what the test is about."""
    hub.add_repo("ada/vault", init="readme")
    yield ada
    hub.violations.clear()


@pytest.fixture
def description(hub: Hub) -> Description:
    """Give the description that the hub goes by."""
    assert hub.description
    return hub.description


def operation(description: Description, method: str, template: str) -> Operation:
    """Find an operation that is there."""
    found = description.operation(method, template)
    assert found
    return found


def answered(body: object, status: int = 200, media: str = "application/json") -> Answer:
    """Make an answer."""
    return Answer(status, json.dumps(body).encode(), {"Content-Type": media})


def sent(body: object, **query: str) -> Request:
    """Make a request."""
    return Request("POST", "/", query, {}, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize("route", router.routes, ids=lambda r: f"{r.method} {r.template}")
def test_every_route_is_githubs(description: Description, route: Route) -> None:
    """No route, query parameter or field of the double is one that GitHub has not."""
    assert ROUTED
    found = operation(description, route.method, route.template)
    assert route.query <= found.query.keys()
    if route.body:
        schema = found.raw["requestBody"]["content"]["application/json"]["schema"]
        assert route.body.keys() <= schema["properties"].keys()
        assert set(route.required) >= set(schema.get("required", ()))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (answered(GOOD), ""),
        (answered(GOOD | {"ref": 1}), 'ref: 1 is not of type "string"'),
        (answered(GOOD | {"colour": "red"}), "'colour'"),
        (answered(GOOD | {"object": GOOD["object"] | {"colour": "red"}}), "object: "),
        (answered({name: GOOD[name] for name in ("ref", "node_id", "url")}), '"object" is a req'),
        (answered(GOOD | {"url": "no place"}), "url: "),
        (answered([GOOD]), "is not of type"),
        (answered(GOOD, 201), "status 201, which is not described"),
        (answered(GOOD, 500), "status 500, which is not described"),
        (answered(GOOD, 200, "text/html"), "status 200 as text/html"),
        (Answer(200, b""), "status 200 as nothing"),
        (Answer(304), ""),
        (answered(GOOD, 304), "status 304 with a body"),
        (answered({"message": "no", "documentation_url": URL, "status": "403"}, 403), ""),
        (answered({"message": "no", "documentation_url": URL}, 409), ""),
        (answered({"message": 1}, 409), "message"),
        (answered({"message": "no"}, 403), "answer 403: no documentation_url"),
        (Answer(403, b"<html>", {}), "answer 403: not JSON"),
    ],
)
def test_answers_are_held_to_it(description: Description, answer: Answer, fault: str) -> None:
    """Status, type and body must be as described, with nothing missing and nothing more."""
    found = list(wrong_answer(operation(description, "GET", REF), answer))
    assert bool(found) is bool(fault)
    assert fault in "".join(found)


@pytest.mark.parametrize(
    ("template", "request_", "fault"),
    [
        ("git/refs", sent({"ref": "refs/heads/x", "sha": SHA}), ""),
        ("git/refs", sent({"ref": "refs/heads/x"}), '"sha" is a required property'),
        ("git/refs", sent({"ref": 1, "sha": SHA}), "ref: 1 is not"),
        ("git/refs", sent({"ref": "x", "sha": SHA, "colour": "red"}), "'colour'"),
        ("git/refs", sent(None), "required property"),
        ("git/refs", Request("POST", "/", {}, {}, b"{"), "not JSON"),
        ("git/refs", sent({"ref": "x", "sha": SHA}, colour="red"), "unknown query parameter"),
        ("git/trees", sent({"tree": [{"path": "a", "sha": None}]}), ""),
        ("git/trees", sent({"tree": [{"path": "a", "mode": "1"}]}), "tree/0/mode"),
        ("git/trees", sent({"tree": [{"path": "a", "colour": "red"}]}), "tree/0"),
    ],
)
def test_requests_are_held_to_it(
    description: Description, template: str, request_: Request, fault: str
) -> None:
    """What is sent must be what the operation takes: null only where it may be null."""
    found = list(wrong_request(operation(description, "POST", f"/repos/{{o}}/{{r}}/{template}"),
                               request_))  # fmt: skip
    assert bool(found) is bool(fault)
    assert fault in "".join(found)


@pytest.mark.parametrize(
    ("query", "fault"),
    [({"per_page": "9"}, ""), ({"per_page": "x"}, "per_page is 'x'"), ({"since": "soon"}, "")],
)
def test_query_parameters_have_types(
    description: Description, query: dict[str, str], fault: str
) -> None:
    """A number must be one; and no body belongs to what takes none."""
    commits = operation(description, "GET", "/repos/{o}/{r}/commits")
    assert "".join(wrong_request(commits, sent(None, **query))).endswith(fault)
    assert list(wrong_request(commits, sent({}))) == ["a body where none belongs"]


def test_a_client_that_errs_fails_its_test(strict: Client) -> None:
    """The client has GitHub's refusal, and the test hears of what was wrong."""
    refused = strict("PUT", f"{VAULT}/contents/a", {"message": "m"})
    assert refused.status_code == 422
    (violation,) = strict.hub.violations
    assert violation.startswith(f"PUT {VAULT}/contents/a: not as described: body")
    assert '"content" is a required property' in violation


def test_a_double_that_errs_fails_the_test(strict: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that GitHub would not give is told, also under a repository's number."""
    true = Shapes.ref

    def wrong(self: Shapes, branch: str, sha: str) -> dict[str, Any]:
        return true(self, branch, sha) | {"object": {"sha": sha}}

    monkeypatch.setattr(Shapes, "ref", wrong)
    for path in (VAULT, "/repositories/5000"):
        strict.hub.violations.clear()
        assert strict("GET", f"{path}/git/ref/heads/main").status_code == 200
        assert "answer 200: object: " in strict.hub.violations[0]


def test_faults_are_exempt(strict: Client) -> None:
    """What a fault says is a lie on purpose."""
    strict.hub.faults.add(Fault("GET", faults.html))
    strict.hub.faults.add(Fault("GET", faults.status(599)))
    assert [strict("GET", VAULT).status_code for _ in range(2)] == [599, 200]
    assert strict.hub.violations == []

"""The ready-made faults say what GitHub says, to the header."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.hub import Fault, faults

if TYPE_CHECKING:
    from tests.hub import Kind, Repository
    from tests.hub.conftest import Client

VAULT = "/repos/ada/vault"
PUT = {"message": "m", "content": "eA=="}

REFUSALS = [
    (faults.bad_credentials, 401, "Bad credentials", {}),
    (
        faults.missing_permission, 403, "Resource not accessible by personal access token",
        {"X-Accepted-GitHub-Permissions": "contents=write"},
    ),
    (faults.archived, 403, "Repository was archived so is read-only.", {}),
    (faults.not_found, 404, "Not Found", {}),
    (faults.empty_409, 409, "Git Repository is empty.", {}),
    (faults.conflict, 409, "Conflict", {}),
    (faults.unprocessable, 422, "Validation Failed", {}),
]  # fmt: skip


def met(ada: Client, kind: Kind, method: str = "GET", path: str = VAULT, body: Any = None) -> Any:
    """Send a request that meets a fault."""
    ada.hub.faults.add(Fault(f"{method} {path}", kind))
    answer = ada(method, path, body)
    assert ada.hub.faults.pending() == 0
    return answer


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize(("kind", "status", "message", "headers"), REFUSALS)
def test_refusals(
    ada: Client, kind: Kind, status: int, message: str, headers: dict[str, str]
) -> None:
    """A refusal has GitHub's status, words and headers, and what is left of the hour."""
    answer = met(ada, kind)
    body = answer.json()
    assert (answer.status_code, body["message"], body["status"]) == (status, message, str(status))
    assert headers.items() <= dict(answer.headers).items()
    assert answer.headers["X-RateLimit-Remaining"] == "5000"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.usefixtures("vault")
def test_single_sign_on(ada: Client) -> None:
    """Where an organisation wants single sign-on, a header says where."""
    answer = met(ada, faults.sso)
    assert (answer.status_code, "SAML" in answer.json()["message"]) == (403, True)
    assert answer.headers["X-GitHub-SSO"].startswith("required; url=https://")


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("code", [403, 429])
def test_the_primary_limit(ada: Client, code: int) -> None:
    """A used-up hour has nothing left until a reset that lies in the future, and no Retry-After."""
    answer = met(ada, faults.primary_limit(90, code))
    headers = answer.headers
    assert (answer.status_code, headers["X-RateLimit-Remaining"]) == (code, "0")
    assert 85 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 90
    assert headers["X-RateLimit-Used"] == headers["X-RateLimit-Limit"] == "5000"
    assert answer.json()["message"].startswith("API rate limit exceeded")
    assert "Retry-After" not in headers


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("code", [403, 429])
@pytest.mark.parametrize("seconds", [7, None])
def test_the_secondary_limit(ada: Client, code: int, seconds: int | None) -> None:
    """Too much at once is told with or without Retry-After, while the hour has enough left."""
    answer = met(ada, faults.secondary_limit(seconds, code))
    assert answer.status_code == code
    assert answer.json()["message"].startswith("You have exceeded a secondary rate limit.")
    assert answer.headers.get("Retry-After") == (None if seconds is None else "7")
    assert answer.headers["X-RateLimit-Remaining"] == "5000"


@pytest.mark.usefixtures("vault")
@pytest.mark.parametrize("code", [502, 504])
def test_a_unicorn(ada: Client, code: int) -> None:
    """What stands before GitHub answers with a page."""
    answer = met(ada, faults.unicorn(code))
    assert (answer.status_code, "Unicorn" in answer.text) == (code, True)
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.usefixtures("vault")
def test_errors_of_the_server(ada: Client) -> None:
    """500, 502 and 503 come as they are called, 503 with or without Retry-After."""
    kinds = [faults.error_500, faults.bad_gateway, faults.unavailable(), faults.unavailable(9)]
    answers = [met(ada, kind) for kind in kinds]
    assert [answer.status_code for answer in answers] == [500, 502, 503, 503]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, None, None, "9"]


@pytest.mark.parametrize("applied", [False, True])
def test_what_is_done_in_spite_of_the_answer(vault: Repository, ada: Client, applied: bool) -> None:
    """Each of these comes with the request carried out and without."""
    kinds = [
        (faults.empty_200, faults.empty_200_applied),
        (faults.html, faults.html_applied),
        (faults.unicorn(), faults.unicorn(applied=True)),
        (faults.unavailable(), faults.unavailable(applied=True)),
    ]
    for number, pair in enumerate(kinds):
        met(ada, pair[applied], "PUT", f"{VAULT}/contents/{number}", PUT)
        assert (str(number) in vault.files()) is applied


@pytest.mark.parametrize("applied", [False, True])
def test_no_answer_comes(vault: Repository, ada: Client, applied: bool) -> None:
    """With `timeout` nothing comes, although the request may have been carried out."""
    kind = faults.timeout_applied if applied else faults.timeout
    ada.hub.faults.add(Fault("PUT", kind))
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.put(
            f"{ada.hub.base_url}{VAULT}/contents/a",
            json=PUT,
            headers={"Authorization": f"Bearer {ada.token}"},
            timeout=0.3,
        )
    assert ("a" in vault.files()) is applied
    assert ada.hub.requests[-1].status == 0


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (faults.stale_data, "STALE_DATA"),
        (faults.rate_limit_graph, "RATE_LIMIT"),
        (faults.rate_limited_graph, "RATE_LIMITED"),
        (faults.not_found_graph, "NOT_FOUND"),
        (faults.something_went_wrong, None),
        (faults.timeout_graph, None),
    ],
)
def test_refusals_of_graphql(vault: Repository, ada: Client, kind: Kind, error: str | None) -> None:
    """GraphQL refuses with status 200 and a type, and nothing is done."""
    head = vault.head()
    ada.hub.faults.add(Fault("POST /graphql", kind))
    answer = ada.commit(head, {"a": b"a"})
    assert (answer["errors"][0].get("type"), vault.head()) == (error, head)
    assert ada.hub.requests[-1].status == 200
    assert not (answer.get("data") or {}).get("createCommitOnBranch")


def test_something_went_wrong_with_what_landed(vault: Repository, ada: Client) -> None:
    """GitHub's own failure names a reference and not whether the commit landed."""
    ada.hub.faults.add(Fault("POST /graphql", faults.something_went_wrong_applied))
    (error,) = ada.commit(vault.head(), {"a": b"a"})["errors"]
    assert error["type"] is None
    assert error["message"].startswith("Something went wrong while executing your query.")
    assert "`D2C4:" in error["message"]
    assert "a" in vault.files()


def test_a_used_up_hour_of_graphql(ada: Client) -> None:
    """The headers tell the hour's end there as well."""
    answer = met(ada, faults.primary_limit_graph(seconds=40), "POST", "/graphql", {"query": "{x}"})
    headers = answer.headers
    assert (headers["X-RateLimit-Remaining"], headers["X-RateLimit-Resource"]) == ("0", "graphql")
    assert 35 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 40


def test_texts_are_cut(vault: Repository, ada: Client) -> None:
    """Above `blob_limit` a text is cut and said to be."""
    ada.hub.blob_limit = 4
    vault.change({"a": b"12345", "b": b"1234"}, "more")
    fields = "... on Blob { text isTruncated byteSize }"
    query = f"""{{ repository(owner: "ada", name: "vault") {{
      a: object(expression: "main:a") {{ {fields} }}
      b: object(expression: "main:b") {{ {fields} }} }} }}"""
    assert ada.graph(query)["data"]["repository"] == {
        "a": {"text": "1234", "isTruncated": True, "byteSize": 5},
        "b": {"text": "1234", "isTruncated": False, "byteSize": 4},
    }

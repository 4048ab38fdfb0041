"""Who may do what, what it costs, and what the double refuses to make up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hub import Hub
from tests.hub.conftest import Client

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from tests.hub import Repository

VAULT = "/repos/ada/vault"


def test_a_token_is_needed(ada: Client) -> None:
    """No token, a wrong one and a revoked one are answered with 401."""
    assert ada("GET", "/user").json()["login"] == "ada"
    assert (
        ada("GET", "/user", Authorization="token nonsense").json()["message"] == "Bad credentials"
    )
    ada.hub.revoke(ada.token)
    assert ada("GET", "/user").status_code == 401
    assert ada("POST", "/graphql", {"query": "{ viewer { login } }"}).status_code == 401


def test_a_private_repository_does_not_exist_for_others(vault: Repository, ada: Client) -> None:
    """Without access a private repository is 404, a public one can be read and not written."""
    ada.token = ada.hub.add_user("eve")
    query = '{ repository(owner: "ada", name: "vault") { id } }'
    assert ada("GET", VAULT).status_code == 404
    assert ada.graph(query)["errors"][0]["type"] == "NOT_FOUND"
    vault.private = False
    assert ada("GET", VAULT).json()["permissions"]["push"] is False
    assert ada("POST", f"{VAULT}/git/blobs", {"content": "x"}).status_code == 404
    assert ada("DELETE", VAULT).status_code == 403


@pytest.mark.usefixtures("vault")
def test_a_limited_token_does_only_what_it_was_made_for(ada: Client) -> None:
    """A read-only token cannot write, one of another repository sees nothing, none can create."""
    head = ada.hub.repo("ada/vault").head()
    ada.token = ada.hub.add_token("ada", read_only=True)
    refused = ada("POST", f"{VAULT}/git/blobs", {"content": "x"})
    assert refused.status_code == 403
    assert refused.json()["message"] == "Resource not accessible by personal access token"
    assert ada.commit(head, {"a": b"a"})["errors"][0]["type"] == "FORBIDDEN"
    assert ada("POST", "/user/repos", {"name": "new"}).status_code == 403
    ada.token = ada.hub.add_token("ada", repos=("ada/other",))
    assert ada("GET", VAULT).status_code == 404
    ada.token = ada.hub.add_token("ada", repos=("ada/vault",))
    assert ada("POST", f"{VAULT}/git/blobs", {"content": "x"}).status_code == 201


def test_an_archived_repository_is_read_only(vault: Repository, ada: Client) -> None:
    """Writes to an archived repository are refused with GitHub's words."""
    vault.archived = True
    refused = ada("POST", f"{VAULT}/git/blobs", {"content": "x"})
    assert refused.status_code == 403
    assert refused.json()["message"] == "Repository was archived so is read-only."
    assert "archived" in ada.commit(vault.head(), {"a": b"a"})["errors"][0]["message"]


@pytest.mark.usefixtures("vault")
def test_requests_are_counted_and_304_is_free(ada: Client) -> None:
    """Each request costs one of the hour's, but not a 304 and not a look at the limits."""
    first = ada("GET", VAULT)
    same = ada("GET", VAULT, If_None_Match=first.headers["ETag"])
    assert (first.headers["x-ratelimit-used"], same.headers["x-ratelimit-used"]) == ("1", "1")
    assert (same.status_code, same.content) == (304, b"")
    assert ada("GET", "/rate_limit").json()["resources"]["core"]["used"] == 1
    assert first.headers["x-oauth-scopes"] == "delete_repo, repo"


@pytest.mark.usefixtures("vault")
def test_an_exhausted_limit_refuses(ada: Client) -> None:
    """With nothing left REST answers 403, GraphQL 200 with an error of its type."""
    ada.hub.limits.allowed.update(core=1, graphql=1)
    query = "{ rateLimit { remaining limit resetAt } }"
    assert ada("GET", VAULT).status_code == 200
    refused = ada("GET", VAULT)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert ada.graph(query)["data"]["rateLimit"]["remaining"] == 0
    assert ada.graph(query)["errors"][0]["type"] == "RATE_LIMIT"


def test_repositories_are_created_and_deleted(ada: Client) -> None:
    """A repository is created for the user or an organisation, once, and is gone when deleted."""
    ada.hub.add_org("acme", ("ada",))
    made = ada("POST", "/user/repos", {"name": "new", "private": True})
    assert (made.status_code, made.json()["full_name"]) == (201, "ada/new")
    assert made.json()["url"] == f"{ada.hub.base_url}/repos/ada/new"
    again = ada("POST", "/user/repos", {"name": "NEW"})
    assert again.status_code == 422
    assert again.json()["errors"][0]["message"] == "name already exists on this account"
    for_all = ada("POST", "/orgs/acme/repos", {"name": "team", "auto_init": True}).json()
    assert (for_all["owner"]["type"], for_all["private"]) == ("Organization", False)
    assert ada.hub.repo("acme/team").files() == {"README.md": b"# team\n"}
    assert ada("DELETE", "/repos/ada/new").status_code == 204
    assert ada("GET", "/repos/ada/new").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/repos/ada/vault/issues", None),
        ("GET", "/repos/ada/vault?page=1", None),
        ("POST", "/repos/ada/vault/git/blobs", {"content": "x", "colour": "red"}),
        ("POST", "/graphql", {"query": "{ viewer { bio } }"}),
        ("POST", "/graphql", {"query": "{ viewer { login } }", "colour": "red"}),
    ],
)
def test_what_is_not_known_is_a_violation(
    github_schema: GraphQLSchema, method: str, path: str, body: object
) -> None:
    """An unknown route, parameter or field is answered 501 and fails the test at its end."""
    hub = Hub(github_schema).__enter__()
    client = Client(hub, hub.add_user("ada"))
    hub.add_repo("ada/vault", init="readme")
    with client.session:
        assert client(method, path, body).status_code == 501
    assert len(hub.violations) == 1
    with pytest.raises(AssertionError, match="unsupported"):
        hub.__exit__(None, None, None)


@pytest.mark.usefixtures("vault")
def test_requests_are_recorded(ada: Client) -> None:
    """Each request is recorded with its kind, its user and what it sent."""
    ada.graph("{ viewer { login } }")
    ada.hub.requests.clear()
    ada("GET", f"{VAULT}/commits?per_page=1")
    ada.graph('mutation { updateRefs(input: {repositoryId: "x", refUpdates: []}) { __typename } }')
    rest, graph = ada.hub.requests
    assert (rest.method, rest.path, rest.query) == ("GET", f"{VAULT}/commits", "per_page=1")
    assert (rest.kind, rest.status, rest.token_login, rest.sent_bytes) == ("rest", 200, "ada", 0)
    assert (graph.kind, graph.sent_bytes > 50) == ("mutation", True)

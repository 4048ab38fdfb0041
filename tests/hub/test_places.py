"""Where a GitHub is served: over HTTPS, as an Enterprise server, without GraphQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import github
import pytest
import requests
from github import Auth, Github

from tests.hub import Hub
from tests.hub.test_rest import VAULT
from tests.hub.tls import make_ca

if TYPE_CHECKING:
    from pathlib import Path

    from graphql import GraphQLSchema

    from tests.hub import Repository
    from tests.hub.conftest import Client

LOGIN = {"query": "{ viewer { login } }"}


def test_https_under_a_private_authority(github_schema: GraphQLSchema, tmp_path: Path) -> None:
    """Who trusts the authority is served under both names, and who does not hangs up."""
    ca_file, context = make_ca(tmp_path)
    with Hub(github_schema, tls=context) as hub, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {hub.add_user('ada')}"
        assert hub.base_url.startswith("https://127.0.0.1:")
        named = hub.base_url.replace("127.0.0.1", "localhost")
        for base in (hub.base_url, named):
            answer = session.get(f"{base}/user", verify=str(ca_file), timeout=5)
            assert answer.json()["login"] == "ada"
        assert answer.json()["url"] == f"{hub.base_url}/users/ada"
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{hub.base_url}/user", timeout=5)


@pytest.mark.usefixtures("vault")
def test_an_enterprise_server(ada: Client) -> None:
    """Below /api/v3 lies the same, with URLs that say so, and GraphQL beside it."""
    assert ada.hub.enterprise_url == f"{ada.hub.base_url}/api/v3"
    shown = ada("GET", f"/api/v3{VAULT}")
    assert shown.json()["url"] == ada.hub.enterprise_url + VAULT
    assert "X-GitHub-Enterprise-Version" in shown.headers
    assert "X-GitHub-Enterprise-Version" not in ada("GET", VAULT).headers
    graph = ada("POST", "/api/graphql", LOGIN)
    assert (graph.json()["data"], ada.hub.requests[-1].kind) == ({"viewer": {"login": "ada"}},
                                                                "query")  # fmt: skip
    assert ada.hub.requests[-1].path == "/api/graphql"
    archive = ada("GET", f"/api/v3{VAULT}/tarball/main").headers["Location"]
    assert ada("GET", archive.removeprefix(ada.hub.base_url)).status_code == 200


def test_pygithub_finds_an_enterprise_server(vault: Repository, ada: Client) -> None:
    """PyGithub's own URLs for REST and for GraphQL are answered."""
    client = Github(base_url=ada.hub.enterprise_url, auth=Auth.Token(ada.token), retry=None)
    assert client.get_repo("ada/vault").id == vault.id
    _, answer = client.requester.graphql_query("{ viewer { login } }", {})
    assert answer["data"]["viewer"]["login"] == "ada"
    ada.hub.rename(vault, "ada/notes")
    assert client.get_repo("ada/vault").full_name == "ada/notes"
    with pytest.raises(github.UnknownObjectException):
        client.get_repo("ada/none")
    client.close()


@pytest.mark.usefixtures("vault")
def test_a_server_without_graphql(ada: Client) -> None:
    """With GraphQL off its endpoints do not exist, and REST is what it was."""
    ada.hub.graphql = False
    for path in ("/graphql", "/api/graphql"):
        assert ada("POST", path, LOGIN).status_code == 404
    assert ada("GET", VAULT).status_code == 200
    ada.hub.graphql = True
    assert ada("POST", "/graphql", LOGIN).status_code == 200

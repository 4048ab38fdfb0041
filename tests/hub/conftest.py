"""A user with a repository, and a plain HTTP client for her."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub import Hub, Repository

COMMIT = """mutation M($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid tree { oid } } } }"""


@dataclass
class Client:
    """Requests to the hub with one token, as raw as they come."""

    hub: Hub
    token: str
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; underscores in header names stand for dashes."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.session.request(
            method,
            self.hub.base_url + path,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", **named},
            allow_redirects=False,
            timeout=10,
        )

    def graph(self, query: str, **variables: object) -> Any:
        """Send a query and give the whole answer."""
        return self("POST", "/graphql", {"query": query, "variables": variables}).json()

    def commit(
        self,
        head: str | None,
        add: dict[str, bytes] | None = None,
        delete: tuple[str, ...] = (),
        body: str = "",
    ) -> Any:
        """Commit on the main branch through GraphQL and give the whole answer."""
        contents = {path: b64encode(data).decode() for path, data in (add or {}).items()}
        additions = [{"path": path, "contents": text} for path, text in contents.items()]
        deletions = [{"path": path} for path in delete]
        given = {
            "branch": {"repositoryNameWithOwner": "ada/vault", "branchName": "main"},
            "message": {"headline": "sync", "body": body},
            "fileChanges": {"additions": additions, "deletions": deletions},
            "expectedHeadOid": head,
        }
        return self.graph(COMMIT, input=given)


@pytest.fixture
def ada(hub: Hub) -> Iterator[Client]:
    """Ada with a classic token."""
    client = Client(hub, hub.add_user("ada"))
    with client.session:
        yield client


@pytest.fixture
def vault(hub: Hub, ada: Client) -> Repository:
    """Ada's private repository with a README."""
    assert ada.token
    return hub.add_repo("ada/vault", init="readme")


@pytest.fixture
def empty(hub: Hub, ada: Client) -> Repository:
    """Ada's private repository without a commit."""
    assert ada.token
    return hub.add_repo("ada/empty")

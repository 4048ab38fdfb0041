"""The double through PyGithub, the client that it is made for."""

from __future__ import annotations

import io
import tarfile
from base64 import b64encode
from typing import TYPE_CHECKING

import github
import pytest
import requests
from github import Auth, Github, GithubException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hub import Repository
    from tests.hub.conftest import Client

INPUT = {
    "branch": {"repositoryNameWithOwner": "ada/vault", "branchName": "main"},
    "message": {"headline": "sync"},
    "fileChanges": {"additions": [{"path": "a", "contents": b64encode(b"a").decode()}]},
}


@pytest.fixture
def client(ada: Client) -> Iterator[Github]:
    """PyGithub with Ada's token, without its own waiting and repeating."""
    made = Github(
        base_url=ada.hub.base_url,
        auth=Auth.Token(ada.token),
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    yield made
    made.close()


def test_objects_can_be_read(vault: Repository, client: Github) -> None:
    """PyGithub's own objects read a repository, its commits and its tree."""
    repo = client.get_repo("ada/vault")
    assert (repo.private, repo.owner.login, client.get_user().login) == (True, "ada", "ada")
    assert [commit.sha for commit in repo.get_commits()] == [vault.head()]
    assert [entry.path for entry in repo.get_git_tree("main", recursive=True).tree] == ["README.md"]
    assert repo.get_git_ref("heads/main").object.sha == vault.head()


@pytest.mark.usefixtures("vault")
def test_errors_are_pygithubs(client: Github) -> None:
    """A missing repository and a wrong token raise PyGithub's exceptions."""
    with pytest.raises(github.UnknownObjectException):
        client.get_repo("ada/nowhere")
    wrong = Github(base_url=client.requester.base_url, auth=Auth.Token("no"), retry=None)
    with pytest.raises(github.BadCredentialsException):
        wrong.get_repo("ada/vault")
    wrong.close()


def test_a_batch_is_committed(vault: Repository, client: Github) -> None:
    """A mutation lands once; a second one on the same head raises with STALE_DATA inside."""
    given = {**INPUT, "expectedHeadOid": vault.head()}
    ask = ("createCommitOnBranch", given, "commit { oid tree { oid } }")
    _, made = client.requester.graphql_named_mutation(*ask)
    assert made["commit"]["oid"] == vault.head()
    with pytest.raises(GithubException) as caught:
        client.requester.graphql_named_mutation(*ask)
    assert caught.value.data["errors"][0]["type"] == "STALE_DATA"


def test_the_head_is_polled(vault: Repository, client: Github) -> None:
    """`requestJson` gives the head as text, and 304 while it stays."""
    url, sha = "/repos/ada/vault/commits/main", "application/vnd.github.sha"
    status, headers, body = client.requester.requestJson("GET", url, headers={"Accept": sha})
    assert (status, headers["etag"], body) == (200, f'"{vault.head()}"', vault.head())
    known = {"Accept": sha, "If-None-Match": f'"{vault.head()}"'}
    assert client.requester.requestJson("GET", url, headers=known)[0] == 304


def test_an_archive_is_linked(vault: Repository, client: Github) -> None:
    """The archive's link comes back unfollowed and leads to the archive."""
    link = client.get_repo("ada/vault").get_archive_link("tarball", vault.head() or "")
    with tarfile.open(fileobj=io.BytesIO(requests.get(link, timeout=5).content)) as tar:
        assert tar.getnames()[-1].endswith("/README.md")

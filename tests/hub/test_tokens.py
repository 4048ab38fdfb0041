"""What tokens of each kind may do, and what the headers say of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.hub import Repository
from tests.hub.conftest import COMMIT, Client

VAULT = "/repos/ada/vault"
BLOB = {"content": "x"}
NO = "Resource not accessible by personal access token"
ACCEPTED = "X-Accepted-GitHub-Permissions"
HEAD = '{ repository(owner: "ada", name: "vault") { id defaultBranchRef { name } } }'


def names(answer: Any) -> list[str]:
    """List the repositories of an answer."""
    return [repo["full_name"] for repo in answer.json()]


def test_a_classic_token_shows_its_scopes(vault: Repository, ada: Client) -> None:
    """The header names what the token has, also if that is nothing, and what it takes."""
    assert vault.private
    for scopes, shown in (((), ""), (("repo",), "repo"), (("user", "repo"), "repo, user")):
        ada.token = ada.hub.add_token("ada", scopes=scopes)
        answer = ada("GET", "/user")
        assert (answer.status_code, answer.headers["X-OAuth-Scopes"]) == (200, shown)
        assert ACCEPTED not in answer.headers
    assert ada("GET", VAULT).headers["X-Accepted-OAuth-Scopes"] == "repo"


def test_without_the_scope_what_is_private_does_not_exist(vault: Repository, ada: Client) -> None:
    """A classic token without `repo` sees what is public, and writes there with `public_repo`."""
    ada.token = ada.hub.add_token("ada", scopes=("gist",))
    assert ada("GET", VAULT).status_code == 404
    assert ada.graph(HEAD)["errors"][0]["type"] == "NOT_FOUND"
    assert ada("POST", "/user/repos", {"name": "new", "private": True}).status_code == 404
    vault.private = False
    assert ada("GET", VAULT).json()["permissions"]["push"] is False
    assert ada("POST", f"{VAULT}/git/blobs", BLOB).status_code == 404
    assert ada.commit(vault.head(), {"a": b"a"})["errors"][0]["type"] == "INSUFFICIENT_SCOPES"
    ada.token = ada.hub.add_token("ada", scopes=("public_repo",))
    assert ada("POST", f"{VAULT}/git/blobs", BLOB).status_code == 201
    assert ada("POST", "/user/repos", {"name": "new", "private": True}).status_code == 404
    assert ada("POST", "/user/repos", {"name": "new", "private": False}).status_code == 201


def test_deleting_takes_a_scope_of_its_own(vault: Repository, ada: Client) -> None:
    """`repo` alone does not delete a repository."""
    assert vault.private
    ada.token = ada.hub.add_token("ada", scopes=("repo",))
    assert ada("DELETE", VAULT).status_code == 403
    ada.token = ada.hub.add_token("ada", scopes=("repo", "delete_repo"))
    assert ada("DELETE", VAULT).status_code == 204


def test_a_fine_grained_token_reads(vault: Repository, ada: Client) -> None:
    """With contents read-only it reads, and a write is told what it takes."""
    ada.token = ada.hub.add_token("ada", contents="read")
    read = ada("GET", f"{VAULT}/git/trees/main")
    assert (read.status_code, read.headers[ACCEPTED]) == (200, "contents=read")
    assert "X-OAuth-Scopes" not in read.headers
    write = ada("POST", f"{VAULT}/git/blobs", BLOB)
    assert (write.status_code, write.json()["message"]) == (403, NO)
    assert write.headers[ACCEPTED] == "contents=write"
    assert ada.commit(vault.head(), {"a": b"a"})["errors"][0]["type"] == "FORBIDDEN"


def test_a_fine_grained_token_knows_of_a_repository(vault: Repository, ada: Client) -> None:
    """With metadata alone it sees that the repository is there and nothing of what is in it."""
    assert vault.private
    ada.token = ada.hub.add_token("ada", contents="none")
    shown = ada("GET", VAULT)
    assert (shown.status_code, shown.headers[ACCEPTED]) == (200, "metadata=read")
    assert shown.json()["permissions"]["push"] is False
    read = ada("GET", f"{VAULT}/commits/main")
    assert (read.status_code, read.json()["message"]) == (403, NO)
    assert read.headers[ACCEPTED] == "contents=read"
    assert ada.graph(HEAD)["errors"][0]["type"] == "FORBIDDEN"


def test_a_role_may_be_shown_in_place_of_the_tokens_rights(vault: Repository, ada: Client) -> None:
    """With `shows_role` the permissions are the user's, and writing is refused all the same."""
    assert vault.private
    ada.hub.shows_role = True
    ada.token = ada.hub.add_token("ada", contents="read")
    assert ada("GET", VAULT).json()["permissions"]["push"] is True
    assert ada("POST", f"{VAULT}/git/blobs", BLOB).status_code == 403


def test_administration_makes_and_deletes_repositories(vault: Repository, ada: Client) -> None:
    """It takes administration, and to make one a token that is not for some repositories."""
    assert vault.private
    tokens = {
        "contents": ada.hub.add_token("ada"),
        "one": ada.hub.add_token("ada", administration="write", repos=("ada/vault",)),
        "all": ada.hub.add_token("ada", administration="write"),
    }
    made = {}
    for name, ada.token in tokens.items():
        made[name] = ada("POST", "/user/repos", {"name": name, "private": True})
    assert [answer.status_code for answer in made.values()] == [403, 403, 201]
    assert made["contents"].headers[ACCEPTED] == "administration=write"
    ada.token = tokens["contents"]
    assert ada("DELETE", VAULT).status_code == 403
    ada.token = tokens["one"]
    assert ada("DELETE", "/repos/ada/all").status_code == 404
    assert ada("DELETE", VAULT).status_code == 204


def test_a_token_ends(ada: Client) -> None:
    """A token tells when it ends, and is worthless from then on, for GraphQL as well."""
    end = int(ada.hub.now()) + 3600
    ada.token = ada.hub.add_token("ada", expires=end)
    shown = ada("GET", "/user").headers["GitHub-Authentication-Token-Expiration"]
    assert shown == datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    ada.token = ada.hub.add_token("ada", expires=end - 3600)
    refused = ada("GET", "/user")
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")
    assert ada("POST", "/graphql", {"query": COMMIT}).status_code == 401


def test_repositories_are_listed_as_far_as_the_token_reaches(ada: Client) -> None:
    """Of the user's repositories and her organisations' a token lists those that it is for."""
    hub = ada.hub
    hub.add_user("eve")
    hub.add_org("acme", ("ada",))
    for name in ("ada/vault", "ada/notes", "acme/team", "eve/vault"):
        hub.add_repo(name)
    hub.add_repo("ada/open", private=False)
    mine = ["ada/vault", "ada/notes", "ada/open"]
    assert names(ada("GET", "/user/repos")) == [*mine[:2], "acme/team", mine[2]]
    assert names(ada("GET", "/user/repos?affiliation=owner")) == mine
    assert names(ada("GET", "/user/repos?affiliation=organization_member")) == ["acme/team"]
    assert names(ada("GET", "/user/repos?visibility=public")) == ["ada/open"]
    first = ada("GET", "/user/repos?visibility=private&per_page=2")
    assert names(first) == ["ada/vault", "ada/notes"]
    following = first.links["next"]["url"].removeprefix(hub.base_url)
    assert names(ada("GET", following)) == ["acme/team"]
    ada.token = hub.add_token("ada", repos=("ada/vault",))
    assert names(ada("GET", "/user/repos?visibility=private")) == ["ada/vault"]
    ada.token = hub.add_token("ada", scopes=())
    assert names(ada("GET", "/user/repos")) == ["ada/open"]


@pytest.mark.usefixtures("vault")
def test_users_are_told_by_every_token(ada: Client) -> None:
    """Whatever a token may do, its user can be asked for."""
    for more in ({"scopes": ()}, {"contents": "none"}, {"repos": ()}):
        ada.token = ada.hub.add_token("ada", **more)
        assert ada("GET", "/user").json()["login"] == "ada"

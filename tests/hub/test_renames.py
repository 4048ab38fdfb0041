"""Repositories and branches that are renamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.hub.test_rest import SHA, VAULT, git
from tests.needs import needs

if TYPE_CHECKING:
    from tests.hub import Repository
    from tests.hub.conftest import Client

FOUND = 'repository(owner: "ada", name: "vault"%s) { nameWithOwner }'


def ask(ada: Client, more: str = "") -> Any:
    """Ask GraphQL for the repository under its former name."""
    return ada.graph(f"{{ {FOUND % more} }}")


def test_a_former_name_leads_on(vault: Repository, ada: Client) -> None:
    """A read of the old path is 301, a write 307, to the repository's number, path and query."""
    base, number = ada.hub.base_url, f"{ada.hub.base_url}/repositories/{vault.id}"
    ada.hub.rename(vault, "ada/notes")
    whole = ada("GET", VAULT)
    assert (whole.status_code, whole.headers["Location"]) == (301, number)
    assert whole.json()["message"] == "Moved Permanently"
    assert whole.json()["url"] == number
    assert whole.json()["documentation_url"].startswith("https://docs.github.com/")
    part = ada("GET", f"{VAULT}/git/trees/main?recursive=1")
    assert part.headers["Location"] == f"{number}/git/trees/main?recursive=1"
    write = ada("POST", f"{VAULT}/git/blobs", {"content": "x"})
    assert (write.status_code, write.json()["message"]) == (307, "Temporary Redirect")
    assert write.headers["Location"] == f"{number}/git/blobs"
    assert ada("GET", part.headers["Location"].removeprefix(base)).json()["tree"]
    assert ada("GET", "/repos/ada/notes").json()["full_name"] == "ada/notes"


def test_a_number_is_a_repositorys_own_path(vault: Repository, ada: Client) -> None:
    """All routes work below /repositories/ID, before a renaming and after it."""
    number = f"/repositories/{vault.id}"
    assert ada("GET", number).json()["full_name"] == "ada/vault"
    ada.hub.rename(vault, "ada/notes")
    assert ada("GET", number).json()["full_name"] == "ada/notes"
    assert ada("GET", f"{number}/commits/main", Accept=SHA).text == vault.head()
    assert ada("POST", f"{number}/git/blobs", {"content": "x"}).status_code == 201
    assert ada("DELETE", number).status_code == 204
    assert ada("GET", number).status_code == 404
    assert ada("GET", VAULT).status_code == 404


def test_a_former_name_is_no_secret_path(vault: Repository, ada: Client) -> None:
    """Who may not see the repository is not led to it."""
    ada.hub.rename(vault, "ada/notes")
    ada.token = ada.hub.add_user("eve")
    assert ada("GET", VAULT).status_code == 404
    assert ada("GET", f"/repositories/{vault.id}").status_code == 404


def test_a_former_name_can_be_taken(vault: Repository, ada: Client) -> None:
    """A new repository at the old name ends the redirection, also one that is renamed to it."""
    ada.hub.rename(vault, "ada/notes")
    ada.hub.rename(vault, "ada/journal")
    assert [ada("GET", f"/repos/ada/{n}").status_code for n in ("vault", "notes")] == [301, 301]
    assert ada("POST", "/user/repos", {"name": "vault"}).status_code == 201
    assert ada("GET", VAULT).json()["id"] != vault.id
    ada.hub.rename(vault, "ada/notes")
    assert ada("GET", "/repos/ada/notes").json()["id"] == vault.id
    with pytest.raises(FileExistsError):
        ada.hub.rename(vault, "ada/vault")


def test_graphql_knows_former_names(vault: Repository, ada: Client) -> None:
    """GraphQL finds a renamed repository, and commits to it, unless it is told not to."""
    ada.hub.rename(vault, "ada/notes")
    assert ask(ada)["data"]["repository"]["nameWithOwner"] == "ada/notes"
    assert ask(ada, ", followRenames: false")["errors"][0]["type"] == "NOT_FOUND"
    assert "errors" not in ada.commit(vault.head(), {"a": b"a"})
    ada.hub.graph_follows_renames = False
    assert ask(ada)["errors"][0]["type"] == "NOT_FOUND"
    assert ada.commit(vault.head(), {"b": b"b"})["errors"][0]["type"] == "NOT_FOUND"
    assert set(vault.files()) == {"README.md", "a"}


def test_a_default_branch_is_renamed(vault: Repository, ada: Client) -> None:
    """The branch has its new name only, it stays the default, and git sees it so."""
    needs("git")
    head = vault.head()
    ada.hub.rename_branch(vault, "team/memory")
    assert (vault.branches(), vault.head()) == (["team/memory"], head)
    assert ada("GET", VAULT).json()["default_branch"] == "team/memory"
    assert ada("GET", f"{VAULT}/git/ref/heads/main").status_code == 404
    assert git(vault.path, "symbolic-ref", "HEAD").strip() == "refs/heads/team/memory"
    assert git(vault.path, "rev-parse", "HEAD").strip() == head
    vault.set_head("other", head)
    with pytest.raises(ValueError, match="cannot be renamed"):
        ada.hub.rename_branch(vault, "other")


def test_the_branch_of_an_empty_repository_is_renamed(empty: Repository, ada: Client) -> None:
    """Where there is no commit yet, the first one goes to the branch's new name."""
    ada.hub.rename_branch(empty, "trunk")
    body = {"message": "m", "content": "eA=="}
    assert ada("PUT", "/repos/ada/empty/contents/a", body).status_code == 201
    assert empty.branches() == ["trunk"]


def test_a_branch_is_deleted(vault: Repository) -> None:
    """A deleted branch is gone; what is not there cannot be deleted."""
    vault.delete_branch()
    assert vault.branches() == []
    assert vault.head() is None
    with pytest.raises(KeyError):
        vault.delete_branch()

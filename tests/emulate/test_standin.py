"""What the stand-in is, and what it lacks, as far as tests are chosen by it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.emulate.case import LACKS
from tests.emulate.standin import OWNER, StandIn
from tests.remotes import test_racing

Ask = Callable[..., Any]
REPO = f"/repos/{OWNER}/about"


@pytest.fixture
def ask(stand_in: StandIn) -> Ask:
    """Make a repository with a commit, and give a way to ask."""
    token = stand_in.token()

    def asks(verb: str, path: str, body: Any = None, **headers: str) -> Any:
        return stand_in.ask(verb, path, token, body, **headers)

    if asks("GET", REPO).status_code == 404:
        asks("POST", "/user/repos", {"name": "about", "private": True})
        asks("PUT", f"{REPO}/contents/a.md", {"message": "a", "content": "YQ=="})
    return asks


def test_it_lacks_what_old_servers_lack(ask: Ask, stand_in: StandIn) -> None:
    """No GraphQL, no 304, no bare id as an answer, no archive: what the scenario has to survive."""
    assert ask("POST", "/graphql", {"query": "{ viewer { login } }"}).status_code == 404
    found = ask("GET", f"{REPO}/commits/heads/main", Accept="application/vnd.github.sha")
    head = found.json()["sha"]
    again = ask("GET", f"{REPO}/commits/heads/main", If_None_Match=f'"{head}"')
    assert (again.status_code, again.json()["sha"]) == (200, head)
    assert ask("GET", f"{REPO}/tarball/{head}").status_code == 404
    assert stand_in.ask("GET", "/user", "no token of hers").status_code == 200


def test_it_leaves_empty_folders(ask: Ask) -> None:
    """A folder stays in the tree without its last file, where git and GitHub take it out."""
    entry = {"path": "b/b.md", "mode": "100644", "type": "blob"}
    full = ask("POST", f"{REPO}/git/trees", {"tree": [{**entry, "content": "b"}]}).json()
    body = {"base_tree": full["sha"], "tree": [{**entry, "sha": None}]}
    left = ask("POST", f"{REPO}/git/trees", body).json()
    assert [item["path"] for item in left["tree"]] == ["b"]


def test_it_moves_a_branch_without_looking_again(ask: Ask, stand_in: StandIn) -> None:
    """It looks where a branch stands before the request is whole: so no race can be tested here.

    Once this fails, `LACKS` can be empty.
    """
    first = ask("GET", f"{REPO}/commits/heads/main").json()
    one, two = (
        ask(
            "POST",
            f"{REPO}/git/commits",
            {"message": name, "tree": first["commit"]["tree"]["sha"], "parents": [first["sha"]]},
        ).json()["sha"]
        for name in ("one", "two")
    )
    body = f'{{"sha": "{one}", "force": false}}'
    head = (
        f"PATCH {REPO}/git/refs/heads/main HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {stand_in.token()}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    url = urlsplit(stand_in.base_url)
    with socket.create_connection((url.hostname, url.port), timeout=10) as slow:
        slow.sendall(head.encode())
        ask("GET", "/rate_limit")
        moved = ask("PATCH", f"{REPO}/git/refs/heads/main", {"sha": two, "force": False})
        assert moved.status_code == 200
        slow.sendall(body.encode())
        assert slow.makefile("rb").readline().split()[1] == b"200"
    assert ask("GET", f"{REPO}/commits/heads/main").json()["sha"] == one


def test_each_exclusion_names_a_test() -> None:
    """What is left out of the suite is in the suite: all of it is about races."""
    assert all(hasattr(test_racing, name) for name in LACKS)

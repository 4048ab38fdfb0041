"""What the adapter says of a token's rights: what GitHub tells of them, and how it is shown."""

from __future__ import annotations

import pytest

from memory_sync.errors import TokenForbiddenError, TokenSignOnError
from tests.hub import faults
from tests.hub.faults import Kind
from tests.remotes.desk import NAME, SOURCE, Desk

REPO = f"GET /repos/{NAME}$"
SSO = "https://github.com/orgs/acme/sso?authorization_request="
GRAPH = '{"data": null, "errors": [{"type": "FORBIDDEN", "message": "SAML"}]}'


def refused(headers: dict[str, str]) -> Kind:
    """Refuse with 403 and these headers."""
    return faults.status(403, b'{"message": "Not for you."}', headers)


@pytest.mark.parametrize(
    ("told", "needed"),
    [
        ("contents=write", "Contents: write"),
        ("contents=write,metadata=read", "Contents: write, Metadata: read"),
        ("administration=write; organization_administration=write", "Administration: write"),
        ("organization_hooks=read", "Organization hooks: read"),
    ],
)
def test_a_missing_permission_has_its_name(desk: Desk, told: str, needed: str) -> None:
    """What GitHub would accept is told in the words of its own pages."""
    desk.fault(REPO, refused({"X-Accepted-GitHub-Permissions": told}))
    with pytest.raises(TokenForbiddenError) as raised:
        desk.remote.condition()
    assert raised.value.message.endswith(f"Not for you (it needs {needed}).")


def test_without_a_name_the_message_stands_alone(desk: Desk) -> None:
    """GitHub need not say which permission it misses."""
    desk.fault(REPO, refused({"X-Accepted-GitHub-Permissions": ""}))
    with pytest.raises(TokenForbiddenError) as raised:
        desk.remote.condition()
    assert raised.value.message.endswith("Not for you.")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (f"required; url={SSO}{'A' * 300}", SSO + "A" * 300),
        (f"required; url={SSO}A1 and more", f"{SSO}A1"),
        ("required; url=javascript:x", "the organisation's sign-on page"),
        ("required", "the organisation's sign-on page"),
    ],
)
def test_single_sign_on(desk: Desk, told: str, shown: str) -> None:
    """The page is told whole, and only if it is one; a limit in the same answer changes nothing."""
    desk.fault(REPO, refused({"X-GitHub-SSO": told, "X-RateLimit-Remaining": "0"}))
    with pytest.raises(TokenSignOnError) as raised:
        desk.remote.condition()
    assert raised.value.status == 4
    assert SOURCE in raised.value.message
    assert raised.value.message.endswith(f": {shown}")


def test_single_sign_on_shows_no_token(desk: Desk) -> None:
    """A server that puts the token into the address has it taken out."""
    desk.fault(REPO, refused({"X-GitHub-SSO": f"required; url={SSO}{desk.token}"}))
    with pytest.raises(TokenSignOnError) as raised:
        desk.remote.condition()
    assert desk.token not in raised.value.message


def test_single_sign_on_in_graphql(desk: Desk) -> None:
    """A refusal with status 200 is the same refusal."""
    vault = desk.begin()
    headers = {"X-GitHub-SSO": f"required; url={SSO}A1", "Content-Type": "application/json"}
    desk.fault("POST /graphql", faults.status(200, GRAPH.encode(), headers))
    with pytest.raises(TokenSignOnError):
        vault.commit({"a": "b\n"})


@pytest.mark.parametrize(("scopes", "has"), [("", "none"), ("gist, read:org", "gist, read:org")])
def test_a_classic_token_without_its_scope(desk: Desk, scopes: str, has: str) -> None:
    """What is hidden from such a token looks as if it were not there: it is not created anew."""
    hidden = faults.status(404, b'{"message": "Not Found"}', {"X-OAuth-Scopes": scopes})
    desk.fault(REPO, hidden)
    condition = desk.remote.condition()
    with pytest.raises(TokenForbiddenError) as raised:
        desk.remote.vet(condition, None)
    assert f"it needs the scope repo, and has {has}" in raised.value.message


def test_trying_a_token_changes_nothing(desk: Desk) -> None:
    """Neither an empty repository nor one with a branch is another afterwards."""
    desk.remote.create()
    desk.remote.vet(desk.remote.condition(), None)
    assert desk.repo.branches() == []
    vault = desk.begin()
    head = vault.commit({"a": "b\n"})
    asked = desk.asked(lambda: desk.remote.vet(desk.remote.condition(), head))
    assert asked == ["GET ", "PATCH /git/refs/heads/main"]
    assert desk.repo.branches() == ["main"]
    assert desk.repo.head("main") == head


def test_a_head_that_moved_on_is_not_turned_back(desk: Desk) -> None:
    """What another device committed between the look and the try stays."""
    vault = desk.begin()
    old = vault.commit({"a": "b\n"})
    new = vault.commit({"a": "c\n"})
    desk.remote.vet(desk.remote.condition(), old)
    assert desk.repo.head("main") == new


def test_an_archived_repository_is_not_the_tokens_fault(desk: Desk) -> None:
    """It can be joined, to get out what is in it."""
    desk.begin()
    desk.repo.archived = True
    head = desk.repo.head("main")
    assert all("only read" not in note for note in desk.remote.vet(desk.remote.condition(), head))

"""What a person hears when GitHub, the network or the token fails."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable

import pytest

from memory_sync.errors import (
    MemorySyncError,
    Moved,
    OfflineError,
    RateLimitedError,
    RemoteError,
    RemoteInvalidError,
    RemoteTroubleError,
    RepositoryGoneError,
    TokenForbiddenError,
    TokenRejectedError,
)
from memory_sync.model import Commit
from memory_sync.ports.github import GitHubRemote, login
from memory_sync.ports.token import Token
from tests.hub import faults
from tests.hub.faults import Kind
from tests.remotes.case import Vault, object_name
from tests.remotes.desk import NAME, SOURCE, Desk

HEAD = "GET .*/commits/heads/main"
NOON = "Thu, 01 Jan 2026 12:00:00 GMT"
SOON = str(1767268800 + 90)
ZERO = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": SOON, "Date": NOON}


def said(message: str) -> bytes:
    """Write a message as GitHub does."""
    return b'{"message": "' + message.encode() + b'"}'


SECONDARY = said("You have exceeded a secondary rate limit. Please wait.")

REFUSALS: list[tuple[Kind, type[MemorySyncError], str]] = [
    (faults.status(401, said("Bad credentials")), TokenRejectedError, SOURCE),
    (faults.status(403, said("Resource protected by SAML")), TokenForbiddenError, "SAML"),
    (faults.status(403, said("x" * 5000)), TokenForbiddenError, "x" * 100),
    (
        faults.status(403, said("Accès refusé"), {"Content-Type": "text/plain"}),
        TokenForbiddenError,
        "Accès refusé",
    ),
    (faults.status(403, b"<html>"), TokenForbiddenError, SOURCE),
    (faults.status(403, said("no"), ZERO), RateLimitedError, " 91 s"),
    (faults.status(429, b"", ZERO), RateLimitedError, " 91 s"),
    (faults.status(403, said("no"), {"Retry-After": "7"}), RateLimitedError, " 7 s"),
    (faults.status(429, b"", {"Retry-After": "99999999"}), RateLimitedError, " 3600 s"),
    (faults.status(429, b"", {"Retry-After": "soon"}), RateLimitedError, " 60 s"),
    (faults.status(429, b"", {"Retry-After": "9" * 5000}), RateLimitedError, " 60 s"),
    (faults.status(429, b"", {**ZERO, "X-RateLimit-Reset": "9" * 5000}), RateLimitedError, " 60 s"),
    (faults.status(429, b"", {**ZERO, "Date": "never"}), RateLimitedError, " 60 s"),
    (faults.status(403, SECONDARY), RateLimitedError, " 60 s"),
    (faults.status(500), RemoteTroubleError, "500 Server Error"),
    (faults.status(503, b"<html>busy</html>"), RemoteTroubleError, "503"),
    (faults.status(418, said("I am a teapot")), RemoteError, "418 I am a teapot"),
    (faults.status(304, b""), RemoteError, "304"),
    (faults.html, RemoteTroubleError, "not GitHub"),
    (faults.empty_200, RemoteTroubleError, "not GitHub"),
    (faults.unavailable(7), RateLimitedError, " 7 s"),
    (faults.status(200, b"main"), RemoteError, "no object id"),
    (faults.status(202), RemoteTroubleError, "202"),
    (faults.status(302, b"", {"Location": "https://login.example"}), RemoteTroubleError, "302"),
    (faults.close_before, OfflineError, "connection failed"),
    (faults.close_after, OfflineError, "connection failed"),
    (faults.half, OfflineError, "broke off"),
]


@pytest.mark.parametrize(("kind", "error", "words"), REFUSALS)
def test_each_failure_has_its_error(
    desk: Desk, kind: Kind, error: type[MemorySyncError], words: str
) -> None:
    """Each way in which a request fails is told as what it is, in few words."""
    desk.begin()
    desk.fault(HEAD, kind)
    with pytest.raises(error) as caught:
        desk.remote.head()
    assert type(caught.value) is error
    assert words in caught.value.message
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()
    # Who was asked to wait does: another client shows that the trouble is over.
    client = desk.connect() if error is RateLimitedError else desk.remote
    assert client.head() == desk.repo.head()


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        (faults.status(200, b'{"errors": [{"type": "RATE_LIMITED"}]}'), RateLimitedError, " 60 s"),
        (
            faults.status(200, b'{"errors": [' + SECONDARY + b"]}", {"Retry-After": "7"}),
            RateLimitedError,
            " 7 s",
        ),
        (faults.status(200, b'{"errors": [' + SECONDARY + b"]}"), RateLimitedError, " 60 s"),
        (faults.status(200, SECONDARY), RateLimitedError, " 60 s"),
        (
            faults.status(200, b'{"errors": [{"type": "OTHER"}]}', {"Retry-After": "7"}),
            RateLimitedError,
            " 7 s",
        ),
        (
            faults.status(200, b'{"errors": [{"type": "FORBIDDEN", "message": "SAML"}]}'),
            TokenForbiddenError,
            "SAML",
        ),
        (faults.status(200, b'{"errors": "none"}'), RemoteError, "errors"),
        (faults.status(401), TokenRejectedError, SOURCE),
        (faults.status(502), RemoteTroubleError, "502"),
        (faults.html, RemoteTroubleError, "not GitHub"),
        (faults.empty_200, RemoteTroubleError, "not GitHub"),
        (faults.close_before, OfflineError, "failed"),
    ],
)
@pytest.mark.parametrize("writing", [True, False])
def test_each_failure_of_graphql_has_its_error(
    desk: Desk, kind: Kind, error: type[MemorySyncError], words: str, writing: bool
) -> None:
    """GraphQL says the same things in another way."""
    vault = desk.begin()
    desk.fault("POST /graphql", kind)
    blob = vault.tree["vault.json"].id
    reads, writes = (
        lambda: list(desk.remote.blobs([blob])),
        lambda: vault.commit({object_name(1): "1\n"}),
    )
    action: Callable[[], object] = writes if writing else reads
    with pytest.raises(error, match=words):
        action()


def test_an_hour_that_is_used_up(desk: Desk) -> None:
    """When the hour's requests are spent, the time until the next hour is told."""
    vault = desk.begin()
    desk.hub.limits.allowed.update(core=0, graphql=0)
    for action in (
        desk.remote.head,
        desk.remote.condition,
        lambda: vault.commit({object_name(1): "1\n"}),
        lambda: list(desk.remote.blobs([vault.tree["vault.json"].id])),
    ):
        with pytest.raises(RateLimitedError) as caught:
            action()
        assert 3000 < int(str(caught.value.facts["seconds"])) <= 3600


# --- the network -----------------------------------------------------------------------------


def test_an_answer_that_does_not_come(desk: Desk) -> None:
    """After the time-out, a fraction of a second here, the remote counts as not reached."""
    desk.begin()
    desk.fault(".", faults.delay(2.0))
    with pytest.raises(OfflineError, match="in time"):
        desk.connect(timeout=0.2).condition()


def test_a_port_where_nobody_listens(desk: Desk) -> None:
    """A refused connection is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(OfflineError, match="connection failed"):
        desk.connect(base_url=f"http://127.0.0.1:{port}").condition()


def test_a_server_without_tls(desk: Desk) -> None:
    """A connection that cannot be trusted is not made."""
    base_url = desk.hub.base_url.replace("http:", "https:")
    with pytest.raises(OfflineError, match="TLS"):
        desk.connect(base_url=base_url).condition()


def test_a_name_that_nobody_knows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without DNS the message says that it is the name."""
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(OfflineError, match="DNS"):
        desk.connect(base_url="http://nowhere.invalid").condition()


# --- the repository --------------------------------------------------------------------------


def test_a_public_repository(desk: Desk) -> None:
    """What everybody can read says so."""
    desk.hub.add_repo(NAME, private=False)
    assert desk.remote.condition().public is True


def test_a_repository_is_made_private(desk: Desk) -> None:
    """A vault's repository is empty and private, unless it is asked to be public."""
    desk.remote.create()
    desk.connect(name="ada/open").create(public=True)
    assert desk.repo.private
    assert desk.repo.head() is None
    assert not desk.hub.repo("ada/open").private


def test_a_repository_for_an_organisation(desk: Desk) -> None:
    """A repository is made where its owner is an organisation, too."""
    desk.hub.add_org("guild", ("ada",))
    desk.connect(name="guild/vault").create()
    assert desk.hub.repo("guild/vault").private


def test_a_repository_for_a_stranger(desk: Desk) -> None:
    """Nobody can make a repository for another user."""
    desk.hub.add_user("bob")
    with pytest.raises(TokenForbiddenError, match="bob"):
        desk.connect(name="bob/vault").create()


def test_a_token_that_may_not_make_repositories(desk: Desk) -> None:
    """It is enough if the repository is there, and an error if it is not."""
    limited = desk.connect(token=desk.hub.add_token("ada"))
    with pytest.raises(TokenForbiddenError):
        limited.create()
    desk.remote.create()
    limited.create()


def test_a_repository_that_cannot_be_made(desk: Desk) -> None:
    """A refusal that is not about the name is told in GitHub's words."""
    desk.fault("POST /user/repos", faults.status(422, said("Repository creation failed.")))
    with pytest.raises(RemoteError, match="creation failed"):
        desk.remote.create()


def test_a_token_that_may_only_read(desk: Desk) -> None:
    """The condition shows that writing is not allowed."""
    desk.remote.create()
    limited = desk.connect(token=desk.hub.add_token("ada", read_only=True))
    assert not limited.condition().can_write
    assert desk.remote.condition().can_write


def test_i27_a_repository_that_is_gone(desk: Desk) -> None:
    """Nothing that was there a moment ago is taken for empty when the repository is gone."""
    vault = desk.begin()
    commit = desk.newest()
    blob = vault.tree["vault.json"].id
    desk.hub.remove_repo(desk.repo)
    assert not desk.remote.condition().exists
    for action in _reads(desk.remote, commit, blob):
        with pytest.raises(RepositoryGoneError):
            action()


def test_a_branch_that_is_gone(desk: Desk) -> None:
    """A repository that has lost its branch has no head, whether or not it has others."""
    desk.begin()
    desk.repo.change({"f": b"f"}, "x", branch="other")
    desk.repo.set_head("main", None)
    assert desk.remote.head() is None
    desk.repo.set_head("other", None)
    assert desk.remote.head() is None


def test_another_default_branch_is_followed(desk: Desk) -> None:
    """A branch that was renamed on the web is found under its new name."""
    vault = desk.begin()
    desk.repo.set_head("team/memory", vault.head)
    desk.repo.set_head("main", None)
    desk.repo.default_branch = "team/memory"
    assert desk.remote.head() == vault.head
    vault.commit({object_name(1): "1\n"})
    assert desk.repo.head("team/memory") == vault.head


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirection_that_never_ends(desk: Desk, status: int) -> None:
    """A server that always leads elsewhere is in trouble, and is followed but once."""
    vault = desk.begin()
    commit = desk.newest()
    target = {"Location": f"{desk.hub.base_url}/repositories/5000/x"}
    desk.fault(".", faults.status(status, said("Moved Permanently"), target), times=None)
    desk.fault("GET /repositories/", faults.status(200, b'{"full_name": "ada/new"}'), times=None)
    actions = _reads(desk.remote, commit, vault.tree["vault.json"].id)
    actions += [lambda: vault.commit({object_name(1): "1\n"}), desk.remote.create]
    for action in actions:
        before = len(desk.hub.requests)
        with pytest.raises(RemoteTroubleError, match=f"{status}|renamed"):
            action()
        assert len(desk.hub.requests) - before <= 6


def test_a_repository_that_answers_under_another_name(desk: Desk) -> None:
    """Without a redirection, too, the new name is used from then on."""
    desk.remote.create()
    body = b'{"full_name": "ada/new", "default_branch": "main", "private": true}'
    desk.fault("GET", faults.status(200, body))
    desk.remote.condition()
    assert desk.remote.about().renamed == "github:ada/new"


@pytest.mark.parametrize("name", ["ada", "ada/", "/vault", "ada/vault/x", "ada/..", "a b/c", ""])
def test_what_is_no_name_is_refused(desk: Desk, name: str) -> None:
    """A name that is not OWNER/REPO never becomes a part of a URL."""
    with pytest.raises(RemoteInvalidError):
        desk.connect(name=name)


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"null", b'{"tree": [{}], "sha": "x"}', b'[{"sha": "x"}]', b"[1]", b'"\\ud800"'],
)
def test_reads_that_make_no_sense(desk: Desk, body: bytes) -> None:
    """An answer without what belongs in it never leaves as anything but an error of ours."""
    vault = desk.begin()
    commit = desk.newest()
    desk.fault("GET", faults.status(200, body), times=None)
    desk.fault("POST", faults.status(200, body), times=None)
    for action in _reads(desk.remote, commit, vault.tree["vault.json"].id):
        with pytest.raises((RemoteError, RemoteTroubleError)):
            action()


def _reads(remote: GitHubRemote, commit: Commit, blob: str) -> list[Callable[[], object]]:
    return [
        lambda: remote.head(commit.id),
        lambda: list(remote.history(commit.id)),
        lambda: list(remote.history(commit.id, "1" * 40)),
        lambda: remote.listing(commit),
        lambda: remote.top(commit),
        lambda: list(remote.blobs([blob])),
    ]


# --- the token -------------------------------------------------------------------------------


def test_a_token_tells_its_user(desk: Desk) -> None:
    """GitHub knows whose token it is; a worthless one is named by its source."""
    assert login(Token(desk.token, SOURCE), desk.hub.base_url, 5.0) == "ada"
    with pytest.raises(TokenRejectedError, match="pocket"):
        login(Token("worthless", SOURCE), desk.hub.base_url, 5.0)
    desk.fault("GET /user", faults.status(200, said("no name")))
    with pytest.raises(RemoteError):
        login(Token(desk.token, SOURCE), desk.hub.base_url, 5.0)


@pytest.mark.parametrize("value", ["", "two words", "line\n", "ключ"])
def test_a_token_that_cannot_be_sent(desk: Desk, value: str) -> None:
    """What is no token at all is refused before a request, without being shown."""
    with pytest.raises(TokenRejectedError) as caught:
        GitHubRemote(NAME, Token(value, SOURCE), desk.hub.base_url, 5.0)
    assert not value or value not in str(caught.value)


def test_a_token_is_not_shown(desk: Desk) -> None:
    """A token's representation names where it was found and not what it is."""
    shown = repr(Token(desk.token, SOURCE))
    assert desk.token not in shown
    assert SOURCE in shown


def test_no_error_carries_the_token(desk: Desk) -> None:
    """Whatever goes wrong, the token is in no text, no argument and no chained exception."""
    vault = desk.begin()
    commit = desk.newest()
    echo = said(f"no: token {desk.token} is bad")
    kinds = [kind for kind, _, _ in REFUSALS]
    kinds += [faults.status(code, echo) for code in (400, 401, 403, 404, 409, 422, 500)]
    for kind in kinds:
        desk.fault(".", kind, times=None)
        writes = (desk.remote.create, lambda: Vault(desk.remote).commit({"vault.json": "{}\n"}))
        for action in [*_reads(desk.remote, commit, vault.tree["vault.json"].id), *writes]:
            error = _raised(action)
            assert error is None or _hides(error, desk.token)
        desk.hub.faults.clear()


def _raised(action: Callable[[], object]) -> BaseException | None:
    """Carry something out; what it raises is an error of ours."""
    try:
        action()
    except (MemorySyncError, Moved) as error:
        return error
    return None


def _hides(error: BaseException, token: str) -> bool:
    assert error.__cause__ is None
    assert error.__context__ is None
    text = "".join(traceback.format_exception(error))
    return token not in text + repr(error) + repr(error.args) + repr(vars(error))

"""What the GitHub adapter finds out by itself: new names, what a server lacks, what is left."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from memory_sync.errors import (
    MemorySyncError,
    OfflineError,
    RateLimitedError,
    RemoteTroubleError,
    RepositoryGoneError,
    TokenRejectedError,
)
from memory_sync.model import Budget
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.github.memory import ANEW, Memory
from memory_sync.ports.pace import Pace, Rates
from memory_sync.ports.token import Token
from tests.hub import faults
from tests.remotes.case import Vault, object_name
from tests.remotes.desk import NAME, SOURCE, Clock, Desk

HEAD = "GET .*/commits/heads/main"


def _paced(desk: Desk, clock: Clock, folder: Path | None = None) -> GitHubRemote:
    """Make a client that keeps to GitHub's limits."""
    secret = Token(desk.token, SOURCE)
    made = GitHubRemote(NAME, secret, desk.hub.base_url, 10.0, pace=Pace(clock), folder=folder)
    return desk.clients.enter_context(closing(made))


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("follows", [True, False])
def test_a_repository_that_was_renamed_is_followed(desk: Desk, follows: bool) -> None:
    """Reads and writes go on under the new name, whether GraphQL knows the old one or not."""
    vault = desk.begin()
    desk.hub.graph_follows_renames = follows
    repo = desk.repo
    desk.hub.rename(repo, "ada/notes")
    assert desk.remote.head(vault.head) == vault.head
    vault.commit({object_name(1): "1\n"})
    assert repo.head() == vault.head
    assert dict(desk.remote.blobs([vault.tree[object_name(1)].id]))
    assert desk.remote.about().renamed == "github:ada/notes"
    assert desk.remote.url == f"github:{NAME}"


def test_a_renamed_repository_takes_no_more_requests_than_before(desk: Desk) -> None:
    """Who has learned of the new name asks by it at once."""
    vault = desk.begin()
    desk.hub.rename(desk.repo, "ada/notes")
    desk.remote.head(vault.head)
    before = len(desk.hub.requests)
    desk.remote.head(vault.head)
    [asked] = desk.hub.requests[before:]
    assert (asked.path, asked.status) == ("/repos/ada/notes/commits/heads/main", 304)


def test_a_write_that_meets_a_redirection_is_sent_again(desk: Desk) -> None:
    """A 307 on a write says that nothing was carried out: it goes to the new name, once."""
    vault = desk.begin()
    desk.hub.graphql = False
    repo, first = desk.repo, vault.head
    desk.fault(HEAD, faults.status(200, (first or "").encode()))
    desk.hub.rename(repo, "ada/notes")
    vault.commit({object_name(1): "1\n"})
    chain = [commit.id for commit in desk.remote.history(vault.head or "")]
    assert chain == [vault.head, first]
    assert 307 in [asked.status for asked in desk.hub.requests]


def test_a_new_name_is_known_at_the_next_start(desk: Desk, tmp_path: Path) -> None:
    """A client that starts anew asks by the new name, and by the old one if that is gone."""
    vault = desk.begin()
    repo = desk.repo
    desk.hub.rename(repo, "ada/notes")
    assert _paced(desk, Clock(), tmp_path).head(vault.head) == vault.head
    before = len(desk.hub.requests)
    again = _paced(desk, Clock(), tmp_path)
    assert again.head(vault.head) == vault.head
    assert 301 not in [asked.status for asked in desk.hub.requests[before:]]
    desk.hub.rename(repo, NAME)
    desk.hub.remove_repo(repo)
    other = desk.hub.add_repo(NAME)
    head = other.change({"f": b"x"}, "x")
    assert _paced(desk, Clock(), tmp_path).head() == head
    assert _paced(desk, Clock(), tmp_path).about().renamed == ""


def test_a_redirection_to_what_is_not_there_is_trouble(desk: Desk) -> None:
    """Where the new place cannot be found nothing is asked there."""
    vault = desk.begin()
    gone = {"Location": f"{desk.hub.base_url}/repositories/77/commits/heads/main"}
    desk.fault("GET /repos", faults.status(301, b"{}", gone), times=None)
    with pytest.raises(RemoteTroubleError, match="renamed"):
        desk.remote.head(vault.head)


def test_a_repository_that_is_gone_after_all_is_gone(desk: Desk) -> None:
    """Renamed and then deleted: the error names what the configuration calls it."""
    vault = desk.begin()
    repo = desk.repo
    desk.hub.rename(repo, "ada/notes")
    desk.remote.head(vault.head)
    desk.hub.remove_repo(repo)
    with pytest.raises(RepositoryGoneError, match=NAME):
        desk.remote.head(vault.head)


# --- what a server lacks ---------------------------------------------------------------------


def test_a_server_without_graphql_is_remembered_for_a_day(desk: Desk, tmp_path: Path) -> None:
    """The next start goes over REST at once; a day later GraphQL is tried anew, and used."""
    vault = desk.begin()
    desk.hub.graphql = False
    clock = Clock()
    for kinds in (["mutation"], [], []):
        vault.remote = _paced(desk, clock, tmp_path)
        asked = desk.asked(lambda: vault.commit({object_name(len(vault.tree)): "x\n"}))
        assert [kind for kind in asked if kind == "mutation"] == kinds
        assert vault.remote.about().path == "rest"
    desk.hub.graphql = True
    clock.ahead += ANEW
    vault.remote = _paced(desk, clock, tmp_path)
    vault.remote.condition()
    assert desk.asked(lambda: vault.commit({object_name(9): "x\n"})) == ["mutation"]
    assert vault.remote.about().path == "graphql"
    assert not Memory(clock, tmp_path / "github.json").no_graphql


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'{"no_graphql": "x", "renamed": []}', b'{"renamed": {"a/b": 1}}']
)
def test_notes_that_cannot_be_read_are_none(tmp_path: Path, text: bytes) -> None:
    """A damaged file of notes costs a few requests and nothing else."""
    (tmp_path / "github.json").write_bytes(text)
    memory = Memory(SystemClock(), tmp_path / "github.json")
    assert (memory.no_graphql, memory.renamed("a/b")) == (False, None)
    memory.note_renamed("a/b", "a/c")
    assert Memory(SystemClock(), tmp_path / "github.json").renamed("a/b") == "a/c"
    assert (tmp_path / "github.json").stat().st_mode & 0o777 == 0o600


def test_notes_that_cannot_be_written_are_kept_in_mind(tmp_path: Path) -> None:
    """Without a folder to write to, what was learned lasts as long as the client."""
    memory = Memory(SystemClock(), tmp_path / "missing" / "github.json")
    memory.note_graphql(there=False)
    assert memory.no_graphql


@pytest.mark.parametrize("writing", [True, False])
def test_a_page_in_place_of_graphql_says_nothing_of_the_server(
    desk: Desk, tmp_path: Path, writing: bool
) -> None:
    """A 404 that is a page may be somebody else's: once it goes over REST, twice for a day."""
    vault = desk.begin()
    vault.remote = _paced(desk, Clock(), tmp_path)
    vault.remote.condition()
    blob = vault.tree["vault.json"].id
    page = faults.status(404, b"<html>sign in</html>", {"Content-Type": "text/html"})
    kind = "mutation" if writing else "query"

    def action() -> None:
        if writing:
            vault.commit({object_name(len(vault.tree)): "1\n"})
        else:
            assert dict(vault.remote.blobs([blob])) == {blob: b"{}\n"}

    desk.fault("POST /graphql", page)
    assert desk.asked(action)[-1] != kind
    assert vault.remote.about().path == "graphql"
    assert desk.asked(action) == [kind]
    desk.fault("POST /graphql", page, times=None)
    for _ in range(2):
        assert desk.asked(action)[0] == kind
    assert vault.remote.about().path == "rest"
    assert kind not in desk.asked(action)


def test_a_page_in_place_of_everything_is_trouble(desk: Desk) -> None:
    """Where REST is answered with a page as well, nothing is known of the server."""
    vault = desk.begin()
    page = faults.status(404, b"<html>sign in</html>", {"Content-Type": "text/html"})
    desk.fault(".", page, times=None)
    with pytest.raises((RemoteTroubleError, RepositoryGoneError)):
        vault.commit({object_name(1): "1\n"})
    desk.hub.faults.clear()
    vault.commit({object_name(1): "1\n"})


def test_a_server_whose_graphql_finds_nothing_twice_is_asked_over_rest(desk: Desk) -> None:
    """Once is a bad moment, also if it comes again; two in a row are a server without it."""
    vault = desk.begin()
    clock = Clock()
    vault.remote = _paced(desk, clock)
    vault.remote.condition()
    for text in ("1\n", "2\n"):
        files = {object_name(0): text}
        desk.fault("POST /graphql", faults.not_found_graph)
        first = desk.asked(partial(vault.commit, files))
        assert (first[0], first[-1][:5]) == ("mutation", "PATCH")
        assert desk.asked(partial(vault.commit, {object_name(1): text})) == ["mutation"]
    desk.fault("POST /graphql", faults.not_found_graph, times=2)
    for number in range(2):
        vault.commit({object_name(2): f"{number}\n"})
    assert vault.remote.about().path == "rest"
    assert "mutation" not in desk.asked(lambda: vault.commit({object_name(3): "x\n"}))
    clock.ahead += ANEW
    assert vault.remote.about().path == "graphql"
    assert desk.asked(lambda: vault.commit({object_name(4): "x\n"})) == ["mutation"]


def test_blobs_that_graphql_once_does_not_find_are_few_requests(desk: Desk) -> None:
    """One `NOT_FOUND` is asked again by halves, and does not cost a request for each blob."""
    vault = desk.begin()
    vault.commit({object_name(number): f"{number}\n" for number in range(50)})
    ids = [entry.id for entry in vault.tree.values()]
    desk.fault("POST /graphql", faults.not_found_graph)
    asked = desk.asked(lambda: set(dict(desk.remote.blobs(ids))) == set(ids))
    assert asked.count("query") == 3
    assert len(asked) <= 4


def test_notes_of_another_server_are_not_believed(desk: Desk, tmp_path: Path) -> None:
    """Another address in the configuration begins anew: nothing is carried over to it."""
    path = tmp_path / "github.json"
    memory = Memory(SystemClock(), path, "https://one.example")
    memory.note_graphql(there=False)
    memory.note_renamed(NAME, "ada/notes")
    again = Memory(SystemClock(), path, "https://one.example")
    assert (again.no_graphql, again.renamed(NAME)) == (True, "ada/notes")
    about = _paced(desk, Clock(), tmp_path).about()
    assert (about.path, about.renamed) == ("graphql", "")


def test_a_noted_name_that_is_none_is_not_used(desk: Desk, tmp_path: Path) -> None:
    """Whatever stands in the notes, nothing but OWNER/REPO gets into an address."""
    vault = desk.begin()
    memory = Memory(SystemClock(), tmp_path / "github.json", desk.hub.base_url)
    memory.note_renamed(NAME, "ada/notes?x=/../..")
    remote = _paced(desk, Clock(), tmp_path)
    assert remote.about().renamed == ""
    assert remote.head() == vault.head


MOVED_TO = "GET /repositories/[0-9]+$"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (faults.not_found, RepositoryGoneError),
        (faults.bad_credentials, TokenRejectedError),
        (faults.close_before, OfflineError),
        (faults.status(502), RemoteTroubleError),
        (faults.secondary_limit(77), RateLimitedError),
    ],
)
def test_what_is_said_where_a_repository_went_is_told(
    desk: Desk, kind: faults.Kind, error: type[MemorySyncError]
) -> None:
    """On the way to a new name each failure is told as it is anywhere, and a limit is kept to."""
    vault, clock = desk.begin(), Clock()
    remote = _paced(desk, clock)
    remote.head()
    desk.hub.rename(desk.repo, "ada/notes")
    desk.fault(MOVED_TO, kind)
    with pytest.raises(MemorySyncError) as caught:
        remote.head()
    assert type(caught.value) is error
    limited = error is RateLimitedError
    assert (remote.pause() > 70) is limited
    clock.ahead += 80
    assert remote.head() == vault.head


# --- limits ----------------------------------------------------------------------------------


def test_whoever_is_asked_to_wait_sends_nothing_meanwhile(desk: Desk) -> None:
    """Also what was not refused is held back, for as long as GitHub asked, and then goes."""
    vault, clock = desk.begin(), Clock()
    vault.remote = _paced(desk, clock)
    desk.fault(HEAD, faults.secondary_limit(90))
    with pytest.raises(RateLimitedError, match=" 90 s"):
        vault.remote.head(vault.head)
    clock.ahead += 30
    before = len(desk.hub.requests)
    with pytest.raises(RateLimitedError, match=" 60 s"):
        vault.commit({object_name(1): "1\n"})
    assert len(desk.hub.requests) == before
    assert 55 < vault.remote.pause() <= 60
    clock.ahead += 60
    vault.commit({object_name(1): "1\n"})


def test_who_has_sent_too_much_may_still_read(desk: Desk) -> None:
    """What is held back by our own count is writes: polls go on, and nothing is refused."""
    vault, clock = desk.begin(), Clock()
    secret = Token(desk.token, SOURCE)
    pace = Pace(clock, Rates(hour=3))
    vault.remote = GitHubRemote(NAME, secret, desk.hub.base_url, 10.0, pace=pace)
    with closing(vault.remote):
        for number in range(3):
            vault.commit({object_name(number): "x\n"})
        assert vault.remote.pause() > 3500
        before = len(desk.hub.requests)
        with pytest.raises(RateLimitedError):
            vault.commit({object_name(9): "x\n"})
        assert len(desk.hub.requests) == before
        assert vault.remote.head(vault.head) == vault.head


def test_what_is_left_is_what_the_headers_say(desk: Desk) -> None:
    """Each answer tells of its own resource; the hour ends by the server's clock."""
    vault, clock = desk.begin(), Clock()
    vault.remote = _paced(desk, clock)
    vault.remote.head()
    vault.commit({object_name(1): "1\n"})
    login = desk.hub.requests[-1].token_login or ""
    for budget in vault.remote.about().budgets:
        state = desk.hub.limits.state(login, budget.resource)
        assert (budget.limit, budget.remaining) == (state["limit"], state["remaining"])
        assert abs(budget.reset - state["reset"]) < 5
    assert {budget.resource for budget in vault.remote.about().budgets} == {"core", "graphql"}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "many"},
        {"X-RateLimit-Limit": "-1"},
        {"X-RateLimit-Remaining": "9999999"},
        {"X-RateLimit-Resource": "<script>"},
        {"X-RateLimit-Reset": "soon", "Date": "never"},
        {"X-RateLimit-Reset": "99999999999999"},
        {"X-RateLimit-Reset": "9" * 5000},
        {"X-RateLimit-Limit": "9" * 5000},
        {"X-RateLimit-Remaining": "9" * 400},
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_headers_that_lie_do_no_harm(desk: Desk, headers: dict[str, str]) -> None:
    """Nonsense about limits is left out, and a budget ends within an hour by this clock."""
    vault, clock = desk.begin(), Clock()
    remote = _paced(desk, clock)
    usual = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999"}
    head = (vault.head or "").encode()
    desk.fault(HEAD, faults.status(200, head, {**usual, **headers}))
    remote.condition()
    assert remote.head(vault.head) == vault.head
    for budget in remote.about().budgets:
        assert isinstance(budget, Budget)
        assert 0 <= budget.remaining <= budget.limit
        assert budget.reset <= clock.now() + 3601


def test_an_unchanged_repository_is_looked_at_for_nothing(desk: Desk) -> None:
    """Whether it is still private is asked with a tag, which is answered 304 until it changes."""
    desk.begin()
    assert desk.remote.condition() == desk.remote.condition()
    assert desk.hub.requests[-1].status == 304
    desk.repo.private = False
    assert desk.remote.condition().public
    assert desk.hub.requests[-1].status == 200


def test_a_device_without_a_head_needs_no_second_request_for_the_commit(desk: Desk) -> None:
    """The first look at the branch brings its newest commits along."""
    vault = desk.begin()
    fresh = desk.connect()
    asked = desk.asked(lambda: next(fresh.history(fresh.head() or "")))
    assert asked == ["GET /commits"]
    assert Vault(fresh).head is None
    assert fresh.head(vault.head) == vault.head


def test_pygithub_neither_waits_nor_asks_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own throttle and its own retries are off: how much is asked is decided in one place."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    vault = desk.begin()
    for number in range(3):
        desk.remote.head(vault.head)
        vault.commit({object_name(number): "x\n"})
    for kind in (faults.status(502), faults.status(403), faults.close_before):
        desk.fault(HEAD, kind)
        before = len(desk.hub.requests)
        with pytest.raises(MemorySyncError):
            desk.remote.head(vault.head)
        assert len(desk.hub.requests) == before + 1
    assert slept == []

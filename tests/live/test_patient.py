"""A remote whose reads may lag: what was written is waited for, what is true is told as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from memory_sync.errors import Moved, RemoteTroubleError, RepositoryGoneError
from memory_sync.model import Change
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.pace import UNLIMITED, Pace
from memory_sync.ports.token import Token
from tests.hub import Fault, Hub
from tests.hub.faults import stale, status
from tests.live.patient import Ledger, PatientRemote
from tests.live.talk import Patience, RefusedError
from tests.live.test_talk import FastClock
from tests.remotes.case import Vault, object_name

NOT_FOUND = status(404, b'{"message": "Not Found"}')


@pytest.fixture
def patience() -> Patience:
    """Return patience that takes no time."""
    return Patience(FastClock())


@pytest.fixture
def ledger() -> Ledger:
    """Return what nothing was written to yet."""
    return Ledger()


@pytest.fixture
def remote(hub: Hub, token: Token, ledger: Ledger, patience: Patience) -> Iterator[PatientRemote]:
    """Return a patient client."""
    with ExitStack() as clients:
        pace = Pace(patience.clock, UNLIMITED)
        made = GitHubRemote("ada/vault", token, hub.base_url, timeout=10.0, pace=pace)
        clients.enter_context(closing(made))
        yield PatientRemote(made, ledger, patience, lambda: None)


@pytest.fixture
def vault(remote: PatientRemote) -> Vault:
    """Return a vault with a few commits."""
    begun = Vault(remote)
    remote.create()
    begun.commit({"vault.json": "{}\n"})
    for number in range(3):
        begun.commit({object_name(number): f"{number}\n"})
    return begun


def lags(patience: Patience) -> list[tuple[str, bool]]:
    """Return what was waited for, and whether it came."""
    return [(lag.what, lag.came) for lag in patience.lags]


def test_without_a_lag_nothing_is_repeated(vault: Vault, hub: Hub, patience: Patience) -> None:
    """Reads that show the truth are made once."""
    before = len(hub.requests)
    assert vault.remote.head() == vault.head
    assert len(hub.requests) == before + 1
    assert lags(patience) == []


def test_a_head_that_lags_is_asked_for_again(vault: Vault, hub: Hub, patience: Patience) -> None:
    """A head that the branch has left is not believed, and neither is that there is none."""
    hub.faults.add(Fault("^GET .*/commits/heads", stale(3600), 2))
    assert vault.remote.head() == vault.head
    assert hub.faults.pending() == 0
    assert lags(patience) == [("head", True)]


def test_what_was_written_is_waited_for(vault: Vault, hub: Hub, patience: Patience) -> None:
    """A commit, a tree, a blob and a repository that are not found yet are asked for again."""
    head = vault.head or ""
    hub.faults.add(Fault("^GET .*/commits\\?", NOT_FOUND))
    commit = next(iter(vault.remote.history(head)))
    assert commit.id == head
    hub.faults.add(Fault("^GET .*/git/trees/", NOT_FOUND))
    assert vault.remote.listing(commit) == vault.tree
    blob = vault.tree[object_name(1)].id
    nothing = b'{"data": {"repository": {"b0": null}}}'
    hub.faults.add(Fault("^POST /graphql", status(200, nothing)))
    assert dict(vault.remote.blobs([blob])) == {blob: b"1\n"}
    hub.faults.add(Fault("^GET /repos/ada/vault$", NOT_FOUND))
    assert vault.remote.condition().exists
    assert lags(patience) == [
        ("history", True),
        ("listing", True),
        ("blobs", True),
        ("whether it exists", True),
    ]


def test_history_is_whole(vault: Vault) -> None:
    """What comes after the first commit is handed on as it is."""
    assert len(list(vault.remote.history(vault.head or ""))) == 4


def test_what_nobody_wrote_is_not_waited_for(vault: Vault, patience: Patience) -> None:
    """Unknown blobs and commits are answered at once."""
    assert dict(vault.remote.blobs(["1" * 40])) == {}
    assert list(vault.remote.history("1" * 40)) == []
    assert lags(patience) == []


def test_a_lost_race_is_lost(vault: Vault, patience: Patience) -> None:
    """A commit on a head that the branch has left is refused at once."""
    with pytest.raises(Moved):
        Vault(vault.remote, "1" * 40).commit({"x": "x\n"})
    first = list(vault.remote.history(vault.head or ""))[-1].id
    with pytest.raises(Moved):
        Vault(vault.remote, first, dict(vault.tree)).commit({"x": "x\n"})
    assert lags(patience) == []


def test_a_commit_on_a_head_that_lags_lands(vault: Vault, hub: Hub, patience: Patience) -> None:
    """A commit of many files, which looks at the head first, is not lost to a lagging one."""
    hub.faults.add(Fault("^GET .*/commits/heads", stale(3600), 2))
    vault.commit({object_name(number): "many\n" for number in range(150)})
    assert hub.repo("ada/vault").head() == vault.head
    assert lags(patience) == [("committing", True)]


def test_a_commit_is_not_repeated_after_trouble(vault: Vault, hub: Hub) -> None:
    """A commit that may have landed is sent once."""
    hub.faults.add(Fault("^POST /graphql", status(502, applied=True), body="mutation"))
    before = len(hub.requests)
    with pytest.raises(RemoteTroubleError):
        vault.commit({"x": "x\n"})
    assert [one.kind for one in hub.requests[before:]].count("mutation") == 1


def test_a_limit_is_waited_for(vault: Vault, hub: Hub, patience: Patience) -> None:
    """A request that GitHub turns away is made again after the time that it asks for."""
    limited = status(403, b'{"message": "secondary rate limit"}', {"Retry-After": "3"})
    hub.faults.add(Fault("^GET .*/commits/heads", limited))
    assert vault.remote.head() == vault.head
    clock = patience.clock
    assert isinstance(clock, FastClock)
    assert sum(clock.slept) >= 2
    assert lags(patience) == []


def test_what_stays_away_is_an_error(vault: Vault, hub: Hub, patience: Patience) -> None:
    """A repository that is really gone is told after half a minute, not hidden."""
    hub.remove_repo(hub.repo("ada/vault"))
    with pytest.raises(RepositoryGoneError):
        vault.remote.head()
    assert lags(patience) == [("head", False)]


def test_nothing_is_written_to_what_is_refused(hub: Hub, remote: PatientRemote) -> None:
    """The check comes before the first commit."""

    def refuse() -> None:
        raise RefusedError("not touched")

    hub.add_repo("ada/vault")
    guarded: Any = PatientRemote(remote._inner, Ledger(), Patience(FastClock()), refuse)
    with pytest.raises(RefusedError):
        guarded.commit(None, Change("m", "0" * 40, {"a": b"a"}, ()))
    assert not [one for one in hub.requests if one.method != "GET"]


def test_a_ledger_knows_past_heads() -> None:
    """A parent is past, a head that another program has replaced too, the newest is not."""
    ledger = Ledger()
    assert not ledger.is_past(None)
    ledger.wrote(None, "1", Change("m", "t", {"a": b"a"}, ()))
    ledger.wrote("1", "2", Change("m", "t", {"a": b"b"}, ()))
    assert ledger.is_past(None)
    assert [head for head in "123" if ledger.is_past(head)] == ["1"]
    ledger.pushed("3")
    assert [head for head in "123" if ledger.is_past(head)] == ["1", "2"]

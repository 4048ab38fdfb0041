"""Throwaway repositories: they are deleted, and no other one is touched."""

from __future__ import annotations

from contextlib import closing

import pytest

from memory_sync.ports.token import Token
from tests.hub import Fault, Hub, Repository
from tests.hub.faults import status
from tests.live.talk import RefusedError, Talk
from tests.live.throwaway import NAME, Throwaways, enter

OURS = "ada/memory-sync-live-0123456789abcdef"


def make(hub: Hub, name: str, hours: float = 0.0, *, private: bool = True) -> Repository:
    """Make a repository that is so old."""
    repo = hub.add_repo(name, private=private)
    repo.created -= int(hours * 3600)
    return repo


def written(hub: Hub) -> list[str]:
    """Return the requests that were no reads."""
    return [f"{one.method} {one.path}" for one in hub.requests if one.method != "GET"]


def test_names_are_fresh_and_unmistakable(throwaways: Throwaways) -> None:
    """Each name is another one, of the token's user, and has the pattern."""
    names = {throwaways.fresh() for _ in range(50)}
    assert len(names) == 50
    assert all(NAME.fullmatch(name.removeprefix("ada/")) for name in names)


def test_the_sweep_deletes_what_earlier_runs_left(throwaways: Throwaways, hub: Hub) -> None:
    """Old private throwaways go; young ones, public ones and all other repositories stay."""
    hub.add_user("eve")
    keep = {
        "ada/memory-sync-live-" + "1" * 16: make(hub, "ada/memory-sync-live-" + "1" * 16, 0.9),
        "ada/memory-sync-live-" + "2" * 16: make(
            hub, "ada/memory-sync-live-" + "2" * 16, 9, private=False
        ),
        "ada/memory-sync-live-notes": make(hub, "ada/memory-sync-live-notes", 9),
        "ada/my-memory-sync-live-" + "3" * 16: make(hub, "ada/my-memory-sync-live-" + "3" * 16, 9),
        "ada/memory-sync-vault": make(hub, "ada/memory-sync-vault", 9),
        "eve/memory-sync-live-" + "4" * 16: make(hub, "eve/memory-sync-live-" + "4" * 16, 9),
    }
    make(hub, OURS, 1.1)
    assert throwaways.sweep() == [OURS]
    assert hub.find_repo(OURS) is None
    assert all(hub.find_repo(name) is repo for name, repo in keep.items())
    assert written(hub) == [f"DELETE /repos/{OURS}"]


def test_the_sweep_reads_every_page(
    throwaways: Throwaways, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leftovers behind the first page of repositories are found too."""
    monkeypatch.setattr("tests.live.throwaway.PAGE", 2)
    for number in range(4):
        make(hub, f"ada/project-{number}", 9)
    make(hub, OURS, 9)
    assert throwaways.sweep() == [OURS]


@pytest.mark.parametrize(
    "name",
    [
        "ada/vault",
        "ada/memory-sync-live-0123456789abcde",
        "ada/memory-sync-live-0123456789abcdef0",
        "ada/memory-sync-live-0123456789ABCDEF",
        "ada/x-memory-sync-live-0123456789abcdef",
        "eve/memory-sync-live-0123456789abcdef",
    ],
)
def test_another_name_is_refused_without_asking(
    throwaways: Throwaways, hub: Hub, name: str
) -> None:
    """What has not exactly such a name, of this user, is neither deleted nor even asked for."""
    hub.add_user("eve")
    make(hub, name)
    before = len(hub.requests)
    with pytest.raises(RefusedError, match="no throwaway repository"):
        throwaways.delete(name)
    assert len(hub.requests) == before


def test_a_public_one_is_refused(throwaways: Throwaways, hub: Hub) -> None:
    """A repository with a throwaway's name that is not private is not touched."""
    make(hub, OURS, private=False)
    with pytest.raises(RefusedError, match="not private"):
        throwaways.delete(OURS)
    assert hub.find_repo(OURS)
    assert throwaways.left == [OURS]


def test_one_that_was_renamed_is_refused(throwaways: Throwaways, hub: Hub) -> None:
    """A name that leads to another repository deletes nothing."""
    hub.rename(make(hub, OURS), "ada/diary")
    with pytest.raises(RefusedError, match="answered with 301"):
        throwaways.delete(OURS)
    assert hub.find_repo("ada/diary")
    assert written(hub) == []


def test_another_default_branch_is_told(throwaways: Throwaways, hub: Hub) -> None:
    """An account whose repositories begin with another branch than the suite's is refused."""
    repo = make(hub, OURS)
    throwaways.ready(OURS)
    repo.default_branch = "master"
    with pytest.raises(RefusedError, match="have master, not main"):
        throwaways.ready(OURS)
    throwaways.delete(OURS)
    assert hub.find_repo(OURS) is None


def test_one_that_cannot_be_deleted_is_remembered(throwaways: Throwaways, hub: Hub) -> None:
    """A refused delete is an error that says what the token lacks."""
    make(hub, OURS)
    hub.faults.add(Fault("^DELETE", status(403, b'{"message": "Must have admin rights"}')))
    with pytest.raises(RefusedError, match=r"cannot be deleted \(403\).*delete_repo"):
        throwaways.delete(OURS)
    assert throwaways.left == [OURS]
    throwaways.delete(OURS)
    assert throwaways.left == [OURS]
    assert hub.find_repo(OURS) is None


def test_one_that_was_never_made_is_no_error(throwaways: Throwaways) -> None:
    """A test that ends before it has created anything leaves nothing to delete."""
    throwaways.delete(throwaways.fresh(), made=False)
    assert throwaways.left == []


def test_one_that_does_not_show_itself_yet_is_deleted(throwaways: Throwaways, hub: Hub) -> None:
    """A new repository that is answered with 404 at first is asked for again."""
    make(hub, OURS)
    hub.faults.add(Fault(f"^GET /repos/{OURS}", status(404, b'{"message": "Not Found"}'), 2))
    throwaways.delete(OURS)
    assert hub.find_repo(OURS) is None
    assert [lag.came for lag in throwaways.talk.patience.lags] == [True]


def test_a_wrong_token_is_refused(hub: Hub) -> None:
    """A token that GitHub does not know ends the run before it begins."""
    wrong = Token("ghp_wrong", "a test")
    with (
        closing(Talk(hub.base_url, wrong)) as talk,
        pytest.raises(RefusedError, match="401") as caught,
    ):
        enter(talk)
    assert "ghp_wrong" not in str(caught.value)


def test_a_token_that_cannot_delete_is_refused(hub: Hub, talk: Talk) -> None:
    """A classic token without the scope for deleting would leave repositories behind."""
    headers = {"X-OAuth-Scopes": "repo, user"}
    hub.faults.add(Fault("^GET /user$", status(200, b'{"login": "ada"}', headers)))
    with pytest.raises(RefusedError, match="delete_repo"):
        enter(talk)

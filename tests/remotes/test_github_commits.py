"""How the GitHub adapter makes commits, also where things go wrong in the middle."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from memory_sync.errors import (
    MemorySyncError,
    Moved,
    OfflineError,
    RemoteError,
    RemoteTroubleError,
    RepositoryGoneError,
    TokenForbiddenError,
    TokenRejectedError,
)
from memory_sync.model import Change, Entry
from memory_sync.model.remote import FILE_MODE
from memory_sync.vault.trees import EMPTY_TREE, blob_id, root_tree
from tests.hub import faults
from tests.remotes.case import MESSAGE, Vault, object_name
from tests.remotes.desk import Desk

MANY = {object_name(n): f"{n}\n" for n in range(230)}
SLICED = [
    "GET /commits/heads/main",
    "POST /git/trees",
    "POST /git/commits",
    "PATCH /git/refs/heads/main",
]
"""The first of them is answered 304."""
NO_FIELD = faults.status(
    200,
    b'{"errors": [{"message": "Field \'createCommitOnBranch\' doesn\'t exist on type'
    b' \'Mutation\'", "extensions": {"code": "undefinedField"}}]}',
)


def test_a_large_change_is_slices_and_one_move(desk: Desk) -> None:
    """230 files go up in three slices of a tree, one commit and one move of the branch."""
    vault = desk.begin()
    first = vault.head or ""
    asked = desk.asked(lambda: vault.commit(MANY))
    assert asked == [SLICED[0], *SLICED[1:2] * 3, *SLICED[2:]]
    assert [commit.id for commit in desk.remote.history(vault.head or "")] == [vault.head, first]
    assert len(desk.repo.files()) == 231


def test_slices_are_cut_by_size_too(desk: Desk) -> None:
    """Nothing that is sent is much larger than 4 MB."""
    vault = desk.begin()
    desk.asked(lambda: vault.commit({object_name(n): f"{n}" * 300_000 for n in range(10, 30)}))
    trees = [done for done in desk.hub.requests if done.path.endswith("/git/trees")]
    assert len(trees) > 1
    assert max(done.sent_bytes for done in trees) < 5 << 20


@pytest.mark.parametrize("missing", [faults.status(404), faults.status(501), NO_FIELD])
def test_without_graphql_a_batch_goes_over_rest(desk: Desk, missing: faults.Kind) -> None:
    """A server without the mutation gets the same commit in three writes, and is known by then."""
    vault = desk.begin()
    desk.fault("POST /graphql", missing, times=None)
    asked = desk.asked(lambda: vault.commit({object_name(1): "é · 記\n"}, ["vault.json"]))
    assert asked == ["mutation", *SLICED]
    assert desk.repo.files() == {object_name(1): "é · 記\n".encode()}
    assert desk.newest().message == MESSAGE
    assert desk.asked(lambda: vault.commit({object_name(2): "2\n"})) == SLICED
    assert desk.remote.about().path == "rest"


def test_a_device_that_starts_asks_once_for_the_tree_to_build_on(desk: Desk) -> None:
    """Over REST a commit whose parent was not seen by this client takes one request more."""
    vault = desk.begin()
    desk.hub.graphql = False
    other = Vault(desk.connect(), vault.head, vault.tree)
    other.remote.condition()
    asked = desk.asked(lambda: other.commit({object_name(1): "1\n"}))
    assert asked == ["mutation", SLICED[0], f"GET /git/commits/{vault.head}", *SLICED[1:]]


def test_a_commit_that_a_replica_lacks_is_trouble_and_no_halt(desk: Desk) -> None:
    """Where the branch is seen and its commit is not, time mends it; nothing is sent."""
    vault = desk.begin()
    desk.hub.graphql = False
    other = Vault(desk.connect(), vault.head, vault.tree)
    desk.fault("GET .*/git/commits/", faults.status(404))
    with pytest.raises(RemoteTroubleError, match="not to be found"):
        other.commit({object_name(1): "1\n"})
    assert desk.repo.head() == vault.head
    other.commit({object_name(1): "1\n"})


def test_what_is_no_text_goes_over_rest_too(desk: Desk) -> None:
    """Bytes that are no UTF-8 are stored as a blob first."""
    vault = desk.begin()
    content = b"\xff\x00\xfe"
    tree = root_tree({**vault.tree, "probe": Entry(FILE_MODE, blob_id(content))})
    desk.fault("POST /graphql", faults.status(404))
    asked = desk.asked(
        lambda: desk.remote.commit(vault.head, Change(MESSAGE, tree, {"probe": content}))
    )
    assert "POST /git/blobs" in asked
    assert desk.repo.files()["probe"] == content


def test_a_readme_of_any_script_arrives(desk: Desk) -> None:
    """Text beyond ASCII is the same bytes whichever way it goes up and comes down."""
    text = "# Vault · résumé 記憶 🗝\n"
    vault = desk.begin()
    vault.commit({"README.md": text})
    found = dict(desk.remote.blobs([vault.tree["README.md"].id]))
    assert desk.repo.files()["README.md"] == text.encode()
    assert list(found.values()) == [text.encode()]


# --- an answer that is lost ------------------------------------------------------------------

WRITES = [
    ("PUT .*/contents/", None),
    ("POST /graphql", {object_name(1): "1\n"}),
    ("PATCH .*/git/refs/", MANY),
]


@pytest.mark.parametrize(("match", "writes"), WRITES)
@pytest.mark.parametrize(
    "lost", [faults.close_after, faults.half, faults.status(502, applied=True)]
)
def test_an_answer_that_got_lost_is_not_asked_for_again(
    desk: Desk, match: str, writes: dict[str, str] | None, lost: faults.Kind
) -> None:
    """The commit landed once, the caller hears of trouble, and the next poll shows the commit."""
    desk.remote.create()
    vault = Vault(desk.remote) if writes is None else desk.begin()
    before = vault.head
    desk.fault(match, lost)
    with pytest.raises(OfflineError):
        vault.commit({"vault.json": "{}\n"} if writes is None else writes)
    head = desk.connect().head(before)
    assert head != before
    found = next(desk.remote.history(head or ""))
    assert list(found.parents) == ([before] if before else [])
    assert desk.hub.faults.pending() == 0


@pytest.mark.parametrize(
    ("match", "writes"), [*WRITES, ("POST .*/git/trees", MANY), ("POST .*/git/commits", MANY)]
)
def test_i39_a_request_that_got_lost_changed_nothing(
    desk: Desk, match: str, writes: dict[str, str] | None
) -> None:
    """If the request never arrived, the branch is where it was and the next try lands."""
    desk.remote.create()
    vault = Vault(desk.remote) if writes is None else desk.begin()
    before = vault.head
    desk.fault(match, faults.close_before)
    with pytest.raises(OfflineError):
        vault.commit({"vault.json": "{}\n"} if writes is None else writes)
    assert desk.remote.head(before) == before
    vault.commit({"vault.json": "{}\n"} if writes is None else writes)


# --- others at the same branch ---------------------------------------------------------------


def test_of_large_changes_at_once_one_wins(desk: Desk) -> None:
    """Slices that race move the branch once; the others are told so."""
    begun = desk.begin()
    vaults = [Vault(desk.connect(), begun.head, dict(begun.tree)) for _ in range(4)]

    def work(device: int) -> str | None:
        texts = {f"objects/00/{device}-{n}.age": "x\n" for n in range(120)}
        try:
            return vaults[device].commit(texts)
        except Moved:
            return None

    with ThreadPoolExecutor(4) as pool:
        won = [head for head in pool.map(work, range(4)) if head]
    assert won == [desk.repo.head()]
    assert len(desk.repo.files()) == 121


def test_a_branch_that_moves_under_the_slices_is_not_forced(desk: Desk) -> None:
    """A commit that came in between stays, and the large change is refused."""
    vault = desk.begin()
    desk.fault("PATCH", faults.delay(0.5))
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(vault.commit, MANY)
        while not any(done.path.endswith("/git/commits") for done in desk.hub.requests):
            time.sleep(0.01)
        theirs = desk.repo.change({"objects/00/theirs.age": b"x\n"}, "x")
        with pytest.raises(Moved):
            job.result()
    assert desk.repo.head() == theirs


@pytest.mark.parametrize("writes", [None, {object_name(1): "1\n"}, MANY])
def test_a_lost_race_is_seen_although_reads_lag(desk: Desk, writes: dict[str, str] | None) -> None:
    """A replica that still shows the old head does not make a lost race look like an error."""
    desk.remote.create()
    vault = Vault(desk.remote) if writes is None else desk.begin()
    time.sleep(1.1)
    theirs = desk.repo.change({"vault.json": b"theirs\n"}, "x")
    desk.fault("GET", faults.stale(1.0), times=None)
    with pytest.raises(Moved):
        vault.commit({"vault.json": "{}\n"} if writes is None else writes)
    assert desk.repo.head() == theirs


def test_a_branch_that_was_forced_back_takes_no_slices(desk: Desk) -> None:
    """A large change on a commit that the branch has left is refused before anything is sent."""
    vault = desk.begin()
    first = vault.head
    vault.commit({object_name(1): "1\n"})
    desk.repo.set_head("main", first)
    with pytest.raises(Moved):
        vault.commit(MANY)
    assert desk.repo.head() == first


@pytest.mark.parametrize("writes", [{object_name(1): "1\n"}, MANY])
def test_a_branch_that_is_gone_has_moved(desk: Desk, writes: dict[str, str]) -> None:
    """A commit on a deleted branch is told that the branch is elsewhere."""
    vault = desk.begin()
    desk.repo.change({"f": b"f"}, "x", branch="other")
    desk.repo.set_head("main", None)
    with pytest.raises(Moved):
        vault.commit(writes)


@pytest.mark.parametrize("writes", [{object_name(1): "1\n"}, MANY])
def test_a_repository_that_is_gone_is_named(desk: Desk, writes: dict[str, str]) -> None:
    """A commit to a repository that is not there any more says so."""
    vault = desk.begin()
    desk.hub.remove_repo(desk.repo)
    with pytest.raises(RepositoryGoneError):
        vault.commit(writes)


@pytest.mark.parametrize("graphql", [True, False])
@pytest.mark.parametrize("moved", [True, False])
def test_deleting_what_is_not_there(desk: Desk, graphql: bool, moved: bool) -> None:
    """It is an error of the vault, unless it is because another device was quicker."""
    vault = desk.begin()
    head = vault.head
    if not graphql:
        desk.fault("POST /graphql", faults.status(404))
    if moved:
        head = desk.repo.change({"objects/00/theirs.age": b"x\n"}, "x")
    with pytest.raises(Moved if moved else RemoteError):
        vault.commit({object_name(1): "1\n"}, ["objects/00/nothing.age"])
    assert desk.repo.head() == head


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", [{object_name(1): "1\n"}, MANY])
def test_a_token_that_may_only_read(desk: Desk, writes: dict[str, str]) -> None:
    """A commit with a token that may not write names the token's source."""
    vault = desk.begin()
    limited = desk.connect(token=desk.hub.add_token("ada", read_only=True))
    with pytest.raises(TokenForbiddenError, match="pocket"):
        Vault(limited, vault.head, dict(vault.tree)).commit(writes)


def test_a_write_that_is_answered_with_404(desk: Desk) -> None:
    """A repository that can be read and whose writes are not found is one not to write to."""
    desk.remote.create()
    desk.fault("PUT", faults.status(404, b'{"message": "Not Found"}'))
    with pytest.raises(TokenForbiddenError, match="not write"):
        Vault(desk.remote).commit({"vault.json": "{}\n"})


@pytest.mark.parametrize("writes", [{object_name(1): "1\n"}, MANY])
def test_an_archived_repository(desk: Desk, writes: dict[str, str]) -> None:
    """A commit to an archived repository is refused in GitHub's words."""
    vault = desk.begin()
    desk.repo.archived = True
    with pytest.raises(TokenForbiddenError, match="archived"):
        vault.commit(writes)
    assert not desk.remote.condition().can_write


def test_a_token_that_was_revoked(desk: Desk) -> None:
    """A commit with a worthless token says where the token is from."""
    vault = desk.begin()
    desk.hub.revoke(desk.token)
    with pytest.raises(TokenRejectedError, match="pocket"):
        vault.commit({object_name(1): "1\n"})


def test_a_large_change_of_a_wrong_tree_makes_no_commit(desk: Desk) -> None:
    """The tree is compared before there is a commit."""
    vault = desk.begin()
    change = vault.change(MANY)
    wrong = Change(change.message, EMPTY_TREE, change.writes)
    with pytest.raises(RemoteError):
        vault.remote.commit(vault.head, wrong)
    assert not any(done.path.endswith("/git/commits") for done in desk.hub.requests)
    assert desk.repo.head() == vault.head


def test_a_batch_of_a_wrong_tree_names_the_commit(desk: Desk) -> None:
    """What landed with another tree than the sealed one is named."""
    vault = desk.begin()
    wrong = Change(MESSAGE, EMPTY_TREE, {object_name(1): b"1\n"})
    with pytest.raises(RemoteError) as caught:
        vault.remote.commit(vault.head, wrong)
    assert str(desk.repo.head()) in str(caught.value)


def test_a_first_commit_on_top_of_another_is_an_error(desk: Desk) -> None:
    """If somebody else began the repository meanwhile, the commit is not taken for the first."""
    desk.remote.create()
    change = Vault(desk.remote).change({"vault.json": "{}\n"})
    desk.repo.change({"README.md": b"hello\n"}, "x")
    with pytest.raises(RemoteError):
        desk.remote.commit(None, change)


def test_a_first_commit_holds_one_file(desk: Desk) -> None:
    """More than that GitHub cannot begin with, and nothing is sent."""
    desk.remote.create()
    change = Vault(desk.remote).change({"vault.json": "{}\n", "other": "x\n"})
    sent = len(desk.hub.requests)
    with pytest.raises(RemoteError):
        desk.remote.commit(None, change)
    assert len(desk.hub.requests) == sent


@pytest.mark.parametrize(
    ("match", "writes"),
    [*WRITES, ("POST .*/git/trees", MANY), ("POST .*/git/commits", MANY)],
)
@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"sha": null, "commit": {"sha": "x"}}', b'"x"'])
def test_a_write_answered_without_an_id_is_not_believed(
    desk: Desk, match: str, writes: dict[str, str] | None, body: bytes
) -> None:
    """An answer without the ids that belong in it is an error and not a success."""
    desk.remote.create()
    vault = Vault(desk.remote) if writes is None else desk.begin()
    desk.fault(match, faults.status(200, body))
    with pytest.raises(RemoteError):
        vault.commit({"vault.json": "{}\n"} if writes is None else writes)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        (b'{"type": "STALE_DATA", "message": "no"}', Moved),
        (b'{"message": "Expected branch to point to \\"x\\" but it did not."}', Moved),
        (b'{"message": "Something went wrong while executing your query."}', RemoteTroubleError),
        (b'{"type": "UNPROCESSABLE", "message": "Commits must be signed"}', RemoteError),
        (b'"nothing that has a message"', RemoteTroubleError),
    ],
)
def test_the_errors_of_a_refused_commit(
    desk: Desk, errors: bytes, kind: type[MemorySyncError | Moved]
) -> None:
    """Each kind of refusal becomes the error by which the caller can tell what to do."""
    vault = desk.begin()
    body = b'{"data": {"createCommitOnBranch": null}, "errors": [' + errors + b"]}"
    desk.fault("POST /graphql", faults.status(200, body))
    with pytest.raises(kind):
        vault.commit({object_name(1): "1\n"})

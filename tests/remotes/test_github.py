"""How few requests the GitHub adapter takes, and how it reads what does not come the usual way."""

from __future__ import annotations

from itertools import islice

import pytest

from memory_sync.errors import RemoteError, RemoteTroubleError
from memory_sync.model import Commit
from memory_sync.vault.trees import blob_id, root_tree
from tests.hub import faults
from tests.remotes.case import Vault, object_name
from tests.remotes.desk import Desk

TOO_MUCH = faults.status(200, b'{"errors": [{"message": "Query has too high a complexity"}]}')


def test_an_idle_poll_is_one_request_and_no_quota(desk: Desk) -> None:
    """Asking for a head that did not move is answered 304 and costs nothing."""
    head = desk.begin().head
    used = desk.hub.limits.state("ada", "core")["used"]
    assert desk.asked(lambda: desk.remote.head(head)) == ["GET /commits/heads/main"]
    assert desk.hub.requests[-1].status == 304
    assert desk.hub.limits.state("ada", "core")["used"] == used


def test_the_first_commit_is_one_put(desk: Desk) -> None:
    """A vault begins with one request of the Contents API."""
    desk.remote.create()
    vault = Vault(desk.remote)
    assert desk.asked(lambda: vault.commit({"vault.json": "{}\n"})) == ["PUT /contents/vault.json"]
    assert desk.repo.files() == {"vault.json": b"{}\n"}


def test_a_batch_is_one_request(desk: Desk) -> None:
    """A hundred files and a README, and deletes besides, are one request."""
    vault = desk.begin()
    texts = {object_name(n): f"{n}\n" for n in range(100)} | {"README.md": "read\n"}
    assert desk.asked(lambda: vault.commit(texts)) == ["mutation"]
    gone = [object_name(n) for n in range(50)]
    assert desk.asked(lambda: vault.commit({object_name(7000): "x\n"}, gone)) == ["mutation"]
    assert len(desk.repo.files()) == 1 + 101 + 1 - 50


def test_a_pull_is_a_comparison_and_a_query(desk: Desk) -> None:
    """After the poll, 90 files changed in three commits take two requests, down to the old head."""
    vault = desk.begin()
    known = (vault.head or "", dict(vault.tree))
    for part in range(3):
        vault.commit({object_name(n): f"{n}\n" for n in range(part * 30, part * 30 + 30)})
    reader = desk.connect()
    head = reader.head() or ""
    chain: list[Commit] = []
    blobs: dict[str, bytes] = {}

    def pull() -> None:
        history = reader.history(head, known[0])
        chain.extend(islice(history, 4))
        listing = reader.listing(chain[0], known)
        assert listing == vault.tree
        blobs.update(reader.blobs(entry.id for entry in listing.values()))

    assert desk.asked(pull) == [f"GET /compare/{known[0]}...{head}", "query"]
    assert [commit.id for commit in chain][::3] == [head, known[0]]
    assert {blob_id(content) for content in blobs.values()} == blobs.keys()
    assert len(blobs) == 91


def test_a_look_at_the_head_is_one_small_request(desk: Desk) -> None:
    """Who wants only the newest commit gets a short page, who reads on gets long ones."""
    vault = desk.begin()
    for number in range(120):
        desk.repo.change({"f": b"%d" % number}, "x")
    head = desk.repo.head() or ""
    assert desk.asked(lambda: next(desk.remote.history(head))) == ["GET /commits"]
    assert "per_page=10&" in desk.hub.requests[-1].query
    read = desk.asked(lambda: list(desk.remote.history(head)))
    assert read == ["GET /commits"] * 3
    assert list(desk.remote.history(head))[-1].id == vault.head


def test_a_listing_of_many_files_is_one_request(desk: Desk) -> None:
    """A new device asks once for the whole tree."""
    vault = desk.begin()
    vault.commit({object_name(n): f"{n}\n" for n in range(400)})
    commit = desk.newest()
    assert desk.asked(lambda: desk.remote.listing(commit)) == [f"GET /git/trees/{commit.tree}"]


def test_a_history_of_more_commits_than_a_comparison_tells(desk: Desk) -> None:
    """Above 250 commits the comparison's are read first and the rest is asked for."""
    since = desk.begin().head or ""
    made = [desk.repo.change({"f": b"%d" % number}, "x") for number in range(270)]
    found = list(desk.remote.history(made[-1], since))
    assert [commit.id for commit in found] == [*made[::-1], since]


def test_a_history_with_a_merge_skips_the_side_line(desk: Desk) -> None:
    """First parents are followed through a comparison that tells all commits."""
    vault = desk.begin()
    first = vault.head or ""
    side = desk.repo.change({"side": b"s"}, "side")
    desk.repo.set_head("main", first)
    main = desk.repo.change({"main": b"m"}, "main")
    objects = desk.repo.objects
    person = objects.commit(main).author
    merge = objects.add_commit(objects.commit(main).tree, [main, side], "merge", person, person)
    desk.repo.set_head("main", merge)
    found = [commit.id for commit in desk.remote.history(merge, first)]
    assert found == [merge, main, first]


def test_a_commit_that_nobody_knows_has_no_history(desk: Desk) -> None:
    """Of a commit that the repository never had nothing comes."""
    desk.begin()
    assert list(desk.remote.history("1" * 40)) == []


def test_a_head_that_is_not_there_yet_is_trouble(desk: Desk) -> None:
    """If a head that was just seen is not found, a replica lags and time mends it."""
    desk.begin()
    head = desk.remote.head() or ""
    desk.fault(r"GET .*/commits\?", faults.status(404, b'{"message": "Not Found"}'))
    with pytest.raises(RemoteTroubleError):
        next(desk.remote.history(head))


# --- listings --------------------------------------------------------------------------------


def test_a_comparison_tells_what_moved_and_went(desk: Desk) -> None:
    """A listing is made up from files that moved, changed, came and went, without a request."""
    vault = desk.begin()
    vault.commit({f"objects/00/{name}.age": f"{name}\n" for name in "abcdef"})
    known = (vault.head or "", dict(vault.tree))
    # a moves to z, b takes a's name, c goes, d changes, y is new.
    writes = {"objects/00/z.age": "a\n", "objects/00/a.age": "b\n"}
    writes |= {"objects/00/d.age": "other\n", "objects/00/y.age": "y\n"}
    vault.commit(writes, ["objects/00/b.age", "objects/00/c.age"])
    commit = next(desk.remote.history(vault.head or "", known[0]))
    assert desk.asked(lambda: desk.remote.listing(commit, known)) == []
    assert desk.remote.listing(commit, known) == vault.tree
    assert root_tree(vault.tree) == commit.tree


def test_a_comparison_of_300_files_is_not_believed(desk: Desk) -> None:
    """Where the comparison may have left files out, the tree is asked for."""
    vault = desk.begin()
    known = (vault.head or "", dict(vault.tree))
    vault.commit({object_name(n): f"{n}\n" for n in range(310)})
    commit = next(desk.remote.history(vault.head or "", known[0]))
    assert desk.asked(lambda: desk.remote.listing(commit, known)) == [
        f"GET /git/trees/{commit.tree}"
    ]
    assert desk.remote.listing(commit, known) == vault.tree


def test_a_comparison_of_a_branch_that_forked_is_not_believed(desk: Desk) -> None:
    """What changed since a commit that the head was not built on comes from the tree."""
    vault = desk.begin()
    first = vault.head or ""
    vault.commit({"objects/00/lost.age": "x\n"})
    known = (vault.head or "", dict(vault.tree))
    desk.repo.set_head("main", first)
    head = desk.repo.change({"objects/00/new.age": b"y\n"}, "x")
    commit = next(desk.remote.history(head, known[0]))
    assert set(desk.remote.listing(commit, known)) == {"vault.json", "objects/00/new.age"}


def test_a_comparison_that_fails_is_done_without(desk: Desk) -> None:
    """A difference that GitHub takes too long over does not keep the history away."""
    vault = desk.begin()
    old = vault.head or ""
    new = vault.commit({object_name(1): "1\n"})
    desk.fault("GET .*/compare/", faults.status(500))
    assert [commit.id for commit in desk.remote.history(new, old)] == [new, old]


def test_i27_a_tree_that_is_cut_short_is_read_by_folder(desk: Desk) -> None:
    """A tree above GitHub's limit is put together from its folders, as deep as it takes."""
    vault = desk.begin()
    vault.commit({f"objects/{n % 9:02x}/{n:030x}.age": f"{n}\n" for n in range(60)})
    commit = desk.newest()
    desk.hub.tree_limit = 12
    asked = desk.asked(lambda: desk.remote.listing(commit))
    assert len(asked) == 2 + 2 + 9
    assert desk.remote.listing(commit) == vault.tree
    desk.hub.tree_limit = 5
    with pytest.raises(RemoteError, match="cut short"):
        desk.remote.listing(commit)


def test_i27_a_tree_that_is_not_found_is_trouble(desk: Desk) -> None:
    """What was seen a moment ago is not there yet, or not any more; it is never empty."""
    vault = desk.begin()
    vault.commit({object_name(1): "1\n"})
    commit = desk.newest()
    for code in (404, 409, 422):
        desk.fault("GET .*/git/trees/", faults.status(code, b'{"message": "Not Found"}'))
        with pytest.raises(RemoteTroubleError):
            desk.remote.listing(commit)
    assert desk.remote.listing(commit) == vault.tree


# --- blobs -----------------------------------------------------------------------------------


def test_250_blobs_are_three_queries(desk: Desk) -> None:
    """A hundred blobs come with one query."""
    vault = desk.begin()
    vault.commit({object_name(n): f"{n}\n" for n in range(250)})
    ids = [vault.tree[object_name(n)].id for n in range(250)]
    assert desk.asked(lambda: list(desk.remote.blobs(ids))) == ["query"] * 3


def test_what_is_no_text_comes_by_itself(desk: Desk) -> None:
    """Binary blobs, and those that GraphQL would cut, are fetched over REST to the byte."""
    desk.begin()
    contents = [b"a\0b", b"\xff\xfe", b"x" * 600_000, "é · 記\r\n".encode(), b""]
    desk.repo.change({f"f{n}": data for n, data in enumerate(contents)}, "x")
    ids = [blob_id(data) for data in contents]
    found: dict[str, bytes] = {}
    asked = desk.asked(lambda: found.update(desk.remote.blobs(ids)))
    assert found == dict(zip(ids, contents, strict=True))
    assert asked == ["query", *(f"GET /git/blobs/{oid}" for oid in ids[:3])]


def test_text_that_was_changed_on_its_way_comes_by_itself(desk: Desk) -> None:
    """A text that does not give the blob's id is fetched over REST instead."""
    blob = desk.begin().tree["vault.json"].id
    node = f'{{"oid": "{blob}", "text": "{{}}", "isTruncated": false, "isBinary": false}}'
    body = f'{{"data": {{"repository": {{"b0": {node}}}}}}}'
    desk.fault("POST /graphql", faults.status(200, body.encode()))
    assert dict(desk.remote.blobs([blob])) == {blob: b"{}\n"}


def test_a_query_that_is_too_much_is_halved(desk: Desk) -> None:
    """A server that will not do a hundred at once is asked for two halves."""
    vault = desk.begin()
    vault.commit({object_name(n): f"{n}\n" for n in range(100)})
    ids = [vault.tree[object_name(n)].id for n in range(100)]
    desk.fault("POST /graphql", TOO_MUCH)
    found: dict[str, bytes] = {}
    assert desk.asked(lambda: found.update(desk.remote.blobs(ids))) == ["query"] * 3
    assert found.keys() == set(ids)


def test_halving_ends_at_single_blobs(desk: Desk) -> None:
    """If no query gets through at all, each blob comes over REST."""
    vault = desk.begin()
    vault.commit({object_name(n): f"{n}\n" for n in range(4)})
    ids = [vault.tree[object_name(n)].id for n in range(4)]
    desk.fault("POST /graphql", TOO_MUCH, times=None)
    found: dict[str, bytes] = {}
    asked = desk.asked(lambda: found.update(desk.remote.blobs(ids)))
    assert found.keys() == set(ids)
    assert sorted(asked)[:4] == sorted(f"GET /git/blobs/{oid}" for oid in ids)
    assert len(asked) == 4 + 7


def test_a_bad_day_is_no_reason_to_ask_for_each_blob(desk: Desk) -> None:
    """Where both halves fail as the whole did, it is not the size: that is all for this time."""
    vault = desk.begin()
    vault.commit({object_name(n): f"{n}\n" for n in range(100)})
    ids = [vault.tree[object_name(n)].id for n in range(100)]
    desk.fault("POST /graphql", TOO_MUCH, times=3)

    def fails() -> None:
        with pytest.raises(RemoteTroubleError, match="complexity"):
            list(desk.remote.blobs(ids))

    assert desk.asked(fails) == ["query"] * 3
    # It asks for less the next time, in case that it was the size; and for more as that succeeds.
    assert desk.asked(lambda: list(desk.remote.blobs(ids))) == ["query"] * 3
    assert desk.asked(lambda: list(desk.remote.blobs(ids))) == ["query"]


def test_a_query_that_was_cut_off_asks_for_less_the_next_time(desk: Desk) -> None:
    """A gateway's 502 is an error for now, and the next try is one that can get through."""
    vault = desk.begin()
    vault.commit({object_name(n): f"{n}\n" for n in range(100)})
    ids = [vault.tree[object_name(n)].id for n in range(100)]
    desk.fault("POST /graphql", faults.status(502))
    with pytest.raises(RemoteTroubleError):
        list(desk.remote.blobs(ids))
    assert desk.asked(lambda: list(desk.remote.blobs(ids))) == ["query"] * 2


def test_blobs_that_are_missing_are_left_out_over_rest_too(desk: Desk) -> None:
    """Without GraphQL a missing blob is no error either."""
    vault = desk.begin()
    there = vault.tree["vault.json"].id
    desk.fault("POST /graphql", faults.status(404), times=None)
    assert list(desk.remote.blobs(["1" * 40, "no id", there])) == [(there, b"{}\n")]

"""What a device sees of a repository."""

from itertools import islice

from memory_sync.model import Commit
from memory_sync.ports.remote import Remote
from memory_sync.vault.trees import blob_id, root_tree
from tests.remotes.case import RemoteCase, Vault, begin, object_name

FOREIGN = b"""commit refs/heads/main
mark :1
committer Somebody <s@example.org> 1700000000 +0200
data 4
base
M 644 inline vault.json
data 3
{}
M 644 inline plain.md
data 2
a
M 755 inline tool.sh
data 2
b
M 120000 inline link
data 8
plain.md
"""

MERGE = b"""
commit refs/heads/side
mark :2
committer Somebody <s@example.org> 1700000001 +0200
data 4
side
from :1
M 644 inline side.md
data 5
side

commit refs/heads/main
mark :3
committer Somebody <s@example.org> 1700000002 +0200
data 5
main
from :1
M 644 inline main.md
data 5
main

commit refs/heads/main
committer Somebody <s@example.org> 1700000003 +0200
data 5
merge
from :3
merge :2
M 644 inline side.md
data 5
side
"""


def newest(remote: Remote, head: str | None) -> Commit:
    """Return the commit that is the head."""
    assert head
    return next(iter(remote.history(head)))


def test_a_known_head_is_answered(remote_case: RemoteCase) -> None:
    """Asking with the head that is still the head gives the head."""
    vault = begin(remote_case)
    assert vault.remote.head(vault.head) == vault.head
    assert vault.remote.head() == vault.head
    assert remote_case.connect().head("1" * 40) == vault.head


def test_another_devices_commit_is_seen(remote_case: RemoteCase) -> None:
    """A client that knew the old head sees the new one at its next look."""
    mine = begin(remote_case)
    reader = remote_case.connect()
    old = reader.head()
    new = mine.commit({object_name(1): "one\n"})
    assert reader.head(old) == new
    assert reader.head(new) == new


def test_history_is_newest_first(remote_case: RemoteCase) -> None:
    """History begins with the head and follows parents down to the first commit."""
    vault = begin(remote_case)
    made = [vault.head, *(vault.commit({object_name(n): f"{n}\n"}) for n in range(3))]
    found = list(remote_case.connect().history(made[-1] or ""))
    assert [commit.id for commit in found] == made[::-1]
    assert [commit.parents for commit in found] == [(head,) for head in made[-2::-1]] + [()]


def test_history_says_what_git_says(remote_case: RemoteCase) -> None:
    """Each commit's tree and time are those that git knows."""
    vault = begin(remote_case)
    vault.commit({object_name(1): "one\n"})
    for commit in remote_case.connect().history(vault.head or ""):
        facts = remote_case.git("show", "-s", "--format=%T %ct", commit.id)
        assert f"{commit.tree} {commit.time}" == facts


def test_history_from_an_older_commit(remote_case: RemoteCase) -> None:
    """History can begin below the head, and tells nothing of what lies above."""
    vault = begin(remote_case)
    first = vault.head or ""
    vault.commit({object_name(1): "one\n"})
    assert [commit.id for commit in remote_case.connect().history(first)] == [first]


def test_since_is_only_a_hint(remote_case: RemoteCase) -> None:
    """History goes on below `since`, and is the same with one that is not on it."""
    vault = begin(remote_case)
    made = [vault.head, *(vault.commit({object_name(n): f"{n}\n"}) for n in range(4))]
    for since in (made[1], made[-1], "1" * 40):
        found = remote_case.connect().history(made[-1] or "", since)
        assert [commit.id for commit in found] == made[::-1]


def test_history_of_250_commits(remote_case: RemoteCase) -> None:
    """A history of many pages is whole and in order, and can be read in part."""
    remote_case.connect().create()
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx\n"
        b"M 644 inline f\ndata 4\n%04d\n" % (1_700_000_000 + number, number)
        for number in range(250)
    )
    head = remote_case.write_as_another_program(stream)
    remote = remote_case.connect()
    assert [commit.id for commit in remote.history(head)] == remote_case.chain()
    part = [commit.id for commit in islice(remote.history(head), 120)]
    assert part == remote_case.chain()[:120]


def test_listing_of_1500_files(remote_case: RemoteCase) -> None:
    """The listing is what `git ls-tree -r` prints, and gives back the commit's tree id."""
    remote_case.connect().create()
    files = b"".join(
        b"M 644 inline %s\ndata 5\n%04d\n\n" % (object_name(number).encode(), number)
        for number in range(1500)
    )
    head = remote_case.write_as_another_program(
        b"commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n" + files
    )
    remote = remote_case.connect()
    commit = newest(remote, head)
    listing = remote.listing(commit)
    assert len(listing) == 1500
    assert listing == remote_case.files(head)
    assert root_tree(listing) == commit.tree


def test_listing_with_a_known_one(remote_case: RemoteCase) -> None:
    """A listing made up from an older one is the same as one that is read afresh."""
    vault = begin(remote_case)
    vault.commit({f"objects/{n % 3}0/{n}.age": f"{n}\n" for n in range(12)})
    remote = remote_case.connect()
    old = newest(remote, vault.head)
    known = (old.id, remote.listing(old))
    vault.commit({"objects/00/0.age": "new\n", "a/b.age": "b\n"}, ["objects/10/1.age"])
    commit = newest(remote, vault.head)
    listing = remote.listing(commit, known)
    assert listing == vault.tree
    assert root_tree(listing) == commit.tree


def test_top_shows_the_root_tree(remote_case: RemoteCase) -> None:
    """The direct entries are those of `git ls-tree`, folders with their tree ids."""
    vault = begin(remote_case)
    vault.commit({"README.md": "hello\n", object_name(1): "1\n", object_name(2): "2\n"})
    remote = remote_case.connect()
    found = remote.top(newest(remote, vault.head))
    assert found == remote_case.top(vault.head or "")
    assert found["objects"].mode == "040000"


def test_300_blobs_and_missing_ones(remote_case: RemoteCase) -> None:
    """All blobs that are there come, those that are not are left out without an error."""
    vault = begin(remote_case)
    texts = [f"text {number}\n".encode() for number in range(300)]
    vault.commit({object_name(n): text.decode() for n, text in enumerate(texts)})
    there = {blob_id(text): text for text in texts}
    missing = [blob_id(f"never {number}".encode()) for number in range(5)]
    ids = [*missing[:2], *there, *missing[2:]]
    assert dict(remote_case.connect().blobs(ids)) == there
    assert list(remote_case.connect().blobs(missing)) == []
    assert list(remote_case.connect().blobs([])) == []


def test_a_tree_is_no_blob(remote_case: RemoteCase) -> None:
    """An id that belongs to something else than a blob is left out as a missing one is."""
    vault = begin(remote_case)
    commit = newest(vault.remote, vault.head)
    blob = vault.tree["vault.json"].id
    found = dict(vault.remote.blobs([commit.id, commit.tree, blob]))
    assert list(found) == [blob]


def test_a_merge_shows_both_parents(remote_case: RemoteCase) -> None:
    """A merge that another program made shows its two parents; history follows the first."""
    remote_case.connect().create()
    head = remote_case.write_as_another_program(FOREIGN + MERGE)
    found = list(remote_case.connect().history(head))
    assert [commit.id for commit in found] == remote_case.chain()
    parents = remote_case.git("rev-list", "--parents", "-1", head).split()[1:]
    assert list(found[0].parents) == parents
    assert len(parents) == 2


def test_foreign_entries_keep_their_mode(remote_case: RemoteCase) -> None:
    """Links and executables of other programs are listed with their modes."""
    remote_case.connect().create()
    head = remote_case.write_as_another_program(FOREIGN)
    remote = remote_case.connect()
    listing = remote.listing(newest(remote, head))
    assert listing == remote_case.files(head)
    modes = {path: entry.mode for path, entry in listing.items()}
    assert modes["tool.sh"] == "100755"
    assert modes["link"] == "120000"
    assert modes["plain.md"] == "100644"


def test_foreign_entries_survive_a_commit(remote_case: RemoteCase) -> None:
    """A commit of ours leaves links and executables of other programs as they are."""
    remote_case.connect().create()
    old = remote_case.write_as_another_program(FOREIGN)
    vault = Vault(remote_case.connect())
    vault.catch_up()
    new = vault.commit({object_name(1): "one\n"})
    left = remote_case.files(new)
    del left[object_name(1)]
    assert left == remote_case.files(old)

"""What a commit does to the repository."""

from dataclasses import replace

import pytest

from memory_sync.errors import MemorySyncError, Moved
from memory_sync.model import Change
from memory_sync.vault.trees import EMPTY_TREE
from tests.remotes.case import RemoteCase, Vault, begin, object_name


def test_what_is_written_can_be_read_back(remote_case: RemoteCase) -> None:
    """Another device reads each text to the byte, an empty one and one without last newline too."""
    vault = begin(remote_case)
    texts = {"a": "", "b": "no newline", "c": "one\ntwo\n", "d": "é 記\r\n\n"}
    vault.commit({f"objects/00/{name}.age": text for name, text in texts.items()})
    ids = {name: vault.tree[f"objects/00/{name}.age"].id for name in texts}
    read = dict(remote_case.connect().blobs(ids.values()))
    assert {name: read[oid].decode() for name, oid in ids.items()} == texts
    remote_case.check()


def test_a_commit_goes_onto_its_parent(remote_case: RemoteCase) -> None:
    """A commit has the head that it was made on as its only parent, and moves the branch."""
    vault = begin(remote_case)
    first = vault.head
    second = vault.commit({object_name(1): "one\n"})
    assert remote_case.head() == second
    assert remote_case.git("rev-list", "--parents", "-1", second) == f"{second} {first}"


def test_a_commit_touches_nothing_else(remote_case: RemoteCase) -> None:
    """Files that a change does not name stay as they were."""
    vault = begin(remote_case)
    vault.commit({object_name(number): f"{number}\n" for number in range(20)})
    before = remote_case.files(vault.head or "")
    after = remote_case.files(vault.commit({object_name(3): "changed\n"}))
    assert {path for path in after if after[path] != before.get(path)} == {object_name(3)}
    assert before.keys() == after.keys()


def test_a_commit_can_change_another_tree_than_its_parents(remote_case: RemoteCase) -> None:
    """With a base it is that tree with the changes; what came since stays in the history alone."""
    vault = begin(remote_case)
    vault.commit({object_name(1): "one\n", object_name(2): "two\n"})
    tree = remote_case.git("rev-parse", f"{vault.head}^{{tree}}")
    change = vault.change({object_name(3): "three\n"}, [object_name(2)])
    above = vault.commit({object_name(1): "other\n", "README.md": "x\n"})
    made = vault.remote.commit(above, replace(change, base=tree))
    names = {"vault.json", object_name(1), object_name(3)}
    assert set(remote_case.files(made)) == names
    assert remote_case.git("show", f"{made}:{object_name(1)}") == "one"
    assert remote_case.git("rev-list", "--parents", "-1", made) == f"{made} {above}"
    with pytest.raises(Moved):
        vault.remote.commit(above, replace(change, base=tree))
    remote_case.check()


def test_deletes(remote_case: RemoteCase) -> None:
    """A deleted path is gone, its neighbour is not."""
    vault = begin(remote_case)
    vault.commit({"objects/aa/1.age": "1\n", "objects/aa/2.age": "2\n"})
    head = vault.commit({}, ["objects/aa/1.age"])
    assert set(remote_case.files(head)) == {"objects/aa/2.age", "vault.json"}
    remote_case.check()


def test_deletes_and_writes_in_one(remote_case: RemoteCase) -> None:
    """One commit can take files out, put files in and replace files, in one folder."""
    vault = begin(remote_case)
    vault.commit({f"objects/aa/{name}.age": f"{name}\n" for name in "abc"})
    writes = {"objects/aa/b.age": "other\n", "objects/aa/d.age": "d\n"}
    head = vault.commit(writes, ["objects/aa/a.age"])
    names = [path[-5] for path in remote_case.files(head) if path.startswith("objects")]
    assert names == ["b", "c", "d"]
    assert remote_case.git("show", f"{head}:objects/aa/b.age") == "other"
    assert remote_case.files(head) == vault.tree


def test_empty_folders_vanish(remote_case: RemoteCase) -> None:
    """With its last file a folder goes, and the folders above that held only it."""
    vault = begin(remote_case)
    vault.commit({"a/b/c/one.age": "1\n", "a/two.age": "2\n", "x/y/three.age": "3\n"})
    head = vault.commit({}, ["a/b/c/one.age", "x/y/three.age"])
    assert set(remote_case.top(head)) == {"a", "vault.json"}
    assert set(remote_case.files(head)) == {"a/two.age", "vault.json"}
    assert "a/b" not in remote_case.git("ls-tree", "-r", "-t", "--name-only", head).splitlines()
    remote_case.check()


def test_a_tree_that_does_not_fit_is_an_error(remote_case: RemoteCase) -> None:
    """A change whose tree id is not what it makes is refused, where that can be told before."""
    vault = begin(remote_case)
    change = vault.change({object_name(1): "one\n"})
    wrong = Change(change.message, EMPTY_TREE, change.writes)
    with pytest.raises(MemorySyncError):
        vault.remote.commit(vault.head, wrong)
    assert (remote_case.head() != vault.head) is remote_case.lands_first


def test_deleting_what_is_not_there_leaves_the_branch(remote_case: RemoteCase) -> None:
    """A delete of a path that the parent does not have is refused, with all that goes with it."""
    vault = begin(remote_case)
    change = vault.change({object_name(1): "one\n"}, [object_name(2)])
    with pytest.raises(MemorySyncError):
        vault.remote.commit(vault.head, change)
    assert remote_case.head() == vault.head


def test_a_commit_on_an_old_head_is_refused(remote_case: RemoteCase) -> None:
    """If the branch has moved on, Moved is raised and the branch is left where it is."""
    mine = begin(remote_case)
    other = Vault(remote_case.connect(), mine.head, dict(mine.tree))
    theirs = other.commit({object_name(1): "theirs\n"})
    with pytest.raises(Moved):
        mine.commit({object_name(2): "mine\n"})
    assert remote_case.head() == theirs
    assert object_name(2) not in remote_case.files(theirs)


def test_after_a_lost_race_the_next_try_lands(remote_case: RemoteCase) -> None:
    """A device that lost can look again and commit on the new head; both changes are there."""
    mine = begin(remote_case)
    other = Vault(remote_case.connect(), mine.head, dict(mine.tree))
    other.commit({object_name(1): "theirs\n"})
    with pytest.raises(Moved):
        mine.commit({object_name(2): "mine\n"})
    mine.catch_up()
    head = mine.commit({object_name(2): "mine\n"})
    assert {object_name(1), object_name(2)} <= set(remote_case.files(head))


@pytest.mark.parametrize(
    "message",
    [
        f"sync\n\nMemory-Sync-Seal: 1 7 {'ab' * 32}\n",
        f"sync\n\nMemory-Sync-Seal: 1 7 {'ab' * 32}\nMemory-Sync-Rotation: 1 7 {'cd' * 32}\n",
    ],
)
def test_the_message_is_kept(remote_case: RemoteCase, message: str) -> None:
    """The message arrives to the byte, last newline included, for git and for another device."""
    head = begin(remote_case).commit({object_name(1): "one\n"}, message=message)
    assert remote_case.message(head) == message
    assert next(iter(remote_case.connect().history(head))).message == message


def test_a_large_change_is_one_commit(remote_case: RemoteCase) -> None:
    """More than 100 files and more than 8 MB land as one commit, or not at all."""
    vault = begin(remote_case)
    first = vault.head
    line = "0123456789abcdef" * 4 + "\n"
    texts = {object_name(number): f"{number}\n" + line * 1100 for number in range(130)}
    assert sum(map(len, texts.values())) > 8 << 20
    head = vault.commit(texts)
    assert remote_case.chain() == [head, first]
    assert remote_case.files(head) == vault.tree
    remote_case.check()


def test_many_small_files_are_one_commit(remote_case: RemoteCase) -> None:
    """A new device's 400 files land as one commit."""
    vault = begin(remote_case)
    first = vault.head
    head = vault.commit({object_name(number): f"{number}\n" for number in range(400)})
    assert remote_case.chain() == [head, first]
    assert remote_case.files(head) == vault.tree

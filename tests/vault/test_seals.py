"""Seals and git's ids."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.model import Entry
from memory_sync.vault.keys import parse_identity
from memory_sync.vault.seals import (
    read_rotation,
    read_seal,
    rotation_line,
    rotation_mac,
    rotation_of,
    seal_mac,
    seal_message,
    seal_of,
)
from memory_sync.vault.trees import EMPTY_TREE, blob_id, root_tree, top_entries, tree_id
from tests.vault.samples import KEYS, VAULT_ID, commit

VECTORS = json.loads((Path(__file__).parents[1] / "reader" / "vectors.json").read_text())
MAC = "ab" * 32


def test_seals_are_those_of_the_vectors() -> None:
    """The MAC is the same in every program."""
    key = parse_identity(VECTORS["identity"]).derive(VECTORS["id"]).seal
    for vector in VECTORS["seals"]:
        mac = seal_mac(key, vector["n"], VECTORS["id"], vector["parent"], vector["tree"])
        assert mac == vector["seal"]


def test_a_seal_is_read_back_from_its_message() -> None:
    """What is written counts, for that commit and no other."""
    parent = commit(1)
    message = seal_message(KEYS.seal, 7, VAULT_ID, parent.id, "2" * 40)
    sealed = commit(2, parent, tree="2" * 40, message=message)
    seal = seal_of(KEYS.seal, VAULT_ID, sealed)
    assert seal is not None
    assert seal.n == 7
    assert message.startswith("sync\n\n")
    assert (
        seal_of(KEYS.seal, VAULT_ID, commit(2, commit(9), tree="2" * 40, message=message)) is None
    )
    assert seal_of(KEYS.seal, VAULT_ID, commit(2, parent, tree="3" * 40, message=message)) is None
    assert seal_of(KEYS.names, VAULT_ID, sealed) is None
    assert seal_of(KEYS.seal, "f" * 32, sealed) is None


def test_a_commit_with_two_parents_has_no_seal_that_counts() -> None:
    """A merge made on the web is never taken for a sealed commit."""
    message = seal_message(KEYS.seal, 7, VAULT_ID, commit(1).id, "2" * 40)
    merged = commit(2, commit(1), commit(3), tree="2" * 40, message=message)
    assert seal_of(KEYS.seal, VAULT_ID, merged) is None


@pytest.mark.parametrize(
    ("message", "n"),
    [
        (f"sync\n\nMemory-Sync-Seal: 1 5 {MAC}\n", 5),
        (f"sync\n\nMemory-Sync-Seal: 1 5 {MAC}", 5),
        (f"sync\r\n\r\nMemory-Sync-Seal: 1 5 {MAC}\r\n", 5),
        (f"sync\n\nMemory-Sync-Seal: 1 5 {MAC}\nMemory-Sync-Seal: 1 5 {MAC}\n", None),
        (f"sync\n\nMemory-Sync-Seal: 1 5 {MAC}\nMemory-Sync-Seal: 1 6 {MAC}\n", None),
        (f"sync\n\n Memory-Sync-Seal: 1 5 {MAC}\n", None),
        (f"sync\n\nMemory-Sync-Seal: 1 05 {MAC}\n", None),
        (f"sync\n\nMemory-Sync-Seal: 1 0 {MAC}\n", None),
        (f"sync\n\nMemory-Sync-Seal: 2 5 {MAC}\n", None),
        (f"sync\n\nMemory-Sync-Seal: 1 5 {MAC.upper()}\n", None),
        (f"sync\n\nMemory-Sync-Seal: 1 5 {MAC}x\n", None),
        (f"sync\n\nMemory-Sync-Seal: 1 \u0665 {MAC}\n", None),
        ("sync\n", None),
    ],
)
def test_exactly_one_seal_line_is_read(message: str, n: int | None) -> None:
    """One line of exactly that form; two, or one of another form, are none."""
    seal = read_seal(message)
    assert (seal.n if seal else None) == n


@given(st.text(max_size=300))
def test_no_message_makes_the_reader_fall_over(message: str) -> None:
    """Any text has a seal or has none."""
    seal = read_seal(message)
    assert seal is None or seal.n > 0


def test_rotations_are_those_of_the_vectors() -> None:
    """The MAC that hands a vault on is the same in every program."""
    key = parse_identity(VECTORS["identity"]).derive(VECTORS["id"]).seal
    assert VECTORS["rotations"]
    for vector in VECTORS["rotations"]:
        n, parent, tree = vector["n"], vector["parent"], vector["tree"]
        recipient = vector["recipient"]
        mac = rotation_mac(key, n, VECTORS["id"], parent, tree, recipient=recipient)
        assert mac == vector["rotation"]


def _rotation(recipient: str, *, n: int = 7, line_n: int = 7, times: int = 1) -> str:
    parent, tree = commit(1).id, "2" * 40
    message = seal_message(b"new" * 11, n, VAULT_ID, parent, tree)
    line = rotation_line(KEYS.seal, line_n, VAULT_ID, parent, tree, recipient=recipient)
    return message + line * times


def test_a_rotation_is_read_back_from_its_message() -> None:
    """It counts for that commit, vault, key and recipient, and no other."""
    message = _rotation("age1new")
    made = commit(2, commit(1), tree="2" * 40, message=message)
    found = rotation_of(KEYS.seal, VAULT_ID, made, "age1new")
    assert found is not None
    assert found == read_rotation(message)
    assert found.n == 7
    assert rotation_of(KEYS.seal, VAULT_ID, made, "age1other") is None
    assert rotation_of(KEYS.names, VAULT_ID, made, "age1new") is None
    assert rotation_of(KEYS.seal, "f" * 32, made, "age1new") is None
    for other in (
        commit(2, commit(9), tree="2" * 40, message=message),
        commit(2, commit(1), tree="3" * 40, message=message),
        commit(2, commit(1), commit(3), tree="2" * 40, message=message),
        commit(2, commit(1), tree="2" * 40, message=_rotation("age1new", times=2)),
        commit(2, commit(1), tree="2" * 40, message=_rotation("age1new", times=0)),
        commit(2, commit(1), tree="2" * 40, message=_rotation("age1new", n=8)),
        commit(2, commit(1), tree="2" * 40, message=message.replace("Memory-Sync-Seal", "X")),
    ):
        assert rotation_of(KEYS.seal, VAULT_ID, other, "age1new") is None


_NAMES = st.text(st.sampled_from("ab-.0é"), min_size=1, max_size=4).filter(
    lambda name: name not in (".", "..")
)


_FILES = st.dictionaries(
    st.lists(_NAMES, min_size=1, max_size=3).map("/".join), st.binary(max_size=9), max_size=12
)


@given(_FILES)
@settings(max_examples=25, deadline=None)
def test_tree_ids_are_those_of_git(files: dict[str, bytes]) -> None:
    """The id computed from our own listing is the one that git computes, folder order included."""
    plain = {
        path: data
        for path, data in files.items()
        if not any(other.startswith(f"{path}/") for other in files)
    }
    listing = {path: Entry("100644", blob_id(data)) for path, data in plain.items()}
    assert root_tree(listing) == _git_tree(listing)


def _git_tree(listing: dict[str, Entry]) -> str:
    """Let git build the tree in a scratch repository, by way of its index."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:

        def git(*words: str, data: str = "") -> str:
            done = subprocess.run(
                ["git", *words], cwd=folder, input=data, capture_output=True, text=True, check=True
            )
            return done.stdout.strip()

        git("init", "-q")
        lines = "".join(f"{e.mode} {e.id}\t{path}\0" for path, e in listing.items())
        git("update-index", "-z", "--index-info", data=lines)
        return git("write-tree", "--missing-ok")


def test_the_empty_tree_and_top_entries() -> None:
    """An empty listing has git's well-known id; top entries name folders by their trees."""
    assert root_tree({}) == EMPTY_TREE
    listing = {"a/b": Entry("100644", "1" * 40), "c": Entry("100755", "2" * 40)}
    top = top_entries(listing)
    assert top["a"] == Entry("040000", root_tree({"b": Entry("100644", "1" * 40)}))
    assert tree_id(top) == root_tree(listing)

"""The reader on commits whose seal does not count."""

import json

import pytest

from tests.reader import FormatError, NotSealedError, judge_rotation, judge_seal, read_vault
from tests.reader.writer import VAULT_ID, Key, Repository, file, message, plain


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("Seal: 1 1 ", "Seal: 1 2 ", "MAC is wrong"),
        ("Seal: 1 1 ", "Seal: 1 01 ", "0 true lines"),
        ("Seal: 1 1 ", "Seal: 1 0 ", "0 true lines"),
        ("Seal: 1 1 ", "Seal: 2 1 ", "0 true lines"),
        ("\n\n", f"\n\nMemory-Sync-Seal: 1 1 {'0' * 64}\n", "2 true lines"),
        ("Seal: 1 1 ", "Seal: 1 1  ", "0 true lines"),
    ],
)
def test_a_wrong_seal_line_does_not_count(
    repository: Repository, key: Key, old: str, new: str, match: str
) -> None:
    """A seal with another number, another form or a second line does not count."""
    tree = repository.tree(plain(key))
    head = repository.commit(tree, message(key, 1, tree).replace(old, new))
    with pytest.raises(FormatError, match=match):
        judge_seal(repository.path, head, key.secret, VAULT_ID)
    with pytest.raises(FormatError, match=match):
        read_vault(repository.path, key.secret, key.file)


def test_a_commit_without_a_seal_is_told_apart(repository: Repository, key: Key) -> None:
    """A commit that does not claim a seal has an error of its own."""
    repository.commit(repository.tree(plain(key)), "sync\n\n Memory-Sync-Seal: 1 1 x\n")
    with pytest.raises(NotSealedError):
        judge_seal(repository.path, "HEAD", key.secret, VAULT_ID)
    with pytest.raises(NotSealedError):
        judge_rotation(repository.path, "HEAD", key.secret, VAULT_ID)


def test_a_seal_binds_tree_and_parent(repository: Repository, key: Key) -> None:
    """A seal does not count on another tree, nor on another parent."""
    first = repository.sealed(key, 1, plain(key))
    tree = repository.tree(plain(key) | {"pairing/a": b""})
    for text in (message(key, 2, tree), message(key, 2, "0" * 40, first)):
        head = repository.commit(tree, text, first)
        with pytest.raises(FormatError, match="MAC is wrong"):
            judge_seal(repository.path, head, key.secret, VAULT_ID)


def test_a_merge_is_never_sealed(repository: Repository, key: Key) -> None:
    """A seal on a commit with two parents does not count."""
    first = repository.sealed(key, 1, plain(key))
    second = repository.sealed(key, 2, plain(key), first)
    tree = repository.tree(plain(key))
    head = repository.commit(tree, message(key, 3, tree, first), first, second)
    with pytest.raises(FormatError, match="2 parents"):
        judge_seal(repository.path, head, key.secret, VAULT_ID)


def test_a_seal_of_another_vault_or_key_does_not_count(
    repository: Repository, key: Key, other_key: Key
) -> None:
    """The id must be the joined one, and the key that of the commit's own recipients[0]."""
    repository.sealed(key, 1, plain(key))
    with pytest.raises(FormatError, match="of the vault"):
        judge_seal(repository.path, "HEAD", key.secret, "0" * 32)
    with pytest.raises(FormatError, match=r"recipients\[0\] is not"):
        judge_seal(repository.path, "HEAD", other_key.secret, VAULT_ID)
    repository.sealed(other_key, 2, plain(key))
    with pytest.raises(FormatError, match="MAC is wrong"):
        judge_seal(repository.path, "HEAD", key.secret, VAULT_ID)


def test_a_wrong_rotation_does_not_count(repository: Repository, key: Key, other_key: Key) -> None:
    """A rotation line that the old key did not make does not count."""
    tree = repository.tree(plain(other_key))
    line = f"Memory-Sync-Rotation: 1 1 {'0' * 64}\n"
    repository.commit(tree, message(other_key, 1, tree) + line)
    with pytest.raises(FormatError, match="rotation's MAC"):
        judge_rotation(repository.path, "HEAD", key.secret, VAULT_ID)


def test_the_seal_is_judged_before_the_format(repository: Repository, key: Key) -> None:
    """What an unsealed vault.json says of the format is not believed."""
    values = json.loads(plain(key)["vault.json"]) | {"format": 2}
    tree = repository.tree(plain(key) | {"vault.json": json.dumps(values).encode()})
    repository.commit(tree, message(key, 2, tree).replace("Seal: 1 2", "Seal: 1 1"))
    with pytest.raises(FormatError, match="MAC is wrong"):
        read_vault(repository.path, key.secret, key.file)


@pytest.mark.parametrize("name", ["objects", "superseded", "vault.json"])
def test_a_change_above_the_seal_is_foreign(repository: Repository, key: Key, name: str) -> None:
    """A commit without the key that changes what the seal vouches for is foreign content."""
    tree = plain(key) | file(key, "notes/a", b"1")
    sealed = repository.sealed(key, 1, tree)
    changed = {
        "objects": file(key, "notes/a", b"2"),
        "superseded": {"superseded": b"1" * 40 + b"\n"},
        "vault.json": {"vault.json": plain(key)["vault.json"] + b"\n"},
    }[name]
    middle = repository.commit(repository.tree(tree | changed), "edit", sealed)
    repository.commit(repository.tree(tree), "and back again", middle)
    with pytest.raises(FormatError, match=f"foreign content in {name}: {middle}"):
        read_vault(repository.path, key.secret, key.file)


def test_a_sealed_number_must_rise(repository: Repository, key: Key) -> None:
    """A sealed commit upon one with the same number is refused."""
    first = repository.sealed(key, 7, plain(key))
    repository.sealed(key, 7, plain(key) | {"pairing/a": b""}, first)
    with pytest.raises(FormatError, match="number 7 upon number 7"):
        read_vault(repository.path, key.secret, key.file)


def test_a_headline_says_nothing_else(repository: Repository, key: Key) -> None:
    """A sealed commit with another headline than sync is refused."""
    tree = repository.tree(plain(key))
    repository.commit(tree, message(key, 1, tree).replace("sync\n", "notes/a.md\n", 1))
    with pytest.raises(FormatError, match="headline"):
        read_vault(repository.path, key.secret, key.file)

"""The reader on vaults that keep to the format."""

import gzip
import json
import subprocess
from decimal import Decimal
from pathlib import Path

from tests.needs import needs
from tests.reader import judge_rotation, judge_seal, read_vault
from tests.reader.writer import (
    README,
    VAULT_ID,
    Key,
    Repository,
    Tree,
    file,
    keygen,
    mac,
    message,
    name_of,
    part,
    plain,
)

SMALL = "notes/größere Pläne.md"
LARGE = "agent/log.jsonl"
CONFLICT = ".conflicts/notes/plan.md/20240102T030405Z-old-laptop"


def test_a_small_file_comes_back_whole(repository: Repository, key: Key) -> None:
    """A file of one part comes back with its path, bytes, mode, exact time and device."""
    head = repository.sealed(key, 1, plain(key) | file(key, SMALL, b"one\n"))
    vault = read_vault(repository.path, key.secret, key.file, vault_id=VAULT_ID)
    found = vault.files[SMALL]
    assert (found.path, found.content, found.mode) == (SMALL, b"one\n", 0o640)
    assert found.mtime == Decimal("1700000000.123456789")
    assert (found.device, found.parts) == ("laptop", 1)
    assert (vault.id, vault.recipients, vault.head) == (VAULT_ID, (key.public,), head)
    assert vault.sealed == judge_seal(repository.path, head, key.secret, VAULT_ID)
    assert vault.sealed.n == 1


def test_the_limit_of_one_part_is_exact(repository: Repository, key: Key) -> None:
    """A file of 32,768 bytes is one part; one byte more is a header and two pieces."""
    exact, above = file(key, "a/exact", b"x" * 32768), file(key, "a/above", b"x" * 32769)
    repository.sealed(key, 1, plain(key) | exact | above)
    files = read_vault(repository.path, key.secret, key.file).files
    assert {path: one.parts for path, one in files.items()} == {"a/above": 3, "a/exact": 1}


def test_a_large_file_comes_back_from_its_parts(repository: Repository, key: Key) -> None:
    """A file of many parts comes back as it was, whatever the pieces cut through."""
    content = bytes(range(256)) * 1000
    repository.sealed(key, 1, plain(key) | file(key, LARGE, content))
    found = read_vault(repository.path, key.secret, key.file).files[LARGE]
    assert (found.content, found.parts) == (content, 9)


def test_a_conflict_and_a_long_path_are_files_like_others(repository: Repository, key: Key) -> None:
    """The reserved root and a path of exactly 1,024 bytes are read."""
    long = "a/" + "é" * 511
    repository.sealed(key, 1, plain(key) | file(key, CONFLICT, b"") | file(key, long, b"1"))
    assert set(read_vault(repository.path, key.secret, key.file).files) == {CONFLICT, long}


def test_a_recovery_key_reads(repository: Repository, key: Key, other_key: Key) -> None:
    """A further recipient opens every part."""
    tree = plain(key, other_key.public) | file(key, SMALL, b"1", other_key.public)
    repository.sealed(key, 1, tree)
    vault = read_vault(repository.path, key.secret, other_key.file)
    assert vault.files[SMALL].content == b"1"


def test_the_archive_of_a_real_tar_is_read(
    repository: Repository, key: Key, tmp_path: Path
) -> None:
    """What GNU tar writes as a pax archive is an object like any other."""
    needs("tar")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a").write_bytes(b"from tar")
    (tmp_path / "notes/a").chmod(0o600)
    archive = subprocess.run(
        [
            "tar",
            "-C",
            str(tmp_path),
            "--format=posix",
            "--pax-option=comment:=phone,delete=atime,delete=ctime",
            "-cf",
            "-",
            "notes/a",
        ],
        check=True,
        capture_output=True,
    ).stdout
    repository.sealed(key, 1, plain(key) | {name_of(key, "notes/a"): part(archive, key.public)})
    found = read_vault(repository.path, key.secret, key.file).files["notes/a"]
    assert (found.content, found.mode, found.device) == (b"from tar", 0o600, "phone")
    assert found.mtime * 10**9 == (tmp_path / "notes/a").stat().st_mtime_ns


def test_the_commands_of_the_readme_bring_every_file_back(
    repository: Repository, key: Key, tmp_path: Path
) -> None:
    """What a person in need types from README.md gives the same files as the reader."""
    needs("bash", "git", "age", "tar", "gzip")
    contents = {SMALL: b"one\n", LARGE: b"line\n" * 20000, CONFLICT: b"lost"}
    tree = plain(key)
    for path, content in contents.items():
        tree |= file(key, path, content)
    repository.sealed(key, 1, tree)
    (tmp_path / "key.txt").write_text(key.secret + "\n")
    script = README.partition("\n\n")[2].replace("<repository>", str(repository.path))
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    recovered = tmp_path / "recovered"
    assert {path: (recovered / path).read_bytes() for path in contents} == contents
    files = read_vault(repository.path, key.secret, key.file).files
    assert {path: one.content for path, one in files.items()} == contents


def test_decrypted_parts_are_one_gzip_stream(key: Key) -> None:
    """The writer's parts, one after another, are a stream that gzip opens as one."""
    tree = file(key, LARGE, b"x" * 70000)
    stream = b""
    for data in tree.values():
        stream += subprocess.run(
            ["age", "-d", "-i", str(key.file)], input=data, check=True, capture_output=True
        ).stdout
    assert b"x" * 70000 in gzip.decompress(stream)


def test_an_edit_above_the_seal_is_harmless(repository: Repository, key: Key) -> None:
    """Commits without the key that leave the vault's entries alone do not unseat the seal."""
    tree = plain(key) | file(key, SMALL, b"1")
    sealed = repository.sealed(key, 4, tree)
    del tree["README.md"]
    extra: Tree = {"LICENSE": b"", "docs/a": b"", "pairing/b": b"", "objects-not": b""}
    false_seal = f"hello\n\nMemory-Sync-Seal: 1 5 {'0' * 64}\n"
    head = repository.commit(repository.tree(tree | extra), false_seal, sealed)
    vault = read_vault(repository.path, key.secret, key.file)
    assert vault.head == head
    assert vault.sealed is not None
    assert (vault.sealed.commit, vault.sealed.n) == (sealed, 4)
    assert vault.other == ("LICENSE", "docs", "objects-not")


def test_only_first_parents_are_the_chain(repository: Repository, key: Key) -> None:
    """A seal on the second parent of a merge does not count for the vault."""
    tree = plain(key) | file(key, SMALL, b"1")
    first = repository.sealed(key, 1, tree)
    side = repository.sealed(key, 9, tree, first)
    repository.commit(repository.tree(tree), "merge", first, side)
    sealed = read_vault(repository.path, key.secret, key.file).sealed
    assert sealed is not None
    assert sealed.n == 1


def test_a_seal_line_may_end_in_a_return(repository: Repository, key: Key) -> None:
    """A trailing return and other lines in the message do not stop a seal from counting."""
    tree = repository.tree(plain(key))
    text = message(key, 1, tree).replace("\n", "\r\n") + "\nSigned-off-by: x\n"
    head = repository.commit(tree, text)
    assert judge_seal(repository.path, head, key.secret, VAULT_ID).n == 1


def test_the_first_commit_needs_no_seal_and_no_readme(repository: Repository, key: Key) -> None:
    """A vault just begun holds vault.json alone, and nothing in it is sealed."""
    repository.commit(repository.tree({"vault.json": plain(key)["vault.json"]}), "begin")
    vault = read_vault(repository.path, key.secret, key.file)
    assert (vault.sealed, vault.files, vault.superseded) == (None, {}, ())


def test_superseded_and_an_older_revision_are_read(repository: Repository, key: Key) -> None:
    """A revision is read as it was; superseded names the commits that it replaces."""
    first = repository.sealed(key, 1, plain(key) | file(key, SMALL, b"1"))
    gone = f"{'1' * 40}\n{'2' * 40}\n".encode()
    repository.sealed(key, 3, plain(key) | {"superseded": gone}, first)
    now = read_vault(repository.path, key.secret, key.file)
    then = read_vault(repository.path, key.secret, key.file, first)
    assert (list(now.files), now.superseded) == ([], ("1" * 40, "2" * 40))
    assert (list(then.files), then.head) == ([SMALL], first)


def test_a_rotation_is_judged_with_the_old_key(
    repository: Repository, key: Key, tmp_path: Path
) -> None:
    """The old identity vouches for the new recipient, under which the commit is sealed."""
    new = keygen(tmp_path / "new.txt")
    first = repository.sealed(key, 1, plain(key))
    tree = repository.tree(plain(new))
    text = f"memory-sync rotation 1\n2\n{VAULT_ID}\n{first}\n{tree}\n{new.public}\n"
    line = f"Memory-Sync-Rotation: 1 2 {mac(key.secret, 'seal', text)}\n"
    head = repository.commit(tree, message(new, 2, tree, first) + line, first)
    assert judge_rotation(repository.path, head, key.secret, VAULT_ID).n == 2
    sealed = read_vault(repository.path, new.secret, new.file).sealed
    assert sealed is not None
    assert sealed.commit == head
    assert json.loads(plain(new)["vault.json"])["recipients"] == [new.public]

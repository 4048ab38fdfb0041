"""A root's own file of rules, as a look at a real disk heeds it."""

from __future__ import annotations

import pytest

from memory_sync.ports.disk import DiskTree
from memory_sync.sync.ignores import IGNORE_FILE
from memory_sync.sync.patterns import Patterns
from tests.files.bench import DiskBench
from tests.files.test_disk import nobody


@pytest.fixture
def tree(disk: DiskBench) -> DiskTree:
    """Return a root with rules in force and two files in it."""
    disk.patterns = Patterns(ignore=())
    for name in ("a", "b"):
        disk.put(f"memory/{name}.md", b"text")
    return disk.another()


def test_a_look_heeds_the_rules_as_they_are_then(tree: DiskTree) -> None:
    """Also for files that were seen before; where they are gone of a sudden, a look later."""
    assert set(tree.scan({}).files) == {"memory/a.md", "memory/b.md"}
    (tree.path / IGNORE_FILE).write_text("b.md\n")
    scan = tree.scan({})
    assert set(scan.files) == {IGNORE_FILE, "memory/a.md"}
    assert scan.patterns == Patterns(ignore=("b.md",))
    (tree.path / IGNORE_FILE).write_text("a.md\n")
    assert set(tree.scan({}).files) == {IGNORE_FILE, "memory/b.md"}
    (tree.path / IGNORE_FILE).unlink()
    scans = [tree.scan({}), tree.scan({})]
    assert [scan.again for scan in scans] == [True, False]
    assert [set(scan.files) for scan in scans] == [{"memory/b.md"}, {"memory/a.md", "memory/b.md"}]


def test_rules_that_cannot_be_read_hold_the_whole_root(disk: DiskBench, tree: DiskTree) -> None:
    """Nothing is said of any file, what is known of them stays, and the last rules as well."""
    (tree.path / IGNORE_FILE).write_text("b.md\n")
    before = tree.scan({})
    (tree.path / IGNORE_FILE).unlink()
    (tree.path / IGNORE_FILE).symlink_to("elsewhere")
    scan = tree.scan(before.glances)
    assert (scan.files, scan.glances) == ({}, before.glances)
    assert [(path, error.code) for path, error in scan.held.items()] == [("", "ignore-file")]
    assert scan.patterns == before.patterns
    assert scan.folder == before.folder
    (tree.path / IGNORE_FILE).unlink()
    (tree.path / IGNORE_FILE).write_bytes(b"#" * (disk.max_size + 1))
    assert [error.code for error in tree.scan({}).held.values()] == ["ignore-file"]


def test_rules_that_one_may_not_read_hold_the_whole_root(disk: DiskBench, tree: DiskTree) -> None:
    """A right that is missing is not taken for a file that says nothing."""
    disk.put(IGNORE_FILE, b"b.md", 0o000)
    with nobody(disk):
        scan = disk.another(path="root").scan({})
    assert not scan.files
    assert [error.code for error in scan.held.values()] == ["ignore-file"]


def test_patterns_without_rules_heed_no_file(disk: DiskBench, tree: DiskTree) -> None:
    """Conflict copies, whose names are anybody's, are left out by nothing."""
    disk.put(IGNORE_FILE, b"*")
    disk.patterns = Patterns(("**/*",))
    assert set(disk.another().scan({}).files) == {IGNORE_FILE, "memory/a.md", "memory/b.md"}

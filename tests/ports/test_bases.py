"""What conflicts began with, for as long as their copies are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_sync.ports.bases import Bases

PLACE, DIGEST = "memory/a.md/20260101T000000Z-x", "0" * 64


@pytest.fixture
def bases(tmp_path: Path) -> Bases:
    """Return an empty folder of bases."""
    return Bases(tmp_path / "deep" / ".bases")


def test_a_base_is_known_for_just_that_copy(bases: Bases) -> None:
    """Another place, or another content in the same place, has none."""
    bases.put(PLACE, DIGEST, b"base\n")
    assert bases.get(PLACE, DIGEST) == b"base\n"
    assert bases.get(PLACE, "1" * 64) is None
    assert bases.get(f"{PLACE}-2", DIGEST) is None


def test_an_empty_base_is_a_known_one(bases: Bases) -> None:
    """A file that is new on both sides began as nothing."""
    bases.put(PLACE, DIGEST, b"")
    assert bases.get(PLACE, DIGEST) == b""


def test_a_copy_has_one_base(bases: Bases) -> None:
    """A copy that is replaced takes its old base along."""
    bases.put(PLACE, DIGEST, b"old\n")
    bases.put(PLACE, "1" * 64, b"new\n")
    assert (bases.get(PLACE, DIGEST), bases.get(PLACE, "1" * 64)) == (None, b"new\n")


def test_what_belongs_to_no_copy_goes(bases: Bases) -> None:
    """Only the bases of copies that are still there stay, and nothing else lies there."""
    bases.put(PLACE, DIGEST, b"base\n")
    bases.put("memory/b.md/20260101T000000Z-x", DIGEST, b"other\n")
    (bases.folder / ".half.tmp").write_bytes(b"half")
    bases.tidy([PLACE, "memory/.memory-sync"])
    assert [file.read_bytes() for file in bases.folder.iterdir()] == [b"base\n"]
    bases.drop(PLACE)
    assert list(bases.folder.iterdir()) == []


def test_only_its_owner_can_read_it(bases: Bases) -> None:
    """It holds memory: folder and file are private."""
    bases.put(PLACE, DIGEST, b"base\n")
    (file,) = bases.folder.iterdir()
    assert (bases.folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_what_cannot_be_written_stops_nothing(bases: Bases) -> None:
    """A file in the folder's place: the base is not known, and that is all."""
    bases.folder.parent.mkdir()
    bases.folder.write_bytes(b"")
    bases.put(PLACE, DIGEST, b"base\n")
    bases.tidy([])
    assert bases.get(PLACE, DIGEST) is None

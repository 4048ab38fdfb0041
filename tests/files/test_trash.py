"""The trash, and that nothing is lost when it fails."""

from __future__ import annotations

import errno
import os
import re
import stat

import pytest

from memory_sync.errors import DiskFullError, MemorySyncError
from memory_sync.ports import trash
from memory_sync.ports.switch import rename_new
from tests.files.bench import DiskBench
from tests.files.test_disk import small_disk
from tests.files.test_local_tree import digest

WEEK = 7 * 86_400


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch, disk: DiskBench) -> DiskBench:
    """Give a bench whose trash lies on another file system than its root."""

    def move(folder: int, name: str, target: int, new: str) -> None:
        if os.fstat(folder).st_ino != os.fstat(target).st_ino:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename_new(folder, name, target, new)

    monkeypatch.setattr(trash, "rename_new", move)
    return disk


def test_a_trashed_file_lies_under_its_path_by_time_and_digest(disk: DiskBench) -> None:
    """The place in the trash tells root, path, time and content; only its owner enters."""
    disk.clock.time = 1_790_000_000.0
    disk.put("memory/a.md", b"old")
    disk.tree.remove("memory/a.md", digest(b"old"))
    place = disk.trash.folder / "main/memory/a.md" / f"20260921T141320Z-{digest(b'old')[:8]}"
    assert place.read_bytes() == b"old"
    folders = [disk.trash.folder, *(p for p in disk.trash.folder.rglob("*") if p.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_i19_what_an_agent_goes_on_writing_is_in_the_trash(disk: DiskBench) -> None:
    """A program that still has the replaced file open writes into the trashed one."""
    disk.put("MEMORY.md", b"old")
    with (disk.root / "MEMORY.md").open("ab", buffering=0) as agent:
        disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
        agent.write(b", and more")
    assert disk.trashed() == [b"old, and more"]
    assert disk.get("MEMORY.md") == b"new"


def test_i19_two_equal_files_in_one_second_are_both_kept(disk: DiskBench) -> None:
    """A trashed file never takes another's place."""
    for _ in range(3):
        disk.put("MEMORY.md", b"same")
        disk.tree.remove("MEMORY.md", digest(b"same"))
    assert disk.trashed() == [b"same"] * 3


def test_i19_a_file_comes_to_a_trash_on_another_disk(other_disk: DiskBench) -> None:
    """Where a file cannot be moved it is copied, with its time and mode for nobody else."""
    other_disk.put("MEMORY.md", b"old")
    os.utime(other_disk.root / "MEMORY.md", (1, 1_600_000_000))
    other_disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
    other_disk.tree.remove("MEMORY.md", digest(b"new"))
    assert sorted(other_disk.trashed()) == [b"new", b"old"]
    assert other_disk.names() == set()
    places = [place for place in other_disk.trash.folder.rglob("*") if place.is_file()]
    assert 1_600_000_000 in {place.stat().st_mtime for place in places}
    assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o600}


def test_i36_a_full_trash_stops_the_change(other_disk: DiskBench) -> None:
    """If the trash has no space for the old file, that stays in its place, whole."""
    other_disk.put("MEMORY.md", b"old" * 300)
    with small_disk(600):
        with pytest.raises(DiskFullError):
            other_disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old" * 300))
        with pytest.raises(DiskFullError):
            other_disk.tree.remove("MEMORY.md", digest(b"old" * 300))
    assert other_disk.get("MEMORY.md") == b"old" * 300
    assert other_disk.names() == {"MEMORY.md"}
    assert set(other_disk.trashed()) <= {b"new"}  # it was to be seen for a moment


def test_i19_a_trash_that_cannot_be_written_stops_the_change(disk: DiskBench) -> None:
    """If the old file cannot be kept it is not replaced."""
    disk.put("MEMORY.md", b"old")
    disk.trash.folder.write_bytes(b"a file where the trash should be")
    with pytest.raises((MemorySyncError, OSError)):
        disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
    with pytest.raises((MemorySyncError, OSError)):
        disk.tree.remove("MEMORY.md", digest(b"old"))
    assert disk.get("MEMORY.md") == b"old"
    assert disk.names() == {"MEMORY.md"}


def test_purge_deletes_what_is_older_and_nothing_else(disk: DiskBench) -> None:
    """Old files go, with the folders that are empty then; young ones and foreign files stay."""
    disk.put("memory/old.md", b"old")
    disk.tree.remove("memory/old.md", digest(b"old"))
    disk.clock.sleep(WEEK)
    disk.put("memory/young.md", b"young")
    disk.tree.remove("memory/young.md", digest(b"young"))
    (disk.trash.folder / "foreign.txt").write_bytes(b"foreign")
    assert disk.trash.purge(WEEK + 1) == 0
    assert disk.trash.purge(WEEK - 1) == 1
    assert sorted(disk.trashed()) == [b"foreign", b"young"]
    assert not (disk.trash.folder / "main/memory/old.md").exists()


def test_purge_of_a_trash_that_was_never_used(disk: DiskBench) -> None:
    """A device on which nothing was replaced has nothing to purge."""
    assert disk.trash.purge(0) == 0


def test_i33_what_a_crash_has_left_goes_to_the_trash(disk: DiskBench) -> None:
    """A temporary file can be what a program had just saved: it is kept, and out of the way."""
    disk.put("memory/.memory-sync-0123456789abcdef.tmp", b"displaced")
    disk.clock.time -= 3000
    assert not disk.tree.scan({}).files
    assert disk.trashed() == []
    disk.tree.lock()
    try:
        disk.tree.scan({})
    finally:
        disk.tree.unlock()
    assert disk.names() == {"memory/"}
    assert disk.trashed() == [b"displaced"]


def test_i33_a_leftover_of_yesterday_needs_no_lock(disk: DiskBench) -> None:
    """A temporary file of more than a day ago belongs to nobody any more."""
    disk.put("memory/.memory-sync-0123456789abcdef.tmp", b"displaced")
    disk.clock.sleep(86_400)
    disk.tree.scan({})
    assert disk.trashed() == [b"displaced"]
    names = [place.name for place in disk.trash.folder.rglob("*") if place.is_file()]
    assert [bool(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", name)) for name in names] == [True]

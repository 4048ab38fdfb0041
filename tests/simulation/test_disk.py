"""The disk in memory loses what a real one may lose, and never anything else."""

from __future__ import annotations

import errno
import random
import unicodedata
from collections.abc import Callable

import pytest

from tests.files.bench import FixedClock
from tests.simulation.disk import Crash, MemoryDisk
from tests.simulation.volume import Folder

SEEDS = range(60)
OLD, NEW = b"what was there\n", b"something else, and longer\n"


def made(seed: int = 1, *, ignore_case: bool = False, decompose: bool = False) -> MemoryDisk:
    """Make a disk that holds one durable file in a folder."""
    disk = MemoryDisk(
        random.Random(seed), FixedClock(), ignore_case=ignore_case, decompose=decompose
    )
    disk.save("a/file", OLD)
    return disk


def after_cuts(deed: Callable[[MemoryDisk], None]) -> set[tuple[tuple[str, bytes], ...]]:
    """Do a deed and cut the power, often; return each set of files that was left."""
    found = set()
    for seed in SEEDS:
        disk = made(seed)
        deed(disk)
        disk.power_cut()
        found.add(tuple(sorted(disk.files().items())))
    return found


def contents(deed: Callable[[MemoryDisk], None]) -> set[bytes | None]:
    """Return what the one file held after each cut, None where it was gone."""
    return {dict(files).get("a/file") for files in after_cuts(deed)}


# --- power cuts


@pytest.mark.parametrize(
    "deed",
    [
        lambda disk: disk.save("a/file", NEW),
        lambda disk: disk.replace("a/file", NEW),
        lambda disk: disk.append("a/file", NEW),
        lambda disk: disk.open("a/file").append(NEW),
        lambda disk: disk.rename("a/file", "b/c/file"),
        lambda disk: disk.delete("a/file"),
        lambda disk: disk.save("new/file", NEW),
    ],
)
def test_a_power_cut_loses_nothing_durable(deed: Callable[[MemoryDisk], None]) -> None:
    """What was fsynced, name and content, is after every cut as it was before."""
    disk = made()
    deed(disk)
    assert after_cuts(deed) == {tuple(sorted(disk.files().items()))}


def test_a_cut_after_an_unsynced_save_leaves_old_empty_or_a_beginning() -> None:
    """A file that was emptied and written has one of the three, and each comes about."""
    found = contents(lambda disk: disk.save("a/file", NEW, durable=False))
    assert {OLD, b"", NEW} <= found
    assert all(content == OLD or NEW.startswith(content or b"") for content in found)
    assert None not in found
    assert len(found) > 3


def test_a_cut_after_an_unsynced_append_keeps_what_was_there() -> None:
    """An append that was not fsynced comes in part; the durable beginning never goes."""
    found = contents(lambda disk: disk.append("a/file", NEW, durable=False))
    assert {OLD, OLD + NEW} <= found
    assert all((OLD + NEW).startswith(content or b"") for content in found)
    assert all(len(content or b"") >= len(OLD) for content in found)


def test_a_cut_after_an_unsynced_replacement_leaves_the_old_or_some_of_the_new() -> None:
    """The rename may be lost, or the content behind it: an empty file is what editors know."""
    found = contents(lambda disk: disk.replace("a/file", NEW, durable=False))
    assert {OLD, b"", NEW} <= found
    assert all(content == OLD or NEW.startswith(content or b"") for content in found)


def test_a_cut_after_an_unsynced_delete_may_bring_the_file_back() -> None:
    """The file is there again, whole, or it is gone."""
    assert contents(lambda disk: disk.delete("a/file", durable=False)) == {OLD, None}


def test_a_cut_leaves_a_renamed_file_one_name() -> None:
    """A rename from folder to folder is never half of one."""

    def rename(disk: MemoryDisk) -> None:
        disk.save("b/other", b"other")
        disk.rename("a/file", "b/file", durable=False)

    other = ("b/other", b"other")
    assert after_cuts(rename) == {(("a/file", OLD), other), (("b/file", OLD), other)}


def test_of_the_changes_of_a_folder_a_beginning_survives() -> None:
    """Names become durable in the order in which they were made; between folders in none."""

    def make(disk: MemoryDisk) -> None:
        for name in "123":
            disk.save(f"a/{name}", b"", durable=False)
            disk.save(f"b/{name}", b"", durable=False)

    found = [{path for path, _ in files} for files in after_cuts(make)]
    for folder in "ab":
        numbers = [[name for name in "123" if f"{folder}/{name}" in paths] for paths in found]
        assert all(list("123")[: len(there)] == there for there in numbers)
        assert {len(there) for there in numbers} == {0, 1, 2, 3}
    assert {"a/file", "a/1", "a/2", "a/3"} in found


def test_an_fsync_of_a_folder_makes_durable_what_came_before() -> None:
    """Its own changes, and those that these depend on in other folders; nothing else."""

    def sync(disk: MemoryDisk) -> None:
        disk.save("a/first", b"", durable=False)
        disk.rename("a/file", "b/file", durable=False)
        disk.save("b/last", b"", durable=False)
        disk.save("a/second", b"", durable=False)
        top, target = disk.folder(""), disk.folder("b")
        assert top
        assert target
        disk.sync_folder(target)
        disk.sync_folder(top)

    found = [{path for path, _ in files} for files in after_cuts(sync)]
    assert all({"a/first", "b/file", "b/last"} <= paths for paths in found)
    assert {"a/second" in paths for paths in found} == {True, False}


def test_a_program_ends_with_the_power() -> None:
    """A file that was open when the power was cut is not written to any more."""
    disk = made()
    handle = disk.open("a/file")
    assert handle.alive
    disk.power_cut()
    assert not handle.alive
    with pytest.raises(OSError, match="Bad file descriptor"):
        handle.append(b"more")
    assert disk.files() == {"a/file": OLD}


def test_the_same_seed_loses_the_same() -> None:
    """A schedule can be played again."""

    def play() -> dict[str, bytes]:
        disk = made(5)
        for number in range(20):
            disk.save(f"{number % 3}/{number}", b"content %d" % number, durable=False)
        disk.power_cut()
        return disk.files()

    assert play() == play()


# --- armed faults


def folder_of(disk: MemoryDisk) -> Folder:
    """Return the folder of the one file."""
    folder = disk.folder("a")
    assert folder
    return folder


def test_a_kill_loses_nothing() -> None:
    """The process ends; the disk is as it was, what was not fsynced included."""
    disk = made()
    disk.save("a/file", NEW, durable=False)
    disk.arm(0, "kill")
    with pytest.raises(Crash):
        disk.create(folder_of(disk), 0o600)
    assert disk.files() == {"a/file": NEW}


def test_a_cut_crashes_and_loses() -> None:
    """An armed cut is a power cut and the end of the process."""
    disk = made()
    disk.rename("a/file", "a/other", durable=False)
    disk.arm(0, "cut")
    with pytest.raises(Crash):
        disk.entries(folder_of(disk))
    assert disk.cuts == 1


def test_a_fault_comes_when_it_is_due_and_goes() -> None:
    """So many operations of the program go well, so many fail, and then all is well."""
    disk = made()
    folder = folder_of(disk)
    disk.arm(2, "io", times=2)
    told = []
    for _ in range(6):
        disk.save("a/file", NEW)  # an agent's deed neither counts nor fails
        try:
            disk.entries(folder)
            told.append(0)
        except OSError as error:
            told.append(error.errno or 0)
    assert told == [0, 0, errno.EIO, errno.EIO, 0, 0]
    assert not disk.armed


def test_a_full_disk_fails_what_needs_space() -> None:
    """Reading and deleting go on."""
    disk = made()
    folder = folder_of(disk)
    disk.arm(0, "full")
    disk.entries(folder)
    disk.unlink(folder, "file")
    with pytest.raises(OSError, match="No space left"):
        disk.create(folder, 0o600)
    disk.create(folder, 0o600)


def test_capacity_bounds_what_the_program_writes() -> None:
    """What does not fit is refused, what was written so far is there, an agent finds space."""
    disk = made()
    disk.capacity = len(OLD) + 10
    name, file = disk.create(folder_of(disk), 0o600)
    with pytest.raises(OSError, match="No space left"):
        disk.store(file, b"x" * 20)
    assert file.content == b"x" * 10
    disk.save("a/agent", NEW)
    assert disk.files() == {"a/file": OLD, "a/agent": NEW}
    assert disk.leftovers() == [f"a/{name}"]


def test_a_hook_runs_in_the_middle() -> None:
    """An agent can act between two operations of the program, once."""
    disk = made()
    seen: list[bytes | None] = []
    disk.hook = lambda: seen.append(disk.read("a/file"))
    disk.arm(1, "hook")
    for _ in range(3):
        disk.entries(folder_of(disk))
    assert seen == [OLD]


def test_the_program_is_told_from_agents() -> None:
    """`touched` tells whether the program changed anything."""
    disk = made()
    disk.save("a/other", NEW)
    disk.entries(folder_of(disk))
    assert not disk.touched
    disk.unlink(folder_of(disk), "other")
    assert disk.touched


# --- what agents do


def test_a_save_writes_into_the_file_and_a_replacement_makes_another() -> None:
    """A program that has the old file open sees the one and not the other."""
    disk = made()
    handle = disk.open("a/file")
    disk.save("a/file", b"saved")
    assert handle.file.content == b"saved"
    disk.replace("a/file", b"replaced")
    handle.append(b" and gone on")
    assert handle.file.content == b"saved and gone on"
    assert disk.read("a/file") == b"replaced"


def test_a_delete_takes_empty_folders_along() -> None:
    """Folders that are empty then go, up to the first that is not, or is a root."""
    disk = made()
    disk.save("a/b/c/d", NEW)
    disk.save("root/b/c", NEW)
    disk.tops.add("root")
    disk.delete("a/b/c/d")
    disk.delete("root/b/c")
    assert sorted(disk.folders()) == ["a", "root"]


def test_what_cannot_be_is_refused() -> None:
    """An agent gets the errors that a real disk has."""
    disk = made()
    refused: list[tuple[type[OSError], Callable[[], None]]] = [
        (FileNotFoundError, lambda: disk.delete("a/none")),
        (FileNotFoundError, lambda: disk.append("none/file", NEW)),
        (IsADirectoryError, lambda: disk.save("a", NEW)),
        (NotADirectoryError, lambda: disk.save("a/file/b", NEW)),
        (FileExistsError, lambda: disk.rename("a/file", "a")),
        (OSError, lambda: disk.rename("a", "a/b")),
    ]
    for error, deed in refused:
        with pytest.raises(error):
            deed()
    assert disk.files() == {"a/file": OLD}


def test_times_come_in_steps_and_can_be_set() -> None:
    """Two saves within one step of the clock have the same times; an agent may keep old ones."""
    clock = FixedClock()
    clock.time = 100.25
    disk = MemoryDisk(random.Random(1), clock, granularity=2.0)
    disk.save("file", b"one")
    file = disk.open("file").file
    first = file.stamp
    clock.time = 101.75
    disk.save("file", b"two")
    assert file.stamp == first
    clock.time = 102.5
    disk.save("file", b"two", mtime=7.5)
    assert file.stamp == (3, 7_500_000_000, 102_000_000_000)


# --- names


def test_a_disk_that_ignores_case_keeps_the_first_spelling() -> None:
    """Names that differ by case are one; a rename alone changes how it is written."""
    disk = made(ignore_case=True)
    disk.save("A/FILE", NEW)
    disk.replace("a/File", b"third")
    assert disk.files() == {"a/file": b"third"}
    disk.rename("a/file", "a/File")
    assert disk.files() == {"a/File": b"third"}
    disk.delete("a/fILE")
    assert disk.files() == {}


def test_a_rename_of_case_is_never_lost_between() -> None:
    """A cut leaves the one spelling or the other."""
    spellings = set()
    for seed in SEEDS:
        disk = made(seed, ignore_case=True)
        disk.rename("a/file", "a/FILE", durable=False)
        disk.power_cut()
        spellings.add(tuple(disk.files().items()))
    assert spellings == {(("a/file", OLD),), (("a/FILE", OLD),)}


def test_a_disk_that_decomposes_gives_back_other_names() -> None:
    """A name is written in NFD and found by both forms; for people it is composed."""
    disk = made(decompose=True)
    disk.save("a/é", NEW)
    decomposed = unicodedata.normalize("NFD", "é")
    assert disk.read(f"a/{decomposed}") == disk.read("a/é") == NEW
    assert [path for path, _ in disk.walk()] == ["a/file", f"a/{decomposed}"]
    assert disk.files() == {"a/file": OLD, "a/é": NEW}


def test_a_plain_disk_tells_both_forms_and_cases_apart() -> None:
    """Where nothing is folded they are files of their own."""
    disk = made()
    for name in ("é", unicodedata.normalize("NFD", "é"), "FILE"):
        disk.save(f"a/{name}", NEW)
    assert len([path for path, _ in disk.walk()]) == 4


def test_a_root_can_go_and_come_back() -> None:
    """An unmounted root is an empty folder, a removed one is none; then all is as it was."""
    disk = made()
    disk.unmount("a")
    disk.save("a/other", NEW)
    assert disk.files() == {"a/other": NEW}
    disk.mount("a")
    assert disk.files() == {"a/file": OLD}
    disk.remove_root("a")
    disk.power_cut()
    assert disk.folder("a") is None
    disk.restore_root("a")
    disk.unmount()
    assert disk.files() == {}
    disk.mount()
    assert disk.files() == {"a/file": OLD}

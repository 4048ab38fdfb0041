"""The tree on the disk in memory, where the shared suite does not reach: markers, names, times."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from memory_sync.errors import (
    FileChangedError,
    FileInTheWayError,
    FileNameError,
    FileUnreadableError,
    MarkerForeignError,
    MarkerMissingError,
    RootBusyError,
    RootGoneError,
)
from tests.files.test_local_tree import digest
from tests.simulation.bench import MemoryBench
from tests.simulation.disk import Crash

MARKER = "root/.memory-sync"


@pytest.fixture
def bench() -> MemoryBench:
    """Give a root with one file."""
    bench = MemoryBench()
    bench.put("memory/a.md", b"old")
    return bench


def acts(bench: MemoryBench) -> list[Callable[[], object]]:
    """Return each operation."""
    tree = bench.tree
    return [
        tree.lock,
        tree.check,
        lambda: tree.scan({}),
        lambda: tree.read("memory/a.md", digest(b"old")),
        lambda: tree.write("memory/a.md", b"new", mode=0o644, expect=digest(b"old")),
        lambda: tree.remove("memory/a.md", digest(b"old")),
    ]


# --- roots and markers


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda bench: bench.disk.unmount("root"), MarkerMissingError),
        (lambda bench: bench.disk.remove_root("root"), RootGoneError),
        (lambda bench: bench.tree.drop_marker(), MarkerMissingError),
        (lambda bench: bench.disk.save(MARKER, b"{"), MarkerForeignError),
        (lambda bench: bench.another(vault="other").adopt(replace=True), MarkerForeignError),
        (lambda bench: bench.another(name="other").adopt(replace=True), MarkerForeignError),
    ],
)
def test_a_root_that_is_not_the_one_halts(
    bench: MemoryBench, spoil: Callable[[MemoryBench], None], error: type[Exception]
) -> None:
    """Every operation says so and touches nothing."""
    spoil(bench)
    before = bench.disk.files()
    bench.disk.touched = False
    for act in acts(bench):
        with pytest.raises(error):
            act()
    assert bench.disk.files() == before
    assert not bench.disk.touched


def test_a_root_that_comes_back_goes_on(bench: MemoryBench) -> None:
    """A halt ends with its cause."""
    bench.disk.unmount("root")
    with pytest.raises(MarkerMissingError):
        bench.tree.check()
    bench.disk.mount("root")
    assert set(bench.tree.scan({}).files) == {"memory/a.md"}


def test_a_root_that_goes_during_a_look_halts(bench: MemoryBench) -> None:
    """What was seen before may be half of it."""
    for step in (1, 2, 3):
        bench.disk.hook = lambda: bench.disk.unmount("root")
        bench.disk.arm(step, "hook")
        with pytest.raises(MarkerMissingError):
            bench.tree.scan({})
        bench.disk.mount("root")


def test_adopting_spares_another_vaults_marker(bench: MemoryBench) -> None:
    """It is replaced only on demand, and not while that other is served; a gone root is made."""
    other = bench.another(vault="other")
    with pytest.raises(MarkerForeignError):
        other.adopt()
    bench.tree.lock()
    with pytest.raises(RootBusyError):
        other.adopt(replace=True)
    bench.tree.restart()
    other.adopt(replace=True)
    other.check()
    bench.disk.remove_root("root")
    with pytest.raises(RootGoneError):
        bench.tree.adopt()
    bench.tree.adopt(make=True)
    bench.tree.check()


def test_a_root_is_served_by_one(bench: MemoryBench) -> None:
    """A second one is refused until the first lets go or its process ends."""
    other = bench.another()
    bench.tree.lock()
    bench.tree.lock()
    with pytest.raises(RootBusyError):
        other.lock()
    bench.tree.restart()
    other.lock()
    with pytest.raises(RootBusyError):
        bench.tree.lock()
    other.unlock()
    bench.tree.lock()


def test_a_folder_can_be_looked_at_whosever_it_is(bench: MemoryBench) -> None:
    """Without its marker a root can be scanned to say what would become of it."""
    bench.tree.drop_marker()
    bench.put("memory/.memory-sync-0000000000000001.tmp", b"left")
    bench.clock.sleep(100_000)
    assert set(bench.tree.scan({}, marked=False).files) == {"memory/a.md"}
    assert bench.trashed() == []


# --- what a crash leaves


def test_what_a_crash_has_left_goes_to_the_trash(bench: MemoryBench) -> None:
    """At once if the root is served, else after a day."""
    for name in "12":
        bench.disk.save(f"root/memory/.memory-sync-{name}.tmp", name.encode())
        bench.tree.scan({})
        assert len(bench.disk.leftovers()) == 1
        if name == "1":
            bench.tree.lock()
            bench.tree.scan({})
        else:
            bench.clock.sleep(100_000)
            bench.tree.scan({})
        assert bench.disk.leftovers() == []
    assert sorted(bench.trashed()) == [b"1", b"2"]


def test_a_process_that_is_killed_does_nothing_more(bench: MemoryBench) -> None:
    """What the program would clean up on an error stays lying about after a crash."""
    bench.disk.arm(6, "kill")
    with pytest.raises(Crash):
        bench.tree.write("memory/a.md", b"new", mode=0o644, expect=digest(b"old"))
    assert len(bench.disk.leftovers()) == 1


def test_a_late_write_survives_the_process(bench: MemoryBench) -> None:
    """What was written into a displaced file is heard by the next process too."""
    with bench.appending("memory/a.md") as append:
        bench.tree.remove("memory/a.md", digest(b"old"))
        append(b" and more\n")
    bench.tree.restart()
    assert bench.tree.echoes(recent=True) == ()
    [echo] = bench.another().echoes(recent=False)
    assert (echo.before, echo.content) == (b"old", b"old and more\n")


# --- names


def test_a_name_of_other_case_is_another_file() -> None:
    """On a disk that ignores case, neither a file nor a folder is taken for its twin."""
    bench = MemoryBench(ignore_case=True)
    bench.put("memory/a.md", b"one")
    for path in ("memory/A.md", "Memory/b.md"):
        for expect in (None, digest(b"one")):
            with pytest.raises(FileInTheWayError):
                bench.tree.write(path, b"two", mode=0o644, expect=expect)
        with pytest.raises(FileChangedError):
            bench.tree.read(path, digest(b"one"))
        bench.tree.remove(path, digest(b"one"))
    assert bench.get("memory/a.md") == b"one"
    assert bench.names() == {"memory/", "memory/a.md"}
    bench.tree.write("memory/a.md", b"new", mode=0o644, expect=digest(b"one"))
    assert bench.get("memory/a.md") == b"new"


def test_a_decomposed_name_shows_composed() -> None:
    """What the disk decomposes is one path of the vault, look after look."""
    bench = MemoryBench(decompose=True)
    bench.put("memory/é.md", b"one")
    first = bench.tree.scan({})
    assert set(first.files) == {"memory/é.md"}
    assert bench.tree.scan(first.glances).glances == first.glances
    assert bench.names() == {"memory/", unicodedata.normalize("NFD", "memory/é.md")}


def test_two_names_that_are_one_path_are_both_held() -> None:
    """A plain disk may hold a name in both encodings; neither is taken for the other."""
    bench = MemoryBench()
    bench.put("memory/é.md", b"composed")
    known = bench.tree.scan({}).glances
    bench.put(unicodedata.normalize("NFD", "memory/é.md"), b"decomposed")
    scan = bench.tree.scan(known)
    assert not scan.files
    assert isinstance(scan.held["memory/é.md"], FileNameError)


def test_a_name_that_the_disk_cannot_hold_fails_alone(bench: MemoryBench) -> None:
    """A part of a path that the vault allows can be too long for a disk."""
    with pytest.raises(FileNameError):
        bench.tree.write("memory/" + "x" * 300 + ".md", b"new", mode=0o644, expect=None)


# --- looking


def test_an_edit_of_the_same_size_and_time_is_found(bench: MemoryBench) -> None:
    """A program that sets the old time after its edit is found out, once the clock has moved."""
    glance = bench.tree.scan({}).glances["memory/a.md"]
    bench.disk.save("root/memory/a.md", b"new", mtime=glance.mtime_ns / 1e9)
    scan = bench.tree.scan({"memory/a.md": glance})
    assert scan.glances["memory/a.md"].mtime_ns == glance.mtime_ns
    assert scan.files["memory/a.md"].digest == digest(b"new")


def test_an_edit_within_one_step_of_the_clock_is_found(bench: MemoryBench) -> None:
    """A file that is read too early is not settled, and so is read again."""
    bench.disk.save("root/memory/a.md", b"one")
    known = bench.tree.scan({}).glances
    assert not known["memory/a.md"].settled
    bench.disk.save("root/memory/a.md", b"two")
    scan = bench.tree.scan(known)
    assert scan.files["memory/a.md"].digest == digest(b"two")
    after = scan.glances["memory/a.md"]
    before = known["memory/a.md"]
    assert (before.size, before.mtime_ns, before.ctime_ns) == (
        after.size,
        after.mtime_ns,
        after.ctime_ns,
    )


def test_what_cannot_be_read_is_held(bench: MemoryBench) -> None:
    """A broken file is an error for its path, a broken folder for all in it, never a delete."""
    held = []
    for step in (2, 3):
        bench.disk.arm(step, "io")
        scan = bench.tree.scan({})
        assert not scan.files
        held += [(path, type(error)) for path, error in scan.held.items()]
    assert held == [("memory/", FileUnreadableError), ("memory/a.md", FileUnreadableError)]


def test_a_torn_read_is_never_shown(bench: MemoryBench) -> None:
    """A file that changes while it is read is read again, and held if it goes on."""
    bench.disk.hook = lambda: bench.disk.append("root/memory/a.md", b"+")
    bench.disk.arm(3, "hook")
    assert bench.tree.scan({}).files["memory/a.md"].digest == digest(b"old+")
    bench.disk.arm(3, "hook", times=3)
    scan = bench.tree.scan({})
    assert isinstance(scan.held["memory/a.md"], FileChangedError)
    assert not scan.files

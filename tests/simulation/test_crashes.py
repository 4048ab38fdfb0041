"""Whatever happens between any two steps of a write or a removal, nothing is lost.

The steps are those of `memory_sync.ports.replace`; `test_same_steps.py` holds that they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from memory_sync.errors import DiskFullError, FileChangedError, MemorySyncError
from tests.files.test_local_tree import digest
from tests.simulation.bench import MemoryBench
from tests.simulation.disk import Crash, Fault

OLD, NEW, THEIRS = b"what was there\n", b"something else, and longer\n", b"an agent's\n"
PATH = "memory/a/b.md"
PLACE = f"root/{PATH}"
Act = Callable[[MemoryBench], None]

ACTS: dict[str, Act] = {
    "make": lambda bench: bench.tree.write(PATH, NEW, mode=0o644, expect=None),
    "over": lambda bench: bench.tree.write(PATH, NEW, mode=0o644, expect=digest(OLD)),
    "remove": lambda bench: bench.tree.remove(PATH, digest(OLD)),
}
BEFORE = {"make": None, "over": OLD, "remove": OLD}
AFTER = {"make": NEW, "over": NEW, "remove": None}

each_act = pytest.mark.parametrize("name", ACTS)


def started(name: str, seed: int = 1) -> MemoryBench:
    """Give a bench that is served and seen, as it is before an act."""
    bench = MemoryBench(seed=seed)
    if BEFORE[name]:
        bench.put(PATH, OLD)
    bench.tree.lock()
    bench.tree.scan({})
    return bench


def steps(name: str) -> range:
    """Count the steps of an act."""
    bench = started(name)
    before = bench.disk.operations
    ACTS[name](bench)
    assert bench.get(PATH) == AFTER[name]
    count = bench.disk.operations - before
    assert count > 10
    return range(count)


def again(bench: MemoryBench) -> None:
    """Let a new process look at the root."""
    bench.tree.restart()
    bench.tree.lock()
    seen = bench.tree.scan({})
    content = bench.get(PATH)
    assert {path: file.digest for path, file in seen.files.items()} == (
        {} if content is None else {PATH: digest(content)}
    )
    assert not seen.held


def check(bench: MemoryBench, name: str) -> None:
    """Make sure that the file is old or new, and that the old content is somewhere."""
    content = bench.get(PATH)
    assert content in {BEFORE[name], AFTER[name]}
    if BEFORE[name]:
        assert OLD in {content, *bench.trashed()}


@each_act
@pytest.mark.parametrize(("kind", "seeds"), [("kill", 1), ("cut", 20)])
def test_a_crash_at_any_step_leaves_old_or_new(name: str, kind: Fault, seeds: int) -> None:
    """After it the file is one or the other, the old one is kept, and the act can be done again."""
    ends = set()
    for step in steps(name):
        for seed in range(seeds):
            bench = started(name, seed)
            bench.disk.arm(step, kind)
            with pytest.raises(Crash):
                ACTS[name](bench)
            again(bench)
            check(bench, name)
            assert bench.disk.leftovers() == []
            ends.add(bench.get(PATH))
            if bench.get(PATH) == BEFORE[name]:
                ACTS[name](bench)
            assert bench.get(PATH) == AFTER[name]
    assert ends == {BEFORE[name], AFTER[name]}


@each_act
@pytest.mark.parametrize("seed", range(20))
def test_what_was_done_survives_a_power_cut(name: str, seed: int) -> None:
    """When a write or removal has returned, it is durable, and so is what it displaced."""
    bench = started(name, seed)
    ACTS[name](bench)
    bench.disk.power_cut()
    assert bench.get(PATH) == AFTER[name]
    assert bench.trashed() == ([OLD] if BEFORE[name] else [])


@each_act
@pytest.mark.parametrize("kind", ["full", "io"])
@pytest.mark.parametrize("times", [1, 1000])
def test_a_failure_at_any_step_leaves_old_or_new(name: str, kind: Fault, times: int) -> None:
    """No space or a broken disk, once or for good: a later look finds all, and the act works."""
    failed = []
    for step in steps(name):
        bench = started(name)
        bench.disk.arm(step, kind, times=times)
        try:
            ACTS[name](bench)
        except MemorySyncError as error:
            failed.append(error)
        bench.disk.disarm()
        again(bench)
        check(bench, name)
        assert bench.disk.leftovers() == []
        if bench.get(PATH) == BEFORE[name]:
            ACTS[name](bench)
        assert bench.get(PATH) == AFTER[name]
    assert len(failed) > 3
    assert kind == "io" or DiskFullError in map(type, failed)


@each_act
def test_no_space_leaves_nothing_lying_about(name: str) -> None:
    """A new file that could not be written whole is gone at once."""
    for step in steps(name):
        bench = started(name)
        bench.disk.arm(step, "full")
        with contextlib.suppress(MemorySyncError):
            ACTS[name](bench)
        assert bench.disk.leftovers() == []


@each_act
@pytest.mark.parametrize("save", ["save", "replace"])
def test_a_save_at_any_step_wins(name: str, save: str) -> None:
    """What an agent saves while a file is written or removed is in the file afterwards."""
    for step in steps(name):
        bench = started(name)
        bench.disk.hook = lambda disk=bench.disk: getattr(disk, save)(PLACE, THEIRS)
        bench.disk.arm(step, "hook")
        with contextlib.suppress(FileChangedError):
            ACTS[name](bench)
        kept = {bench.get(PATH), *bench.trashed()}
        assert THEIRS in kept
        if save == "replace":
            assert bench.get(PATH) == THEIRS
        assert bench.disk.leftovers() == []


@pytest.mark.parametrize("name", ["over", "remove"])
def test_an_append_at_any_step_is_kept(name: str) -> None:
    """What an agent that has the file open writes into it is in the file or in the trash."""
    for step in steps(name):
        bench = started(name)
        handle = bench.disk.open(PLACE)
        bench.disk.hook = lambda handle=handle: handle.append(THEIRS)
        bench.disk.arm(step, "hook")
        with contextlib.suppress(FileChangedError):
            ACTS[name](bench)
        assert OLD + THEIRS in {bench.get(PATH), *bench.trashed()}
        assert bench.disk.leftovers() == []


@pytest.mark.parametrize("name", ["over", "remove"])
def test_a_delete_at_any_step_stays_one(name: str) -> None:
    """A file that an agent deletes meanwhile does not come back."""
    for step in steps(name):
        bench = started(name)

        def drop(bench: MemoryBench = bench) -> None:
            if bench.get(PATH) is not None:
                bench.drop(PATH)

        bench.disk.hook = drop
        bench.disk.arm(step, "hook")
        with contextlib.suppress(FileChangedError):
            ACTS[name](bench)
        assert bench.get(PATH) is None
        assert bench.disk.leftovers() == []


def test_a_disk_without_space_refuses_by_size() -> None:
    """What does not fit is refused, with the old file in place; with more space it is written."""
    bench = started("over")
    bench.disk.capacity = 150
    large = b"x" * 200
    with pytest.raises(DiskFullError):
        bench.tree.write(PATH, large, mode=0o644, expect=digest(OLD))
    assert bench.get(PATH) == OLD
    assert bench.disk.leftovers() == []
    bench.disk.capacity = 400
    bench.tree.write(PATH, large, mode=0o644, expect=digest(OLD))
    assert bench.get(PATH) == large


def test_a_tree_that_forgot_an_fsync_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests can fail: without the fsync of the new file, a power cut empties it."""
    found = set()
    for seed in range(40):
        bench = started("over", seed)
        monkeypatch.setattr(bench.disk, "fsync", lambda file: None)
        ACTS["over"](bench)
        bench.disk.power_cut()
        found.add(bench.get(PATH))
    assert b"" in found

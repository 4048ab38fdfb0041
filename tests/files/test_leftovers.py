"""What a killed process leaves under a temporary name: an agent's save in it is taken up."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memory_sync.errors import FileChangedError
from memory_sync.ports.files import Echo
from memory_sync.ports.names import Told, is_temporary, telling_name, temporary_name
from memory_sync.ports.trash import Trash
from tests.files.bench import DiskBench
from tests.files.conftest import SYSTEMS
from tests.files.dying import Before, Killed, Steps, after
from tests.files.test_local_tree import digest
from tests.simulation.bench import MemoryBench

OLD, OURS, THEIRS = b"old\n", b"ours\n", b"an agent's\n"
PATH = "memory/a.md"
Act = Callable[[DiskBench], None]


def write(bench: DiskBench) -> None:
    """Replace the old content."""
    bench.tree.write(PATH, OURS, mode=0o644, expect=digest(OLD))


def remove(bench: DiskBench) -> None:
    """Remove the old content."""
    bench.tree.remove(PATH, digest(OLD))


def save(bench: DiskBench) -> bytes:
    """Save as editors do, by a temporary file; return what was saved."""
    (bench.root / PATH).parent.mkdir(exist_ok=True)
    (bench.root / "agent").write_bytes(THEIRS)
    (bench.root / "agent").rename(bench.root / PATH)
    return THEIRS


def append(bench: DiskBench) -> bytes:
    """Append to the file itself, or make it; return what it holds then."""
    (bench.root / PATH).parent.mkdir(exist_ok=True)
    with (bench.root / PATH).open("ab") as stream:
        stream.write(b"late\n")
    return (bench.root / PATH).read_bytes()


each_act = pytest.mark.parametrize("act", [write, remove])


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DiskBench]:
    """Give a bench on each kind of system, with a file that is to be changed."""
    with SYSTEMS[request.param]():
        disk = DiskBench(tmp_path)
        disk.put(PATH, OLD)
        yield disk


def killed(bench: DiskBench, act: Act, before: Before) -> int:
    """Let a process change the file and die; return how many steps it made."""
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch, before)
        with contextlib.suppress(Killed, FileChangedError):
            act(bench)
    return steps.count


def started(bench: DiskBench) -> tuple[Echo, ...]:
    """Let a new process look at the root, and then at the trash; return what it hears."""
    bench.trash = Trash(bench.trash.folder, bench.clock)
    bench.tree = bench.another()
    bench.tree.lock()
    bench.tree.scan({})
    bench.tree.unlock()
    return bench.tree.echoes(recent=True)


def dying(at: int) -> Before:
    """Die before a step."""

    def before(number: int, _kind: str) -> None:
        if number == at:
            raise Killed

    return before


@each_act
def test_i33_a_kill_at_any_step_is_nobodys_save(system: DiskBench, act: Act) -> None:
    """Where nobody saved nothing is heard of, and what was displaced is in the trash."""
    number = 0
    while killed(system, act, dying(number)) == number:
        assert started(system) == ()
        live = system.get(PATH)
        assert live in (OLD, OURS if act is write else None)
        assert live == OLD or OLD in system.trashed()
        assert system.names() <= {"memory/", PATH}
        system.put(PATH, OLD)
        number += 1
    assert number > 5


@pytest.mark.parametrize("agent", [save, append])
@pytest.mark.parametrize(("name", "act"), [("disk", write), *((name, remove) for name in SYSTEMS)])
def test_i32_a_save_at_any_step_survives_a_kill_at_any_later_one(
    tmp_path: Path, name: str, act: Act, agent: Callable[[DiskBench], bytes]
) -> None:
    """It is in the file, or heard of under the path that it was made for.

    Where names cannot be traded a write leaves one gap, with a kill or without.
    """
    disk = DiskBench(tmp_path)
    saved, at = b"saved", 0
    with SYSTEMS[name]():
        while saved:
            for end in range(at, at + 8):
                disk.put(PATH, OLD)
                saved = b""

                def before(number: int, _: str, at: int = at, end: int = end) -> None:
                    nonlocal saved
                    if number == at:
                        saved = agent(disk)
                    if number == end:
                        raise Killed

                killed(disk, act, before)
                heard = started(disk)
                kept = {disk.get(PATH), *(echo.content for echo in heard if echo.path == PATH)}
                assert not saved or saved in kept
                assert disk.names() <= {"memory/", PATH}
                for echo in heard:
                    disk.tree.settle(echo)
            at += 1
    assert at > 5


@each_act
def test_i32_an_append_before_a_kill_is_heard_with_what_was_before(
    disk: DiskBench, act: Act
) -> None:
    """It can be merged as a late write; neither a restart nor years end it, but `settle` does."""
    disk.put(PATH, OLD)
    killed(disk, act, after("exchange" if act is write else "rename", lambda: append(disk)))
    [echo] = started(disk)
    assert (echo.path, echo.before, echo.content) == (PATH, OLD, OLD + b"late\n")
    assert {item.path for item in disk.trash.entries()} == {PATH}
    disk.clock.sleep(1e9)
    disk.trash.purge()
    disk.clock.sleep(90_000)
    assert disk.trash.purge() == 0
    disk.tree = disk.another()
    [again] = disk.tree.echoes(recent=False)
    assert again.content == echo.content
    disk.tree.settle(again)
    assert disk.tree.echoes(recent=False) == ()


@each_act
def test_i19_what_is_written_after_a_kill_is_heard(disk: DiskBench, act: Act) -> None:
    """A program that has the file open outlives the process: it is heard like any late write."""
    disk.put(PATH, OLD)
    with disk.appending(PATH) as write_late:
        killed(disk, act, after("exchange" if act is write else "rename"))
        assert started(disk) == ()
        write_late(b"late\n")
        [echo] = disk.tree.echoes(recent=True)
    assert (echo.path, echo.before, echo.content) == (PATH, OLD, OLD + b"late\n")


@pytest.mark.parametrize("limit", [143, 60])
@each_act
def test_i65_a_disk_of_short_names_is_changed_all_the_same(
    disk: DiskBench, act: Act, limit: int
) -> None:
    """Where a temporary name cannot tell whose it is, what a kill leaves is in the trash."""
    disk.put(PATH, OLD)
    moment = "exchange" if act is write else "rename"
    with pytest.MonkeyPatch.context() as patch:
        Steps(patch, after(moment, lambda: append(disk)))
        rename = os.rename

        def shorter(old: str, new: str, **keywords: Any) -> None:
            if len(new) > limit:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
            rename(old, new, **keywords)

        patch.setattr(os, "rename", shorter)
        with contextlib.suppress(Killed):
            act(disk)
    assert OLD + b"late\n" not in {disk.get(PATH), *disk.trashed()}
    heard = started(disk)
    assert OLD + b"late\n" in disk.trashed()
    assert [echo.path for echo in heard] == ([PATH] if limit > 60 else [])


@each_act
def test_i65_the_longest_name_is_changed_all_the_same(disk: DiskBench, act: Act) -> None:
    """A temporary name never becomes longer than a name may be."""
    for length in range(100, 253, 8):
        path = f"memory/{'a' * length}.md"
        disk.put(path, OLD)
        if act is write:
            disk.tree.write(path, OURS, mode=0o644, expect=digest(OLD))
        else:
            disk.tree.remove(path, digest(OLD))
        assert disk.get(path) == (OURS if act is write else None)


def left(name: str) -> str:
    """Make the name of a leftover of the old content that stands for some file."""
    told = Told(name, len(OLD), digest(OLD), digest(OURS)[:16])
    return telling_name(temporary_name(), told)


@pytest.mark.parametrize("name", ["..", ".", ".memory-sync", "a\\b.md", "a\n.md"])
def test_i66_a_leftover_stands_for_no_path_that_cannot_be(disk: DiskBench, name: str) -> None:
    """It comes to the trash under its own name, below the root's folder there."""
    disk.put(f"memory/{left(name)}", THEIRS)
    assert started(disk) == ()
    [item] = disk.trash.entries()
    assert is_temporary(item.path.rpartition("/")[2])
    assert item.path.startswith("memory/")


def test_i33_the_tree_in_memory_hears_the_same(disk: DiskBench) -> None:
    """Of a save, of what was displaced, of what was to come and of a half-written file."""
    memory = MemoryBench()
    files = {
        left("a.md"): THEIRS,
        left("b.md"): OLD + b"late\n",
        left("c.md"): OLD,
        left("d.md"): OURS,
        left(".."): THEIRS,
        temporary_name(): b"half",
    }
    for bench in (disk, memory):
        for name, content in files.items():
            bench.put(f"memory/{name}", content)
    heard = started(disk)
    memory.tree.lock()
    memory.tree.scan({})
    same = memory.tree.echoes(recent=True)
    told = [(echo.path, echo.before, echo.content) for echo in heard]
    assert told == [(echo.path, echo.before, echo.content) for echo in same]
    assert told == [
        ("memory/a.md", None, THEIRS),
        ("memory/b.md", OLD, OLD + b"late\n"),
    ]
    assert sorted(disk.trashed()) == sorted(memory.trashed()) == sorted(files.values())

"""The tree in memory takes the steps of the real adapter, in the same order.

What the simulation shows of crashes is true of the program only as long as this holds: an fsync
that the real adapter forgot would be missing here too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from memory_sync.errors import FileChangedError
from memory_sync.ports import switch
from tests.files.bench import Bench, DiskBench
from tests.files.test_local_tree import digest
from tests.simulation.bench import MemoryBench
from tests.simulation.volume import File, Folder

OLD, NEW, THEIRS = b"what was there\n", b"something else, and longer\n", b"an agent's\n"
PATH = "memory/a/b.md"
LEFT = "memory/.memory-sync-00000000000000ff.tmp"
LONG = f"memory/{'a' * 240}.md"
SAVED = f"memory/.memory-sync-00000000000000ff-{'0' * 16}-15-{digest(OLD)}-a.md.tmp"


class Trace:
    """What was done, in which folders; these are numbered as they come up.

    `before` is called before each step with what that will be.
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self._folders: dict[int, int] = {}

    def note(self, what: str, *folders: int) -> None:
        """Add a step."""
        numbers = [self._folders.setdefault(folder, len(self._folders)) for folder in folders]
        self.before(what)
        self.steps.append(" ".join([what, *map(str, numbers)]))


def trace_disk(patch: pytest.MonkeyPatch) -> Trace:
    """Note what the real adapter asks of the system."""
    trace = Trace()

    def note_calls(name: str, what: str, key: str = "dir_fd") -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            reading = name == "open" and not arguments[1] & os.O_CREAT
            if keywords.get(key) is not None and not reading:
                trace.note(what, os.fstat(keywords[key]).st_ino)
            return real(*arguments, **keywords)

        patch.setattr(os, name, call)

    for name, what in {"open": "create", "mkdir": "", "rmdir": "", "unlink": ""}.items():
        note_calls(name, what or name)
    note_calls("rename", "move_over", "src_dir_fd")
    fsync, rename = os.fsync, switch._rename

    def note_fsync(handle: int) -> None:
        seen = os.fstat(handle)
        if stat.S_ISDIR(seen.st_mode):
            trace.note("fsync_folder", seen.st_ino)
        else:
            trace.note("fsync")
        fsync(handle)

    def note_rename(folder: int, name: str, target: int, new: str, flag: int) -> bool:
        if flag == switch._EXCHANGE:
            trace.note("exchange", os.fstat(folder).st_ino)
        else:
            trace.note("move", os.fstat(folder).st_ino, os.fstat(target).st_ino)
        return rename(folder, name, target, new, flag)

    patch.setattr(os, "fsync", note_fsync)
    patch.setattr(switch, "_rename", note_rename)
    return trace


def trace_memory(patch: pytest.MonkeyPatch, bench: MemoryBench) -> Trace:
    """Note what the tree asks of the disk in memory."""
    trace, disk = Trace(), bench.disk

    def noted(name: str) -> Callable[..., object]:
        real = getattr(disk, name)

        def call(*arguments: Folder | File | str | int) -> object:
            folders = [item.number for item in arguments if isinstance(item, Folder)]
            trace.note(name, *folders)
            return real(*arguments)

        return call

    for name in ("create", "fsync", "fsync_folder", "exchange", "move", "move_over", "unlink"):
        patch.setattr(disk, name, noted(name))
    for name in ("mkdir", "rmdir"):
        patch.setattr(disk, name, noted(name))
    return trace


def write(bench: Bench) -> None:
    """Write over the old content, or let it be, if it is another by now."""
    try:
        bench.tree.write(PATH, NEW, mode=0o644, expect=digest(OLD))
    except FileChangedError:
        return


def remove(bench: Bench) -> None:
    """Remove the old content, or let it be, if it is another by now."""
    try:
        bench.tree.remove(PATH, digest(OLD))
    except FileChangedError:
        return


def collect(bench: Bench) -> None:
    """Look for what a crash has left."""
    bench.tree.lock()
    bench.tree.scan({})
    bench.tree.unlock()


def flush(bench: Bench) -> None:
    """Make two files durable that an agent has saved."""
    assert bench.tree.flush([PATH, "MEMORY.md"]) == frozenset()


ACTS: dict[str, tuple[dict[str, bytes], Callable[[Bench], None]]] = {
    "a new file": (
        {"memory/c.md": OLD},
        lambda bench: bench.tree.write("memory/d.md", NEW, mode=0o644, expect=None),
    ),
    "a new file in new folders": (
        {},
        lambda bench: bench.tree.write(PATH, NEW, mode=0o644, expect=None),
    ),
    "over": ({PATH: OLD}, write),
    "over another": ({PATH: THEIRS}, write),
    "remove": ({PATH: OLD, "memory/c.md": OLD}, remove),
    "remove another": ({PATH: THEIRS}, remove),
    "over a long name": (
        {LONG: OLD},
        lambda bench: bench.tree.write(LONG, NEW, mode=0o644, expect=digest(OLD)),
    ),
    "remove a long name": ({LONG: OLD}, lambda bench: bench.tree.remove(LONG, digest(OLD))),
    "leftover": ({LEFT: OLD}, collect),
    "leftover save": ({SAVED: THEIRS}, collect),
    "flush": ({PATH: OLD, "MEMORY.md": OLD}, flush),
}


def both(
    patch: pytest.MonkeyPatch,
    place: Path,
    files: dict[str, bytes],
    act: Callable[[Bench], None],
    agent: Callable[[Bench, str], None] = lambda _bench, _what: None,
) -> tuple[list[str], list[str]]:
    """Do the same on a disk and in memory; return the steps of each."""
    disk, memory = DiskBench(place), MemoryBench()
    steps = []
    for bench in (disk, memory):
        # Where files were displaced before, the trash has its folders, which are not all alike.
        for path, content in {"memory/old/a.md": OLD, **files}.items():
            bench.put(path, content)
        bench.tree.remove("memory/old/a.md", digest(OLD))
        with patch.context() as inner:
            trace = trace_disk(inner) if bench is disk else trace_memory(inner, memory)
            trace.before = partial(agent, bench)
            act(bench)
        steps.append(trace.steps)
    assert disk.names() == memory.names()
    assert sorted(disk.trashed()) == sorted(memory.trashed())
    return steps[0], steps[1]


@pytest.mark.parametrize("name", ACTS)
def test_i34_the_steps_are_those_of_the_real_adapter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Each file made, fsync and change of a name comes where it comes in the program itself."""
    files, act = ACTS[name]
    real, ours = both(monkeypatch, tmp_path, files, act)
    assert ours == real
    assert real or "another" in name


def saving(bench: Bench, what: str) -> None:
    """Save into the file just before its name is taken from it, or traded."""
    if what in ("exchange", "move_over") and bench.get(PATH) == OLD:
        bench.put(PATH, THEIRS)


@pytest.mark.parametrize("act", [write, remove])
def test_i32_the_steps_back_are_those_of_the_real_adapter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, act: Callable[[Bench], None]
) -> None:
    """Where an agent saves at the last moment, both give its file the name back alike."""
    real, ours = both(monkeypatch, tmp_path, {PATH: OLD}, act, saving)
    assert ours == real
    assert {step.partition(" ")[0] for step in real} >= {"move" if act is remove else "exchange"}


def deleting(bench: Bench, what: str) -> None:
    """Delete the file just before it is traded."""
    if what == "exchange" and bench.get(PATH) == OLD:
        bench.drop(PATH)


def test_i32_the_steps_after_a_delete_are_those_of_the_real_adapter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where an agent deletes at the last moment, both drop what they had made."""
    files = {PATH: OLD, "memory/a/c.md": OLD}
    real, ours = both(monkeypatch, tmp_path, files, write, deleting)
    assert ours == real
    assert any(step.startswith("unlink") for step in real)

"""What a program writes into a file that a pull has replaced or removed is a local edit."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory_sync.errors import DiskFullError
from memory_sync.model import Outcome
from memory_sync.ports import trash
from memory_sync.ports.files import Echo
from memory_sync.ports.switch import rename_new
from memory_sync.sync.merge import Merged, merge
from tests.engine.devices import Device, settle


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def appending(device: Device, path: str) -> Iterator[Callable[[bytes], object]]:
    """Have a program on a device that opened a file and goes on appending to it."""
    with (device.folder() / path).open("ab", buffering=0) as stream:
        yield stream.write


def poll(device: Device) -> Outcome:
    """Do what a daemon does on a poll: nothing tells of a changed file."""
    return device.engine.cycle(look=False)


@pytest.fixture
def pair(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Give two devices with one log, in sync."""
    laptop.write("memory/log.md", "start\n")
    settle(laptop, desktop)
    return laptop, desktop


def pull_replaces(laptop: Device, desktop: Device, text: str = "start\ndesktop\n") -> None:
    """Let the laptop's log be replaced by what the desktop writes."""
    desktop.write("memory/log.md", text)
    desktop.sync()
    poll(laptop)
    assert laptop.read("memory/log.md") == text


def test_i19_what_is_appended_after_a_pull_replaced_the_file_is_kept(
    pair: tuple[Device, Device],
) -> None:
    """It comes into the live file after what was pulled, and goes to the other device."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"late\n")
        outcome = poll(laptop)
    assert outcome.up == ("memory/memory/log.md",)
    settle(laptop, desktop)
    for device in pair:
        assert device.read("memory/log.md") == "start\ndesktop\nlate\n"
        assert device.conflicts() == []


def test_i19_what_is_appended_after_a_pull_removed_the_file_is_kept(
    pair: tuple[Device, Device],
) -> None:
    """The edit survives the delete: the file is there again, whole, on both devices."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        desktop.delete("memory/log.md")
        desktop.sync()
        poll(laptop)
        assert laptop.files() == {}
        append(b"late\n")
        poll(laptop)
    settle(laptop, desktop)
    for device in pair:
        assert device.read("memory/log.md") == "start\nlate\n"


def test_i08_an_emptied_file_brings_no_delete_back(pair: tuple[Device, Device]) -> None:
    """Nothing was written into the removed file that could survive."""
    laptop, desktop = pair
    with (laptop.folder() / "memory/log.md").open("r+b", buffering=0) as stream:
        desktop.delete("memory/log.md")
        desktop.sync()
        poll(laptop)
        stream.truncate()
        poll(laptop)
        settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {}


def test_i19_a_program_that_goes_on_and_on_loses_no_line(pair: tuple[Device, Device]) -> None:
    """Each late line comes once, in order, while pulls go on replacing the file."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        for number in range(5):
            pull_replaces(laptop, desktop, desktop.read("memory/log.md") + f"desktop {number}\n")
            append(f"late {number}\n".encode())
            poll(laptop)
            desktop.sync()
    settle(laptop, desktop)
    lines = desktop.read("memory/log.md").splitlines()
    assert laptop.read("memory/log.md").splitlines() == lines
    assert [line for line in lines if line.startswith("late")] == [f"late {n}" for n in range(5)]
    assert len(lines) == 11


def test_i17_a_late_write_is_taken_up_once(pair: tuple[Device, Device], vault: Path) -> None:
    """Idle cycles after it change nothing and commit nothing."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"late\n")
        poll(laptop)
        settle(laptop, desktop)
        commits = laptop.remote.commits
        for _ in range(3):
            assert poll(laptop).up == laptop.sync().up == ()
        laptop.restart()
        assert laptop.sync().up == ()
    assert laptop.remote.commits == commits
    assert laptop.read("memory/log.md") == "start\ndesktop\nlate\n"


def test_i17_a_late_line_that_is_taken_out_again_stays_out(pair: tuple[Device, Device]) -> None:
    """Once it was taken up it is a line like any other: no later look brings it back."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"late\n")
        poll(laptop)
        settle(laptop, desktop)
        desktop.write("memory/log.md", "start\ndesktop\n")
        settle(desktop, laptop)
        laptop.restart()
        for _ in range(2):
            settle(laptop, desktop)
    assert laptop.read("memory/log.md") == desktop.read("memory/log.md") == "start\ndesktop\n"


@pytest.mark.parametrize("removed", [False, True])
def test_i33_a_kill_between_write_and_settle_doubles_nothing(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    """After a restart the late line is found to be there already."""
    laptop, desktop = pair

    def die(_self: object, _echo: Echo) -> None:
        raise Killed

    with appending(laptop, "memory/log.md") as append:
        if removed:
            desktop.delete("memory/log.md")
            desktop.sync()
            poll(laptop)
        else:
            pull_replaces(laptop, desktop)
        append(b"late\n")
        with monkeypatch.context() as patch:
            patch.setattr("memory_sync.ports.disk.DiskTree.settle", die)
            with pytest.raises(Killed):
                laptop.sync()
        laptop.restart()
        settle(laptop, desktop)
    whole = "start\nlate\n" if removed else "start\ndesktop\nlate\n"
    assert laptop.read("memory/log.md") == desktop.read("memory/log.md") == whole
    assert laptop.conflicts() == []


def test_i18_what_cannot_be_merged_is_a_conflict_copy(pair: tuple[Device, Device]) -> None:
    """The live file stays as it is; the copy is whole, and grows with each further write."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop, "another beginning\n")
        append(b"late\n")
        outcome = poll(laptop)
        assert laptop.read("memory/log.md") == "another beginning\n"
        assert laptop.conflicts() == [b"start\nlate\n"]
        assert (len(outcome.new_conflicts), outcome.conflicts) == (1, 1)
        append(b"later\n")
        poll(laptop)
    settle(laptop, desktop)
    assert laptop.conflicts() == desktop.conflicts() == [b"start\nlate\nlater\n"]


def test_i16_a_conflict_copy_is_not_made_twice(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither after a kill before it was settled, nor by idle cycles."""
    laptop, desktop = pair

    def die(_self: object, _echo: Echo) -> None:
        raise Killed

    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop, "another beginning\n")
        append(b"late\n")
    with monkeypatch.context() as patch:
        patch.setattr("memory_sync.ports.disk.DiskTree.settle", die)
        with pytest.raises(Killed):
            laptop.sync()
    laptop.restart()
    for _ in range(3):
        settle(laptop, desktop)
    assert laptop.conflicts() == desktop.conflicts() == [b"start\nlate\n"]


def test_i04_what_was_written_over_in_the_displaced_file_is_kept(
    pair: tuple[Device, Device],
) -> None:
    """Where it cannot be told what it held before, and it is in nothing else, it is a copy."""
    laptop, desktop = pair
    with (laptop.folder() / "memory/log.md").open("r+b", buffering=0) as stream:
        pull_replaces(laptop, desktop)
        stream.write(b"AGENT\n")
        poll(laptop)
    settle(laptop, desktop)
    assert laptop.read("memory/log.md") == "start\ndesktop\n"
    assert laptop.conflicts() == desktop.conflicts() == [b"AGENT\n"]


def test_i69_what_is_no_text_is_a_conflict_copy(pair: tuple[Device, Device]) -> None:
    """Late bytes are never merged into a file, nor cut."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"\x00\xff\r\n")
        poll(laptop)
    assert laptop.conflicts() == [b"start\n\x00\xff\r\n"]
    assert laptop.read("memory/log.md") == "start\ndesktop\n"


def test_a_merge_beyond_its_cap_is_a_conflict_copy(pair: tuple[Device, Device]) -> None:
    """The bound of a root's merges holds for late writes."""
    laptop, desktop = pair
    laptop.merge_caps["memory/*.md"] = 20
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"much too much\n")
        poll(laptop)
    assert laptop.read("memory/log.md") == "start\ndesktop\n"
    assert laptop.conflicts() == [b"start\nmuch too much\n"]


def test_i23_a_root_that_halts_takes_nothing_up(pair: tuple[Device, Device]) -> None:
    """A late write does not end the halt of an emptied root; it is taken up when that has ended."""
    laptop, desktop = pair
    laptop.write("MEMORY.md", "memory\n")
    settle(laptop, desktop)
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        kept = laptop.files()
        for path in kept:
            laptop.delete(path)
        append(b"late\n")
        for _ in range(2):
            assert [halt.root for halt in laptop.sync().halts] == ["memory"]
            assert laptop.files() == {}
        for path, content in kept.items():
            laptop.write(path, content)
        settle(laptop, desktop)
    assert desktop.read("memory/log.md") == "start\ndesktop\nlate\n"


def test_a_push_leaves_local_files_alone(pair: tuple[Device, Device]) -> None:
    """A cycle that may not change files here takes nothing up; the next one does."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"late\n")
        laptop.sync(down=False)
        assert laptop.read("memory/log.md") == "start\ndesktop\n"
        laptop.sync()
    assert laptop.read("memory/log.md") == "start\ndesktop\nlate\n"


def test_i20_an_error_stops_only_its_own_late_write(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown, the other one is taken up, and once it is mended so is this one."""
    laptop, desktop = pair
    laptop.write("memory/other.md", "start\n")
    settle(laptop, desktop)
    with appending(laptop, "memory/log.md") as append, appending(laptop, "memory/other.md") as more:
        desktop.write("memory/other.md", "start\ndesktop\n")
        pull_replaces(laptop, desktop)
        append(b"late\n")
        more(b"late\n")
    files = laptop.opened().roots["memory"].files
    write = files.write

    def full(path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        if path == "memory/log.md":
            raise DiskFullError(path=path)
        write(path, content, mode=mode, expect=expect)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        problems = poll(laptop).problems
    assert [(found.code, found.path) for found in problems] == [
        ("disk-full", "memory/memory/log.md")
    ]
    assert laptop.read("memory/other.md") == "start\ndesktop\nlate\n"
    assert laptop.read("memory/log.md") == "start\ndesktop\n"
    settle(laptop, desktop)
    assert desktop.read("memory/log.md") == "start\ndesktop\nlate\n"


def test_i32_an_edit_at_the_same_moment_is_not_written_over(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live file changes while the late write is merged: both are in the end in it."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"late\n")

    def edit_then_merge(
        base: bytes | None, local: bytes, remote: bytes, *, cap: int | None
    ) -> Merged:
        laptop.write("memory/log.md", "first\nstart\ndesktop\n")
        return merge(base, local, remote, cap=cap)

    with monkeypatch.context() as patch:
        patch.setattr("memory_sync.engine.echoes.merge", edit_then_merge)
        assert poll(laptop).again
    assert laptop.read("memory/log.md") == "first\nstart\ndesktop\n"
    settle(laptop, desktop)
    assert desktop.read("memory/log.md") == "first\nstart\ndesktop\nlate\n"


def test_an_hour_later_a_full_look_finds_it(pair: tuple[Device, Device]) -> None:
    """A program that was silent for long is heard within an hour, without a restart."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        laptop.sync()
        laptop.clock.sleep(3601)
        poll(laptop)
        append(b"late\n")
        laptop.clock.sleep(3601)
        poll(laptop)
    assert laptop.read("memory/log.md") == "start\ndesktop\nlate\n"


def test_what_is_not_synced_any_more_is_left_in_the_trash(pair: tuple[Device, Device]) -> None:
    """A late write into a file that no pattern matches is nobody's edit, and stays where it is."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        pull_replaces(laptop, desktop)
        append(b"late\n")
    laptop.restart()
    laptop.patterns = {"memory": laptop.patterns["memory"].__class__(("MEMORY.md",))}
    laptop.sync()
    assert laptop.read("memory/log.md") == "start\ndesktop\n"
    assert b"start\nlate\n" in laptop.trash()


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the trash on another file system than the roots."""

    def move(folder: int, name: str, target: int, new: str) -> None:
        if os.fstat(folder).st_ino != os.fstat(target).st_ino:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename_new(folder, name, target, new)

    monkeypatch.setattr(trash, "rename_new", move)


@pytest.mark.usefixtures("other_disk")
@pytest.mark.parametrize("removed", [False, True])
def test_i19_nothing_is_lost_across_file_systems(
    pair: tuple[Device, Device], removed: bool
) -> None:
    """Also over a restart: each late line comes once, and the trash has the old content once."""
    laptop, desktop = pair
    with appending(laptop, "memory/log.md") as append:
        if removed:
            desktop.delete("memory/log.md")
            desktop.sync()
            poll(laptop)
            assert not (laptop.folder() / "memory").exists()
        else:
            pull_replaces(laptop, desktop)
        append(b"late\n")
        poll(laptop)
        laptop.restart()
        laptop.sync()
        append(b"later\n")
        poll(laptop)
    settle(laptop, desktop)
    whole = "start\nlate\nlater\n" if removed else "start\ndesktop\nlate\nlater\n"
    assert laptop.read("memory/log.md") == desktop.read("memory/log.md") == whole
    assert [text for text in laptop.trash() if text.startswith(b"start\n")].count(b"start\n") == 1
    assert laptop.conflicts() == []

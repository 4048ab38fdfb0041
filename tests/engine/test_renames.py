"""Folders, files in their place, and renames, each against a change that has not travelled yet."""

from __future__ import annotations

import itertools
import os
import shutil

import pytest

from memory_sync.model.trees import CONFLICTS
from tests.engine.devices import Device, settle


@pytest.fixture
def pair(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Give two devices with three files in a folder and one beside it."""
    for name in ("a", "b", "c"):
        laptop.write(f"memory/topic/{name}.md", f"{name}\n")
    laptop.write("MEMORY.md", "top\n")
    settle(laptop, desktop)
    return laptop, desktop


def _contents(*devices: Device) -> set[bytes]:
    return {
        content for device in devices for content in (*device.files().values(), *device.conflicts())
    }


@pytest.mark.parametrize("first", ["deleter", "adder"])
def test_i10_a_file_added_to_a_folder_that_is_deleted_elsewhere_survives(
    pair: tuple[Device, Device], first: str
) -> None:
    """The folder goes but for the new file, on both devices, whoever syncs first."""
    laptop, desktop = pair
    shutil.rmtree(laptop.folder() / "memory/topic")
    desktop.write("memory/topic/new.md", "new\n")
    for device in itertools.islice(itertools.cycle(pair if first == "deleter" else pair[::-1]), 4):
        assert device.sync().problems == ()
    expected = {"MEMORY.md": b"top\n", "memory/topic/new.md": b"new\n"}
    assert laptop.files() == desktop.files() == expected


@pytest.mark.parametrize("first", ["turner", "editor"])
def test_i11_a_folder_turned_file_against_an_edit_in_it_loses_nothing(
    pair: tuple[Device, Device], first: str
) -> None:
    """A file stands where a folder was, and somebody edited a file in that folder."""
    laptop, desktop = pair
    laptop.write("memory/x.md/inside.md", "inside\n")
    settle(laptop, desktop)
    shutil.rmtree(laptop.folder() / "memory/x.md")
    laptop.write("memory/x.md", "a file now\n")
    desktop.write("memory/x.md/inside.md", "edited inside\n")
    for device in itertools.islice(itertools.cycle(pair if first == "turner" else pair[::-1]), 6):
        device.sync()
    assert {b"a file now\n", b"edited inside\n"} <= _contents(*pair)
    # Both cannot be there at once: each device shows which one is in the way.
    shutil.rmtree(desktop.folder() / "memory/x.md")
    settle(*pair)
    assert laptop.files() == desktop.files()
    assert laptop.read("memory/x.md") == "a file now\n"


@pytest.mark.parametrize("first", ["turner", "editor"])
def test_i11_a_file_turned_folder_against_an_edit_of_it_loses_nothing(
    pair: tuple[Device, Device], first: str
) -> None:
    """A folder stands where a file was, and somebody edited that file."""
    laptop, desktop = pair
    laptop.write("memory/x.md", "a file\n")
    settle(laptop, desktop)
    laptop.delete("memory/x.md")
    laptop.write("memory/x.md/inside.md", "inside\n")
    desktop.write("memory/x.md", "an edited file\n")
    for device in itertools.islice(itertools.cycle(pair if first == "turner" else pair[::-1]), 6):
        device.sync()
    assert {b"inside\n", b"an edited file\n"} <= _contents(*pair)
    desktop.delete("memory/x.md")
    settle(*pair)
    assert laptop.files() == desktop.files()
    assert laptop.read("memory/x.md/inside.md") == "inside\n"


def test_i11_a_folder_turned_file_with_nothing_against_it_just_travels(
    pair: tuple[Device, Device],
) -> None:
    """And back again: deletes come before what takes their place."""
    laptop, desktop = pair
    shutil.rmtree(laptop.folder() / "memory/topic")
    laptop.write("memory/topic", "no pattern matches this\n")
    laptop.delete("memory/topic")
    laptop.write("memory/y.md/inside.md", "1\n")
    settle(laptop, desktop)
    shutil.rmtree(laptop.folder() / "memory/y.md")
    laptop.write("memory/y.md", "2\n")
    laptop.sync()
    assert desktop.sync().problems == ()
    assert desktop.read("memory/y.md") == "2\n"
    desktop.delete("memory/y.md")
    desktop.write("memory/y.md/inside.md", "3\n")
    desktop.sync()
    assert laptop.sync().problems == ()
    assert laptop.read("memory/y.md/inside.md") == "3\n"
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()


@pytest.mark.parametrize("first", ["renamer", "editor"])
def test_i12_a_rename_against_an_edit_keeps_the_edit(
    pair: tuple[Device, Device], first: str
) -> None:
    """The edit stays under the old name, the rename under the new one."""
    laptop, desktop = pair
    folder = laptop.folder() / "memory/topic"
    (folder / "a.md").rename(folder / "z.md")
    desktop.write("memory/topic/a.md", "a\nedited\n")
    settle(*(pair if first == "renamer" else reversed(pair)))
    expected = {
        "MEMORY.md": b"top\n",
        "memory/topic/a.md": b"a\nedited\n",
        "memory/topic/b.md": b"b\n",
        "memory/topic/c.md": b"c\n",
        "memory/topic/z.md": b"a\n",
    }
    assert laptop.files() == desktop.files() == expected


@pytest.mark.parametrize("other", ["nothing", "an edit", "another cycle"])
def test_i12_rename_cycles_neither_hang_nor_lose(pair: tuple[Device, Device], other: str) -> None:
    """Three files trade their names in a ring, against whatever the other device did."""
    laptop, desktop = pair
    _rotate(laptop, ("a", "b", "c"))
    if other == "an edit":
        desktop.write("memory/topic/b.md", "b\nedited\n")
    if other == "another cycle":
        _rotate(desktop, ("c", "b", "a"))
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    lines = b"".join(_contents(laptop, desktop)).split(b"\n")
    assert {b"a", b"b", b"c"} <= set(lines)
    assert other != "an edit" or b"edited" in lines


def _rotate(device: Device, names: tuple[str, ...]) -> None:
    """Give each file the name of the next one, and the last one the first's."""
    folder = device.folder() / "memory/topic"
    (folder / f"{names[-1]}.md").rename(folder / "spare")
    for old, new in zip(names[-2::-1], names[:0:-1], strict=True):
        (folder / f"{old}.md").rename(folder / f"{new}.md")
    (folder / "spare").rename(folder / f"{names[0]}.md")


@pytest.mark.parametrize("years", [-40, -1, 1, 60])
def test_i68_a_wrong_clock_changes_nothing(pair: tuple[Device, Device], years: int) -> None:
    """With clock and files years off, edits, deletes, merges and conflicts end the same."""
    laptop, desktop = pair
    ends = []
    for number, ahead in enumerate((0.0, years * 365 * 86_400.0)):
        desktop.clock.ahead = ahead
        laptop.write("MEMORY.md", "top\nlaptop\n")
        desktop.write("MEMORY.md", "top\ndesktop\n")
        laptop.write("memory/topic/a.md", f"overlap laptop {number}\n")
        desktop.write("memory/topic/a.md", f"overlap desktop {number}\n")
        laptop.delete("memory/topic/b.md")
        desktop.write("memory/topic/c.md", "edited\n")
        for path in desktop.files():
            os.utime(desktop.folder() / path, (desktop.clock.now(), desktop.clock.now()))
        settle(laptop, desktop)
        assert laptop.files() == desktop.files()
        assert laptop.conflicts() == [b"overlap desktop %d\n" % number]
        ends.append({**laptop.files(), "memory/topic/a.md": laptop.read("memory/topic/a.md")[:-3]})
        for path in laptop.files(CONFLICTS):
            laptop.delete(path, CONFLICTS)
        laptop.write("MEMORY.md", "top\n")
        for name in ("a", "b", "c"):
            laptop.write(f"memory/topic/{name}.md", f"{name}\n")
        settle(laptop, desktop)
    assert ends[0] == ends[1]

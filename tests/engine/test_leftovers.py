"""A kill in the midst of replacing or removing a file: a save at that moment is taken up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memory_sync.sync.merge import merge
from tests.engine.devices import Device, settle
from tests.files.dying import Killed, Steps, after

PATH = "memory/log.md"
BEFORE = "".join(f"line {number}\n" for number in range(9))


@pytest.fixture
def pair(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Give two devices with one log, in sync."""
    laptop.write(PATH, BEFORE)
    settle(laptop, desktop)
    return laptop, desktop


def killed(device: Device, moment: str, save: Callable[[], object] = lambda: None) -> None:
    """Let a device sync, save just before a step, and die after it; then start again."""
    device.opened()
    with pytest.MonkeyPatch.context() as patch:
        Steps(patch, after(moment, save))
        with pytest.raises(Killed):
            device.sync()
    assert len(device.files()) == 1 + (moment == "exchange")
    device.restart()
    device.sync()
    assert not [name for name in device.files() if name.endswith(".tmp")]


def at_rest(*devices: Device) -> None:
    """Let the devices sync until all is taken up, and make sure that they are the same then."""
    for device in devices:
        device.sync()
    settle(*devices)
    first, *others = devices
    assert all(other.files() == first.files() for other in others)
    assert all(other.conflicts() == first.conflicts() for other in others)


def test_i32_an_append_before_a_kill_is_merged(pair: tuple[Device, Device]) -> None:
    """The names are traded already: what was appended comes into what was pulled."""
    laptop, desktop = pair
    desktop.write(PATH, "first\n" + BEFORE)
    desktop.sync()
    killed(laptop, "exchange", lambda: laptop.write(PATH, BEFORE + "late\n"))
    at_rest(laptop, desktop)
    assert desktop.read(PATH) == "first\n" + BEFORE + "late\n"
    assert desktop.conflicts() == []


def test_i32_another_text_before_a_kill_is_kept(pair: tuple[Device, Device]) -> None:
    """What cannot be merged with what was pulled is a conflict copy, once, on both devices."""
    laptop, desktop = pair
    desktop.write(PATH, "first\n" + BEFORE)
    desktop.sync()
    killed(laptop, "exchange", lambda: laptop.write(PATH, "something else\n"))
    at_rest(laptop, desktop)
    assert desktop.read(PATH) == "first\n" + BEFORE
    assert desktop.conflicts() == [b"something else\n"]


def test_i08_a_save_before_a_kill_survives_a_delete(pair: tuple[Device, Device]) -> None:
    """The file is taken out already: it is there again, as it was saved, on both devices."""
    laptop, desktop = pair
    desktop.delete(PATH)
    desktop.sync()
    killed(laptop, "rename", lambda: laptop.write(PATH, "something else\n"))
    at_rest(laptop, desktop)
    assert desktop.read(PATH) == "something else\n"
    assert desktop.conflicts() == []


@pytest.mark.parametrize("moment", ["rename", "exchange"])
@pytest.mark.parametrize("here", [BEFORE, BEFORE + "laptop\n"])
def test_i33_a_kill_without_a_save_changes_nothing(
    pair: tuple[Device, Device], moment: str, here: str
) -> None:
    """Neither a pull nor a merge that takes lines away comes back, twice or as a conflict."""
    laptop, desktop = pair
    there = "first\n" + BEFORE.replace("line 3\n", "")
    laptop.write(PATH, here)
    desktop.write(PATH, there)
    desktop.sync()
    with pytest.MonkeyPatch.context() as patch:
        Steps(patch, after(moment))
        with pytest.raises(Killed):
            laptop.sync()
    laptop.restart()
    at_rest(laptop, desktop)
    whole = merge(BEFORE.encode(), here.encode(), there.encode()).content.decode()
    assert whole.count("\n") == there.count("\n") + (here != BEFORE)
    assert laptop.read(PATH) == whole
    assert desktop.conflicts() == []


def test_i33_a_kill_without_a_save_leaves_a_delete_one(pair: tuple[Device, Device]) -> None:
    """A file that was taken out already stays deleted."""
    laptop, desktop = pair
    desktop.delete(PATH)
    desktop.sync()
    killed(laptop, "rename")
    at_rest(laptop, desktop)
    assert desktop.files() == {}


def test_i37_a_copy_that_was_cut_short_is_cleared_away(pair: tuple[Device, Device]) -> None:
    """What a kill leaves among the conflict copies is gone after the next look."""
    laptop, desktop = pair
    laptop.write(PATH, "laptop\n")
    desktop.write(PATH, "desktop\n")
    settle(laptop, desktop)
    assert len(laptop.conflicts()) == 1
    laptop.restart()
    hidden = laptop.home / "conflicts"
    left = next(path for path in hidden.rglob("*") if path.is_file() and path.parent != hidden)
    cut = left.with_name(".memory-sync-60a51d6e2df91f19.tmp")
    cut.write_bytes(b"")
    laptop.sync()
    assert not cut.exists()
    assert len(laptop.conflicts()) == 1

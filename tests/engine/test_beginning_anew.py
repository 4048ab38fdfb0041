"""A device that begins anew, or not where it was: both sides are united, and nothing is deleted."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.devices import Device, settle

FILES = {
    "MEMORY.md": b"newer\n",
    "memory/a.md": b"a\n",
    "memory/desktop.md": b"d\n",
    "memory/new.md": b"new\n",
}
DATABASE = "state.db*"
YEAR = 365 * 86400.0


def _keep(device: Device, folder: Path) -> None:
    """Make a copy of the state database, as a backup has it."""
    device.restart()
    folder.mkdir()
    for place in device.home.glob(DATABASE):
        shutil.copy(place, folder)


def _lose_database(device: Device) -> None:
    for place in device.home.glob(DATABASE):
        place.unlink()


def _join_again(device: Device, _: Path) -> None:
    """Lose everything but the folder, and join; one file had been deleted in between."""
    trust = device.keystore.trust("v")
    assert trust
    identity = device.keystore.find(trust.recipient)
    assert identity
    _lose_database(device)
    shutil.rmtree(device.home / "keys")
    device.delete("memory/a.md")
    device.join(identity)


def _old_database(device: Device, backup: Path) -> None:
    """Bring the database back as it was once; a file that is unknown to it is not there."""
    _lose_database(device)
    for place in backup.iterdir():
        shutil.copy(place, device.home)
    device.delete("memory/new.md")


def _empty_folder(device: Device, _: Path) -> None:
    """Set up an empty folder in the place of the one there was."""
    device.folder().rename(device.home / "before")
    device.folder().mkdir()
    device.tree("memory").adopt()


def _another_path(device: Device, _: Path) -> None:
    """Set up another folder, which has some of the files."""
    device.folder().rename(device.home / "before")
    device.write("MEMORY.md", "newer\n")
    device.write("memory/a.md", "a\n")
    device.tree("memory").adopt()


@pytest.mark.parametrize("way", [_join_again, _old_database, _empty_folder, _another_path])
def test_i30_beginning_anew_unites_and_deletes_nothing(
    laptop: Device, desktop: Device, tmp_path: Path, way: Callable[[Device, Path], None]
) -> None:
    """Joined again, with an old database, an empty folder or another one: all files are there."""
    laptop.write("MEMORY.md", "old\n")
    laptop.write("memory/a.md", "a\n")
    laptop.write("memory/gone.md", "g\n")
    settle(laptop, desktop)
    _keep(desktop, tmp_path / "backup")
    laptop.write("MEMORY.md", "newer\n")
    laptop.write("memory/new.md", "new\n")
    laptop.delete("memory/gone.md")
    desktop.write("memory/desktop.md", "d\n")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == FILES
    desktop.restart()
    way(desktop, tmp_path / "backup")
    assert desktop.sync().halts == ()
    settle(desktop, laptop)
    assert laptop.files() == desktop.files() == FILES
    assert laptop.conflicts() == desktop.conflicts() == []


def test_i31_a_device_that_was_away_for_months_overwrites_nothing_newer(
    laptop: Device, desktop: Device
) -> None:
    """What was deleted stays deleted, and what it wrote itself long ago replaces nothing."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/both.md", "one\n")
    laptop.write("memory/gone.md", "g\n")
    settle(laptop, desktop)
    desktop.write("memory/both.md", "of long ago\n")
    desktop.write("memory/mine.md", "m\n")
    desktop.restart()
    laptop.delete("memory/gone.md")
    for number in range(30):
        laptop.write("MEMORY.md", f"newer {number}\n")
        laptop.sync()
    laptop.write("memory/both.md", "newer\n")
    for device in (laptop, desktop):
        device.clock.ahead += YEAR
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert laptop.files() == {
        "MEMORY.md": b"newer 29\n",
        "memory/both.md": b"newer\n",
        "memory/mine.md": b"m\n",
    }
    assert laptop.conflicts() == desktop.conflicts() == [b"of long ago\n"]


def test_i30_an_old_database_does_not_know_what_was_made_anew(
    laptop: Device, desktop: Device, tmp_path: Path
) -> None:
    """A file deleted everywhere and made again with the same bytes was not deleted here."""
    laptop.write("MEMORY.md", "top\n")
    laptop.write("memory/a.md", "a\n")
    settle(laptop, desktop)
    _keep(desktop, tmp_path / "backup")
    laptop.delete("memory/a.md")
    settle(laptop, desktop)
    desktop.restart()
    laptop.write("memory/a.md", "a\n")
    laptop.sync()
    _lose_database(desktop)
    for place in (tmp_path / "backup").iterdir():
        shutil.copy(place, desktop.home)
    settle(desktop, laptop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"top\n", "memory/a.md": b"a\n"}

"""What a device leaves out for a while, by its settings, is deleted nowhere and lost nowhere."""

from __future__ import annotations

from contextlib import suppress

import pytest

from memory_sync.errors import OfflineError
from memory_sync.model import Direction
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import PLAIN, Device, settle

START = "one\ntwo\nthree\nfour\nfive\n"
WITHOUT = {"memory": Patterns(exclude=("MEMORY.md",))}


@pytest.fixture
def pair(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Give two devices in sync, with some files."""
    laptop.write("MEMORY.md", START)
    for name in "abc":
        laptop.write(f"memory/{name}.md", f"{name}\n")
    settle(laptop, desktop)
    return laptop, desktop


def offline(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a device off."""

    def head(_known: object = None) -> None:
        raise OfflineError(remote="the vault", detail="no net")

    monkeypatch.setattr(device.remote, "head", head, raising=False)


@pytest.mark.parametrize("setting", ["root", "exclude", "direction", "size"])
def test_i28_a_setting_that_is_taken_back_offline_deletes_nothing(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """A cycle that could not reach the vault has heeded it all the same."""
    laptop, desktop = pair
    laptop.restart()
    with monkeypatch.context() as patch:
        offline(laptop, patch)
        if setting in {"root", "exclude"}:
            laptop.patterns = WITHOUT if setting == "exclude" else {}
        elif setting == "direction":
            laptop.directions = {"memory": "pull"}
        else:
            laptop.max_size = 1
        with pytest.raises(OfflineError):
            laptop.sync()
        laptop.delete("MEMORY.md")
        with suppress(OfflineError):
            laptop.sync()
        laptop.restart()
        laptop.patterns, laptop.directions = dict(PLAIN), {}
        laptop.max_size = desktop.max_size
    settle(laptop, desktop)
    assert desktop.read("MEMORY.md") == laptop.read("MEMORY.md") == START


@pytest.mark.parametrize("edited", [False, True])
def test_what_is_taken_in_again_is_merged_with_what_was_in_common(
    pair: tuple[Device, Device], edited: bool
) -> None:
    """Edits on both sides meanwhile are no conflict if they do not overlap."""
    laptop, desktop = pair
    laptop.restart()
    laptop.patterns = WITHOUT
    laptop.sync()
    there = START.replace("one", "theirs")
    desktop.write("MEMORY.md", there)
    desktop.sync()
    if edited:
        laptop.write("MEMORY.md", START.replace("five", "mine"))
    laptop.restart()
    laptop.patterns = dict(PLAIN)
    settle(laptop, desktop)
    assert not laptop.conflicts()
    assert laptop.read("MEMORY.md") == there.replace("five", "mine" if edited else "five")
    assert desktop.files() == laptop.files()


def test_a_file_over_the_size_here_is_named_and_not_written(pair: tuple[Device, Device]) -> None:
    """It stays in the vault, with a problem that says why."""
    laptop, desktop = pair
    desktop.restart()
    desktop.max_size = 1000
    laptop.write("memory/big.md", "x" * 2000)
    laptop.sync()
    outcome = desktop.sync()
    assert "memory/big.md" not in desktop.files()
    shown = [(one.code, one.path) for one in outcome.problems]
    assert shown == [("file-too-large", "memory/memory/big.md")]


@pytest.mark.parametrize("way", ["both", "pull"])
def test_a_file_that_grew_over_the_size_here_is_left_as_it_is_on_both_sides(
    pair: tuple[Device, Device], way: Direction
) -> None:
    """Also if it is edited here: it is no broken object, and no merge comes of it."""
    laptop, desktop = pair
    desktop.restart()
    desktop.max_size, desktop.directions = 1000, {"memory": way}
    desktop.sync()
    grown = START + "b" * 2000
    laptop.write("MEMORY.md", grown)
    laptop.sync()
    desktop.sync()
    desktop.write("MEMORY.md", START + "mine\n")
    for _ in range(2):
        outcome = desktop.sync()
        assert [(one.code, one.path) for one in outcome.problems] == [
            ("file-too-large", "memory/MEMORY.md")
        ]
    settle(laptop)
    assert (desktop.read("MEMORY.md"), laptop.read("MEMORY.md")) == (START + "mine\n", grown)
    assert not desktop.conflicts()

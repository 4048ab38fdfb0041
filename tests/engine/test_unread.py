"""What a look costs where nothing has changed."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.engine.devices import Device

FILES = 50


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the names of the memory files that are opened from now on."""
    names: list[str] = []
    real = os.open

    def noted(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith(".md"):
            names.append(str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", noted)
    return names


def test_unchanged_files_are_not_read_again(laptop: Device, opened: list[str]) -> None:
    """Neither by the next look nor by the first one after a restart; a changed one is, alone."""
    for number in range(FILES):
        laptop.write(f"memory/{number % 5}/{number}.md", f"{number}\n")
    laptop.sync()
    assert len(opened) >= FILES
    laptop.clock.ahead += 3600  # a file of the last two seconds is read again
    laptop.sync()
    opened.clear()
    laptop.sync()
    assert opened == []
    laptop.restart()
    laptop.sync()
    assert opened == []
    laptop.write("memory/3/3.md", "changed\n")
    laptop.sync()
    assert set(opened) == {"3.md"}

"""Names that two devices do not see alike: accents, case, and what a disk cannot hold."""

from __future__ import annotations

import errno
import os
import unicodedata

import pytest

from memory_sync.ports import switch
from tests.engine.devices import Device, settle
from tests.files.bench import ignoring_case


def test_i63_one_name_in_two_encodings_is_one_file_on_both_devices(
    laptop: Device, desktop: Device
) -> None:
    """Decomposed here and composed there: edits and deletes go both ways, and no twin appears."""
    composed = "memory/café/été.md"
    decomposed = unicodedata.normalize("NFD", composed)
    laptop.write(decomposed, "one\n")
    laptop.write("MEMORY.md", "other\n")
    settle(laptop, desktop)
    assert desktop.read(composed) == "one\n"
    desktop.write(composed, "two\n")
    settle(desktop, laptop)
    assert laptop.files() == {"MEMORY.md": b"other\n", decomposed: b"two\n"}
    laptop.write(decomposed, "three\n")
    settle(laptop, desktop)
    assert desktop.files() == {"MEMORY.md": b"other\n", composed: b"three\n"}
    desktop.delete(composed)
    settle(desktop, laptop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"other\n"}


def test_i64_files_that_differ_by_case_do_not_overwrite_each_other(
    laptop: Device, desktop: Device
) -> None:
    """Where case is ignored one of the two is shown as in the way; both live on in the vault."""
    both = {"memory/A.md": b"upper\n", "memory/a.md": b"lower\n"}
    for path, content in both.items():
        laptop.write(path, content)
    laptop.sync()
    with ignoring_case():
        for _ in range(2):
            outcome = desktop.sync()
            assert [problem.code for problem in outcome.problems] == ["file-in-the-way"]
            assert outcome.up == ()
        assert desktop.files() == {"memory/A.md": b"upper\n"}
        desktop.write("memory/A.md", "edited\n")
        settle(desktop, laptop)
    assert laptop.files() == {**both, "memory/A.md": b"edited\n"}
    assert desktop.trash() == []


@pytest.mark.parametrize("renamer", ["where case is ignored", "where it counts"])
def test_i64_a_rename_that_changes_only_case_travels(
    laptop: Device, desktop: Device, renamer: str
) -> None:
    """The old name makes room for the new one on a disk for which both are the same."""
    laptop.write("MEMORY.md", "other\n")
    laptop.write("memory/Day.md", "text\n")
    settle(laptop, desktop)
    here = laptop if renamer == "where it counts" else desktop
    with ignoring_case():
        (here.folder() / "memory/Day.md").rename(here.folder() / "memory/day.md")
    if here is laptop:
        laptop.sync()
    with ignoring_case():
        outcome = desktop.sync()
    assert outcome.problems == ()
    laptop.sync()
    expected = {"MEMORY.md": b"other\n", "memory/day.md": b"text\n"}
    assert laptop.files() == desktop.files() == expected


def test_i65_a_name_that_a_disk_cannot_hold_fails_alone(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown; the files after it come, changes go both ways, and the vault keeps it."""
    rename_new = switch.rename_new

    def no_colons(folder: int, name: str, target: int, new: str) -> None:
        if ":" in new:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), new)
        rename_new(folder, name, target, new)

    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/12:30.md", "noon\n")
    laptop.write("memory/z.md", "last\n")
    laptop.sync()
    with monkeypatch.context() as patch:
        patch.setattr(switch, "rename_new", no_colons)
        outcome = desktop.sync()
        assert outcome.down == ("memory/MEMORY.md", "memory/memory/z.md")
        assert [problem.code for problem in outcome.problems] == ["file-name"]
        assert "12:30" in outcome.problems[0].message
        desktop.write("MEMORY.md", "two\n")
        assert desktop.sync().up == ("memory/MEMORY.md",)
    laptop.sync()
    assert set(laptop.files()) == {"MEMORY.md", "memory/12:30.md", "memory/z.md"}
    settle(desktop, laptop)
    assert desktop.files() == laptop.files()

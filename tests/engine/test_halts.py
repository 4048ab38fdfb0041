"""Roots that look wrong are left alone, the others go on, and the halt ends with its cause."""

import shutil
from pathlib import Path

import pytest

from memory_sync.errors import FolderGoneError
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle

BOTH = {"work": Patterns(), "home": Patterns()}


@pytest.fixture
def pair(tmp_path: Path, vault: Path) -> tuple[Device, Device]:
    """Give two devices with two roots of three files each."""
    one, two = Device(tmp_path, "one", vault, BOTH), Device(tmp_path, "two", vault, BOTH)
    two.join(one.found())
    for root in BOTH:
        for name in ("MEMORY.md", "memory/a.md", "memory/b.md"):
            one.write(name, f"{root} {name}\n", root)
    settle(one, two)
    return one, two


def _gone(folder: Path) -> None:
    shutil.move(folder, folder.with_name("elsewhere"))


def _replaced(folder: Path) -> None:
    _gone(folder)
    folder.write_text("a file")


def _empty_mount_point(folder: Path) -> None:
    _gone(folder)
    folder.mkdir()


def _emptied(folder: Path) -> None:
    _gone(folder)
    folder.mkdir()
    shutil.copy(folder.with_name("elsewhere") / ".memory-sync", folder)


@pytest.mark.parametrize(
    ("disaster", "code"),
    [(_gone, "root-gone"), (_replaced, "root-gone"), (_empty_mount_point, "marker-missing"),
     (_emptied, "root-emptied")],
)  # fmt: skip
def test_i21_i22_i23_a_root_that_is_gone_halts_alone_and_comes_back(
    pair: tuple[Device, Device], disaster: object, code: str
) -> None:
    """Missing, replaced, unmounted or emptied: no delete anywhere, and it ends with its cause."""
    one, two = pair
    folder = one.folder("work")
    assert callable(disaster)
    disaster(folder)
    one.write("memory/new.md", "new\n", "home")
    outcome = one.sync()
    assert [(halt.code, halt.root) for halt in outcome.halts] == [(code, "work")]
    assert outcome.up == ("home/memory/new.md",)
    two.sync()
    assert len(two.files("work")) == 3
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.unlink(missing_ok=True)
    shutil.move(folder.with_name("elsewhere"), folder)
    two.write("memory/two.md", "2\n", "work")
    settle(two, one)
    assert one.sync().halts == ()
    assert one.files("work") == two.files("work")


def test_i23_a_root_that_the_vault_has_lost_is_not_emptied_here(
    pair: tuple[Device, Device],
) -> None:
    """The other direction: everything gone from the vault deletes nothing on this device."""
    one, two = pair
    before = one.files("work")
    two.delete("MEMORY.md", "work")
    two.delete("memory/a.md", "work")
    two.sync()
    two.delete("memory/b.md", "work")
    assert two.sync().halts == ()
    one.write("memory/new.md", "new\n", "home")
    outcome = one.sync()
    assert [(halt.code, halt.root) for halt in outcome.halts] == [("remote-emptied", "work")]
    assert one.files("work") == before
    assert outcome.up == ("home/memory/new.md",)


def test_i26_an_error_of_a_file_is_no_delete(pair: tuple[Device, Device]) -> None:
    """A folder in a file's place, or a link: held and named, and the vault keeps the file."""
    one, two = pair
    (one.folder("work") / "MEMORY.md").unlink()
    (one.folder("work") / "MEMORY.md").symlink_to("/etc/hostname")
    one.write("memory/a.md", "edited\n", "work")
    outcome = one.sync()
    assert [problem.code for problem in outcome.problems] == ["file-special"]
    assert outcome.up == ("work/memory/a.md",)
    two.sync()
    assert "MEMORY.md" in two.files("work")


def test_a_vault_on_a_disk_that_is_not_mounted_is_offline(
    pair: tuple[Device, Device], vault: Path
) -> None:
    """No repository is no empty vault; it goes on when the disk is back."""
    one, two = pair
    _gone(vault)
    with pytest.raises(FolderGoneError):
        one.sync()
    one.write("MEMORY.md", "later\n", "work")
    assert one.engine.pending() == 1
    shutil.move(vault.with_name("elsewhere"), vault)
    settle(one, two)
    assert two.read("MEMORY.md", "work") == "later\n"


def test_i20_a_path_that_cannot_be_written_delays_no_other(pair: tuple[Device, Device]) -> None:
    """It is named, and clears itself once the way is free."""
    one, two = pair
    two.write("memory/sub/x.md", "x\n", "work")
    two.write("memory/y.md", "y\n", "work")
    one.write("memory/sub", "in the way\n", "work")
    two.sync()
    outcome = one.sync()
    assert outcome.down == ("work/memory/y.md",)
    assert [problem.code for problem in outcome.problems] == ["file-in-the-way"]
    (one.folder("work") / "memory/sub").unlink()
    assert one.sync().down == ("work/memory/sub/x.md",)
    assert one.sync().problems == ()

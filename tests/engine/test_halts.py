"""Roots that look wrong are left alone, the others go on, and the halt ends with its cause."""

import errno
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from memory_sync.errors import FolderGoneError
from memory_sync.ports import handles
from memory_sync.ports.handles import Spot
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


@pytest.mark.parametrize("deed", ["scan", "read", "flush", "write", "remove"])
def test_i21_a_root_that_goes_during_a_cycle_deletes_nothing(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    """Unmounted before any deed of a cycle: no delete anywhere, and all of it is done later."""
    one, two = pair
    two.write("MEMORY.md", "two\n", "work")
    two.write("memory/new.md", "new\n", "work")
    two.delete("memory/b.md", "work")
    two.sync()
    one.write("memory/a.md", "one\n", "work")
    folder, files = one.folder("work"), one.opened().roots["work"].files
    real = getattr(files, deed)

    def go_first(*arguments: object, **keywords: object) -> object:
        if folder.exists():
            _gone(folder)
        return real(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(files, deed, go_first)
        assert set(one.sync().up) <= {"work/memory/a.md"}
    assert not folder.exists()
    two.sync()
    assert set(two.files("work")) == {"MEMORY.md", "memory/a.md", "memory/new.md"}
    assert [(halt.code, halt.root) for halt in one.sync().halts] == [("root-gone", "work")]
    shutil.move(folder.with_name("elsewhere"), folder)
    settle(one, two)
    assert one.files("work") == two.files("work")
    assert one.files("work") == {
        "MEMORY.md": b"two\n", "memory/a.md": b"one\n", "memory/new.md": b"new\n",
    }  # fmt: skip


def test_i21_a_root_that_goes_in_the_middle_of_a_look_deletes_nothing(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was gone already while the others were still seen is no delete."""
    one, two = pair
    folder = one.folder("work")
    lost, kept = folder / "memory/a.md", folder.with_name("a.md")
    real = handles.open_folder

    def go(parent: int, name: str) -> int:
        if folder.exists():
            lost.rename(kept)
            _gone(folder)
        return real(parent, name)

    with monkeypatch.context() as patch:
        patch.setattr(handles, "open_folder", go)
        outcome = one.sync()
    assert (outcome.up, [halt.code for halt in outcome.halts]) == ((), ["root-gone"])
    two.sync()
    assert len(two.files("work")) == 3
    shutil.move(folder.with_name("elsewhere"), folder)
    kept.rename(lost)
    settle(one, two)
    assert one.files("work") == two.files("work")
    assert len(one.files("work")) == 3


def test_i23_a_root_that_the_vault_has_lost_is_not_emptied_here(
    pair: tuple[Device, Device],
) -> None:
    """The other direction: everything gone from the vault deletes nothing here, till it is back."""
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
    for path, content in before.items():
        two.write(path, content, "work")
    settle(two, one)
    assert one.sync().halts == ()
    assert one.files("work") == two.files("work") == before


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


def test_i2_at_rest_the_trees_differ_only_where_it_is_shown(pair: tuple[Device, Device]) -> None:
    """Local files, vault and base are equal but for the paths that the outcome names."""
    one, two = pair
    one.delete("memory/a.md", "work")
    (one.folder("work") / "memory/a.md").symlink_to("nowhere")
    one.write("memory/large.md", "x" * (one.max_size + 1), "work")
    two.write("memory/b.md", "edited\n", "work")
    two.write("memory/sub/x.md", "x\n", "home")
    one.write("memory/sub", "in the way\n", "home")
    for device in (one, two, one, two):
        device.sync()
    # A link can stand for a file or a folder, and is named as both.
    shown = {problem.path.rstrip("/") for problem in one.sync().problems}
    assert shown == {"work/memory/a.md", "work/memory/large.md", "home/memory/sub/x.md"}
    assert two.sync().problems == ()
    for device, apart in ((one, shown), (two, set())):
        local, remote, base = _trees(device)
        paths = local.keys() | remote.keys() | base.keys()
        differ = {
            path for path in paths if not local.get(path) == remote.get(path) == base.get(path)
        }
        assert differ == apart


def _trees(device: Device) -> tuple[dict[str, str], ...]:
    """Return the digests of what is on the disk, in the vault and in the base of a device."""
    local = {
        f"{root}/{path}": sha256(content).hexdigest()
        for root in BOTH
        for path, content in device.files(root).items()
        if path.endswith(".md")
    }
    remote = {path: file.version.digest for path, file in device.engine.remote_files().items()}
    base = {path: row.digest for path, row in device.opened().state.base().items()}
    return local, remote, base


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOENT])
def test_i26_an_error_of_the_disk_is_no_delete(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file and a folder that cannot be read just now stay everywhere; the others go on."""
    one, two = pair
    one.write("memory/deep/c.md", "c\n", "work")
    settle(one, two)
    before = two.files("work")
    one.write("memory/a.md", "edited\n", "work")
    read_whole, open_folder = handles.read_whole, handles.open_folder

    def read(spot: Spot, limit: int) -> tuple[bytes, os.stat_result]:
        if spot.name == "MEMORY.md":
            raise OSError(number, os.strerror(number))
        return read_whole(spot, limit)

    def enter(parent: int, name: str) -> int:
        if name == "deep":
            raise OSError(number, os.strerror(number))
        return open_folder(parent, name)

    with monkeypatch.context() as patch:
        patch.setattr(handles, "read_whole", read)
        patch.setattr(handles, "open_folder", enter)
        outcome = one.sync()
        assert bool(outcome.problems) or outcome.again
        assert outcome.up == ("work/memory/a.md",)
    two.sync()
    assert two.files("work") == {**before, "memory/a.md": b"edited\n"}
    settle(one, two)
    assert one.sync().problems == ()
    assert one.files("work") == two.files("work") == {**before, "memory/a.md": b"edited\n"}


def test_a_vault_on_a_disk_that_is_not_mounted_is_offline(
    pair: tuple[Device, Device], vault: Path
) -> None:
    """No repository is no empty vault; it goes on when the disk is back."""
    one, two = pair
    _gone(vault)
    with pytest.raises(FolderGoneError):
        one.sync()
    one.write("MEMORY.md", "later\n", "work")
    assert len(one.engine.pending().all) == 1
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

"""What only shows at the second step: notes, approvals and rows that outlive their purpose."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync.errors import DiskFullError, OfflineError, RootGoneError
from memory_sync.model import Would
from memory_sync.ports.files import Echo
from memory_sync.ports.keystore import Keystore
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle


class Killed(BaseException):
    """The process is gone."""


def _offline() -> None:
    raise OfflineError(remote="vault", detail="it is away")


def test_i31_a_delete_that_lost_its_race_is_not_remembered_as_sent(
    laptop: Device, desktop: Device
) -> None:
    """The edit won; deleted again later, by the other device, the file is gone for good."""
    laptop.write("memory/x.md", "v1\n")
    laptop.write("memory/y.md", "y\n")
    settle(laptop, desktop)
    laptop.delete("memory/x.md")

    def edit() -> None:
        desktop.write("memory/x.md", "v1\nv2\n")
        desktop.sync()

    laptop.remote.before_commit = edit
    laptop.sync()
    assert laptop.read("memory/x.md") == "v1\nv2\n"
    desktop.sync()
    desktop.delete("memory/x.md")
    settle(desktop, laptop)
    assert laptop.files() == desktop.files() == {"memory/y.md": b"y\n"}


def test_i24_what_was_approved_offline_is_not_used_for_something_else(
    laptop: Device, desktop: Device
) -> None:
    """All files changed, which was confirmed while offline; deleted meanwhile, they halt again."""
    paths = [f"memory/{number:02}.md" for number in range(24)]
    for path in paths:
        laptop.write(path, f"{path}\n")
    settle(laptop, desktop)
    for path in paths:
        laptop.write(path, f"changed {path}\n")
    [halt] = laptop.sync().halts
    assert isinstance(halt.would, Would)
    laptop.remote.before_commit = _offline
    with pytest.raises(OfflineError):
        laptop.engine.confirm({"memory": halt.would.plan})
    for path in paths[1:]:
        laptop.delete(path)
    assert [halt.code for halt in laptop.sync().halts] == ["many-deleted"]
    desktop.sync()
    assert len(desktop.files()) == 24


def test_i23_a_backup_half_brought_back_deletes_nothing(laptop: Device, desktop: Device) -> None:
    """A poll in the middle of it finds half of the files; the halt stands until all are there."""
    kept = {f"memory/{number:02}.md": f"{number}\n" for number in range(40)}
    for path, text in kept.items():
        laptop.write(path, text)
    settle(laptop, desktop)
    for path in kept:
        laptop.delete(path)
    assert laptop.sync().halts
    for path in list(kept)[:30]:
        laptop.write(path, kept[path])
    assert laptop.sync().halts
    desktop.sync()
    assert len(desktop.files()) == 40
    for path, text in kept.items():
        laptop.write(path, text)
    assert laptop.sync().halts == ()


def test_an_older_key_folder_does_not_fork_the_vault(laptop: Device, desktop: Device) -> None:
    """What is trusted came back from a backup: no number is used twice, and nobody halts."""
    laptop.write("memory/x.md", "1\n")
    settle(laptop, desktop)
    backup = laptop.home / "keys.bak"
    shutil.copytree(laptop.home / "keys", backup)
    for number in range(3):
        laptop.write("memory/x.md", f"x {number}\n")
        laptop.sync()
    desktop.sync()
    laptop.restart()
    shutil.rmtree(laptop.home / "keys")
    backup.rename(laptop.home / "keys")
    laptop.keystore = Keystore(laptop.home / "keys")
    laptop.write("memory/x.md", "after\n")
    settle(laptop, desktop)
    assert desktop.read("memory/x.md") == "after\n"


def test_i33_a_kill_during_a_pull_brings_back_nothing(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written and not recorded is deleted and renamed elsewhere: it stays so."""
    laptop.write("memory/z.md", "z\n")
    settle(laptop, desktop)
    for number in range(5):
        desktop.write(f"memory/{number}.md", f"{number}\n")
    desktop.sync()
    state = laptop.opened().state
    rows = state.save_base

    def deadly(changes: object) -> None:
        if changes:
            raise Killed
        rows({})

    with monkeypatch.context() as patch:
        patch.setattr(state, "save_base", deadly)
        with pytest.raises(Killed):
            laptop.sync()
    assert len(laptop.files()) == 6
    laptop.restart()
    desktop.delete("memory/0.md")
    folder = desktop.folder() / "memory"
    (folder / "1.md").rename(folder / "one.md")
    settle(desktop, laptop)
    expected = {"memory/2.md", "memory/3.md", "memory/4.md", "memory/one.md", "memory/z.md"}
    assert set(laptop.files()) == set(desktop.files()) == expected


def test_i24_a_rename_goes_up_whole_or_not_at_all(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new file is torn as it is read: the delete of the old name waits for it."""
    laptop.write("memory/x.md", "precious\n")
    laptop.write("memory/z.md", "z\n")
    settle(laptop, desktop)
    (laptop.folder() / "memory/x.md").rename(laptop.folder() / "memory/y.md")
    files = laptop.opened().roots["memory"].files
    read = files.read

    def torn(path: str, expect: str) -> bytes:
        if path == "memory/y.md":
            laptop.write(path, "precious\nmore\n")
        return read(path, expect)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", torn)
        outcome = laptop.sync()
    assert (outcome.up, outcome.again) == ((), True)
    desktop.sync()
    assert desktop.read("memory/x.md") == "precious\n"
    settle(laptop, desktop)
    assert set(desktop.files()) == {"memory/y.md", "memory/z.md"}


def test_i19_what_was_restored_is_an_edit(laptop: Device, desktop: Device) -> None:
    """A file deleted everywhere and brought back here meets a new one there: both are kept."""
    laptop.write("memory/x.md", "old line\n")
    laptop.write("memory/y.md", "y\n")
    settle(laptop, desktop)
    desktop.delete("memory/x.md")
    settle(desktop, laptop)
    desktop.write("memory/x.md", "something new\n")
    desktop.sync()
    laptop.write("memory/x.md", "old line\n")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert laptop.read("memory/x.md") == "something new\nold line\n"


def test_i21_a_confirmation_that_cannot_be_carried_out_forgets_nothing(
    laptop: Device, desktop: Device
) -> None:
    """The folder above is gone, too: when it is back, what was deleted elsewhere goes here."""
    for name in ("x", "y", "z"):
        laptop.write(f"memory/{name}.md", f"{name}\n")
    settle(laptop, desktop)
    above = laptop.folder().parent
    above.rename(above.with_name("away"))
    [halt] = laptop.sync().halts
    assert isinstance(halt.would, Would)
    with pytest.raises(RootGoneError):
        laptop.engine.confirm({"memory": halt.would.plan})
    desktop.delete("memory/x.md")
    desktop.sync()
    above.with_name("away").rename(above)
    settle(laptop, desktop)
    assert set(laptop.files()) == set(desktop.files()) == {"memory/y.md", "memory/z.md"}


START = "# Log\n\n- one\n\n"


@pytest.mark.parametrize("text", ["# Title\n\n" + START, "# Log\n\nintro\n\n- one\n\n",
                                  START + "- remote\n\n", START.replace("one", "two")])  # fmt: skip
@pytest.mark.parametrize("trouble", ["kill", "full disk"])
def test_i19_i33_a_late_write_that_cannot_be_settled_comes_once(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, text: str, trouble: str
) -> None:
    """Also in texts with empty lines between, of which a second merge makes too much."""
    laptop.write("memory/log.md", START)
    laptop.write("memory/z.md", "z\n")
    settle(laptop, desktop)

    def fail(_: Echo) -> None:
        raise Killed if trouble == "kill" else DiskFullError(path="trash")

    with (laptop.folder() / "memory/log.md").open("ab", buffering=0) as stream:
        desktop.write("memory/log.md", text)
        desktop.sync()
        laptop.engine.cycle(look=False)
        stream.write(b"- late\n\n")
        laptop.clock.ahead += 15
        with monkeypatch.context() as patch:
            patch.setattr(laptop.opened().roots["memory"].files, "settle", fail)
            for _ in range(1 if trouble == "kill" else 4):
                try:
                    laptop.engine.cycle(look=False)
                except Killed:
                    laptop.restart()
                laptop.clock.ahead += 15
        settle(laptop, desktop)
        assert desktop.read("memory/log.md").count("late") == 1
        assert laptop.files() == desktop.files()


def test_i19_a_late_write_whose_place_is_a_folder_now_is_kept(
    laptop: Device, desktop: Device
) -> None:
    """It cannot be written anew: it becomes a conflict copy, once."""
    laptop.write("memory/log.md", "start\n")
    laptop.write("memory/z.md", "z\n")
    settle(laptop, desktop)
    with (laptop.folder() / "memory/log.md").open("ab", buffering=0) as stream:
        desktop.delete("memory/log.md")
        desktop.write("memory/log.md/in.md", "folder\n")
        desktop.sync()
        laptop.engine.cycle(look=False)
        stream.write(b"late\n")
        laptop.clock.ahead += 15
        settle(laptop, desktop)
    assert laptop.conflicts() == desktop.conflicts() == [b"start\nlate\n"]
    assert not laptop.sync().problems


def test_i23_what_moved_to_where_this_device_does_not_sync_is_gone_here(
    tmp_path: Path, vault: Path
) -> None:
    """To paths that its patterns leave out: nothing would be left, so it halts."""
    wide = {"memory": Patterns(("**/*.md",))}
    laptop, desktop = Device(tmp_path, "one", vault, wide), Device(tmp_path, "two", vault)
    desktop.join(laptop.found())
    for name in ("a", "b", "c"):
        laptop.write(f"memory/{name}.md", f"{name}\n")
    settle(laptop, desktop)
    (laptop.folder() / "memory").rename(laptop.folder() / "elsewhere")
    laptop.sync()
    assert [halt.code for halt in desktop.sync().halts] == ["remote-emptied"]
    assert len(desktop.files()) == 3


def test_a_glance_that_is_wrong_is_not_kept(laptop: Device, desktop: Device) -> None:
    """What the disk says of a file's times may lie (bit rot): the file is read again."""
    laptop.write("MEMORY.md", "one\n")
    settle(laptop, desktop)
    laptop.clock.ahead += 10
    laptop.sync()
    state = laptop.opened().state
    known = state.glances("memory")
    wrong = {"MEMORY.md": replace(known["MEMORY.md"], digest="0" * 64)}
    assert known["MEMORY.md"].settled
    state.save_glances("memory", known, wrong)
    assert laptop.sync().again
    outcome = laptop.sync()
    assert (outcome.again, outcome.problems) == (False, ())
    assert desktop.sync().down == ()

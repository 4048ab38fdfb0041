"""A vault moves to another remote: what is there decides, and no device loses anything."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from memory_sync.errors import ForkedError, HaltError, RemoteChangedError, RepairLosesError
from memory_sync.model import Would
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.remote import Remote
from memory_sync.ports.token import Token
from tests.engine.devices import PLAIN, Device, settle
from tests.hub import Hub

TWO = {**PLAIN, "other": PLAIN["memory"]}


def joined(laptop: Device, top: Path, vault: Path, name: str) -> Device:
    """Return another device of the laptop's vault."""
    device = Device(top, name, vault)
    trust = laptop.keystore.trust("v")
    identity = trust and laptop.keystore.find(trust.recipient)
    assert identity
    device.join(identity)
    return device


def would_of(error: HaltError) -> Would:
    """Return what a halt keeps from happening."""
    would = error.facts["would"]
    assert isinstance(would, Would)
    return would


def fill(device: Device) -> None:
    """Put the vault where the configuration says that it is now, as the command does."""
    with pytest.raises(RemoteChangedError) as caught:
        device.sync()
    assert caught.value.facts["fill"]
    device.engine.confirm({"": would_of(caught.value).plan})


def walk(top: Path, laptop: Device, desktop: Device, vault: Path, new: list[Remote]) -> None:
    """Move three devices; one was away for the last commits and has an edit of its own."""
    tablet = joined(laptop, top, vault, "tablet")
    laptop.write("MEMORY.md", "# Memory\n")
    laptop.write("memory/log.md", "one\n")
    settle(laptop, desktop, tablet)
    tablet.write("memory/log.md", "one\nby the tablet\n")
    desktop.write("MEMORY.md", "# Memory\n\nby the desktop\n")
    settle(desktop, laptop)
    laptop.write("memory/unsent.md", "unsent\n")
    desktop.write("memory/also.md", "unsent, too\n")
    new[0].create()
    laptop.move_to(new[0])
    fill(laptop)
    assert new[0].head()
    for device, remote in ((desktop, new[1]), (tablet, new[2])):
        device.move_to(remote)
        assert device.sync().halts == ()
    settle(laptop, desktop, tablet)
    for device in (laptop, desktop, tablet):
        assert device.files() == {
            "MEMORY.md": b"# Memory\n\nby the desktop\n",
            "memory/log.md": b"one\nby the tablet\n",
            "memory/unsent.md": b"unsent\n",
            "memory/also.md": b"unsent, too\n",
        }
        assert not device.conflicts()
    tablet.restart()


def test_three_devices_move_to_another_folder(
    tmp_path: Path, laptop: Device, desktop: Device, vault: Path
) -> None:
    """The first fills it, the others go on, one of them from an older commit."""
    url = f"file://{tmp_path}/new.git"
    walk(tmp_path, laptop, desktop, vault, [FolderRemote(url) for _ in range(3)])


def test_three_devices_move_to_github(
    tmp_path: Path, laptop: Device, desktop: Device, vault: Path, hub: Hub
) -> None:
    """The same from a folder to a repository on GitHub."""
    token = Token(hub.add_user("ada"), "a test")
    made = [GitHubRemote("ada/vault", token, hub.base_url, timeout=10.0) for _ in range(3)]
    with closing(made[0]), closing(made[1]), closing(made[2]):
        walk(tmp_path, laptop, desktop, vault, list(made))


def test_what_only_the_old_remote_has_is_taken_along(
    tmp_path: Path, laptop: Device, desktop: Device
) -> None:
    """Roots that this device does not have are in the new remote, too."""
    laptop.patterns = TWO
    laptop.folder("other").mkdir()
    laptop.tree("other").adopt()
    laptop.write("MEMORY.md", "mine\n")
    laptop.write("MEMORY.md", "the other's\n", "other")
    settle(laptop, desktop)
    new = FolderRemote(f"file://{tmp_path}/new.git")
    new.create()
    desktop.move_to(new)
    fill(desktop)
    laptop.move_to(new)
    assert laptop.sync().halts == ()
    assert laptop.read("MEMORY.md", "other") == "the other's\n"


def test_without_the_old_remote_what_is_here_is_sent_and_the_rest_is_asked_about(
    tmp_path: Path, laptop: Device, desktop: Device, vault: Path
) -> None:
    """A broken disk: files of this device go, and what nobody has is named before it is lost."""
    laptop.patterns = TWO
    laptop.folder("other").mkdir()
    laptop.tree("other").adopt()
    laptop.write("MEMORY.md", "mine\n")
    laptop.write("MEMORY.md", "the other's\n", "other")
    settle(laptop, desktop)
    vault.rename(tmp_path / "gone.git")
    new = FolderRemote(f"file://{tmp_path}/new.git")
    new.create()
    desktop.move_to(new)
    with pytest.raises(RepairLosesError) as caught:
        fill(desktop)
    assert would_of(caught.value).paths == ("other/MEMORY.md",)
    assert new.head() is None
    laptop.move_to(new)
    fill(laptop)
    desktop.sync()
    assert desktop.read("MEMORY.md") == "mine\n"


def test_a_copy_of_the_repository_goes_on_with_its_whole_history(
    tmp_path: Path, laptop: Device, desktop: Device, vault: Path
) -> None:
    """`git clone --mirror`, then only the configuration changes: nothing is asked or sent."""
    laptop.write("MEMORY.md", "# Memory\n")
    settle(laptop, desktop)
    vault.rename(tmp_path / "new.git")
    laptop.move_to(tmp_path / "new.git")
    outcome = laptop.sync()
    assert (outcome.halts, outcome.up, outcome.down) == ((), (), ())


def test_another_vault_halts_and_the_hint_leads_back(
    tmp_path: Path, laptop: Device, vault: Path
) -> None:
    """A wrong remote in the configuration: nothing is written there, whatever is confirmed."""
    laptop.write("MEMORY.md", "# Memory\n")
    laptop.sync()
    other = Device(tmp_path, "other", tmp_path / "other.git")
    other.found()
    before = other.remote.head()
    laptop.move_to(tmp_path / "other.git")
    with pytest.raises(RemoteChangedError) as caught:
        laptop.sync()
    assert caught.value.advice == f"memory-sync move-remote file://{vault} --vault v"
    with pytest.raises(RemoteChangedError):
        laptop.engine.confirm({"": str(before)})
    assert other.remote.head() == before
    laptop.move_to(vault)
    assert laptop.sync().halts == ()
    assert laptop.read("MEMORY.md") == "# Memory\n"


def test_a_device_that_wrote_to_the_old_remote_after_the_move_is_united(
    tmp_path: Path, laptop: Device, desktop: Device
) -> None:
    """What it committed there is not in the new remote: a fork, which a repair unites."""
    laptop.write("MEMORY.md", "# Memory\n")
    settle(laptop, desktop)
    new = FolderRemote(f"file://{tmp_path}/new.git")
    new.create()
    laptop.move_to(new)
    fill(laptop)
    laptop.write("memory/new.md", "new\n")
    laptop.sync()
    desktop.write("memory/late.md", "late\n")
    desktop.sync()
    desktop.move_to(new)
    with pytest.raises(ForkedError) as caught:
        desktop.sync()
    desktop.engine.confirm({"": would_of(caught.value).plan})
    settle(desktop, laptop)
    assert laptop.files() == desktop.files()
    assert set(laptop.files()) == {"MEMORY.md", "memory/new.md", "memory/late.md"}


def test_i4_what_only_the_old_remotes_history_has_is_kept_in_a_conflict(
    tmp_path: Path, laptop: Device, desktop: Device
) -> None:
    """The new remote's history does not have it."""
    laptop.write("MEMORY.md", "first\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "second\n")
    settle(laptop, desktop)
    new = FolderRemote(f"file://{tmp_path}/new.git")
    new.create()
    laptop.move_to(new)
    fill(laptop)
    desktop.move_to(new)
    settle(desktop, laptop)
    laptop.write("MEMORY.md", "third\n")
    laptop.sync()
    desktop.write("MEMORY.md", "first\n")
    settle(desktop, laptop)
    assert {b"first\n", b"third\n"} <= {*desktop.files().values(), *desktop.conflicts()}


def test_i31_what_the_new_remote_lacks_is_not_deleted_where_it_still_is(
    tmp_path: Path, vault: Path, laptop: Device, desktop: Device
) -> None:
    """A root that the moving device lacks, and could not fetch any more, goes up again."""
    desktop.restart()
    desktop.patterns = dict(TWO)
    desktop.folder("other").mkdir()
    desktop.tree("other").adopt()
    desktop.write("MEMORY.md", "only here\n", "other")
    laptop.write("MEMORY.md", "# Memory\n")
    settle(laptop, desktop)
    vault.rename(tmp_path / "gone.git")
    new = FolderRemote(f"file://{tmp_path}/new.git")
    new.create()
    laptop.move_to(new)
    with pytest.raises(RepairLosesError) as caught:
        fill(laptop)
    laptop.engine.confirm({"": would_of(caught.value).plan})
    desktop.move_to(new)
    settle(desktop, laptop)
    assert desktop.read("MEMORY.md", "other") == "only here\n"
    assert "other/MEMORY.md" in laptop.engine.remote_files()

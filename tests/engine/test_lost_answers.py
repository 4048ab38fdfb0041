"""Commits that landed though their answer was lost."""

import pytest

from memory_sync.errors import OfflineError
from tests.engine.devices import Device, settle


@pytest.mark.parametrize("deed", ["edit", "edit after a restart", "delete", "another's edit"])
def test_i48_after_a_lost_answer_a_device_has_no_conflict_with_itself(
    laptop: Device, desktop: Device, deed: str
) -> None:
    """What is done next is done upon that commit, and not against it."""
    laptop.write("memory/a.md", "zero\nrest\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\nrest\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    expected = {"memory/a.md": b"two\nrest\n"}
    if deed == "another's edit":
        desktop.sync()
        desktop.write("memory/a.md", "one\nrest\ndesktop\n")
        desktop.sync()
        expected = {"memory/a.md": b"two\nrest\ndesktop\n"}
    if deed == "delete":
        laptop.delete("memory/a.md")
        expected = {}
    else:
        laptop.write("memory/a.md", "two\nrest\n")
    if deed == "edit after a restart":
        laptop.restart()
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == expected
    assert laptop.conflicts() == []


def test_i30_a_root_that_begins_anew_waits_for_no_answer(laptop: Device, desktop: Device) -> None:
    """With its base it forgets what it had sent: else that would come back as a base."""
    laptop.write("memory/a.md", "a\n")
    settle(laptop, desktop)
    laptop.write("memory/b.md", "b\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    laptop.opened().state.forget_root("memory")
    laptop.delete("memory/b.md")
    settle(laptop, desktop)
    assert set(laptop.files()) == set(desktop.files()) == {"memory/a.md", "memory/b.md"}


def test_i48_a_commit_that_fails_after_a_lost_answer_changes_nothing_about_that(
    laptop: Device, desktop: Device
) -> None:
    """The next version is tried in vain: what landed before it is still this device's own."""
    laptop.write("memory/a.md", "zero\nrest\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\nrest\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    laptop.write("memory/a.md", "two\nrest\n")
    laptop.remote.before_commit = _fail
    with pytest.raises(OfflineError):
        laptop.sync()
    laptop.remote.before_commit = None
    laptop.write("memory/a.md", "three\nrest\n")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {"memory/a.md": b"three\nrest\n"}
    assert laptop.conflicts() == []


def _fail() -> None:
    raise OfflineError(remote="vault", detail="it is away")

"""Commits that landed though their answer was lost."""

import pytest

from memory_sync.errors import Moved, OfflineError
from tests.engine.devices import Device, settle
from tests.engine.test_interruptions import Killed, _kill_at


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


@pytest.mark.parametrize("place", [("keystore", "set_trust"), ("state", "note_accepted")])
@pytest.mark.parametrize("when", ["before", "after"])
def test_i48_a_device_killed_while_it_looks_for_its_commit_still_finds_it(
    laptop: Device,
    desktop: Device,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[str, str],
    when: str,
) -> None:
    """Another's commit lies above it, and what is trusted is ahead of the database twice."""
    laptop.write("memory/a.md", "zero\nrest\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\nrest\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    for text in ("b\n", "more\n"):
        desktop.write("memory/b.md", text)
        desktop.sync()
        laptop.restart()
        with monkeypatch.context() as patch:
            _kill_at(getattr(laptop.opened(), place[0]), place[1], when, patch)
            with pytest.raises(Killed):
                laptop.sync()
    laptop.restart()
    laptop.write("memory/a.md", "two\nrest\n")
    settle(laptop, desktop)
    expected = {"memory/a.md": b"two\nrest\n", "memory/b.md": b"more\n"}
    assert laptop.files() == desktop.files() == expected
    assert laptop.conflicts() == []


def test_i31_two_kills_in_a_row_do_not_make_a_device_forget_its_base(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the trust is stored, and the next time just before: its database is its own."""
    laptop.write("memory/a.md", "zero\nrest\n")
    settle(laptop, desktop)
    for text, when in (("b\n", "after"), ("more\n", "before")):
        desktop.write("memory/b.md", text)
        desktop.sync()
        with monkeypatch.context() as patch:
            _kill_at(laptop.opened().keystore, "set_trust", when, patch)
            with pytest.raises(Killed):
                laptop.sync()
        laptop.restart()
    laptop.write("memory/a.md", "two\nrest\n")
    settle(laptop, desktop)
    assert laptop.files()["memory/a.md"] == b"two\nrest\n"
    assert laptop.files() == desktop.files()
    assert laptop.conflicts() == []


def test_i48_a_commit_that_landed_and_then_was_refused_is_still_found(
    laptop: Device, desktop: Device
) -> None:
    """What another answered on the way is no proof that a commit has not landed."""
    laptop.write("memory/a.md", "zero\nrest\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\nrest\n")

    def edit() -> None:
        laptop.write("memory/a.md", "two\nrest\n")
        raise Moved

    laptop.remote.after_commit = edit
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {"memory/a.md": b"two\nrest\n"}
    assert laptop.conflicts() == []


@pytest.mark.parametrize("then", ["another folder", "another direction"])
def test_i28_after_a_lost_answer_both_sides_are_united_all_the_same(
    laptop: Device, desktop: Device, then: str
) -> None:
    """What landed unheard is not in sync with a folder, or in a direction, that came after it."""
    laptop.write("MEMORY.md", "# Memory\n")
    settle(laptop, desktop)
    laptop.write("memory/new.md", "new\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    if then == "another folder":
        laptop.opened().forget("memory")
    else:
        laptop.restart()
        laptop.directions = {"memory": "push"}
        laptop.engine.pending()
    laptop.delete("memory/new.md")
    settle(laptop, desktop)
    assert desktop.read("memory/new.md") == "new\n"

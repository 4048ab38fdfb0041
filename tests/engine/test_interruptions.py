"""Races, lost answers and processes that end in the middle: nothing is lost, nothing done twice."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from memory_sync.errors import BusyError, DiskFullError, OfflineError, StateBusyError
from memory_sync.model import BaseFile
from memory_sync.ports import handles
from memory_sync.ports.state import Snapshot, State
from memory_sync.vault.judge import Trust
from tests.engine.devices import Device, settle

STEPS = 30
"""More than the durable steps of a cycle."""


class Killed(BaseException):
    """The process is gone."""


def _count(vault: Path) -> int:
    words = ["git", "-C", str(vault), "rev-list", "--count", "HEAD"]
    return int(subprocess.run(words, capture_output=True, check=True).stdout)


def test_i40_a_lost_race_is_planned_anew(laptop: Device, desktop: Device) -> None:
    """Another device commits first: fetch, plan, commit again; both changes are there."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "start\nlaptop\n")
    desktop.write("MEMORY.md", "start\ndesktop\n")
    laptop.remote.before_commit = desktop.sync
    outcome = laptop.sync()
    assert outcome.up == outcome.merged == ("memory/MEMORY.md",)
    settle(laptop, desktop)
    assert laptop.read("MEMORY.md") == desktop.read("MEMORY.md") == "start\ndesktop\nlaptop\n"


def test_i40_races_that_are_always_lost_end_in_an_error(laptop: Device, desktop: Device) -> None:
    """The tries are bounded, and nothing is lost when they are used up."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    number = 0

    def write_again() -> None:
        nonlocal number
        number += 1
        desktop.write(f"memory/{number}.md", "x\n")
        desktop.sync()
        laptop.remote.before_commit = write_again

    laptop.remote.before_commit = write_again
    laptop.write("memory/mine.md", "mine\n")
    with pytest.raises(BusyError):
        laptop.sync()
    laptop.remote.before_commit = None
    settle(laptop, desktop)
    assert desktop.read("memory/mine.md") == "mine\n"


def test_without_asking_first_a_moved_head_is_noticed_by_the_commit(
    laptop: Device, desktop: Device
) -> None:
    """A local change is one commit request; only if that fails is the remote asked."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.remote.asked.clear()
    laptop.write("memory/l.md", "l\n")
    laptop.engine.cycle(fetch=False)
    assert laptop.remote.asked == ["commit"]
    desktop.write("memory/d.md", "d\n")
    desktop.engine.cycle(fetch=False)
    assert desktop.remote.asked[-4:] == ["commit", "head", "listing", "commit"]
    settle(laptop, desktop)
    assert set(laptop.files()) == {"MEMORY.md", "memory/l.md", "memory/d.md"}


def test_i48_a_commit_whose_answer_was_lost_is_recognised(
    laptop: Device, desktop: Device, vault: Path
) -> None:
    """It landed: the next cycle sees its own work and commits nothing twice."""
    laptop.write("MEMORY.md", "x\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    before = _count(vault)
    outcome = laptop.sync()
    assert (outcome.up, outcome.down, outcome.conflicts, _count(vault)) == ((), (), 0, before)
    desktop.sync()
    assert desktop.read("MEMORY.md") == "x\n"


def _steps(device: Device) -> list[tuple[object, str]]:
    """Name each durable step of a cycle: the object and the method that makes it."""
    kit = device.opened()
    files = kit.roots["memory"].files
    hidden = kit.roots[".conflicts"].files
    return [
        (kit.state, "save_snapshot"), (kit.state, "save_base"), (kit.state, "note_accepted"),
        (kit.state, "establish"), (kit.state, "save_glances"), (kit.keystore, "set_trust"),
        (files, "write"), (files, "remove"), (hidden, "write"), (kit.remote, "commit"),
        (kit.state, "note_merge"), (files, "flush"),
    ]  # fmt: skip


def _kill_at(owner: object, method: str, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., object] = getattr(owner, method)

    def deadly(*args: object, **kwargs: object) -> object:
        if when == "before":
            raise Killed
        real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(owner, method, deadly)


def _kill_after(device: Device, count: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a device do so many durable steps and then no more; return those that it has done."""
    done: list[str] = []

    def deadly(method: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if len(done) == count:
                raise Killed
            done.append(method)
            return real(*args, **kwargs)

        return call

    for owner, method in _steps(device):
        monkeypatch.setattr(owner, method, deadly(method, getattr(owner, method)))
    return done


@pytest.mark.parametrize("count", range(STEPS))
@pytest.mark.parametrize("victim", ["laptop", "desktop"])
def test_i33_a_kill_at_every_step_ends_the_same(
    laptop: Device,
    desktop: Device,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    victim: str,
) -> None:
    """Between any two durable steps: both end as if nothing had happened, with one commit."""
    laptop.write("MEMORY.md", "name: x\n")
    laptop.write("memory/log.md", "start\n")
    laptop.write("memory/old.md", "old\n")
    laptop.write("memory/twice.md", "b\n")
    settle(laptop, desktop)
    laptop.write("memory/twice.md", "a\nb\nb\n" if victim == "desktop" else "b\na\n")
    desktop.write("memory/twice.md", "b\na\n" if victim == "desktop" else "a\nb\nb\n")
    laptop.write("MEMORY.md", "name: laptop\n")
    laptop.write("memory/log.md", "start\nlaptop\n")
    laptop.write("memory/l.md", "l\n")
    laptop.delete("memory/old.md")
    desktop.write("MEMORY.md", "name: desktop\n")
    desktop.write("memory/log.md", "start\ndesktop\n")
    desktop.write("memory/d.md", "d\n")
    first, second = (laptop, desktop) if victim == "desktop" else (desktop, laptop)
    first.sync()
    before = _count(vault)
    with monkeypatch.context() as patch:
        done = _kill_after(second, count, patch)
        with contextlib.suppress(Killed):
            second.sync()
    assert len(done) == count or count > 20
    assert len(done) < STEPS - 1, "there are more steps than this test takes"
    second.restart()
    settle(second, first, rounds=6)
    assert _count(vault) == before + 1
    assert laptop.files() == desktop.files()
    names = {"MEMORY.md", "memory/log.md", "memory/l.md", "memory/d.md", "memory/twice.md"}
    assert set(laptop.files()) == names
    assert laptop.read("memory/twice.md") == "a\nb\nb\na\n"
    lines = laptop.read("memory/log.md").splitlines()
    assert sorted(lines) == ["desktop", "laptop", "start"]
    kept = [laptop.files()["MEMORY.md"], *laptop.conflicts()]
    assert sorted(kept) == [b"name: desktop\n", b"name: laptop\n"]
    assert laptop.conflicts() == desktop.conflicts()


@pytest.mark.parametrize("damage", [None, b"garbage" * 1000])
def test_i13_without_a_base_both_sides_are_united(
    laptop: Device, desktop: Device, damage: bytes | None
) -> None:
    """A lost or corrupt database deletes nothing; only contents that differ are a conflict."""
    for path, text in (("MEMORY.md", "one\n"), ("memory/a.md", "a\n"), ("memory/b.md", "b\n")):
        laptop.write(path, text)
    settle(laptop, desktop)
    desktop.restart()
    (desktop.home / "state.db").unlink()
    if damage:
        (desktop.home / "state.db").write_bytes(damage)
    desktop.delete("memory/a.md")
    laptop.delete("memory/b.md")
    laptop.sync()
    desktop.write("MEMORY.md", "two\n")
    desktop.write("memory/c.md", "c\n")
    settle(desktop, laptop)
    expected = {
        "MEMORY.md": b"one\n",
        "memory/a.md": b"a\n",
        "memory/b.md": b"b\n",
        "memory/c.md": b"c\n",
    }
    assert desktop.files() == laptop.files() == expected
    assert desktop.conflicts() == [b"two\n"]


def test_i37_a_corrupt_database_is_set_aside_and_built_anew(
    laptop: Device, desktop: Device
) -> None:
    """Nothing is deleted, and the bad file stays for whoever wants to look."""
    laptop.write("MEMORY.md", "one\n")
    settle(laptop, desktop)
    desktop.restart()
    database = desktop.home / "state.db"
    database.write_bytes(b"garbage" * 1000)
    settle(desktop, laptop)
    assert desktop.files() == laptop.files() == {"MEMORY.md": b"one\n"}
    assert (desktop.home / "state.db.corrupt-1").read_bytes().startswith(b"garbage")
    desktop.restart()
    desktop.sync()
    assert len(list(desktop.home.glob("state.db.corrupt-*"))) == 1


def test_i36_a_full_disk_for_the_database_loses_nothing(
    laptop: Device, desktop: Device, vault: Path
) -> None:
    """A named error for as long as it is full; then what waits travels both ways, once."""
    laptop.write("MEMORY.md", "one\n")
    settle(laptop, desktop)
    before = _count(vault)
    laptop.write("MEMORY.md", "one\nlaptop\n")
    laptop.sync()
    desktop.write("MEMORY.md", "desktop\none\n")
    for number in range(50):
        desktop.write(f"memory/{number}.md", f"{number}\n")
    database = desktop.opened().state._db
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(2):
        with pytest.raises(DiskFullError):
            desktop.sync()
    database.execute(f"PRAGMA max_page_count = {pages + 5000}")
    settle(desktop, laptop)
    assert laptop.files() == desktop.files()
    assert laptop.read("MEMORY.md") == "desktop\none\nlaptop\n"
    assert len(laptop.files()) == 51
    assert _count(vault) == before + 2


def test_i31_a_device_that_was_away_overwrites_nothing_newer(
    laptop: Device, desktop: Device
) -> None:
    """Neither what was deleted comes back nor what is newer is lost."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/gone.md", "g\n")
    settle(laptop, desktop)
    laptop.delete("memory/gone.md")
    laptop.write("MEMORY.md", "newer\n")
    laptop.sync()
    desktop.write("memory/mine.md", "m\n")
    settle(desktop, laptop)
    assert desktop.files() == laptop.files() == {"MEMORY.md": b"newer\n", "memory/mine.md": b"m\n"}


@pytest.mark.parametrize("fails", [True, False])
def test_what_was_fetched_and_not_applied_is_applied_by_the_next_cycle(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """A cycle that failed after its fetch, or a preview, leaves nothing to wait for a look."""
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    if fails:
        with monkeypatch.context() as patch:
            patch.setattr(desktop.opened().state, "glances", _busy)
            with pytest.raises(BusyError):
                desktop.engine.cycle(look=False)
    else:
        desktop.engine.preview()
    desktop.engine.cycle(look=False)
    assert desktop.read("MEMORY.md") == "two\n"


def _busy(_: object) -> None:
    raise StateBusyError(path="state.db")


def test_i33_a_merge_that_was_not_recorded_is_not_made_again(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the write and the row: what was inserted is in the file once."""
    laptop.write("memory/twice.md", "b\n")
    settle(laptop, desktop)
    laptop.write("memory/twice.md", "a\nb\nb\n")
    desktop.write("memory/twice.md", "b\na\n")
    laptop.sync()
    with monkeypatch.context() as patch:
        _kill_at(desktop.opened().roots["memory"].files, "write", "after", patch)
        with pytest.raises(Killed):
            desktop.sync()
    desktop.restart()
    settle(desktop, laptop)
    assert laptop.read("memory/twice.md") == desktop.read("memory/twice.md") == "a\nb\nb\na\n"


@pytest.mark.parametrize("text", ["desktop\n", "start\ndesktop\n"])
@pytest.mark.parametrize("deleter", ["laptop", "desktop"])
def test_i33_after_a_kill_in_a_conflict_a_delete_is_a_delete(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, text: str, deleter: str
) -> None:
    """The remote's version was written and not recorded: what is deleted later stays deleted."""
    laptop.write("memory/a.md", "start\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "start\ndesktop\nlaptop\n")
    desktop.write("memory/a.md", text)
    laptop.sync()
    with monkeypatch.context() as patch:
        _kill_at(desktop.opened().roots["memory"].files, "write", "after", patch)
        with pytest.raises(Killed):
            desktop.sync()
    desktop.restart()
    settle(desktop, laptop)
    (laptop if deleter == "laptop" else desktop).delete("memory/a.md")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {}


def test_i33_a_download_that_was_not_recorded_is_nobodys_edit(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the write and the row: what the vault had there is replaced, not merged in."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "first\nshared\n")
    laptop.sync()
    with monkeypatch.context() as patch:
        _kill_at(desktop.opened().roots["memory"].files, "write", "after", patch)
        with pytest.raises(Killed):
            desktop.sync()
    assert desktop.read("memory/a.md") == "first\nshared\n"
    desktop.restart()
    laptop.write("memory/a.md", "second\n")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert desktop.read("memory/a.md") == "second\n"
    assert desktop.conflicts() == []


def test_i33_two_downloads_that_were_not_recorded_are_nobodys_edit(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after one download and then before the next: still no edit of this device."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\ntwo\nthree\n")
    for when in ("after", "before"):
        laptop.sync()
        with monkeypatch.context() as patch:
            _kill_at(desktop.opened().roots["memory"].files, "write", when, patch)
            with pytest.raises(Killed):
                desktop.sync()
        desktop.restart()
        laptop.write("memory/a.md", "new\none\nthree\n")
    settle(desktop, laptop)
    assert desktop.read("memory/a.md") == laptop.read("memory/a.md") == "new\none\nthree\n"
    assert laptop.conflicts() == []


@pytest.mark.parametrize("deed", ["edit", "delete"])
@pytest.mark.parametrize("lost", ["answer", "record"])
def test_i48_a_device_does_not_conflict_with_its_own_commit(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, lost: str, deed: str
) -> None:
    """The commit landed and the device does not know; what its agent did since is a change."""
    laptop.write("MEMORY.md", "start\n")
    laptop.write("memory/a.md", "start\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "one\n")
    laptop.remote.lose_answer = lost == "answer"
    with monkeypatch.context() as patch:
        if lost == "record":
            _kill_at(laptop.opened().keystore, "set_trust", "before", patch)
        with pytest.raises((OfflineError, Killed)):
            laptop.sync()
    laptop.restart()
    if deed == "edit":
        laptop.write("MEMORY.md", "two\n")
    else:
        laptop.delete("MEMORY.md")
    settle(laptop, desktop)
    expected = {"memory/a.md": b"start\n"} | ({"MEMORY.md": b"two\n"} if deed == "edit" else {})
    assert laptop.files() == desktop.files() == expected
    assert laptop.conflicts() == []


def test_i33_a_merge_that_was_not_recorded_is_not_merged_into_itself(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the vault has moved on meanwhile: the base is what the merge had included."""
    laptop.write("memory/a.md", "one\ntwo\nthree\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\ntwo\nthree\nlaptop\n")
    laptop.sync()
    desktop.write("memory/a.md", "desktop\none\ntwo\nthree\n")
    with monkeypatch.context() as patch:
        _kill_at(desktop.opened().roots["memory"].files, "write", "after", patch)
        with pytest.raises(Killed):
            desktop.sync()
    assert desktop.read("memory/a.md") == "desktop\none\ntwo\nthree\nlaptop\n"
    desktop.restart()
    laptop.write("memory/a.md", "one\nTWO\nthree\nlaptop\nmore\n")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert desktop.read("memory/a.md") == "desktop\none\nTWO\nthree\nlaptop\nmore\n"
    assert desktop.conflicts() == []


def _broken(_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_i35_what_could_not_be_made_durable_is_no_base(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It travels and is named; its row comes with the look at which the disk does its work."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "edited\n")
    with monkeypatch.context() as patch:
        patch.setattr(handles, "sync_file", _broken)
        outcome = laptop.sync()
    assert outcome.up == ("memory/MEMORY.md",)
    assert [problem.code for problem in outcome.problems] == ["file-unwritable"]
    assert outcome.pending == 1
    state = laptop.opened().state
    assert state.base()["memory/MEMORY.md"].digest == sha256(b"start\n").hexdigest()
    # A power cut takes the save away: what it left is not an edit that deletes lines elsewhere.
    laptop.write("MEMORY.md", "")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"edited\n"}


def test_i35_a_row_is_recorded_only_of_what_was_flushed(
    laptop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of the deeds: first the file is durable, then the row is stored."""
    laptop.write("MEMORY.md", "start\n")
    deeds: list[str] = []
    kit = laptop.opened()
    flush, save = kit.roots["memory"].files.flush, kit.state.save_base

    def note_flush(paths: Iterable[str]) -> frozenset[str]:
        deeds.append("flush")
        return flush(paths)

    def note_save(rows: Mapping[str, BaseFile | None]) -> None:
        deeds.extend(["row"] if rows else [])
        save(rows)

    monkeypatch.setattr(kit.roots["memory"].files, "flush", note_flush)
    monkeypatch.setattr(kit.state, "save_base", note_save)
    laptop.sync()
    assert deeds == ["flush", "row"]


@pytest.mark.parametrize("known", [False, True])
def test_i35_a_file_that_a_power_cut_left_empty_is_fetched_again(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """The power went while it was written: what the disk made of that is nobody's edit."""
    laptop.write("MEMORY.md", "start\n")
    if known:
        laptop.write("memory/a.md", "old\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "old\nnew\n")
    laptop.sync()

    def cut(path: str, *_arguments: object, **_keywords: object) -> None:
        desktop.write(path, "")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(desktop.opened().roots["memory"].files, "write", cut)
        with pytest.raises(Killed):
            desktop.sync()
    desktop.restart()
    settle(desktop, laptop)
    assert laptop.files() == desktop.files()
    assert laptop.files() == {"MEMORY.md": b"start\n", "memory/a.md": b"old\nnew\n"}


def test_i36_a_commit_that_could_not_be_recorded_is_read_again(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that fails once is not ahead of what it holds: nothing seems to be gone later."""
    laptop.write("MEMORY.md", "one\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "a\n")
    with monkeypatch.context() as patch:
        patch.setattr(laptop.opened().state, "save_base", _busy)
        with pytest.raises(BusyError):
            laptop.sync()
    laptop.sync()
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    laptop.restart()
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"two\n", "memory/a.md": b"a\n"}


def test_i39_a_crash_before_the_commit_leaves_the_remote_as_it_was(
    laptop: Device, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-made is on the branch."""
    laptop.write("MEMORY.md", "one\n")
    laptop.sync()
    before = _count(vault)
    laptop.write("MEMORY.md", "two\n")
    with monkeypatch.context() as patch:
        _kill_at(laptop.remote, "commit", "before", patch)
        with pytest.raises(Killed):
            laptop.sync()
    assert _count(vault) == before


def test_the_trust_is_never_set_back(laptop: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sequence number beside the key only grows."""
    seen: list[int] = []
    real = laptop.keystore.set_trust

    def note(vault: str, trust: Trust) -> None:
        seen.append(trust.n)
        real(vault, trust)

    monkeypatch.setattr(laptop.keystore, "set_trust", note)
    for number in range(4):
        laptop.write("MEMORY.md", f"{number}\n")
        laptop.sync()
    assert seen == sorted(seen)
    assert seen[-1] == 5


def test_a_state_is_what_its_types_say(tmp_path: Path) -> None:
    """An empty database is an empty snapshot and an empty base."""
    state = State.open(tmp_path / "state.db")
    assert state.snapshot() == Snapshot()
    assert state.base() == {}
    state.save_base({"m/x": BaseFile("a" * 64, ("b" * 40,))})
    assert state.base() == {"m/x": BaseFile("a" * 64, ("b" * 40,))}
    state.close()

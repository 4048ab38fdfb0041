"""An agent that saves at the very moment at which its file is replaced or removed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.errors import FileChangedError
from memory_sync.ports import handles, replace, switch
from memory_sync.ports.displaced import Record
from memory_sync.ports.handles import Spot
from tests.files.bench import DiskBench, without_exchange
from tests.files.test_local_tree import digest

OLD, OURS = b"old", b"ours"


def save(disk: DiskBench, content: bytes) -> None:
    """Save as agents and editors do: a temporary file, renamed over the old one."""
    temporary = disk.root / "agent.tmp"
    temporary.write_bytes(content)
    temporary.rename(disk.root / "MEMORY.md")


class Moments:
    """What happens before and after the first time that two names are traded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None
        self._real = switch.exchange
        self._first = True
        monkeypatch.setattr(switch, "exchange", self._exchange)

    def _exchange(self, folder: int, one: str, other: str) -> bool:
        first, self._first = self._first, False
        if first:
            self.before()
        traded = self._real(folder, one, other)
        if first:
            self.after()
        return traded


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch, disk: DiskBench) -> Moments:
    """Give the moments of a write over a file whose content is the old one."""
    disk.put("MEMORY.md", OLD)
    return Moments(monkeypatch)


def write(disk: DiskBench) -> None:
    """Replace the old content."""
    disk.tree.write("MEMORY.md", OURS, mode=0o644, expect=digest(OLD))


def test_i32_a_save_before_the_switch_wins(disk: DiskBench, moments: Moments) -> None:
    """A content that came after the last look is back in its place."""
    moments.before = lambda: save(disk, b"agent's")
    with pytest.raises(FileChangedError):
        write(disk)
    assert disk.get("MEMORY.md") == b"agent's"
    assert disk.names() == {"MEMORY.md"}


def test_i32_an_append_before_the_switch_wins(disk: DiskBench, moments: Moments) -> None:
    """The same for a program that writes into the file itself."""

    def append() -> None:
        with (disk.root / "MEMORY.md").open("ab") as stream:
            stream.write(b" and more")

    moments.before = append
    with pytest.raises(FileChangedError):
        write(disk)
    assert disk.get("MEMORY.md") == b"old and more"
    assert disk.names() == {"MEMORY.md"}


def test_i32_the_newest_of_two_saves_wins_and_both_are_kept(
    disk: DiskBench, moments: Moments
) -> None:
    """A save before and one after the switch: the file has the second, the trash the first."""
    moments.before = lambda: save(disk, b"first")
    moments.after = lambda: save(disk, b"second")
    with pytest.raises(FileChangedError):
        write(disk)
    assert disk.get("MEMORY.md") == b"second"
    assert b"first" in disk.trashed()
    assert disk.names() == {"MEMORY.md"}


def test_i32_a_delete_before_the_switch_wins(disk: DiskBench, moments: Moments) -> None:
    """A file that was deleted after the last look is not brought back."""
    moments.before = lambda: disk.drop("MEMORY.md")
    with pytest.raises(FileChangedError):
        write(disk)
    assert disk.names() == set()


def test_i32_a_save_survives_a_delete_after_the_switch(disk: DiskBench, moments: Moments) -> None:
    """A save before and a delete after the switch: the save is still somewhere."""
    moments.before = lambda: save(disk, b"agent's")
    moments.after = lambda: disk.drop("MEMORY.md")
    with pytest.raises(FileChangedError):
        write(disk)
    assert disk.get("MEMORY.md") == b"agent's"
    assert disk.names() == {"MEMORY.md"}


def test_i19_what_is_written_into_ours_is_kept(disk: DiskBench, moments: Moments) -> None:
    """What an agent appends to the new content, before that is taken back, is in the trash."""

    def append() -> None:
        with (disk.root / "MEMORY.md").open("ab") as stream:
            stream.write(b" and more")

    moments.before = lambda: save(disk, b"agent's")
    moments.after = append
    with pytest.raises(FileChangedError):
        write(disk)
    assert disk.get("MEMORY.md") == b"agent's"
    assert disk.trashed() == [b"ours and more"]


def test_i32_a_save_before_a_removal_wins(disk: DiskBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is saved after the last look is not removed."""
    disk.put("MEMORY.md", OLD)
    verify = replace.verify

    def verify_then_save(spot: Spot, expect: str, limit: int) -> Record:
        seen = verify(spot, expect, limit)
        if spot.name == "MEMORY.md":
            save(disk, b"agent's")
        return seen

    monkeypatch.setattr(replace, "verify", verify_then_save)
    with pytest.raises(FileChangedError):
        disk.tree.remove("MEMORY.md", digest(OLD))
    assert disk.get("MEMORY.md") == b"agent's"
    assert disk.names() == {"MEMORY.md"}


def test_i32_a_file_that_appears_is_not_written_over(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that comes between the last look and the switch keeps its place."""
    make_file = handles.make_file

    def save_then_make(folder: int, content: bytes, mode: int) -> tuple[str, int]:
        save(disk, b"agent's")
        return make_file(folder, content, mode)

    monkeypatch.setattr(handles, "make_file", save_then_make)
    with pytest.raises(FileChangedError):
        disk.tree.write("MEMORY.md", OURS, mode=0o644, expect=None)
    assert disk.get("MEMORY.md") == b"agent's"
    assert disk.names() == {"MEMORY.md"}


@pytest.mark.parametrize("links", [True, False])
def test_i32_a_save_wins_where_names_cannot_be_traded(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Without an exchange, a save while the old content goes to the trash is not replaced."""
    disk.put("MEMORY.md", OLD)
    take = disk.trash.take

    def take_then_save(spot: Spot, root: str, path: str, record: Record | None) -> bool:
        moved = take(spot, root, path, record)
        save(disk, b"agent's")
        return moved

    monkeypatch.setattr(disk.trash, "take", take_then_save)
    with without_exchange(links=links), pytest.raises(FileChangedError):
        write(disk)
    assert disk.get("MEMORY.md") == b"agent's"
    assert disk.names() == {"MEMORY.md"}


@pytest.mark.parametrize("links", [True, False])
def test_i32_a_name_that_is_taken_stays(tmp_path: Path, links: bool) -> None:
    """Moving to a free name refuses a taken one, whatever the file system can do."""
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")
    folder = os.open(tmp_path, handles.FOLDER)
    try:
        with without_exchange(links=links), pytest.raises(FileExistsError):
            switch.rename_new(folder, "one", folder, "two")
    finally:
        os.close(folder)
    assert (tmp_path / "one").read_bytes() == b"one"
    assert (tmp_path / "two").read_bytes() == b"two"


class Agent(threading.Thread):
    """Saves all the time, and keeps what each of its own saves displaced."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.saved: list[bytes] = []
        self.displaced: list[bytes] = []
        self.stop = threading.Event()
        self._root = root

    def run(self) -> None:
        """Save until told to stop."""
        folder = os.open(self._root, handles.FOLDER)
        temporary = self._root / "agent.tmp"
        while not self.stop.is_set():
            content = b"save %d" % len(self.saved)
            temporary.write_bytes(content)
            try:
                if not switch.exchange(folder, "agent.tmp", "MEMORY.md"):
                    break
            except FileNotFoundError:
                continue  # a removal is under way
            self.saved.append(content)
            self.displaced.append(temporary.read_bytes())
        os.close(folder)


def step(disk: DiskBench, number: int) -> None:
    """Look, then replace or remove what was seen; what is gone is written anew."""
    seen = disk.get("MEMORY.md")
    ours = b"ours %d" % number
    if seen is None or number % 5 == 4:
        if seen is not None:
            disk.tree.remove("MEMORY.md", digest(seen))
        disk.tree.write("MEMORY.md", ours, mode=0o644, expect=None)
    else:
        disk.tree.write("MEMORY.md", ours, mode=0o644, expect=digest(seen))


def test_i04_no_save_is_lost_while_the_file_is_replaced(disk: DiskBench) -> None:
    """Each save is in the file, in the trash, or was displaced by the agent's own next one."""
    disk.put("MEMORY.md", b"start")
    agent = Agent(disk.root)
    agent.start()
    changed = 0
    try:
        for number in range(300):
            try:
                step(disk, number)
            except FileChangedError:
                changed += 1
    finally:
        agent.stop.set()
        agent.join()
    (disk.root / "agent.tmp").unlink(missing_ok=True)
    kept = {disk.get("MEMORY.md"), *disk.trashed(), *agent.displaced}
    assert agent.saved
    assert set(agent.saved) <= kept
    assert disk.names() == {"MEMORY.md"}
    print(f"{len(agent.saved)} saves, {changed} of 300 steps saw that the file had changed")

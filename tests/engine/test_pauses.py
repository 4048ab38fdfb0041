"""A remote that takes only so much at a time, and what is told meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from memory_sync.engine.cycle import Engine
from memory_sync.engine.push import SHORT
from memory_sync.model import Change, Step
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.remote import Remote
from tests.engine.devices import Device, Meddler, settle


class Strict(Meddler):
    """A remote that takes `room` commits now, and the next after `quiet` seconds."""

    def __init__(self, inner: Remote) -> None:
        super().__init__(inner)
        self.room = 10**6
        self.quiet = 600.0

    def pause(self, requests: int = 1) -> float:
        return 0.0 if requests <= self.room else self.quiet

    def rest(self, commits: int) -> float:
        return self.pause(commits)

    def commit(self, parent: str | None, change: Change) -> str:
        self.room -= 1
        return super().commit(parent, change)


@dataclass
class Pair:
    """Two devices on one folder, the first of which may be held back."""

    one: Device
    two: Device
    remote: Strict
    told: list[Step] = field(default_factory=list)

    def listen(self) -> None:
        """Have the first device's engine tell how far it is."""
        kit = replace(self.one.opened(), report=self.told.append)
        self.one._engine = Engine(kit)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Give two devices at rest."""
    vault = tmp_path / "vault.git"
    one, two = Device(tmp_path, "one", vault), Device(tmp_path, "two", vault)
    strict = Strict(FolderRemote(f"file://{vault}"))
    one.remote = strict
    two.join(one.found())
    one.write("MEMORY.md", "start\n")
    one.write("memory/old.md", "old\n")
    settle(one, two)
    made = Pair(one, two, strict)
    made.listen()
    yield made
    for device in (one, two):
        device.restart()


def test_what_the_remote_does_not_take_now_goes_up_later(pair: Pair) -> None:
    """Each commit leaves a whole vault; the rest is pending, and is sent when it may be."""
    for number in range(450):
        pair.one.write(f"memory/{number}.md", f"{number}\n")
    pair.one.delete("memory/old.md")
    pair.remote.room = 2
    outcome = pair.one.sync()
    assert (outcome.resume, len(outcome.up), outcome.pending) == (600.0, 200, 251)
    assert not outcome.problems
    pair.two.sync()
    assert len(pair.two.files()) == 202
    assert "memory/old.md" in pair.two.files()
    assert pair.one.sync().resume == 600.0
    pair.remote.room = 9
    outcome = pair.one.sync()
    assert (outcome.resume, len(outcome.up), outcome.pending) == (0.0, 251, 0)
    settle(pair.one, pair.two)
    assert pair.one.files() == pair.two.files()


def test_while_it_is_held_back_it_takes_what_others_sent(pair: Pair) -> None:
    """To be told to wait with one's own changes keeps nothing of others away."""
    pair.remote.room = 0
    pair.one.write("memory/mine.md", "mine\n")
    pair.two.write("memory/theirs.md", "theirs\n")
    pair.two.sync()
    outcome = pair.one.sync()
    assert outcome.down == ("memory/memory/theirs.md",)
    assert (outcome.resume, outcome.pending) == (600.0, 1)


def test_a_large_object_waits_until_all_of_it_may_go(pair: Pair) -> None:
    """What takes many requests is not begun with room for a few; smaller files go, deletes wait."""
    pair.one.max_size = 64 * 1024 * 1024
    pair.one.restart()
    pair.one.sync()
    pair.one.write("memory/a.md", "a\n")
    pair.one.write("memory/large.md", random.Random(1).randbytes(9_000_000))
    pair.one.write("memory/small.md", "small\n")
    pair.one.delete("memory/old.md")
    pair.remote.room = 3
    outcome = pair.one.sync()
    pair.two.sync()
    assert outcome.up == ("memory/memory/a.md", "memory/memory/small.md")
    assert (outcome.resume, outcome.pending) == (600.0, 2)
    assert "memory/old.md" in pair.two.files()
    pair.remote.room = 20
    assert pair.one.sync().up == ("memory/memory/large.md", "memory/memory/old.md")


def test_a_short_pause_is_left_to_the_remote(pair: Pair) -> None:
    """Seconds between two commits are no reason to stop and look again."""
    pair.remote.quiet = SHORT
    pair.remote.room = 0
    for number in range(250):
        pair.one.write(f"memory/{number}.md", f"{number}\n")
    assert pair.one.sync().resume == 0.0
    assert pair.remote.commits >= 3


def test_an_upload_tells_how_far_it_is(pair: Pair) -> None:
    """From nothing to all of it, batch by batch, with what the rest takes at most at the end 0."""
    for number in range(250):
        pair.one.write(f"memory/{number}.md", f"{number}\n")
    pair.one.delete("memory/old.md")
    pair.one.sync()
    steps = [step for step in pair.told if step.way == "up"]
    assert [(step.done, step.total) for step in steps] == [
        (0, 251), (100, 251), (200, 251), (251, 251),
    ]  # fmt: skip
    assert steps[0].seconds is None
    assert steps[-1].seconds == 0.0


def test_the_estimate_counts_what_the_remote_will_want(pair: Pair) -> None:
    """Two batches are left, and the remote takes them only in ten minutes: that is said."""
    for number in range(300):
        pair.one.write(f"memory/{number}.md", f"{number}\n")
    pair.remote.room = 2
    pair.one.sync()
    assert [step.seconds for step in pair.told if step.done == 100] == [600.0]


def test_a_download_tells_how_far_it_is(pair: Pair) -> None:
    """From the first moment, file by file, up to all of them."""
    for number in range(5):
        pair.two.write(f"memory/{number}.md", f"{number}\n")
    pair.two.sync()
    pair.one.sync()
    down = [(step.done, step.total) for step in pair.told if step.way == "down"]
    assert down == [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_nothing_to_do_tells_nothing(pair: Pair) -> None:
    """A cycle in which nothing travels shows no progress, and asks for no pause."""
    pair.one.sync()
    assert pair.told == []

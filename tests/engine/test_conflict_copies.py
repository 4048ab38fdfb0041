"""Conflict copies that meet each other: none is lost, and no content is kept twice."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from memory_sync.model.trees import CONFLICTS
from tests.engine.devices import Device, settle

LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def trio(tmp_path: Path, vault: Path, laptop: Device, desktop: Device) -> tuple[Device, ...]:
    """Give three devices in sync, of which the last two have one name."""
    trust = laptop.keystore.trust("v")
    assert trust
    identity = laptop.keystore.find(trust.recipient)
    assert identity
    tablet = Device(tmp_path, "tablet", vault)
    tablet.join(identity)
    desktop.name = tablet.name = "same"
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop, tablet)
    return laptop, desktop, tablet


def edit_all(trio: tuple[Device, ...], *contents: bytes) -> None:
    """Let each device write MEMORY.md in the same second."""
    for device, content in zip(trio, contents, strict=True):
        device.write("MEMORY.md", content)
        os.utime(device.folder() / "MEMORY.md", LONG_AGO)


@pytest.mark.parametrize("mark", [b"\0", b""])
def test_i4_two_conflict_copies_that_meet_at_one_name_both_stay(
    trio: tuple[Device, ...], mark: bytes
) -> None:
    """Two devices of one name each lose a conflict at once: both losing sides are kept, unmixed."""
    laptop, desktop, tablet = trio
    edit_all(trio, mark + b"A\n", mark + b"B\n", mark + b"C\n")
    laptop.sync()
    tablet.remote.before_commit = desktop.sync
    tablet.sync()
    settle(*trio)
    assert [device.files()["MEMORY.md"] for device in trio] == [mark + b"A\n"] * 3
    assert [device.conflicts() for device in trio] == [[mark + b"B\n", mark + b"C\n"]] * 3


def test_i4_i16_a_conflict_copy_that_two_devices_change_keeps_both(
    trio: tuple[Device, ...],
) -> None:
    """A person who edits a conflict copy on two devices loses neither; both are of the file."""
    laptop, desktop, _ = trio
    edit_all(trio, b"A\n", b"B\n", b"B\n")
    settle(*trio)
    [copy] = laptop.files(CONFLICTS)
    laptop.write(copy, "mine\n", CONFLICTS)
    desktop.write(copy, "theirs\n", CONFLICTS)
    settle(*trio)
    assert [device.conflicts() for device in trio] == [[b"mine\n", b"theirs\n"]] * 3
    for device in trio:
        places = {path.rpartition("/")[0] for path in device.files(CONFLICTS)}
        assert places == {"memory/MEMORY.md"}


def test_i16_a_content_that_two_devices_lose_is_kept_once(trio: tuple[Device, ...]) -> None:
    """The second device finds the copy of the first, which came in the same cycle."""
    edit_all(trio, b"A\n", b"B\n", b"B\n")
    settle(*trio)
    assert [device.conflicts() for device in trio] == [[b"B\n"]] * 3


def test_i16_a_content_that_is_in_history_gets_no_copy(laptop: Device, desktop: Device) -> None:
    """What loses again after its copy was settled is in the vault's history already."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "A\n")
    desktop.write("MEMORY.md", "B\n")
    settle(laptop, desktop)
    [copy] = laptop.files(CONFLICTS)
    laptop.delete(copy, CONFLICTS)
    laptop.write("MEMORY.md", "C\n")
    laptop.sync()
    desktop.write("MEMORY.md", "B\n")
    settle(desktop, laptop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"C\n"}
    assert laptop.conflicts() == desktop.conflicts() == []
    assert desktop.opened().state.in_history(sha256(b"B\n").hexdigest(), "memory/MEMORY.md")


@pytest.mark.parametrize("mine", ["only the copy goes", "the copy is taken over", "both are kept"])
@pytest.mark.parametrize(
    "theirs", ["only the copy goes", "the copy is taken over", "both are kept"]
)
def test_i15_two_devices_that_resolve_one_conflict_end_the_same(
    laptop: Device, desktop: Device, mine: str, theirs: str
) -> None:
    """Each on its own, in the same way or another: the same trees, and no conflict any more."""
    laptop.write("MEMORY.md", "start\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "A\n")
    desktop.write("MEMORY.md", "B\n")
    settle(laptop, desktop)
    assert laptop.conflicts() == [b"B\n"]
    for device, way in ((laptop, mine), (desktop, theirs)):
        if way == "the copy is taken over":
            device.write("MEMORY.md", "B\n")
        if way == "both are kept":
            device.write("MEMORY.md", "A\nB\n")
        [copy] = device.files(CONFLICTS)
        device.delete(copy, CONFLICTS)
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert laptop.conflicts() == desktop.conflicts() == []
    assert not any(device.sync().up for device in (laptop, desktop))


def test_i15_i16_two_devices_that_lose_the_same_content_keep_one_copy(
    trio: tuple[Device, ...],
) -> None:
    """Both were restored to one state and edited alike: whoever comes second finds it kept."""
    first, second, third = trio
    first.write("MEMORY.md", "start\n")
    settle(*trio)
    first.write("MEMORY.md", "A\n")
    first.sync()
    for device in (second, third):
        device.write("MEMORY.md", "B\n")
    settle(second, third, first)
    for device in trio:
        assert device.files() == {"MEMORY.md": b"A\n"}
        assert device.conflicts() == [b"B\n"]


def test_i18_a_content_that_is_in_history_elsewhere_gets_a_copy(
    laptop: Device, desktop: Device
) -> None:
    """Under another path nobody would look for it."""
    laptop.write("MEMORY.md", "moved\n")
    laptop.write("memory/b.md", "b\n")
    settle(laptop, desktop)
    laptop.write("memory/b.md", "edited\n")
    laptop.sync()
    desktop.write("memory/b.md", "moved\n")
    settle(desktop, laptop)
    assert laptop.files() == desktop.files()
    assert laptop.read("memory/b.md") == "edited\n"
    assert laptop.conflicts() == [b"moved\n"]

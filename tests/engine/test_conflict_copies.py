"""Conflict copies that meet each other: none is lost, and no content is kept twice."""

import os
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


def test_i4_a_conflict_copy_that_two_devices_change_keeps_both(trio: tuple[Device, ...]) -> None:
    """A person who edits a conflict copy on two devices loses neither."""
    laptop, desktop, _ = trio
    edit_all(trio, b"A\n", b"B\n", b"B\n")
    settle(*trio)
    [copy] = laptop.files(CONFLICTS)
    laptop.write(copy, "mine\n", CONFLICTS)
    desktop.write(copy, "theirs\n", CONFLICTS)
    settle(*trio)
    assert [device.conflicts() for device in trio] == [[b"mine\n", b"theirs\n"]] * 3


def test_i16_a_content_that_two_devices_lose_is_kept_once(trio: tuple[Device, ...]) -> None:
    """The second device finds the copy of the first, which came in the same cycle."""
    edit_all(trio, b"A\n", b"B\n", b"B\n")
    settle(*trio)
    assert [device.conflicts() for device in trio] == [[b"B\n"]] * 3


def test_i4_a_copy_that_was_resolved_meanwhile_is_kept_anew(
    laptop: Device, desktop: Device
) -> None:
    """What loses again, just as its old copy goes, gets a copy of its own."""
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
    assert laptop.conflicts() == desktop.conflicts() == [b"B\n"]

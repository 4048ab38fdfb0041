"""Rotation on GitHub: slices of a tree, then one commit and one move of the branch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_sync.errors import KeyRotatedError, OfflineError
from memory_sync.vault.keys import Identity
from tests.engine.devices import Device, settle
from tests.engine.hosted import hosted
from tests.hub import Hub, faults

COUNT = 120
Pair = tuple[Device, Device]


@pytest.fixture
def pair(tmp_path: Path, hub: Hub) -> Iterator[Pair]:
    """Give two devices on one vault on GitHub, with more files than go in one request."""
    with hosted(hub, tmp_path, "one", "two") as (one, two):
        two.join(one.found())
        for number in range(COUNT):
            one.write(f"memory/{number}.md", f"{number}\n")
        settle(one, two)
        yield one, two


def _identity(device: Device) -> Identity:
    trust = device.keystore.trust("v")
    assert trust
    identity = device.keystore.find(trust.recipient)
    assert identity
    return identity


def _writes(hub: Hub, before: int) -> list[str]:
    return [
        f"{done.method} {done.path.split('/')[5]}"
        for done in hub.requests[before:]
        if done.kind == "rest" and done.method != "GET"
    ]


def test_i54_on_github_a_rotation_is_one_commit_and_one_move(pair: Pair, hub: Hub) -> None:
    """The tree goes up in slices; nobody ever sees a vault that is half of each."""
    one, two = pair
    files, before = one.files(), len(hub.requests)
    one.engine.rekey(rotate=True)
    writes = _writes(hub, before)
    assert set(writes[:-2]) == {"POST trees"}
    assert len(writes) <= 2 + 4
    assert writes[-2:] == ["POST commits", "PATCH refs"]
    with pytest.raises(KeyRotatedError):
        two.sync()
    two.keystore.add(_identity(one))
    outcome = two.sync()
    assert (outcome.up, outcome.down, outcome.merged) == ((), (), ())
    assert two.files() == files
    two.write("memory/new.md", "new\n")
    settle(two, one)
    assert one.files() == two.files()


@pytest.mark.parametrize("applied", [False, True], ids=["lost on its way", "its answer was lost"])
@pytest.mark.parametrize("step", ["POST .*/git/trees", "POST .*/git/commits", "PATCH"])
def test_i54_a_rotation_that_is_cut_on_the_way_is_finished_or_begun_afresh(
    pair: Pair, hub: Hub, step: str, applied: bool
) -> None:
    """At whichever request: everybody can read, and the next rotate-key ends with one new key."""
    one, two = pair
    old, files = _identity(one).recipient, one.files()
    head = one.sync().head
    hub.faults.add(faults.Fault(step, faults.close_after if applied else faults.close_before))
    with pytest.raises(OfflineError):
        one.engine.rekey(rotate=True)
    drawn = one.keystore.drawn("v")
    assert drawn
    assert hub.faults.pending() == 0
    landed = applied and step == "PATCH"
    assert (one.remote.head() != head) == landed
    if not landed:
        assert two.sync().problems == ()
    one.restart()
    one.engine.rekey(rotate=True)
    assert _identity(one).recipient == drawn.recipient != old
    assert one.keystore.drawn("v") is None
    two.keystore.add(_identity(one))
    settle(one, two)
    assert one.files() == two.files() == files

"""Attacks when a device knows little: an answer was lost, a database is gone, it came late."""

from __future__ import annotations

import json

import pytest

from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.local import problem
from memory_sync.errors import MemorySyncError, OfflineError, StaleReadError
from memory_sync.model import Problem
from memory_sync.vault.keys import Identity
from tests.engine.attacker import Attacker, halt
from tests.engine.devices import Device, settle
from tests.engine.test_attacks import Stage, stage

__all__ = ["stage"]
NUMBERS = ["999999999999999999", "999999999999999997"]


def told(device: Device) -> Problem | None:
    """Sync, and return what keeps the vault from it, whatever that is."""
    try:
        return halt(device)
    except MemorySyncError as error:
        return problem(error)


def mend(device: Device) -> None:
    """Repair whatever a repair can mend."""
    found = told(device)
    if found and found.would and found.would.plan:
        device.engine.confirm({"": found.would.plan})


def identity_of(device: Device) -> Identity:
    """Return a device's key, with all that came before it."""
    trust = device.keystore.trust("v")
    assert trust
    identity = device.keystore.find(trust.recipient)
    assert identity
    return identity


def lose_database(device: Device) -> None:
    """End the device, and take its database away."""
    device.restart()
    for path in device.home.glob("state.db*"):
        path.unlink()


def test_i48_a_copied_seal_is_no_sign_that_a_commit_has_landed(stage: Stage) -> None:
    """The answer was lost, the branch put back, and the seal's line pasted into a README edit."""
    laptop, attacker = stage.laptop, stage.attacker
    good = attacker.head
    laptop.write("memory/new.md", "a new memory\n")
    laptop.write("MEMORY.md", "three\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    [line] = [one for one in attacker.message().split("\n") if one.startswith("Memory-Sync-Seal")]
    attacker.point(good)
    attacker.tamper({"README.md": b"hello\n"}, f"Update README\n\n{line}\n")
    settle(*stage.devices)
    for device in stage.devices:
        assert device.read("MEMORY.md") == "three\n"
        assert device.read("memory/new.md") == "a new memory\n"


@pytest.mark.parametrize("number", NUMBERS)
def test_i52_a_number_that_no_key_vouches_for_is_none(stage: Stage, number: str) -> None:
    """A seal's line with a huge number in a harmless commit does not use up the numbers."""
    laptop, desktop, attacker = stage.laptop, stage.desktop, stage.attacker
    settle(*stage.devices)
    message = f"Update README\n\nMemory-Sync-Seal: 1 {number} {'ab' * 32}\n"
    attacker.tamper({"README.md": b"x\n"}, message)
    for count, device in enumerate((laptop, desktop, laptop, desktop)):
        device.write(f"memory/{count}.md", f"{count}\n")
        settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert told(laptop) is None


def test_i41_history_from_before_a_device_joined_is_older_and_not_another(stage: Stage) -> None:
    """Its repair brings the newest forward; nothing old comes back live."""
    settle(*stage.devices)
    new = stage.away
    identity = identity_of(stage.laptop)
    lose_database(new)
    (new.home / "keys" / "v.trust.json").unlink()
    new.join(identity)
    settle(*stage.devices)
    stage.attacker.point(stage.attacker.chain()[1])
    with pytest.raises(StaleReadError):
        new.sync()
    stage.later()
    found = told(new)
    assert found
    assert found.code == "history-forced-back"
    mend(new)
    settle(*stage.devices)
    assert [one.read("MEMORY.md") for one in stage.devices] == ["two\n"] * 3
    assert [one.conflicts() for one in stage.devices] == [[], [], []]


def test_i41_a_copy_of_an_old_commit_is_as_old_as_that(stage: Stage) -> None:
    """The seal covers neither author nor time: under another id it is still the same state."""
    laptop, attacker = stage.laptop, stage.attacker
    settle(*stage.devices)
    for word in ("three\n", "four\n"):
        laptop.write("MEMORY.md", word)
        laptop.sync()
    settle(*stage.devices)
    raw = attacker.git("cat-file", "commit", attacker.chain()[1]).replace(b"+0000", b"+0100")
    attacker.point(attacker.text("hash-object", "-t", "commit", "-w", "--stdin", data=raw))
    with pytest.raises(StaleReadError):
        laptop.sync()
    stage.later()
    mend(laptop)
    settle(*stage.devices)
    assert [one.read("MEMORY.md") for one in stage.devices] == ["four\n"] * 3
    assert [one.conflicts() for one in stage.devices] == [[], [], []]


def test_i41_a_lost_database_does_not_bring_old_versions_back(stage: Stage) -> None:
    """Forced back meanwhile: it is told from another history, and repaired to the newest."""
    laptop, attacker = stage.laptop, stage.attacker
    settle(*stage.devices)
    lose_database(laptop)
    attacker.point(attacker.chain()[1])
    with pytest.raises(StaleReadError):
        laptop.sync()
    stage.later()
    mend(laptop)
    settle(*stage.devices)
    assert [one.read("MEMORY.md") for one in stage.devices] == ["two\n"] * 3


@pytest.mark.parametrize("deed", ["back", "orphan"])
def test_i41_a_repair_by_who_had_seen_less_is_followed_by_one_that_knows_more(
    stage: Stage, deed: str
) -> None:
    """The common state is the one that the first repair put forward, so the newest stays live."""
    laptop, desktop, attacker = stage.laptop, stage.desktop, stage.attacker
    settle(*stage.devices)
    old = attacker.head
    laptop.write("MEMORY.md", "three\n")
    laptop.sync()
    desktop.sync()
    laptop.write("MEMORY.md", "four\n")
    laptop.sync()
    if deed == "back":
        attacker.point(old)
    else:
        attacker.commit(attacker.tree({"x": b"1"}, ""), ())
    for device in (desktop, laptop):
        told(device)
        stage.later()
        mend(device)
    settle(*stage.devices)
    assert [one.read("MEMORY.md") for one in stage.devices] == ["four\n"] * 3


def test_i52_a_manifest_that_is_another_repository_is_taken_back(stage: Stage) -> None:
    """A submodule in its place, with a rotation's line: a halt, and a repair ends it."""
    attacker = stage.attacker
    settle(*stage.devices)
    lines = attacker.text("ls-tree", "refs/heads/main").split("\n")
    kept = [line for line in lines if not line.endswith("\tvault.json")]
    entry = f"160000 commit {'ab' * 20}\tvault.json"
    data = "\n".join([*kept, entry, ""]).encode()
    tree = attacker.text("mktree", "--missing", data=data)
    message = f"x\n\nMemory-Sync-Rotation: 1 99 {'ab' * 32}\n"
    attacker.commit(tree, [attacker.head], message)
    found = told(stage.laptop)
    assert found
    assert found.code == "foreign-content"
    mend(stage.laptop)
    settle(*stage.devices)


def test_i52_what_is_not_sealed_is_not_remembered(stage: Stage) -> None:
    """On first contact another id was shown: once the vault is mended the device joins it."""
    laptop, new, attacker = stage.laptop, stage.away, stage.attacker
    settle(*stage.devices)
    lose_database(new)
    (new.home / "keys" / "v.trust.json").unlink()
    manifest = json.loads(attacker.content("vault.json")) | {"id": "ab" * 16}
    attacker.tamper({"vault.json": json.dumps(manifest, sort_keys=True).encode() + b"\n"})
    seen = trust_for(look_into(new.remote), "v", new.remote, new.keystore)
    assert seen.vault_id == "ab" * 16
    assert new.keystore.trust("v") is None
    mend(laptop)
    trust = trust_for(look_into(new.remote), "v", new.remote, new.keystore)
    new.keystore.set_trust("v", trust)
    settle(*stage.devices)
    assert new.read("MEMORY.md") == "two\n"


@pytest.mark.parametrize("pushes", [1, 5])
@pytest.mark.parametrize("first", ["key", "repair"])
def test_i54_history_forced_back_below_a_rotation_comes_to_rest(
    stage: Stage, pushes: int, first: str
) -> None:
    """A device with the old key went on there: with the new key it joins, and loses nothing."""
    laptop, desktop, attacker = stage.laptop, stage.desktop, stage.attacker
    settle(*stage.devices)
    good = attacker.head
    laptop.engine.rekey(rotate=True)
    attacker.point(good)
    for number in range(pushes):
        desktop.write("memory/d.md", f"{number}\n")
        desktop.sync()
    for device in (laptop, desktop) if first == "repair" else (laptop,):
        told(device)
        stage.later()
        mend(device)
    desktop.keystore.add(identity_of(laptop))
    for _ in range(3):
        for device in (desktop, laptop):
            told(device)
            stage.later()
            mend(device)
    assert told(laptop) is None
    assert told(desktop) is None
    settle(laptop, desktop)
    assert laptop.read("memory/d.md") == f"{pushes - 1}\n"


def test_i50_what_a_repair_leaves_out_is_deleted_nowhere(stage: Stage) -> None:
    """The repository lost it, one device agrees to do without it, another still has it."""
    laptop, desktop, attacker = stage.laptop, stage.desktop, stage.attacker
    settle(*stage.devices)
    old = attacker.head
    laptop.write("memory/new.md", "precious\n")
    settle(*stage.devices)
    last = attacker.head
    [blob] = set(attacker.files(last).values()) - set(attacker.files(old).values())
    attacker.point(old)
    attacker.lose(blob)
    desktop.delete("memory/new.md")
    told(desktop)
    stage.later()
    found = told(desktop)
    assert found
    assert found.would
    try:
        desktop.engine.confirm({"": found.would.plan})
    except MemorySyncError as error:
        would = problem(error).would
        assert would
        desktop.engine.confirm({"": would.plan})
    settle(*stage.devices)
    assert laptop.read("memory/new.md") == "precious\n"


def test_i42_a_branch_that_is_gone_is_sent_anew_on_both_remotes(stage: Stage) -> None:
    """Also after a repair, whose list of what it replaced may be gone as well."""
    attacker: Attacker = stage.attacker
    settle(*stage.devices)
    attacker.point(attacker.chain()[1])
    told(stage.laptop)
    stage.later()
    mend(stage.laptop)
    settle(*stage.devices)
    attacker.git("update-ref", "-d", "refs/heads/main")
    found = told(stage.laptop)
    assert found
    assert found.code == "branch-gone"
    mend(stage.laptop)
    settle(*stage.devices)
    assert [one.read("MEMORY.md") for one in stage.devices] == ["two\n"] * 3


def test_i50_a_repair_with_an_older_database_takes_nothing_from_others(stage: Stage) -> None:
    """A restored state is older than what is trusted: the repair has the newer tree."""
    laptop, desktop, attacker = stage.laptop, stage.desktop, stage.attacker
    settle(*stage.devices)
    old = attacker.head
    laptop.restart()
    saved = (laptop.home / "state.db").read_bytes()
    desktop.write("memory/work.md", "a day's work\n")
    desktop.sync()
    laptop.sync()
    lose_database(laptop)
    (laptop.home / "state.db").write_bytes(saved)
    attacker.point(old)
    told(laptop)
    stage.later()
    mend(laptop)
    settle(*stage.devices)
    for device in stage.devices:
        assert device.read("memory/work.md") == "a day's work\n"
        assert device.conflicts() == []


def test_i12_a_conflict_copy_that_both_sides_of_a_fork_changed_is_kept_twice(stage: Stage) -> None:
    """Two contents of one name among the copies: the union has both."""
    laptop, away, attacker = stage.laptop, stage.away, stage.attacker
    settle(*stage.devices)
    laptop.write("MEMORY.md", "laptop\n")
    away.write("MEMORY.md", "away\n")
    settle(*stage.devices)
    [copy] = laptop.files(".conflicts")
    old = attacker.head
    laptop.write(copy, "fuller, by the laptop\n", ".conflicts")
    laptop.sync()
    attacker.point(old)
    away.write(copy, "fuller, by who was away\n", ".conflicts")
    away.sync()
    found = told(laptop)
    assert found
    assert found.code == "history-forked"
    mend(laptop)
    settle(*stage.devices)
    kept = {b"fuller, by the laptop\n", b"fuller, by who was away\n"}
    for device in stage.devices:
        assert kept <= set(device.conflicts())


def test_i41_a_fork_is_mended_by_a_device_that_has_lost_its_database(stage: Stage) -> None:
    """Its last commit is nowhere any more: what its folder has is united with what there is."""
    laptop, desktop, attacker = stage.laptop, stage.desktop, stage.attacker
    settle(*stage.devices)
    old = attacker.head
    laptop.write("memory/mine.md", "mine\n")
    laptop.sync()
    attacker.point(old)
    attacker.git("reflog", "expire", "--expire=now", "--all")
    attacker.git("gc", "--prune=now", "-q")
    desktop.write("memory/theirs.md", "theirs\n")
    desktop.sync()
    lose_database(laptop)
    mend(laptop)
    settle(*stage.devices)
    for device in stage.devices:
        assert (device.read("memory/mine.md"), device.read("memory/theirs.md")) == (
            "mine\n",
            "theirs\n",
        )

"""Rotation: the vault is handed to a new key as one commit, and the old one counts no more."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from memory_sync.errors import (
    ForcedBackError,
    HaltError,
    KeyRotatedError,
    OfflineError,
    RekeyBlockedError,
    StaleReadError,
)
from memory_sync.model import Change, Entry, Would
from memory_sync.ports.folder import FolderRemote
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity, generate_identity
from memory_sync.vault.manifest import Manifest
from memory_sync.vault.seals import read_rotation, rotation_line, seal_message
from memory_sync.vault.trees import blob_id, root_tree
from tests.engine.attacker import Attacker, halt, repair
from tests.engine.devices import Device, settle

FILES = {"MEMORY.md": b"start\n", "memory/a.md": b"a\n", "memory/log.md": b"line\n" * 20_000}


class Killed(BaseException):
    """The process is gone."""


def _git(vault: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(vault), *words], capture_output=True, check=True)
    return done.stdout.decode()


def _trust(device: Device) -> Trust:
    trust = device.keystore.trust("v")
    assert trust
    return trust


def _identity(device: Device) -> Identity:
    identity = device.keystore.find(_trust(device).recipient)
    assert identity
    return identity


def _give(giver: Device, taker: Device) -> None:
    """Carry the key file, with all older keys in it, to another device."""
    taker.keystore.add(_identity(giver))


@pytest.fixture
def filled(laptop: Device, desktop: Device) -> Device:
    """Give the laptop of two devices that are in sync, with a conflict copy."""
    for path, content in FILES.items():
        laptop.write(path, content)
    settle(laptop, desktop)
    laptop.write("memory/a.md", "one\n")
    desktop.write("memory/a.md", "two\n")
    settle(laptop, desktop)
    assert len(laptop.conflicts()) == 1
    return laptop


def test_i54_rotation_is_one_commit_that_holds_everything(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """All objects have new names and open with the new key alone; conflict copies among them."""
    before = set(_git(vault, "ls-tree", "-r", "--name-only", "HEAD", "objects").split())
    old, trust = _identity(filled), _trust(filled)
    files = filled.files()
    filled.engine.rekey(rotate=True)
    new = _identity(filled)
    assert _git(vault, "rev-parse", "HEAD~1").strip() == trust.commit
    assert new.secrets == (new.secrets[0], *old.secrets)
    assert new.recipient != old.recipient
    message = _git(vault, "log", "-1", "--format=%B")
    rotation = read_rotation(message)
    assert rotation is not None
    assert rotation.n == _trust(filled).n == trust.n + 1
    after = set(_git(vault, "ls-tree", "-r", "--name-only", "HEAD", "objects").split())
    assert not before & after
    assert len(before) == len(after)
    newcomer = Device(filled.home.parent, "newcomer", vault)
    newcomer.join(Identity(new.secrets[:1]))
    newcomer.sync()
    assert newcomer.files() == files == filled.files()
    assert newcomer.conflicts() == filled.conflicts()
    newcomer.restart()


def test_i54_a_device_with_the_old_key_halts_and_goes_on_with_the_new(
    filled: Device, desktop: Device
) -> None:
    """It keeps its files and what waits to go up, and then uploads and deletes nothing else."""
    filled.engine.rekey(rotate=True)
    desktop.write("memory/mine.md", "mine\n")
    for _ in range(2):
        with pytest.raises(KeyRotatedError) as caught:
            desktop.sync()
        assert caught.value.status == 9
        desktop.restart()
    assert _trust(desktop).recipient == _trust(filled).recipient
    _give(filled, desktop)
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.merged) == (("memory/memory/mine.md",), (), ())
    assert outcome.new_conflicts == ()
    assert filled.sync().down == ("memory/memory/mine.md",)
    assert filled.files() == desktop.files()
    assert filled.sync().up == desktop.sync().up == ()


@pytest.mark.parametrize("who", ["rotated", "followed"])
def test_i49_after_a_rotation_only_new_names_and_blobs_are_known(
    filled: Device, desktop: Device, vault: Path, who: str
) -> None:
    """The old names are forgotten, and what is the same on both sides is in the new blobs."""
    filled.engine.rekey(rotate=True)
    _give(filled, desktop)
    if who == "followed":
        with contextlib.suppress(KeyRotatedError):
            desktop.sync()
    device = filled if who == "rotated" else desktop
    device.restart()
    state = device.opened().state
    lines = _git(vault, "ls-tree", "-r", "HEAD", "objects").splitlines()
    blobs = {line.split()[3]: line.split()[2] for line in lines}
    assert set(state.snapshot().objects) == {name for name in blobs if name.endswith(".age")}
    base = state.base()
    assert len(base) == len(FILES) + 1
    assert all(set(row.blobs) <= set(blobs.values()) for row in base.values())
    commits = device.remote.commits
    assert device.sync().up == ()
    assert device.remote.commits == commits


def test_i54_a_base_from_before_the_rotation_still_merges(filled: Device, desktop: Device) -> None:
    """Edits on both sides of it are merged, with what both once had in common."""
    desktop.write("memory/log.md", FILES["memory/log.md"] + b"desktop\n")
    filled.engine.rekey(rotate=True)
    filled.write("memory/log.md", b"laptop\n" + FILES["memory/log.md"])
    filled.sync()
    _give(filled, desktop)
    assert desktop.sync().merged == ("memory/memory/log.md",)
    settle(desktop, filled)
    text = filled.files()["memory/log.md"]
    assert text == b"laptop\n" + FILES["memory/log.md"] + b"desktop\n"
    assert len(filled.conflicts()) == 1


def test_i54_two_rotations_are_followed_with_the_newest_key_file(
    filled: Device, desktop: Device
) -> None:
    """The second is signed by a key in between, which that file holds."""
    first = _trust(desktop).recipient
    filled.engine.rekey(rotate=True)
    middle = _trust(filled).recipient
    filled.engine.rekey(rotate=True)
    last = _trust(filled).recipient
    assert len({first, middle, last}) == 3
    with pytest.raises(KeyRotatedError):
        desktop.sync()
    assert _trust(desktop).recipient == middle
    _give(filled, desktop)
    outcome = desktop.sync()
    assert (outcome.up, outcome.down) == ((), ())
    assert _trust(desktop).recipient == last
    assert not _trust(desktop).rotated
    settle(filled, desktop)


def _commit_with(
    device: Device,
    vault: Path,
    identity: Identity,
    extra: str = "",
    changes: Mapping[str, bytes] | None = None,
) -> str:
    """Make a commit as a holder of `identity` does, on the head; `changes` are objects."""
    remote = FolderRemote(f"file://{vault}")
    head = remote.head()
    assert head
    top = next(iter(remote.history(head)))
    listing = dict(remote.listing(top))
    manifest = Manifest(_trust(device).vault_id, (identity.recipient,)).dump()
    writes = {"vault.json": manifest}
    writes |= {f"objects/00/{name}.age": data for name, data in (changes or {}).items()}
    listing |= {path: Entry("100644", blob_id(data)) for path, data in writes.items()}
    tree, n = root_tree(listing), _trust(device).n + 5
    key = identity.derive(_trust(device).vault_id).seal
    message = seal_message(key, n, _trust(device).vault_id, head, tree) + extra
    return remote.commit(head, Change(message, tree, writes))


@pytest.mark.parametrize("reader", ["rotated", "away"])
def test_i54_no_seal_of_the_old_key_counts_after_a_rotation(
    filled: Device, desktop: Device, vault: Path, reader: str
) -> None:
    """A commit that the old key seals on top of it is foreign, also to who comes back later."""
    old = _identity(filled)
    filled.engine.rekey(rotate=True)
    _commit_with(filled, vault, old, changes={"0" * 30: b"evil"})
    if reader == "rotated":
        outcome = filled.sync()
        assert [halt.code for halt in outcome.halts] == ["foreign-content"]
        return
    with pytest.raises(KeyRotatedError):
        desktop.sync()
    desktop.restart()
    with pytest.raises(KeyRotatedError):
        desktop.sync()
    _give(filled, desktop)
    assert [halt.code for halt in desktop.sync().halts] == ["foreign-content"]


@pytest.mark.parametrize("line", ["Memory-Sync-Rotation", "Memory-Sync-Seal"])
def test_i52_a_rotation_with_a_line_taken_out_is_followed_by_nobody(
    filled: Device, desktop: Device, vault: Path, line: str
) -> None:
    """The same tree on the same parent: every device halts, and a repair mends it for all."""
    attacker, before = Attacker(vault), filled.files()
    filled.engine.rekey(rotate=True)
    real, parent = attacker.chain()[:2]
    kept = [one for one in attacker.message().splitlines() if not one.startswith(line)]
    tree = attacker.text("rev-parse", f"{real}^{{tree}}")
    attacker.commit(tree, [parent], "\n".join([*kept, ""]))
    found = halt(desktop)
    assert found
    assert found.code == "foreign-content"
    if line == "Memory-Sync-Seal":
        with pytest.raises(StaleReadError):
            filled.sync()
        filled.clock.ahead += 61
    found = halt(filled)
    assert found
    assert found.code in {"history-forked", "history-forced-back"}
    repair(filled)
    _give(filled, desktop)
    settle(filled, desktop)
    assert filled.files() == desktop.files() == before
    assert _trust(filled).recipient == _trust(desktop).recipient


@pytest.mark.parametrize("kind", ["garbage", "another key's", "two lines", "for another recipient"])
def test_i52_a_rotation_line_that_is_not_the_old_keys_is_foreign_content(
    filled: Device, desktop: Device, vault: Path, kind: str
) -> None:
    """Nobody without the key can make a device give it up."""
    thief, trust = generate_identity(), _trust(filled)
    assert trust.commit == _git(vault, "rev-parse", "HEAD").strip()
    tree = "0" * 40
    mine = _identity(filled).derive(trust.vault_id).seal
    line = rotation_line(
        thief.derive(trust.vault_id).seal if kind == "another key's" else mine,
        trust.n + 5, trust.vault_id, trust.commit, tree, recipient=thief.recipient,
    )  # fmt: skip
    extra = {
        "garbage": f"Memory-Sync-Rotation: 1 {trust.n + 5} {'ab' * 32}\n",
        "two lines": line + line,
    }.get(kind, line)
    _commit_with(filled, vault, thief, extra)
    for device in (filled, desktop):
        assert [halt.code for halt in device.sync().halts] == ["foreign-content"]
        assert _trust(device).recipient == trust.recipient


def test_i52_history_forced_back_below_a_rotation_is_a_stale_read_and_then_a_halt(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """A replica that lags shows the old key's commits for a moment: no orphan, nothing applied."""
    before = _trust(filled).commit
    filled.engine.rekey(rotate=True)
    Attacker(vault).point(before)
    with pytest.raises(StaleReadError):
        filled.sync()
    filled.clock.ahead += 120
    with pytest.raises(ForcedBackError):
        filled.sync()
    newcomer = Device(filled.home.parent, "newcomer", vault)
    with pytest.raises(ForcedBackError):
        newcomer.join(_identity(filled))


def test_i52_the_last_commit_of_the_old_key_is_no_place_to_go_on_from(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """A device that has the new key by now is shown the head of before: it sends nothing there."""
    before = _trust(desktop).commit
    filled.engine.rekey(rotate=True)
    after = _git(vault, "rev-parse", "HEAD").strip()
    with pytest.raises(KeyRotatedError):
        desktop.sync()
    _give(filled, desktop)
    Attacker(vault).point(before)
    desktop.write("memory/mine.md", "mine\n")
    with pytest.raises(StaleReadError):
        desktop.sync()
    assert _git(vault, "rev-parse", "HEAD").strip() == before
    Attacker(vault).point(after)
    assert desktop.sync().up == ("memory/memory/mine.md",)


def test_i54_a_device_that_was_away_follows_a_repaired_rotation(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """The commit that rotated is lost; the key file says which key came after which."""
    before = _trust(filled).commit
    filled.engine.rekey(rotate=True)
    Attacker(vault).point(before)
    with pytest.raises(StaleReadError):
        filled.sync()
    filled.clock.ahead += 120
    with pytest.raises(ForcedBackError) as caught:
        filled.sync()
    would = caught.value.facts["would"]
    assert isinstance(would, Would)
    filled.engine.confirm({"": would.plan})
    assert [halt.code for halt in desktop.sync().halts] == ["foreign-content"]
    _give(filled, desktop)
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.halts) == ((), (), ())
    assert _trust(desktop).recipient == _trust(filled).recipient
    desktop.write("memory/mine.md", "mine\n")
    settle(desktop, filled)
    assert filled.files() == desktop.files()


def test_i54_what_the_old_key_added_below_a_repair_is_not_deleted(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """History is forced back below a rotation, and a device that was away sends something there."""
    before = _trust(filled).commit
    filled.engine.rekey(rotate=True)
    Attacker(vault).point(before)
    desktop.write("memory/mine.md", "mine\n")
    assert desktop.sync().up == ("memory/memory/mine.md",)
    with pytest.raises(StaleReadError):
        filled.sync()
    filled.clock.ahead += 120
    with pytest.raises(ForcedBackError) as caught:
        filled.sync()
    would = caught.value.facts["would"]
    assert isinstance(would, Would)
    filled.engine.confirm({"": would.plan})
    _give(filled, desktop)
    settle(desktop, filled)
    assert (
        filled.files()
        == desktop.files()
        == FILES | {"memory/mine.md": b"mine\n"} | {"memory/a.md": filled.files()["memory/a.md"]}
    )


def test_i40_of_two_devices_that_rotate_at_once_one_wins(filled: Device, desktop: Device) -> None:
    """The other says so, loses nothing, and keeps no key that is not in force."""
    desktop.write("memory/mine.md", "mine\n")
    desktop.sync()
    filled.sync()
    filled.remote.before_commit = lambda: desktop.engine.rekey(rotate=True)
    with pytest.raises(KeyRotatedError):
        filled.engine.rekey(rotate=True)
    assert filled.keystore.drawn("v") is None
    assert len(filled.keystore.recipients()) == 1
    _give(desktop, filled)
    filled.sync()
    settle(filled, desktop)
    assert filled.files() == desktop.files()


def test_i40_a_push_in_between_is_taken_along(filled: Device, desktop: Device) -> None:
    """Another device commits first: it is fetched, and the rotation is made on top."""
    desktop.write("memory/mine.md", "mine\n")
    filled.remote.before_commit = desktop.sync
    filled.engine.rekey(rotate=True)
    assert "memory/mine.md" in filled.files()
    _give(filled, desktop)
    settle(filled, desktop)


def test_i54_an_object_that_cannot_be_read_stops_a_rotation(filled: Device, vault: Path) -> None:
    """It would be lost for good, so nothing changes, and it is named."""
    filled.restart()
    before = _git(vault, "rev-parse", "HEAD")
    names = _git(vault, "ls-tree", "-r", "HEAD", "objects").splitlines()
    broken = names[0].split()[2]
    filled.remote.spoil = lambda blob, content: b"x" if blob == broken else content
    with pytest.raises(RekeyBlockedError) as caught:
        filled.engine.rekey(rotate=True)
    assert str(caught.value.facts["path"]).startswith(("memory/", ".conflicts/"))
    assert _git(vault, "rev-parse", "HEAD") == before
    filled.remote.spoil = None
    filled.sync()
    filled.engine.rekey(rotate=True)


def test_i54_an_object_that_never_could_be_read_stops_a_rotation(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """A device that could not read it when it came does not leave it behind under the old key."""
    before = _git(vault, "rev-parse", "HEAD")
    broken = _git(vault, "ls-tree", "-r", "HEAD", "objects").split()[2]
    desktop.restart()
    (desktop.home / "state.db").unlink()
    desktop.remote.spoil = lambda blob, content: b"x" if blob == broken else content
    assert [problem.code for problem in desktop.sync().problems] == ["object-broken"]
    with pytest.raises(RekeyBlockedError):
        desktop.engine.survey()
    with pytest.raises(RekeyBlockedError):
        desktop.engine.rekey(rotate=True)
    assert _git(vault, "rev-parse", "HEAD") == before
    assert desktop.keystore.drawn("v") is None


def _dies(real: Callable[..., object], when: str) -> Callable[..., object]:
    def deadly(*args: object, **kwargs: object) -> object:
        if when == "after":
            real(*args, **kwargs)
        raise Killed

    return deadly


STEPS = ["keep_drawn", "commit", "drop_drawn", "set_trust", "put", "save_snapshot", "accept"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("then", ["sync", "rotate"])
def test_i54_a_kill_at_every_step_leaves_everybody_able_to_read(
    filled: Device,
    desktop: Device,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    when: str,
    then: str,
) -> None:
    """Either nothing happened or it is finished by the next cycle; no key and no file is lost."""
    files, copies = filled.files(), filled.conflicts()
    kit = filled.opened()
    filled.sync()
    owners = {
        "keep_drawn": kit.keystore, "drop_drawn": kit.keystore, "set_trust": kit.keystore,
        "commit": kit.remote, "put": kit.state, "save_snapshot": kit.state,
        "accept": filled.engine._fetcher,
    }  # fmt: skip
    real = getattr(owners[step], step)
    with monkeypatch.context() as patch:
        if step == "put":
            # Of the many notes that are made, the first one after the commit.
            arm = lambda: patch.setattr(kit.state, "put", _dies(real, when))  # noqa: E731
            filled.remote.after_commit = arm
        else:
            patch.setattr(owners[step], step, _dies(real, when))
        with pytest.raises(Killed):
            filled.engine.rekey(rotate=True)
    filled.remote.after_commit = None
    filled.restart()
    landed = read_rotation(_git(vault, "log", "-1", "--format=%B")) is not None
    assert landed == ((step, when) not in {("keep_drawn", "before"), ("keep_drawn", "after"),
                                           ("commit", "before")})  # fmt: skip
    if then == "rotate":
        filled.engine.rekey(rotate=True)
        assert read_rotation(_git(vault, "log", "-1", "--format=%B")) is not None
    outcome = filled.sync()
    assert (outcome.up, outcome.down, outcome.merged) == ((), (), ())
    assert (filled.files(), filled.conflicts()) == (files, copies)
    _give(filled, desktop)
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.merged) == ((), (), ())
    desktop.write("memory/after.md", "after\n")
    settle(desktop, filled)
    assert filled.files() == desktop.files()
    newcomer = Device(filled.home.parent, "newcomer", vault)
    newcomer.join(Identity(_identity(filled).secrets[:1]))
    newcomer.sync()
    assert newcomer.files() == filled.files()
    newcomer.restart()


def test_i48_a_rotation_whose_answer_was_lost_is_recognised(
    filled: Device, desktop: Device, vault: Path
) -> None:
    """It landed: the next rotate-key finishes it and does not make a second one."""
    filled.sync()
    before = int(_git(vault, "rev-list", "--count", "HEAD"))
    filled.remote.lose_answer = True
    with pytest.raises(OfflineError):
        filled.engine.rekey(rotate=True)
    drawn = filled.keystore.drawn("v")
    assert drawn is not None
    filled.restart()
    filled.engine.rekey(rotate=True)
    assert _trust(filled).recipient == drawn.recipient
    assert filled.keystore.drawn("v") is None
    assert int(_git(vault, "rev-list", "--count", "HEAD")) == before + 1
    assert filled.sync().up == ()


def test_i54_what_did_not_land_is_tried_again_with_the_same_key(
    filled: Device, vault: Path
) -> None:
    """A request that seemed lost may still land: there is never a second new key beside it."""
    filled.sync()

    def offline() -> None:
        raise OfflineError(remote="x", detail="cut")

    filled.remote.before_commit = offline
    with pytest.raises(OfflineError):
        filled.engine.rekey(rotate=True)
    drawn = filled.keystore.drawn("v")
    assert drawn is not None
    filled.restart()
    filled.engine.rekey(rotate=True)
    assert _trust(filled).recipient == drawn.recipient
    assert (filled.home / "keys" / f"{drawn.recipient}.txt").stat().st_mode & 0o777 == 0o600


def test_i54_a_lost_database_is_built_anew_under_the_new_key(
    filled: Device, desktop: Device
) -> None:
    """What is trusted lies beside the key: the old key is not taken up again."""
    filled.engine.rekey(rotate=True)
    with pytest.raises(KeyRotatedError):
        desktop.sync()
    desktop.restart()
    for place in desktop.home.glob("state.db*"):
        place.unlink()
    with pytest.raises(KeyRotatedError):
        desktop.sync()
    _give(filled, desktop)
    settle(desktop, filled)
    assert desktop.files() == filled.files()


def test_a_halted_vault_is_not_rotated(filled: Device, vault: Path) -> None:
    """What lies on top without the key is settled first."""
    _commit_with(filled, vault, generate_identity())
    with pytest.raises(HaltError):
        filled.engine.rekey(rotate=True)
    assert filled.keystore.drawn("v") is None

"""Roots of one direction, and changes of a root's settings, on real devices over a real vault."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from memory_sync.errors import OfflineError
from memory_sync.model import Direction, Kind
from memory_sync.model.trees import CONFLICTS
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle

START = b"one\ntwo\nthree\nfour\nfive\n"


def turn(device: Device, direction: Direction) -> None:
    """Let a device's root go another way from now on."""
    device.restart()
    device.directions = {"memory": direction}


@pytest.fixture
def pair(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Give two devices in sync."""
    laptop.write("MEMORY.md", START)
    laptop.write("memory/a.md", "a\n")
    settle(laptop, desktop)
    return laptop, desktop


def at_rest(device: Device) -> None:
    """Check that nothing is planned, pending or sent any more."""
    plan = device.engine.preview().plan
    assert not plan
    commits = device.remote.commits
    outcome = device.sync()
    assert (outcome.pending, outcome.up, outcome.down) == (0, (), ())
    assert device.engine.pending().all == frozenset()
    assert device.remote.commits == commits


# --- push


def test_what_a_root_that_only_sends_changes_goes_up(pair: tuple[Device, Device]) -> None:
    """Edits, new files and deletes reach the others."""
    laptop, desktop = pair
    turn(laptop, "push")
    laptop.write("MEMORY.md", START + b"six\n")
    laptop.write("memory/new.md", "new\n")
    laptop.sync()
    laptop.delete("memory/a.md")
    laptop.sync()
    settle(desktop)
    assert desktop.files() == {"MEMORY.md": START + b"six\n", "memory/new.md": b"new\n"}
    at_rest(laptop)


def test_nothing_comes_down_into_a_root_that_only_sends(pair: tuple[Device, Device]) -> None:
    """Edits, new files and deletes of others change nothing here, and wait for nothing."""
    laptop, desktop = pair
    turn(laptop, "push")
    laptop.sync()
    before = laptop.files()
    desktop.write("MEMORY.md", "theirs\n")
    desktop.write("memory/theirs.md", "new\n")
    desktop.delete("memory/a.md")
    settle(desktop)
    outcome = laptop.sync()
    assert (outcome.pending, outcome.conflicts, outcome.problems) == (0, 0, ())
    assert laptop.files() == before
    at_rest(laptop)
    assert desktop.files() == {"MEMORY.md": b"theirs\n", "memory/theirs.md": b"new\n"}


def test_i4_what_both_changed_goes_up_and_the_other_version_is_kept(
    pair: tuple[Device, Device],
) -> None:
    """The vault's version becomes a conflict copy of the device that wrote it, once, everywhere."""
    laptop, desktop = pair
    turn(laptop, "push")
    laptop.sync()
    desktop.write("MEMORY.md", "theirs\n")
    settle(desktop)
    laptop.write("MEMORY.md", "mine\n")
    [action] = laptop.engine.preview().plan.actions
    assert action.kind is Kind.OVERRULE
    assert laptop.engine.pending().up == {"memory/MEMORY.md"}
    assert laptop.sync().new_conflicts
    settle(desktop, laptop)
    assert (laptop.read("MEMORY.md"), desktop.read("MEMORY.md")) == ("mine\n", "mine\n")
    assert laptop.conflicts() == desktop.conflicts() == [b"theirs\n"]
    [copy] = desktop.files(CONFLICTS)
    assert copy.endswith("-desktop")
    at_rest(laptop)
    desktop.delete(copy, CONFLICTS)
    settle(desktop, laptop)
    assert laptop.conflicts() == []


def test_i8_an_edit_beats_a_delete_where_a_root_only_sends(pair: tuple[Device, Device]) -> None:
    """What others deleted is there again with the next edit here; what they edited is not deleted.

    Not even when their edit is taken back later.
    """
    laptop, desktop = pair
    turn(laptop, "push")
    laptop.sync()
    desktop.delete("memory/a.md")
    desktop.write("MEMORY.md", "theirs\n")
    settle(desktop)
    laptop.delete("MEMORY.md")
    laptop.sync()
    settle(desktop)
    assert desktop.read("MEMORY.md") == "theirs\n"
    desktop.write("MEMORY.md", START)
    settle(desktop, laptop)
    assert desktop.files() == {"MEMORY.md": START}
    laptop.write("memory/a.md", "again\n")
    settle(laptop, desktop)
    assert desktop.read("memory/a.md") == "again\n"
    assert laptop.files() == {"memory/a.md": b"again\n"}


def test_i16_i40_i48_a_version_that_gives_way_is_kept_once(pair: tuple[Device, Device]) -> None:
    """Also if the answer to the commit is lost, or another device is quicker than the commit."""
    laptop, desktop = pair
    turn(laptop, "push")
    laptop.sync()
    desktop.write("MEMORY.md", "theirs\n")
    settle(desktop)
    laptop.write("MEMORY.md", "mine\n")
    laptop.remote.lose_answer = True
    with pytest.raises(OfflineError):
        laptop.sync()
    laptop.restart()
    settle(laptop, desktop)
    assert desktop.conflicts() == [b"theirs\n"]
    desktop.write("MEMORY.md", "theirs again\n")
    laptop.write("MEMORY.md", "mine again\n")
    laptop.remote.before_commit = desktop.sync
    laptop.sync()
    settle(laptop, desktop)
    assert laptop.read("MEMORY.md") == desktop.read("MEMORY.md") == "mine again\n"
    assert laptop.conflicts() == desktop.conflicts() == [b"theirs\n", b"theirs again\n"]
    at_rest(laptop)


def test_an_emptied_vault_halts_no_root_that_only_sends(pair: tuple[Device, Device]) -> None:
    """Nothing of that would come here; a folder emptied here would empty the vault, and halts."""
    laptop, desktop = pair
    turn(laptop, "push")
    laptop.sync()
    for path in list(desktop.files()):
        desktop.delete(path)
    [halt] = desktop.sync().halts
    desktop.engine.confirm({"memory": halt.would.plan if halt.would else ""})
    assert laptop.sync().halts == ()
    for name in "abc":
        laptop.write(f"memory/{name}.md", f"{name} anew\n")
    laptop.sync()
    for path in list(laptop.files()):
        laptop.delete(path)
    assert [one.code for one in laptop.sync().halts] == ["root-emptied"]


def test_a_push_alone_overrules_and_a_pull_alone_does_not(pair: tuple[Device, Device]) -> None:
    """`push` is all that such a root needs; `pull` changes neither side of it."""
    laptop, desktop = pair
    turn(laptop, "push")
    desktop.write("MEMORY.md", "theirs\n")
    settle(desktop)
    laptop.write("MEMORY.md", "mine\n")
    assert (laptop.sync(up=False).pending_up, laptop.conflicts()) == (1, [])
    assert "memory/MEMORY.md" in laptop.sync(down=False).up
    assert laptop.conflicts() == [b"theirs\n"]


# --- pull


def test_what_others_change_comes_into_a_root_that_only_receives(
    pair: tuple[Device, Device],
) -> None:
    """Edits, new files and deletes come down."""
    laptop, desktop = pair
    turn(laptop, "pull")
    desktop.write("MEMORY.md", "theirs\n")
    desktop.write("memory/new.md", "new\n")
    settle(desktop, laptop)
    desktop.delete("memory/a.md")
    settle(desktop, laptop)
    assert laptop.files() == desktop.files()
    at_rest(laptop)


def test_nothing_of_a_root_that_only_receives_goes_up(pair: tuple[Device, Device]) -> None:
    """Edits, new files and deletes stay here, are not pending, and are not undone either."""
    laptop, desktop = pair
    turn(laptop, "pull")
    laptop.sync()
    laptop.write("MEMORY.md", "mine\n")
    laptop.write("memory/mine.md", "mine\n")
    laptop.delete("memory/a.md")
    commits = laptop.remote.commits
    outcome = laptop.sync()
    assert (outcome.pending, outcome.halts) == (0, ())
    assert laptop.files() == {"MEMORY.md": b"mine\n", "memory/mine.md": b"mine\n"}
    assert laptop.remote.commits == commits
    at_rest(laptop)
    settle(desktop)
    assert desktop.files() == {"MEMORY.md": START, "memory/a.md": b"a\n"}
    desktop.write("memory/a.md", "changed\n")
    settle(desktop, laptop)
    assert laptop.read("memory/a.md") == "changed\n"


def test_i18_an_edit_elsewhere_is_merged_into_the_one_here(pair: tuple[Device, Device]) -> None:
    """What does not overlap comes into the file, and the rest stays an edit of this device."""
    laptop, desktop = pair
    turn(laptop, "pull")
    laptop.write("MEMORY.md", START.replace(b"one", b"mine"))
    laptop.sync()
    desktop.write("MEMORY.md", START.replace(b"five", b"theirs"))
    settle(desktop, laptop)
    assert laptop.read("MEMORY.md") == "mine\ntwo\nthree\nfour\ntheirs\n"
    assert desktop.read("MEMORY.md") == "one\ntwo\nthree\nfour\ntheirs\n"
    at_rest(laptop)


def test_i4_a_conflict_of_a_root_that_only_receives_stays_here(
    pair: tuple[Device, Device],
) -> None:
    """The copy is counted and lies here, goes nowhere, and can be settled here."""
    laptop, desktop = pair
    turn(laptop, "pull")
    laptop.write("MEMORY.md", "mine\n")
    laptop.sync()
    desktop.write("MEMORY.md", "theirs\n")
    settle(desktop)
    assert laptop.sync().conflicts == 1
    assert laptop.sync().conflicts == 1
    assert (laptop.read("MEMORY.md"), laptop.conflicts()) == ("theirs\n", [b"mine\n"])
    at_rest(laptop)
    settle(desktop)
    assert desktop.conflicts() == []
    [copy] = laptop.files(CONFLICTS)
    laptop.delete(copy, CONFLICTS)
    assert laptop.sync().conflicts == 0
    at_rest(laptop)


def test_a_conflict_settled_elsewhere_is_settled_in_a_root_that_only_receives(
    pair: tuple[Device, Device], tmp_path: Path, vault: Path
) -> None:
    """Copies of others come down and go with them; one settled here alone is not shown here."""
    laptop, desktop = pair
    trust = laptop.keystore.trust("v")
    identity = trust and laptop.keystore.find(trust.recipient)
    assert identity
    tablet = Device(tmp_path, "tablet", vault)
    tablet.join(identity)
    settle(tablet)
    turn(tablet, "pull")
    tablet.sync()
    laptop.write("MEMORY.md", "mine\n")
    desktop.write("MEMORY.md", "theirs\n")
    settle(laptop, desktop)
    assert (tablet.sync().conflicts, tablet.conflicts()) == (1, desktop.conflicts())
    [copy] = tablet.files(CONFLICTS)
    tablet.delete(copy, CONFLICTS)
    assert tablet.sync().conflicts == 0
    settle(laptop)
    assert laptop.conflicts() != []
    laptop.delete(copy, CONFLICTS)
    settle(laptop, desktop, tablet)
    assert desktop.conflicts() == tablet.conflicts() == []
    tablet.restart()


def test_a_root_that_only_receives_halts_for_what_can_happen_to_it(
    pair: tuple[Device, Device],
) -> None:
    """Emptied here it goes on; emptied in the vault it halts, and nothing is deleted."""
    laptop, desktop = pair
    laptop.write("memory/b.md", "b\n")
    settle(laptop, desktop)
    turn(laptop, "pull")
    laptop.sync()
    for path in list(laptop.files()):
        laptop.delete(path)
    assert (laptop.sync().halts, laptop.files()) == ((), {})
    turn(laptop, "both")
    settle(laptop, desktop)
    turn(laptop, "pull")
    laptop.sync()
    kept = laptop.files()
    assert kept == desktop.files() != {}
    for path in list(desktop.files()):
        desktop.delete(path)
    [halt] = desktop.sync().halts
    desktop.engine.confirm({"memory": halt.would.plan if halt.would else ""})
    assert [one.code for one in laptop.sync().halts] == ["remote-emptied"]
    assert laptop.files() == kept


def test_i8_an_edit_that_outlived_a_delete_is_not_deleted_later(
    pair: tuple[Device, Device],
) -> None:
    """Deleted in the vault, edited here, then taken back here: the file stays."""
    laptop, desktop = pair
    turn(laptop, "pull")
    laptop.sync()
    laptop.write("memory/a.md", "edited\n")
    desktop.delete("memory/a.md")
    settle(desktop, laptop)
    laptop.write("memory/a.md", "a\n")
    laptop.sync()
    assert laptop.read("memory/a.md") == "a\n"
    at_rest(laptop)


# --- changes of settings


@pytest.mark.parametrize("way", ["push", "pull"])
def test_i28_turned_to_one_way_and_back_unites(way: Direction, pair: tuple[Device, Device]) -> None:
    """What either side did alone meanwhile comes together; deletes of that time are undone."""
    laptop, desktop = pair
    turn(laptop, way)
    laptop.sync()
    laptop.write("memory/here.md", "here\n")
    laptop.write("MEMORY.md", START.replace(b"one", b"mine"))
    desktop.write("memory/there.md", "there\n")
    desktop.delete("memory/a.md")
    for _ in range(2):
        desktop.sync()
        laptop.sync()
    turn(laptop, "both")
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert laptop.files().items() >= {
        ("MEMORY.md", START.replace(b"one", b"mine")),
        ("memory/here.md", b"here\n"),
        ("memory/there.md", b"there\n"),
    }
    assert laptop.conflicts() == []


def test_i28_a_delete_that_stayed_here_does_not_go_up_with_a_new_direction(
    pair: tuple[Device, Device],
) -> None:
    """Deleted here while nothing went up: turned to push the vault keeps it, to both it is back."""
    laptop, desktop = pair
    turn(laptop, "pull")
    laptop.sync()
    laptop.delete("memory/a.md")
    laptop.sync()
    turn(laptop, "push")
    laptop.sync()
    settle(desktop)
    assert "memory/a.md" in desktop.files()
    assert "memory/a.md" not in laptop.files()
    turn(laptop, "both")
    laptop.sync()
    assert laptop.read("memory/a.md") == "a\n"


def test_i28_a_root_that_is_left_out_and_taken_in_again_unites(
    pair: tuple[Device, Device],
) -> None:
    """Its files and conflict copies stay on both sides, whatever was deleted in between."""
    laptop, desktop = pair
    laptop.write("MEMORY.md", "mine\n")
    desktop.write("MEMORY.md", "theirs\n")
    settle(laptop, desktop)
    turn(laptop, "pull")
    laptop.sync()
    [copy] = laptop.files(CONFLICTS)
    laptop.delete(copy, CONFLICTS)
    laptop.sync()
    roots = laptop.patterns
    laptop.restart()
    laptop.patterns = {}
    laptop.sync()
    settle(desktop)
    assert copy in desktop.files(CONFLICTS)
    laptop.delete("memory/a.md")
    desktop.delete("MEMORY.md")
    settle(desktop)
    laptop.restart()
    laptop.patterns, laptop.directions = roots, {}
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {"MEMORY.md": b"mine\n", "memory/a.md": b"a\n"}


def test_i28_a_new_limit_of_size_deletes_nothing(pair: tuple[Device, Device]) -> None:
    """A file too large for here is left alone on both sides, also when either deletes its own."""
    laptop, desktop = pair
    for name in "xy":
        laptop.write(f"memory/{name}.md", name * 4000)
    settle(laptop, desktop)
    laptop.restart()
    laptop.max_size = 1000
    laptop.sync()
    laptop.delete("memory/x.md")
    desktop.delete("memory/y.md")
    laptop.sync()
    desktop.sync()
    laptop.sync()
    assert "memory/x.md" in desktop.files()
    assert "memory/y.md" in laptop.files()
    laptop.restart()
    laptop.max_size = 1024 * 1024
    settle(laptop, desktop)
    assert laptop.files() == desktop.files()
    assert {"memory/x.md", "memory/y.md"} <= laptop.files().keys()


# --- any sequence

PATHS = ("MEMORY.md", "memory/a.md", "memory/b.md")
SYNC, EDIT, DELETE = "sync", "edit", "delete"
TURN, RULE, SIZE, LEAVE = "turn", "rule", "size", "leave"
STEPS = st.one_of(
    st.tuples(st.sampled_from([SYNC]), st.integers(0, 1), st.just(0)),
    st.tuples(st.sampled_from([EDIT, DELETE]), st.integers(0, 1), st.integers(0, 2)),
    st.tuples(st.sampled_from([TURN]), st.integers(0, 1), st.integers(0, 2)),
    st.tuples(st.sampled_from([RULE, SIZE, LEAVE]), st.just(0), st.integers(0, 1)),
)
WAYS: tuple[Direction, ...] = ("both", "push", "pull")
RULES = (Patterns(), Patterns(exclude=("memory/a.md",)))
PULLED_THEN_PUSHED = [
    *((EDIT, 0, 0), (SYNC, 0, 0), (SYNC, 1, 0), (TURN, 0, 2)),
    *((DELETE, 0, 0), (SYNC, 0, 0), (TURN, 0, 1), (SYNC, 0, 0)),
]


@contextmanager
def two_devices() -> Iterator[tuple[Device, Device]]:
    """Give two devices of a vault in a folder of their own."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        laptop = Device(top, "laptop", top / "vault.git")
        identity = laptop.found()
        desktop = Device(top, "desktop", top / "vault.git")
        desktop.join(identity)
        yield laptop, desktop
        for device in (laptop, desktop):
            device.restart()


class Story:
    """Two devices, what their persons wrote, and what they took away with their own hands."""

    def __init__(self, devices: tuple[Device, Device]) -> None:
        self.devices = devices
        self.written: set[bytes] = set()
        self.taken: set[bytes] = set()
        self.number = 0

    def step(self, deed: str, who: int, what: int) -> None:
        device = self.devices[who]
        before = [one.files() for one in self.devices]
        if deed in (EDIT, DELETE):
            self.taken |= {before[who].get(PATHS[what], b"")}
        if deed == EDIT:
            self.number += 1
            content = f"{who} {self.number}\n".encode() + b"." * (1000 * (self.number % 2))
            device.write(PATHS[what], content)
            self.written.add(content)
        elif deed == DELETE:
            (device.folder() / PATHS[what]).unlink(missing_ok=True)
        elif deed == SYNC:
            device.sync()
            self.check(who, before)
        else:
            device.sync()
            before = [one.files() for one in self.devices]
            there = _in_vault(self.devices[1 - who])
            device.restart()
            if deed == TURN:
                device.directions = {"memory": WAYS[what]}
            elif deed == RULE:
                device.patterns = {"memory": RULES[what]} if device.patterns else {}
            elif deed == SIZE:
                device.max_size = (500, 1024 * 1024)[what]
            else:
                device.patterns = {"memory": RULES[0]} if what else {}
            device.sync()
            for one, files in zip(self.devices, before, strict=True):
                assert files.keys() <= one.files().keys()
            assert there <= _in_vault(self.devices[1 - who])

    def check(self, who: int, before: list[dict[str, bytes]]) -> None:
        """Check that a root of one direction was not touched, or has touched nothing."""
        device = self.devices[who]
        assert self.devices[1 - who].files() == before[1 - who]
        if device.patterns and device.directions.get("memory") == "push":
            assert device.files() == before[who]

    def end(self) -> None:
        """Check that with plain settings both come together, and that nothing is lost."""
        for device in self.devices:
            device.restart()
            device.directions, device.max_size = {}, 1024 * 1024
            device.patterns = {"memory": RULES[0]}
        settle(*self.devices, rounds=6)
        laptop, desktop = self.devices
        assert laptop.files() == desktop.files()
        assert laptop.conflicts() == desktop.conflicts()
        kept = [one for device in self.devices for one in _kept(device)]
        for content in self.written - self.taken:
            known = any(
                laptop.opened().state.in_history(_digest(content), f"memory/{path}")
                for path in PATHS
            )
            assert known or any(content in one for one in kept)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _kept(device: Device) -> list[bytes]:
    return [*device.files().values(), *device.conflicts(), *device.trash()]


def _in_vault(device: Device) -> set[str]:
    """Return the paths that the vault holds, as a device sees that does not sync now."""
    return set(device.engine.remote_files())


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(STEPS, min_size=3, max_size=14))
@example(PULLED_THEN_PUSHED)
def test_i28_no_change_of_settings_deletes_anything(steps: list[tuple[str, int, int]]) -> None:
    """Whatever directions, rules, sizes and roots change, with edits and deletes in between."""
    with two_devices() as devices:
        story = Story(devices)
        for step in steps:
            story.step(*step)
        story.end()


def test_i28_a_copy_that_is_settled_while_its_root_is_renamed_stays_elsewhere(
    pair: tuple[Device, Device],
) -> None:
    """What waits under the former name goes the root's way too."""
    laptop, desktop = pair
    laptop.write("MEMORY.md", "laptop\n")
    desktop.write("MEMORY.md", "desktop\n")
    settle(laptop, desktop)
    turn(laptop, "pull")
    laptop.sync()
    [copy] = laptop.files(CONFLICTS)
    laptop.restart()
    laptop.directions = {"memory": "pull", "work": "pull"}
    laptop.rename("memory", "work")
    laptop.delete(copy, CONFLICTS)
    laptop.sync()
    laptop.sync()
    settle(desktop)
    assert desktop.conflicts() == [b"desktop\n"]

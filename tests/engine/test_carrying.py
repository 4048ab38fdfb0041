"""A root gets another name: the vault and every device follow, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from memory_sync.errors import OfflineError
from memory_sync.model import Direction, Problem, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle
from tests.engine.hosted import hosted
from tests.engine.test_moving import joined
from tests.hub import Hub

LOG = "memory/log.md"


def vault_of(device: Device) -> dict[str, str]:
    """Return the contents of the vault by path, as digests."""
    return {path: file.version.digest for path, file in device.engine.remote_files().items()}


def roots_of(device: Device) -> set[str]:
    """Return the roots that the vault has."""
    return {split_root(path)[0] for path in vault_of(device)}


def halt_of(device: Device) -> Problem:
    """Sync, and return the one halt that comes of it."""
    [halt] = device.sync().halts
    return halt


@pytest.fixture
def pair(laptop: Device, desktop: Device) -> tuple[Device, Device]:
    """Give two devices in sync, with three files."""
    laptop.write("MEMORY.md", "# Memory\n")
    laptop.write(LOG, "one\ntwo\nthree\n")
    laptop.write("memory/old.md", "old\n")
    settle(laptop, desktop)
    return laptop, desktop


def test_a_renamed_root_is_renamed_in_the_vault_and_on_each_device(
    pair: tuple[Device, Device],
) -> None:
    """Nothing is sent or written twice, and later edits travel under the new name."""
    laptop, desktop = pair
    before = laptop.files()
    laptop.rename("memory", "work")
    laptop.sync()
    assert vault_of(laptop).keys() == {f"work/{path}" for path in before}
    assert laptop.files("work") == before
    halt = halt_of(desktop)
    assert (halt.code, halt.hint) == ("root-renamed", "memory-sync roots rename memory work")
    assert desktop.files() == before
    desktop.rename("memory", "work")
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.halts) == ((), (), ())
    desktop.write(LOG, "one\ntwo\nthree\nfour\n", "work")
    settle(desktop, laptop)
    assert laptop.read(LOG, "work") == "one\ntwo\nthree\nfour\n"
    assert desktop.files("work") == laptop.files("work")
    assert not desktop.conflicts()


def test_a_root_that_is_only_fetched_is_not_renamed_in_the_vault(
    pair: tuple[Device, Device],
) -> None:
    """Nothing goes up for it; once the vault has followed by another device, it goes on."""
    laptop, desktop = pair
    before = laptop.files()
    desktop.directions = {"memory": "pull", "work": "pull"}
    desktop.rename("memory", "work")
    assert desktop.sync().up == ()
    assert roots_of(laptop) == {"memory"}
    assert desktop.files("work") == before
    laptop.rename("memory", "work")
    settle(laptop, desktop)
    laptop.write(LOG, "one\nfour\n", "work")
    settle(laptop, desktop)
    assert desktop.files("work") == laptop.files("work")
    assert roots_of(laptop) == {"work"}
    assert not desktop.conflicts()


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_i28_a_one_way_root_is_renamed_without_a_delete(
    pair: tuple[Device, Device], direction: Direction
) -> None:
    """What was kept apart stays so: no edit is overruled and nothing is deleted by the new name."""
    laptop, desktop = pair
    desktop.directions = {"memory": direction, "work": direction}
    desktop.restart()
    settle(laptop, desktop)
    desktop.write("memory/mine.md", "mine\n")
    desktop.delete("memory/old.md")
    laptop.write("MEMORY.md", "# Changed\n")
    settle(laptop, desktop)
    held = desktop.files()
    laptop.rename("memory", "work")
    laptop.sync()
    desktop.rename("memory", "work")
    settle(laptop, desktop, rounds=6)
    assert desktop.files("work").items() >= held.items()
    assert laptop.files("work")["MEMORY.md"] == b"# Changed\n"
    assert ("memory/mine.md" in laptop.files("work")) is (direction == "push")


def test_edits_and_deletes_made_meanwhile_are_what_they_were(
    pair: tuple[Device, Device],
) -> None:
    """Each device's own edit, new file and delete is carried over as one, and merged as one."""
    laptop, desktop = pair
    laptop.write(LOG, "one, by the laptop\ntwo\nthree\n")
    laptop.rename("memory", "work")
    desktop.write(LOG, "one\ntwo\nthree, by the desktop\n")
    desktop.write("memory/new.md", "new\n")
    desktop.delete("memory/old.md")
    laptop.sync()
    assert halt_of(desktop).code == "root-renamed"
    desktop.rename("memory", "work")
    settle(desktop, laptop)
    assert laptop.read(LOG, "work") == "one, by the laptop\ntwo\nthree, by the desktop\n"
    assert set(laptop.files("work")) == {"MEMORY.md", LOG, "memory/new.md"}
    assert laptop.files("work") == desktop.files("work")
    assert not laptop.conflicts()


def test_a_device_that_follows_late_gets_what_was_deleted_and_changed_since(
    pair: tuple[Device, Device],
) -> None:
    """An edit made under the new name comes as an edit; the unedited file is no conflict."""
    laptop, desktop = pair
    laptop.rename("memory", "work")
    laptop.sync()
    laptop.write(LOG, "one\ntwo\nthree\nfour\n", "work")
    laptop.sync()
    desktop.rename("memory", "work")
    settle(desktop, laptop)
    assert desktop.read(LOG, "work") == "one\ntwo\nthree\nfour\n"
    assert not desktop.conflicts()


def test_a_root_of_one_file_is_not_deleted_by_a_rename(laptop: Device, desktop: Device) -> None:
    """No guard stops the delete of a single file; a rename is known to be none all the same."""
    laptop.write("MEMORY.md", "# Memory\n")
    settle(laptop, desktop)
    laptop.rename("memory", "work")
    laptop.sync()
    laptop.write("MEMORY.md", "# Memory\n\nmore\n", "work")
    laptop.sync()
    assert halt_of(desktop).code == "root-renamed"
    assert desktop.read("MEMORY.md") == "# Memory\n"
    desktop.rename("memory", "work")
    settle(desktop, laptop)
    assert desktop.read("MEMORY.md", "work") == "# Memory\n\nmore\n"
    assert not desktop.conflicts()


def test_a_delete_is_not_taken_for_a_rename(laptop: Device, desktop: Device) -> None:
    """Another root that has a file of the same name was there before: the delete is one."""
    laptop.patterns = {**laptop.patterns, "other": laptop.patterns["memory"]}
    laptop.folder("other").mkdir()
    laptop.tree("other").adopt()
    laptop.write("MEMORY.md", "mine\n")
    laptop.write("MEMORY.md", "another's\n", "other")
    settle(laptop, desktop)
    laptop.delete("MEMORY.md")
    settle(laptop, desktop)
    assert desktop.files() == {}


def test_what_a_straggler_still_sends_under_the_old_name_is_carried_over(
    pair: tuple[Device, Device],
) -> None:
    """Its new file follows; its edit of a file that is there too becomes a conflict copy."""
    laptop, desktop = pair
    laptop.rename("memory", "work")
    laptop.sync()
    desktop.write("memory/new.md", "new\n")
    desktop.write(LOG, "rewritten\n")
    desktop.opened().state.forget_root("memory")  # as if its database had been lost
    desktop.sync()
    assert roots_of(laptop) == {"memory", "work"}
    settle(laptop)
    assert roots_of(laptop) == {"work", CONFLICTS}
    assert laptop.read("memory/new.md", "work") == "new\n"
    assert laptop.read(LOG, "work") == "one\ntwo\nthree\n"
    assert laptop.conflicts() == [b"rewritten\n"]


def test_a_root_of_that_name_with_other_contents_is_united_with(
    pair: tuple[Device, Device],
) -> None:
    """What another device had there before stays; nothing of either is overwritten or lost."""
    laptop, desktop = pair
    desktop.patterns = {"memory": desktop.patterns["memory"], "work": desktop.patterns["memory"]}
    desktop.restart()
    desktop.folder("work").mkdir()
    desktop.tree("work").adopt()
    desktop.write("MEMORY.md", "# Work\n", "work")
    desktop.sync()
    laptop.rename("memory", "work")
    settle(laptop)
    assert laptop.read("MEMORY.md", "work") == "# Work\n"
    assert laptop.conflicts() == [b"# Memory\n"]
    assert laptop.read(LOG, "work") == "one\ntwo\nthree\n"


def test_conflict_copies_are_renamed_with_their_root(pair: tuple[Device, Device]) -> None:
    """A copy that waits for a person is that of the file under its new name, on each device."""
    laptop, desktop = pair
    laptop.write(LOG, "laptop\n")
    desktop.write(LOG, "desktop\n")
    laptop.sync()
    settle(desktop, laptop)
    assert len(laptop.conflicts()) == 1
    laptop.rename("memory", "work")
    settle(laptop)
    [copy] = [path for path in vault_of(laptop) if path.startswith(CONFLICTS)]
    assert copy.startswith(f"{CONFLICTS}/work/{LOG}/")
    desktop.rename("memory", "work")
    settle(desktop)
    assert list(laptop.files(CONFLICTS)) == list(desktop.files(CONFLICTS))
    assert laptop.conflicts() == desktop.conflicts() == [b"desktop\n"]


def test_a_pull_alone_carries_nothing_and_loses_nothing(pair: tuple[Device, Device]) -> None:
    """What may not be sent waits, with all that is known of it, and is done by the next sync."""
    laptop, desktop = pair
    laptop.delete("memory/old.md")
    laptop.rename("memory", "work")
    laptop.sync(up=False)
    assert roots_of(laptop) == {"memory"}
    settle(laptop)
    assert vault_of(laptop).keys() == {"work/MEMORY.md", f"work/{LOG}"}
    assert desktop.files()


def test_a_root_that_is_renamed_twice_and_back_ends_as_it_was(
    pair: tuple[Device, Device],
) -> None:
    """A name in between, which no device has followed to, leaves nothing behind."""
    laptop, desktop = pair
    before = laptop.files()
    laptop.rename("memory", "work")
    laptop.sync()
    laptop.rename("work", "play")
    laptop.sync()
    assert roots_of(laptop) == {"play"}
    assert halt_of(desktop).hint == "memory-sync roots rename memory play"
    laptop.formerly = {"memory": ("work",)}
    laptop.rename("play", "memory")
    laptop.formerly = {"memory": ("work", "play")}
    settle(laptop)
    assert desktop.sync().halts == ()
    assert desktop.files() == laptop.files() == before


def test_the_trash_follows_the_name(pair: tuple[Device, Device]) -> None:
    """What was replaced under the old name is found under the new one."""
    laptop, desktop = pair
    desktop.write(LOG, "other\n")
    settle(desktop, laptop)
    laptop.rename("memory", "work")
    laptop.sync()
    assert [path.name for path in (laptop.home / "trash").iterdir() if path.name[0] != "."] == [
        "work"
    ]
    assert b"one\ntwo\nthree\n" in laptop.trash()


def test_two_devices_that_rename_at_once_end_the_same(pair: tuple[Device, Device]) -> None:
    """The one that loses the race finds the work done, and keeps its own edit."""
    laptop, desktop = pair
    desktop.write(LOG, "one\ntwo\nthree\nfour\n")
    laptop.rename("memory", "work")
    desktop.rename("memory", "work")
    laptop.remote.before_commit = desktop.sync
    settle(laptop, desktop)
    assert roots_of(laptop) == {"work"}
    assert laptop.read(LOG, "work") == "one\ntwo\nthree\nfour\n"
    assert not laptop.conflicts()


def test_no_other_device_sees_half_of_it(laptop: Device, desktop: Device) -> None:
    """After each commit of a large rename another device still has every file."""
    for number in range(110):
        laptop.write(f"memory/{number}.md", f"{number}\n")
    settle(laptop, desktop)
    counts: list[int] = []

    def look() -> None:
        laptop.remote.after_commit = look
        desktop.sync()
        counts.append(len(desktop.files()))

    laptop.rename("memory", "work")
    laptop.remote.after_commit = look
    laptop.sync()
    assert len(counts) > 1
    assert set(counts) == {110}
    assert roots_of(laptop) == {"work"}


def test_a_large_root_is_renamed_on_github(hub: Hub, tmp_path: Path) -> None:
    """All deletes go in one commit there, too, though they are more than a batch."""
    with hosted(hub, tmp_path, "laptop", "desktop") as (laptop, desktop):
        desktop.join(laptop.found())
        for number in range(110):
            laptop.write(f"memory/{number}.md", f"{number}\n")
        settle(laptop, desktop)
        laptop.rename("memory", "work")
        settle(laptop)
        assert roots_of(laptop) == {"work"}
        assert halt_of(desktop).code == "root-renamed"
        desktop.rename("memory", "work")
        outcome = desktop.sync()
        assert (outcome.up, outcome.down, outcome.halts) == ((), (), ())


class Killed(BaseException):
    """The end of a process, at any step."""


def _die() -> None:
    raise Killed


KILLS: dict[str, Callable[[Device], None]] = {
    "before-the-commit": lambda device: setattr(device.remote, "before_commit", _die),
    "after-the-commit": lambda device: setattr(device.remote, "after_commit", _die),
    "the-answer-is-lost": lambda device: setattr(device.remote, "lose_answer", True),
}


@pytest.mark.parametrize("many", [False, True], ids=["one-commit", "several"])
@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_i33_a_kill_anywhere_ends_the_same(
    kill: Callable[[Device], None], many: bool, laptop: Device, desktop: Device
) -> None:
    """Whatever of the rename was done: the next cycle does the rest, and edits are merged."""
    for number in range(150 if many else 3):
        laptop.write(f"memory/{number}.md", f"{number}\n")
    settle(laptop, desktop)
    desktop.write("memory/1.md", "one\n")
    desktop.sync()
    laptop.write("memory/2.md", "two\n")
    laptop.delete("memory/0.md")
    laptop.rename("memory", "work")
    laptop.opened()
    kill(laptop)
    with pytest.raises((Killed, OfflineError)):
        laptop.sync()
    laptop.restart()
    # Another device never sees half of it go.
    count = len(desktop.files())
    desktop.sync()
    assert len(desktop.files()) == count
    settle(laptop)
    desktop.rename("memory", "work")
    settle(desktop, laptop)
    assert roots_of(laptop) == {"work"}
    assert laptop.files("work") == desktop.files("work")
    assert len(laptop.files("work")) == count - 1
    assert laptop.read("memory/1.md", "work") == "one\n"
    assert desktop.read("memory/2.md", "work") == "two\n"
    assert not laptop.conflicts()


def test_a_marker_of_another_root_is_not_renamed(pair: tuple[Device, Device]) -> None:
    """Only a folder with the former name's marker is taken for the root."""
    laptop, _ = pair
    marker = laptop.folder() / ".memory-sync"
    marker.write_text(marker.read_text().replace('"memory"', '"third"'))
    laptop.rename("memory", "work")
    assert [halt.code for halt in laptop.sync().halts] == ["marker-foreign"]


def test_a_name_that_makes_a_path_too_long_is_named(laptop: Device) -> None:
    """Nothing is carried, so that nothing is lost; the file is named."""
    deep = "memory/" + "/".join(["d" * 100] * 9) + f"/{'e' * 60}/x.md"
    laptop.write(deep, "deep\n")
    laptop.sync()
    laptop.rename("memory", "w" * 60)
    outcome = laptop.sync()
    assert {problem.code for problem in outcome.problems} == {"file-name"}
    assert f"memory/{deep}" in vault_of(laptop)
    assert laptop.read(deep, "w" * 60) == "deep\n"


def test_a_row_that_came_from_elsewhere_unites(pair: tuple[Device, Device], tmp_path: Path) -> None:
    """A folder that is another one than the base belongs to deletes nothing under its new name."""
    laptop, desktop = pair
    laptop.restart()
    folder = laptop.folder()
    folder.rename(tmp_path / "aside")
    folder.mkdir()
    laptop.rename("memory", "work")
    laptop.tree("work").adopt()
    settle(laptop)
    assert laptop.read(LOG, "work") == "one\ntwo\nthree\n"
    assert halt_of(desktop).code == "root-renamed"


def test_two_renamed_roots_of_one_file_each_are_deleted_nowhere(
    laptop: Device, desktop: Device
) -> None:
    """Which is which is not known, or is told by what they hold: in no case is it a delete."""
    for device in (laptop, desktop):
        device.restart()
        device.patterns = {"memory": Patterns(), "other": Patterns()}
        device.folder("other").mkdir()
        device.tree("other").adopt()
    laptop.write("MEMORY.md", "memory\n")
    laptop.write("MEMORY.md", "other\n", "other")
    settle(laptop, desktop)
    laptop.rename("memory", "work")
    laptop.rename("other", "else")
    laptop.sync()
    hints = {halt.root: halt.hint for halt in desktop.sync().halts}
    assert hints == {
        "memory": "memory-sync roots rename memory work",
        "other": "memory-sync roots rename other else",
    }
    assert desktop.read("MEMORY.md") == "memory\n"
    assert desktop.read("MEMORY.md", "other") == "other\n"


def test_a_root_that_is_renamed_back_comes_to_rest(pair: tuple[Device, Device]) -> None:
    """The other device, which follows the first name, halts and does not carry it forth again."""
    laptop, desktop = pair
    for device in pair:
        device.rename("memory", "work")
    settle(laptop, desktop)
    laptop.rename("work", "memory")
    laptop.formerly = {"memory": ("work",)}
    laptop.sync()
    before = laptop.remote.commits + desktop.remote.commits
    for _ in range(3):
        halt = halt_of(desktop)
        assert halt.hint == "memory-sync roots rename work memory"
        laptop.sync()
    assert laptop.remote.commits + desktop.remote.commits == before
    assert roots_of(laptop) == {"memory"}


def test_a_root_that_is_only_sent_halts_where_another_device_renamed_it(
    pair: tuple[Device, Device],
) -> None:
    """Else it would go on under the former name, and none of its edits would be live."""
    laptop, desktop = pair
    desktop.directions = {"memory": "push"}
    desktop.restart()
    settle(laptop, desktop)
    laptop.rename("memory", "work")
    laptop.sync()
    assert halt_of(desktop).code == "root-renamed"


def test_a_delete_in_a_one_way_root_outlives_its_renaming(pair: tuple[Device, Device]) -> None:
    """The new name is no change of direction."""
    laptop, desktop = pair
    laptop.directions = {"memory": "push"}
    laptop.restart()
    settle(laptop, desktop)
    laptop.delete("memory/old.md")
    laptop.rename("memory", "work")
    laptop.directions = {"work": "push"}
    laptop.sync()
    laptop.sync()
    assert "work/memory/old.md" not in vault_of(laptop)


def test_i28_a_renamed_root_in_another_folder_deletes_nothing(pair: tuple[Device, Device]) -> None:
    """What still waits under the former name is forgotten with the folder, and all is united."""
    laptop, desktop = pair
    before = laptop.files()
    laptop.rename("memory", "work")
    laptop.sync(up=False)
    laptop.restart()
    laptop.places["work"] = "elsewhere"
    laptop.folder("work").mkdir()
    laptop.tree("work").adopt()
    laptop.write("MEMORY.md", "# Memory\n", "work")
    laptop.sync(up=False)
    settle(laptop)
    assert laptop.files("work") == before
    desktop.rename("memory", "work")
    settle(desktop, laptop)
    assert desktop.files("work") == before


def test_i20_what_cannot_be_carried_keeps_its_former_name(
    pair: tuple[Device, Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A content that does not come is taken away under no name, and is told."""
    laptop, desktop = pair
    desktop.write("memory/there.md", "there\n")
    desktop.sync()
    laptop.rename("memory", "work")
    spool = laptop.opened().spool
    wanted, real = sha256(b"there\n").hexdigest(), spool.get
    monkeypatch.setattr(spool, "get", lambda digest: None if digest == wanted else real(digest))
    outcome = laptop.sync()
    assert "memory/memory/there.md" in vault_of(laptop)
    assert [problem.code for problem in outcome.problems] == ["object-broken"]


def test_i4_a_name_that_is_not_the_successor_unites(
    tmp_path: Path, vault: Path, pair: tuple[Device, Device]
) -> None:
    """Renamed to what another root is called, files that differ become conflict copies."""
    laptop, desktop = pair
    tablet = _with_root(laptop, tmp_path, vault, "work")
    tablet.write(LOG, "x\ny\n", "work")
    tablet.write("memory/x.md", "x\n", "work")
    tablet.sync()
    before = desktop.files()
    laptop.rename("memory", "home")
    laptop.sync()
    desktop.rename("memory", "work")
    desktop.sync()
    desktop.sync()
    assert desktop.files("work").keys() == {*before, "memory/x.md"}
    assert desktop.conflicts()
    tablet.restart()


def test_a_root_that_several_could_have_become_halts(
    tmp_path: Path, vault: Path, laptop: Device, desktop: Device
) -> None:
    """Two roots have just its content: nothing is deleted, and a person says which it is."""
    laptop.write("MEMORY.md", "# Memory\n")
    settle(laptop, desktop)
    tablet = _with_root(laptop, tmp_path, vault, "copy")
    tablet.write("MEMORY.md", "# Memory\n", "copy")
    tablet.sync()
    laptop.rename("memory", "work")
    laptop.sync()
    halt = halt_of(desktop)
    assert halt.code == "remote-emptied"
    assert halt.hint == "memory-sync roots rename memory NEW-NAME"
    assert desktop.files() == {"MEMORY.md": b"# Memory\n"}
    tablet.restart()


def _with_root(laptop: Device, top: Path, vault: Path, root: str) -> Device:
    """Return a third device that has one root more."""
    device = joined(laptop, top, vault, "tablet")
    device.restart()
    device.patterns = {root: Patterns()}
    device.folder(root).mkdir()
    device.tree(root).adopt()
    return device

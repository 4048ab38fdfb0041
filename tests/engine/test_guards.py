"""Guards stop a root before anything is touched, and one confirmation lets exactly that pass."""

import shutil
from pathlib import Path

import pytest

from memory_sync.errors import PlanChangedError
from memory_sync.model import Outcome, Problem, Would
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle

BOTH = {"work": Patterns(), "home": Patterns()}
COUNT = 24


@pytest.fixture
def pair(tmp_path: Path, vault: Path) -> tuple[Device, Device]:
    """Give two devices with 24 files in one root, and two in another."""
    one, two = Device(tmp_path, "one", vault, BOTH), Device(tmp_path, "two", vault, BOTH)
    two.join(one.found())
    for number in range(COUNT):
        one.write(f"memory/{number:02}.md", f"{number}\n", "work")
    one.write("MEMORY.md", "top\n", "home")
    one.write("memory/a.md", "a\n", "home")
    settle(one, two)
    return one, two


def _delete(device: Device, numbers: range) -> None:
    for number in numbers:
        device.delete(f"memory/{number:02}.md", "work")


def _edit_all(device: Device) -> None:
    for number in range(COUNT):
        device.write(f"memory/{number:02}.md", f"scrambled {number}\n", "work")


def _halt(outcome: Outcome) -> tuple[Problem, Would]:
    [halt] = outcome.halts
    assert halt.would
    return halt, halt.would


def test_i24_many_deletes_need_one_confirmation(pair: tuple[Device, Device]) -> None:
    """Nothing is touched before; other roots go on; and no second device asks again."""
    one, two = pair
    _delete(one, range(20))
    one.write("memory/new.md", "new\n", "work")
    one.write("MEMORY.md", "other root\n", "home")
    outcome = one.sync()
    halt, would = _halt(outcome)
    assert (halt.code, halt.root, halt.status) == ("many-deleted", "work", 7)
    assert dict(would.counts) == {"delete-remote": 20, "upload": 1}
    assert would.paths == tuple(f"work/memory/{number:02}.md" for number in range(5))
    assert outcome.up == ("home/MEMORY.md",)
    two.sync()
    assert len(two.files("work")) == COUNT
    one.restart()
    assert _halt(one.sync())[1] == would
    done = one.engine.confirm({"work": would.plan})
    assert done.halts == ()
    assert len(done.up) == 21
    assert two.sync().halts == ()
    assert two.files("work") == one.files("work")
    assert len(two.files("work")) == 5


def test_i24_what_was_confirmed_passes_and_no_more(pair: tuple[Device, Device]) -> None:
    """A plan that has grown since it was shown is not done, and shown anew."""
    one, two = pair
    _delete(one, range(14))
    _, would = _halt(one.sync())
    _delete(one, range(14, 16))
    with pytest.raises(PlanChangedError):
        one.engine.confirm({"work": would.plan})
    two.sync()
    assert len(two.files("work")) == COUNT
    _, larger = _halt(one.sync())
    assert dict(larger.counts) == {"delete-remote": 16}
    one.engine.confirm({"work": larger.plan})
    settle(one, two)
    assert len(two.files("work")) == COUNT - 16


def test_i24_an_approval_is_used_up(pair: tuple[Device, Device]) -> None:
    """Once done, the same deletes at another time are asked about again."""
    one, two = pair
    _delete(one, range(20))
    _, would = _halt(one.sync())
    one.engine.confirm({"work": would.plan})
    for number in range(20):
        one.write(f"memory/{number:02}.md", f"again {number}\n", "work")
    settle(one, two)
    _delete(one, range(20))
    assert _halt(one.sync())[0].code == "many-deleted"


def test_i24_a_folder_that_was_renamed_is_no_delete(pair: tuple[Device, Device]) -> None:
    """All files under another path, in one commit, and nobody is asked."""
    one, two = pair
    folder = one.folder("work") / "memory"
    folder.rename(folder.with_name("old"))
    (one.folder("work") / "memory").mkdir()
    (one.folder("work") / "old").rename(one.folder("work") / "memory" / "old")
    assert one.sync().halts == ()
    two.sync()
    assert set(two.files("work")) == {f"memory/old/{number:02}.md" for number in range(COUNT)}


def test_i24_it_ends_with_its_cause(pair: tuple[Device, Device]) -> None:
    """The files are back: the halt is over, and the vault never knew."""
    one, two = pair
    kept = one.files("work")
    _delete(one, range(20))
    head = two.sync().head
    _halt(one.sync())
    for path, content in kept.items():
        one.write(path, content, "work")
    outcome = one.sync()
    assert outcome.halts == ()
    assert outcome.head == head
    assert one.opened().state.alarms() == {}


def test_i25_all_files_changed_at_once_halt(pair: tuple[Device, Device]) -> None:
    """A program that ran over every file is asked about; confirmed, it is an ordinary change."""
    one, two = pair
    _edit_all(one)
    halt, would = _halt(one.sync())
    assert halt.code == "all-changed"
    assert dict(would.counts) == {"upload": COUNT}
    two.sync()
    assert two.read("memory/00.md", "work") == "0\n"
    one.write("memory/00.md", "scrambled again\n", "work")
    one.engine.confirm({"work": would.plan})
    two.sync()
    assert two.read("memory/00.md", "work") == "scrambled again\n"
    assert one.sync().halts == two.sync().halts == ()


def test_i25_one_untouched_file_is_enough(pair: tuple[Device, Device]) -> None:
    """Busy agents that changed nearly everything are not stopped."""
    one, _ = pair
    for number in range(1, COUNT):
        one.write(f"memory/{number:02}.md", f"busy {number}\n", "work")
    assert one.sync().halts == ()


def test_i23_an_emptied_root_stays_halted_when_one_file_is_made_anew(
    pair: tuple[Device, Device],
) -> None:
    """An agent that starts afresh in an emptied folder does not delete all the rest elsewhere."""
    one, two = pair
    _delete(one, range(COUNT))
    assert _halt(one.sync())[0].code == "root-emptied"
    one.write("memory/00.md", "a fresh start\n", "work")
    one.restart()
    halt, would = _halt(one.sync())
    assert halt.code == "root-emptied"
    assert dict(would.counts) == {"delete-remote": COUNT - 1, "upload": 1}
    two.sync()
    assert len(two.files("work")) == COUNT


def test_i23_an_emptied_vault_can_be_confirmed(pair: tuple[Device, Device]) -> None:
    """What another device meant is done here as well, into the trash."""
    one, two = pair
    _delete(one, range(COUNT))
    _, would = _halt(one.sync())
    one.engine.confirm({"work": would.plan})
    halt, would = _halt(two.sync())
    assert halt.code == "remote-emptied"
    assert dict(would.counts) == {"delete-local": COUNT}
    two.engine.confirm({"work": would.plan})
    assert two.files("work") == {}
    assert len(two.trash()) == COUNT
    settle(one, two)


@pytest.mark.parametrize("marker", ["none", "another's"])
def test_i22_a_folder_without_its_marker_is_united_when_confirmed(
    pair: tuple[Device, Device], marker: str
) -> None:
    """It says what would have been deleted; confirmed, nothing is, and both sides come together."""
    one, two = pair
    folder = one.folder("work")
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "memory").mkdir()
    (folder / "memory" / "mine.md").write_text("mine\n")
    if marker == "another's":
        (folder / ".memory-sync").write_text('{"device": "x", "root": "work", "vault": "other"}')
    halt, would = _halt(one.sync())
    assert halt.hint == "memory-sync confirm --root work"
    assert dict(would.counts) == {"delete-remote": COUNT, "upload": 1}
    # It stands until then, over a restart too, and what comes meanwhile stays away.
    two.write("memory/meanwhile.md", "meanwhile\n", "work")
    two.sync()
    one.restart()
    for _ in range(2):
        assert _halt(one.sync())[1].plan == would.plan
    assert (folder / ".memory-sync").exists() == (marker != "none")
    assert "memory/meanwhile.md" not in one.files("work")
    one.engine.confirm({"work": would.plan})
    settle(one, two)
    assert len(one.files("work")) == COUNT + 2
    assert one.files("work") == two.files("work")


def test_i21_a_folder_that_is_gone_is_made_anew_when_confirmed(
    pair: tuple[Device, Device],
) -> None:
    """It is filled from the vault; where a whole path is missing, nothing is made up."""
    one, two = pair
    shutil.rmtree(one.folder("work"))
    halt, would = _halt(one.sync())
    assert (halt.code, dict(would.counts)) == ("root-gone", {"delete-remote": COUNT})
    away = one.folder("work").parent
    away.rename(away.with_name("unmounted"))
    with pytest.raises(PlanChangedError):
        one.engine.confirm({"work": "0" * 12})
    assert not away.exists()
    away.with_name("unmounted").rename(away)
    one.engine.confirm({"work": would.plan})
    settle(one, two)
    assert one.files("work") == two.files("work")
    assert len(one.files("work")) == COUNT


def test_a_preview_tells_what_is_halted(pair: tuple[Device, Device]) -> None:
    """A dry run shows halts as a cycle does, and stores nothing."""
    one, _ = pair
    _delete(one, range(20))
    planned = one.engine.preview()
    assert set(planned.halts) == {"work"}
    assert not planned.plan.actions
    assert one.opened().state.alarms() == {}


def test_a_confirmation_of_nothing_is_refused(pair: tuple[Device, Device]) -> None:
    """Where nothing is halted there is nothing to let pass."""
    one, _ = pair
    with pytest.raises(PlanChangedError):
        one.engine.confirm({"work": ""})


def test_i30_a_folder_that_comes_back_after_another_took_its_place_is_united(
    pair: tuple[Device, Device],
) -> None:
    """It lacks what came meanwhile: none of that was deleted, though its marker says the same."""
    one, two = pair
    folder = one.folder("work")
    folder.rename(folder.with_name("unmounted"))
    folder.mkdir()
    _, would = _halt(one.sync())
    one.engine.confirm({"work": would.plan})
    two.write("memory/meanwhile.md", "meanwhile\n", "work")
    two.write("memory/00.md", "0\nedited\n", "work")
    settle(two, one)
    shutil.rmtree(folder)
    folder.with_name("unmounted").rename(folder)
    settle(one, two)
    assert one.files("work") == two.files("work")
    assert two.read("memory/meanwhile.md", "work") == "meanwhile\n"
    assert two.read("memory/00.md", "work") == "0\nedited\n"

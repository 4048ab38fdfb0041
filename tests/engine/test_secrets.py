"""What looks like a credential in the files that go up, on real devices over a real vault."""

import json

import pytest

from memory_sync.engine.kit import Policy
from memory_sync.engine.secrets import FOUND
from memory_sync.model import Outcome
from memory_sync.sync.secrets import ALLOW
from tests.engine.devices import Device, settle

TOKEN = "gh" + "p_" + "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW1xY2"


def _shown(outcome: Outcome) -> list[str]:
    return [warning.path for warning in outcome.warnings]


def test_i53_a_file_with_a_token_goes_up_and_is_pointed_out(
    laptop: Device, desktop: Device
) -> None:
    """Its path, its line and the kind are told, and nothing of the token anywhere."""
    laptop.write("MEMORY.md", f"# notes\ntoken: {TOKEN}\n")
    laptop.write("memory/plain.md", "plain\n")
    outcome = laptop.sync()
    assert len(outcome.up) == 2
    assert not outcome.problems
    (warning,) = outcome.warnings
    assert warning.code == FOUND
    assert warning.path == "memory/MEMORY.md"
    assert f"{laptop.folder()}/MEMORY.md" in warning.message
    assert "line 2 looks like a GitHub token" in warning.message
    assert warning.hint == f"${{EDITOR:-vi}} +2 '{laptop.folder()}/MEMORY.md'"
    laptop.restart()
    state = b"".join(place.read_bytes() for place in laptop.home.glob("state.db*"))
    for told in (repr(outcome).encode(), state):
        assert TOKEN[4:12].encode() not in told


def test_a_finding_outlives_the_process_and_ends_with_its_cause(
    laptop: Device, desktop: Device
) -> None:
    """It is shown for as long as the file has it, whether anything travels or not."""
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    laptop.sync()
    assert _shown(laptop.sync()) == ["memory/MEMORY.md"]
    laptop.restart()
    assert _shown(laptop.sync()) == ["memory/MEMORY.md"]
    laptop.write("MEMORY.md", "token: in the keyring\n")
    assert _shown(laptop.sync()) == []
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    assert _shown(laptop.sync()) == ["memory/MEMORY.md"]
    laptop.delete("MEMORY.md")
    assert _shown(laptop.sync()) == []
    laptop.restart()
    assert _shown(laptop.sync()) == []


def test_a_person_can_say_that_it_is_meant(laptop: Device) -> None:
    """A word on the line ends the warning, here and wherever the file travels."""
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    assert _shown(laptop.sync()) == ["memory/MEMORY.md"]
    laptop.write("MEMORY.md", f"token: {TOKEN} <!-- {ALLOW.decode()} -->\n")
    assert _shown(laptop.sync()) == []


def test_what_came_from_elsewhere_is_pointed_out_where_it_was_written(
    laptop: Device, desktop: Device
) -> None:
    """Only what a device sends is looked into; what others sent, they have shown."""
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    settle(laptop, desktop)
    assert _shown(desktop.sync()) == []
    desktop.write("MEMORY.md", f"token: {TOKEN}\nmore\n")
    assert _shown(desktop.sync()) == ["memory/MEMORY.md"]


def test_where_it_is_blocked_such_a_file_stays_alone_and_is_named(
    laptop: Device, desktop: Device
) -> None:
    """Nothing else is delayed, the file stays as it is, and goes as soon as it is clean."""
    laptop.secrets = "block"
    laptop.write("memory/a.md", f"x\ntoken: {TOKEN}\n")
    laptop.write("memory/b.md", "b\n")
    outcome = laptop.sync()
    assert outcome.up == ("memory/memory/b.md",)
    assert [problem.code for problem in outcome.problems] == ["secret-blocked"]
    assert "line 2 looks like a GitHub token" in outcome.problems[0].message
    assert (outcome.pending, outcome.again, outcome.warnings) == (0, False, ())
    assert TOKEN[4:12] not in json.dumps([one.data() for one in outcome.problems])
    laptop.restart()
    assert [problem.code for problem in laptop.sync(up=False).problems] == ["secret-blocked"]
    desktop.sync()
    assert desktop.files() == {"memory/b.md": b"b\n"}
    assert TOKEN in laptop.read("memory/a.md")
    laptop.write("memory/a.md", "clean\n")
    outcome = laptop.sync()
    assert outcome.up == ("memory/memory/a.md",)
    assert not outcome.problems


@pytest.mark.parametrize("policy", ["warn", "off"])
def test_a_changed_setting_lets_a_blocked_file_go(laptop: Device, policy: Policy) -> None:
    """The next process with another setting sends it, with a warning or without."""
    laptop.secrets = "block"
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    assert not laptop.sync().up
    laptop.restart()
    laptop.secrets = policy
    outcome = laptop.sync()
    assert outcome.up == ("memory/MEMORY.md",)
    assert not outcome.problems
    assert len(outcome.warnings) == (policy == "warn")


def test_a_setting_of_block_warns_of_what_went_up_before(laptop: Device) -> None:
    """It cannot be taken back, so it is no problem that stays for ever."""
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    laptop.sync()
    laptop.restart()
    laptop.secrets = "block"
    outcome = laptop.sync()
    assert not outcome.problems
    assert _shown(outcome) == ["memory/MEMORY.md"]


def test_i24_a_blocked_rename_deletes_nothing_and_asks_for_no_further_look(
    laptop: Device, desktop: Device
) -> None:
    """The old name stays in the vault as long as the new one may not go there."""
    laptop.write("memory/a.md", f"token: {TOKEN}\n")
    settle(laptop, desktop)
    laptop.restart()
    laptop.secrets = "block"
    (laptop.folder() / "memory/a.md").rename(laptop.folder() / "memory/b.md")
    outcome = laptop.sync()
    assert (outcome.up, outcome.again) == ((), False)
    assert [problem.path for problem in outcome.problems] == ["memory/memory/b.md"]
    desktop.sync()
    assert TOKEN in desktop.read("memory/a.md")


def test_a_conflict_copy_is_looked_into_as_well(laptop: Device, desktop: Device) -> None:
    """What lost a conflict does not go up in a way round."""
    laptop.write("MEMORY.md", "one\n")
    settle(laptop, desktop)
    desktop.write("MEMORY.md", "two\n")
    desktop.sync()
    laptop.restart()
    laptop.secrets = "block"
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    outcome = laptop.sync()
    assert not outcome.up
    assert TOKEN.encode() in b"".join(laptop.conflicts())
    assert {problem.code for problem in outcome.problems} == {"secret-blocked"}
    settle(laptop, desktop)
    assert not desktop.conflicts()


def test_stored_findings_of_other_formats_are_looked_for_anew(laptop: Device) -> None:
    """A state that another version wrote, or that makes no sense, shows nothing."""
    laptop.write("MEMORY.md", f"token: {TOKEN}\n")
    laptop.sync()
    stored = json.loads(laptop.opened().state.get("secrets") or "")
    for text in (json.dumps(stored | {"version": 1}), "[]", "{", '{"files": 3}'):
        laptop.opened().state.put("secrets", text)
        laptop.restart()
        assert _shown(laptop.sync()) == []

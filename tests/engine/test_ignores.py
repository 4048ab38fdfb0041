"""Files that are left out by a rule, on real devices over a real vault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_sync.sync.ignores import IGNORE_FILE, MAX_BYTES
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle

RULED = {"memory": Patterns(("MEMORY.md", "memory/**/*"), ignore=())}


@pytest.fixture
def laptop(tmp_path: Path, vault: Path) -> Iterator[Device]:
    """Give the device that founds the vault, with rules in force."""
    device = Device(tmp_path, "laptop", vault, RULED)
    device.found()
    yield device
    device.restart()


@pytest.fixture
def desktop(tmp_path: Path, vault: Path, laptop: Device) -> Iterator[Device]:
    """Give a device that joins it, with rules in force."""
    device = Device(tmp_path, "desktop", vault, RULED)
    trust = laptop.keystore.trust("v")
    identity = trust and laptop.keystore.find(trust.recipient)
    assert identity
    device.join(identity)
    yield device
    device.restart()


def test_i55_what_no_memory_is_stays_on_its_device(laptop: Device, desktop: Device) -> None:
    """An include that names everything still leaves credentials and databases out."""
    laptop.write("memory/notes.md", "notes\n")
    for name in (".env", "state.db", "auth.json", "notes.md~", ".git/HEAD"):
        laptop.write(f"memory/{name}", "not for others\n")
    assert laptop.sync().up == ("memory/memory/notes.md",)
    settle(laptop, desktop)
    assert desktop.files() == {"memory/notes.md": b"notes\n"}
    assert (laptop.folder() / "memory/.env").exists()


def test_the_file_of_rules_travels_and_is_heeded_everywhere(
    laptop: Device, desktop: Device
) -> None:
    """No include names it; the other device leaves out what it says from its next look on."""
    laptop.write(IGNORE_FILE, "draft-*\n!memory/state.db\n")
    laptop.write("memory/draft-1.md", "mine\n")
    laptop.write("memory/state.db", "wanted\n")
    assert set(laptop.sync().up) == {f"memory/{IGNORE_FILE}", "memory/memory/state.db"}
    settle(laptop, desktop)
    assert desktop.read("memory/state.db") == "wanted\n"
    desktop.write("memory/draft-2.md", "theirs\n")
    settle(desktop, laptop)
    assert "memory/draft-2.md" not in laptop.files()
    assert "memory/draft-1.md" not in desktop.files()


def test_i28_a_new_rule_deletes_nothing_and_taking_it_away_unites(
    laptop: Device, desktop: Device
) -> None:
    """A synced file that a rule leaves out stays in the vault and on every device, as it is."""
    laptop.write("memory/log.md", "one\n")
    settle(laptop, desktop)
    laptop.write(IGNORE_FILE, "log.md\n")
    assert laptop.sync().up == (f"memory/{IGNORE_FILE}",)
    settle(laptop, desktop)
    assert laptop.read("memory/log.md") == desktop.read("memory/log.md") == "one\n"
    assert "memory/memory/log.md" in laptop.engine.remote_files()
    laptop.write("memory/log.md", "one\nfrom laptop\n")
    desktop.write("memory/log.md", "from desktop\none\n")
    settle(laptop, desktop)
    assert laptop.read("memory/log.md") == "one\nfrom laptop\n"
    laptop.delete(IGNORE_FILE)
    settle(laptop, desktop, rounds=6)
    assert laptop.read("memory/log.md") == desktop.read("memory/log.md")
    assert laptop.read("memory/log.md") == "from desktop\none\nfrom laptop\n"
    assert not laptop.conflicts()


def test_i28_a_file_that_is_left_out_can_be_deleted_here_and_stays_there(
    laptop: Device, desktop: Device
) -> None:
    """What is not synced is nobody's business: neither a delete nor an edit of it travels."""
    laptop.write("memory/log.md", "one\n")
    settle(laptop, desktop)
    laptop.write(IGNORE_FILE, "log.md\n")
    settle(laptop, desktop)
    laptop.delete("memory/log.md")
    settle(laptop, desktop)
    assert desktop.read("memory/log.md") == "one\n"
    laptop.delete(IGNORE_FILE)
    settle(laptop, desktop)
    assert laptop.read("memory/log.md") == "one\n"


def test_i29_what_is_left_out_stays_in_a_folder_that_was_deleted_elsewhere(
    laptop: Device, desktop: Device
) -> None:
    """The synced files of the folder go; what a rule leaves out, and so the folder, stay."""
    laptop.write("memory/topic/a.md", "a\n")
    laptop.write("memory/keep.md", "k\n")
    settle(laptop, desktop)
    desktop.write("memory/topic/.env", "mine\n")
    laptop.delete("memory/topic/a.md")
    settle(laptop, desktop)
    assert desktop.read("memory/topic/.env") == "mine\n"
    assert "memory/topic/a.md" not in desktop.files()


def test_a_changed_rule_counts_at_the_next_look(laptop: Device, desktop: Device) -> None:
    """Also for files that were looked at before, in one process and after its end."""
    laptop.write("memory/a.md", "a\n")
    settle(laptop, desktop)
    laptop.write(IGNORE_FILE, "a.md\n")
    settle(laptop, desktop)
    laptop.write("memory/a.md", "more\n")
    assert not laptop.sync().up
    laptop.restart()
    assert not laptop.sync().up
    laptop.write(IGNORE_FILE, "b.md\n")
    assert "memory/memory/a.md" in laptop.sync().up


def test_i20_a_line_that_is_no_rule_is_shown_and_delays_nothing(
    laptop: Device, desktop: Device
) -> None:
    """Hostile or mistaken, from another device: the rest is heeded, and `status` names the line."""
    laptop.write(IGNORE_FILE, b"draft-*\n[\n\xff\xfe\n" + b"*a" * 200 + b"\n")
    laptop.write("memory/a.md", "a\n")
    laptop.sync()
    outcome = desktop.sync()
    outcome = desktop.sync()
    assert desktop.read("memory/a.md") == "a\n"
    assert [problem.code for problem in outcome.problems] == ["ignore-rule"]
    assert "line 2 has a set without an end; line 3 is no UTF-8" in outcome.problems[0].message
    laptop.write(IGNORE_FILE, b"# nothing\n" * MAX_BYTES)
    settle(laptop, desktop)
    assert "only its first 32 KiB" in desktop.sync().problems[0].message
    laptop.write(IGNORE_FILE, "draft-*\n")
    settle(laptop, desktop)
    assert not desktop.sync().problems


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_while_the_rules_cannot_be_read_nothing_is_decided(
    laptop: Device, desktop: Device, kind: str
) -> None:
    """Nobody can tell then what is to be left out: nothing goes up, comes down or is deleted."""
    import os

    laptop.write("memory/a.md", "a\n")
    laptop.write("memory/b.md", "b\n")
    settle(laptop, desktop)
    place = laptop.folder() / IGNORE_FILE
    if kind == "pipe":
        os.mkfifo(place)
    else:
        (laptop.home / "rules").write_text("draft-*\n")
        place.symlink_to(laptop.home / ("rules" if kind == "link" else "nothing"))
    laptop.write("memory/draft-1.md", "mine\n")
    desktop.write("memory/c.md", "c\n")
    desktop.delete("memory/b.md")
    desktop.sync()
    outcome = laptop.sync()
    assert (outcome.up, outcome.down) == ((), ())
    assert [problem.code for problem in outcome.problems] == ["ignore-file"]
    place.unlink()
    laptop.write(IGNORE_FILE, "draft-*\n")
    settle(laptop, desktop)
    expected = {IGNORE_FILE: b"draft-*\n", "memory/a.md": b"a\n", "memory/c.md": b"c\n"}
    assert desktop.files() == expected
    assert laptop.files() == expected | {"memory/draft-1.md": b"mine\n"}
    assert not laptop.sync().problems


def test_a_folder_of_that_name_is_no_file_of_rules(laptop: Device, desktop: Device) -> None:
    """Not even another device can stop a root in that way."""
    laptop.write(f"{IGNORE_FILE}/a.md", "a\n")
    laptop.write("memory/a.md", "a\n")
    settle(laptop, desktop)
    assert desktop.read("memory/a.md") == "a\n"
    assert not laptop.sync().problems


def test_two_devices_that_add_rules_have_both(laptop: Device, desktop: Device) -> None:
    """The file is merged as any other."""
    laptop.write(IGNORE_FILE, "one\n")
    settle(laptop, desktop)
    laptop.write(IGNORE_FILE, "zero\none\n")
    desktop.write(IGNORE_FILE, "one\ntwo\n")
    settle(laptop, desktop)
    assert laptop.read(IGNORE_FILE) == desktop.read(IGNORE_FILE) == "zero\none\ntwo\n"


def test_a_late_write_into_what_is_left_out_is_not_taken_up(
    laptop: Device, desktop: Device
) -> None:
    """Not by a new process either, which hears of it before it has read the rules."""
    laptop.write("memory/log.md", "one\ntwo\nthree\n")
    settle(laptop, desktop)
    with (laptop.folder() / "memory/log.md").open("a") as agent:
        desktop.write("memory/log.md", "ONE\ntwo\nthree\n")
        settle(desktop, laptop)
        laptop.write(IGNORE_FILE, "log.md\n")
        settle(laptop, desktop)
        agent.write("late\n")
    laptop.restart()
    laptop.clock.ahead += 10
    outcomes = [laptop.sync(), laptop.sync()]
    assert not any(outcome.problems or outcome.up or outcome.again for outcome in outcomes)
    assert not laptop.conflicts()
    assert laptop.read("memory/log.md") == "ONE\ntwo\nthree\n"
    laptop.delete(IGNORE_FILE)
    laptop.restart()
    settle(laptop, desktop)
    assert laptop.read("memory/log.md") == "ONE\ntwo\nthree\nlate\n"


def test_i55_a_folder_is_not_left_out_for_the_name_of_a_file(
    laptop: Device, desktop: Device
) -> None:
    """`token`, `credentials` and `*.key` are files: notes in folders of that name are notes."""
    one, two = laptop, desktop
    for name in ("token", "credentials", "spare.key", "4913", "x.lock"):
        one.write(f"memory/{name}/note.md", f"{name}\n")
    settle(one, two)
    assert one.files() == two.files()
    assert len(one.files()) >= 5


@pytest.mark.parametrize("how", ["gone", "emptied"])
def test_i55_rules_that_are_gone_for_a_moment_are_still_heeded(
    laptop: Device, desktop: Device, how: str
) -> None:
    """A look between an editor's two steps sends nothing; when they stay away, it is sent."""
    laptop.write(IGNORE_FILE, "private-*\n")
    laptop.write("memory/private-1.md", "mine\n")
    settle(laptop, desktop)
    for _ in range(2):
        laptop.delete(IGNORE_FILE) if how == "gone" else laptop.write(IGNORE_FILE, "")
        laptop.sync()
        laptop.write(IGNORE_FILE, "private-*\n")
        settle(laptop, desktop)
        assert "memory/private-1.md" not in desktop.files()
    laptop.delete(IGNORE_FILE)
    settle(laptop, desktop)
    assert desktop.read("memory/private-1.md") == "mine\n"


def test_i55_rules_that_two_devices_change_are_all_heeded(laptop: Device, desktop: Device) -> None:
    """In the same line: both rules stay, nothing of what they are about is sent, no conflict."""
    laptop.write(IGNORE_FILE, "private-*\n")
    settle(laptop, desktop)
    laptop.write(IGNORE_FILE, "secret-*\n")
    laptop.write("memory/secret-1.md", "mine\n")
    desktop.write(IGNORE_FILE, "draft-*\n")
    desktop.write("memory/draft-1.md", "theirs\n")
    settle(laptop, desktop)
    assert laptop.read(IGNORE_FILE) == desktop.read(IGNORE_FILE) == "secret-*\ndraft-*\n"
    assert "memory/secret-1.md" not in desktop.files()
    assert "memory/draft-1.md" not in laptop.files()
    assert laptop.conflicts() == []

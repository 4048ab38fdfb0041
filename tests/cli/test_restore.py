"""`memory-sync restore`: what a sync has replaced or removed comes back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.person import Person, until
from tests.cli.terminal import terminal

Pair = tuple[Person, Person]
LOG = "memory/2026-01-01.md"


@pytest.fixture
def owner(pair: Pair) -> Person:
    """Return a machine on which one file was replaced by a pull, and another one removed."""
    owner, bob = pair
    bob.write("MEMORY.md", "# Other\n")
    (bob.agent / LOG).unlink()
    assert bob.types("push").status == 0
    assert owner.types("pull").status == 0
    assert (owner.read("MEMORY.md"), owner.read(LOG)) == ("# Other\n", None)
    return owner


def stamp(owner: Person, path: str, name: str) -> Path:
    """Give the newest trashed file of a path another time of coming."""
    folder = owner.places.trash / "vault" / path
    newest = max(folder.iterdir(), key=lambda place: place.name)
    return newest.rename(folder / f"{name}-{newest.name.partition('-')[2]}")


def test_the_trash_is_listed(owner: Person) -> None:
    """Time, size and path, the newest first; as JSON, too."""
    stamp(owner, "memory/MEMORY.md", "20260131T120000Z")
    stamp(owner, f"memory/{LOG}", "20260201T120000Z")
    lines = owner.types("restore", "--list").out.splitlines()
    assert lines[0].split() == ["CAME", "SIZE", "PATH"]
    assert [line.split()[-1] for line in lines[1:]] == [f"memory/{LOG}", "memory/MEMORY.md"]
    data = owner.types("restore", "--list", "memory/MEMORY.md", "--json").answer["data"]
    assert data == {
        "files": [
            {
                "vault": "vault",
                "path": "memory/MEMORY.md",
                "came": "2026-01-31T12:00:00Z",
                "size": 9,
            }
        ]
    }
    assert len(owner.types("restore", "--list", "memory", "--json").answer["data"]["files"]) == 2
    folder = str(owner.agent / "memory")
    assert len(owner.types("restore", "--list", folder, "--json").answer["data"]["files"]) == 1


def test_an_empty_trash_is_said_to_be_empty(pair: Pair) -> None:
    """A list with nothing in it is no error."""
    ran = pair[1].types("restore", "--list")
    assert (ran.status, ran.out) == (0, "Nothing is in the trash.\n")


@pytest.mark.parametrize("way", ["vault", "disk", "here"])
def test_i19_a_removed_file_comes_back_and_is_synced(
    owner: Person, pair: Pair, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """By its path in the vault, by that on the disk, or by one that is relative to the folder."""
    monkeypatch.chdir(owner.agent)
    path = {"vault": f"memory/{LOG}", "disk": str(owner.agent / LOG), "here": f"./{LOG}"}[way]
    ran = owner.types("restore", path, "--yes", "--json")
    assert ran.answer["data"]["written"]
    assert owner.read(LOG) == "- Learned to sync.\n"
    assert owner.types("push").status == 0
    assert pair[1].types("pull").status == 0
    assert pair[1].read(LOG) == "- Learned to sync.\n"


def test_i19_a_restore_can_be_undone(owner: Person) -> None:
    """What was in the file's place is in the trash then, with the mode as it was."""
    (owner.agent / "MEMORY.md").chmod(0o640)
    assert owner.types("restore", "memory/MEMORY.md", "--yes").status == 0
    assert owner.read("MEMORY.md") == "# Memory\n"
    assert (owner.agent / "MEMORY.md").stat().st_mode & 0o777 == 0o640
    stamp(owner, "memory/MEMORY.md", "20990101T000000Z")
    owner.types("restore", "memory/MEMORY.md", "--yes")
    assert owner.read("MEMORY.md") in ("# Memory\n", "# Other\n")
    contents = {
        place.read_text() for place in (owner.places.trash / "vault/memory/MEMORY.md").iterdir()
    }
    assert contents | {owner.read("MEMORY.md")} == {"# Memory\n", "# Other\n"}


def test_what_had_come_by_a_time(owner: Person) -> None:
    """`--at` takes the newest that is not younger, in the form that the list has."""
    folder = owner.places.trash / "vault/memory/MEMORY.md"
    stamp(owner, "memory/MEMORY.md", "20260131T120000Z")
    (folder / "20260101T120000Z-01234567").write_text("older\n")
    (folder / "20260101T120000Z-01234567-2").write_text("old\n")
    listed = owner.types("restore", "--list", "memory/MEMORY.md").out.splitlines()[2]
    assert owner.types("restore", "memory/MEMORY.md", "--at", listed[:19], "--yes").status == 0
    assert owner.read("MEMORY.md") == "old\n"
    ran = owner.types("restore", "memory/MEMORY.md", "--at", "2025-12-31", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["not-in-trash"])
    assert "from then or before" in ran.answer["errors"][0]["message"]
    assert owner.types("restore", "memory/MEMORY.md", "--at", "yesterday").status == 2


def test_a_restore_to_another_file(owner: Person, tmp_path: Path) -> None:
    """It is private, the live file stays, and nothing is ever overwritten."""
    there = tmp_path / "old.md"
    assert owner.types("restore", "memory/MEMORY.md", "--to", str(there)).status == 0
    assert there.read_text() == "# Memory\n"
    assert there.stat().st_mode & 0o777 == 0o600
    assert owner.read("MEMORY.md") == "# Other\n"
    there.write_text("precious\n")
    ran = owner.types("restore", "memory/MEMORY.md", "--to", str(there), "--json")
    assert (ran.status, ran.codes) == (2, ["file-exists"])
    assert ran.answer["errors"][0]["hint"].startswith("memory-sync restore memory/MEMORY.md --to ")
    assert there.read_text() == "precious\n"


def test_it_shows_what_it_will_do_and_asks(owner: Person) -> None:
    """Size and place, and what becomes of the present content; no answer changes nothing."""
    with terminal("restore", "memory/MEMORY.md", env=owner.env) as screen:
        screen.expect("Restore it? [Y/n]")
        assert str(owner.agent / "MEMORY.md") in screen.shown.replace("\r\n", " ")
        assert "goes to the trash" in screen.shown
        screen.type("n")
        assert screen.ends() == 0
    assert owner.read("MEMORY.md") == "# Other\n"
    with terminal("restore", "memory/MEMORY.md", env=owner.env) as screen:
        screen.expect("Restore it? [Y/n]")
        screen.type("y")
        assert screen.ends() == 0
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_without_a_terminal_it_needs_yes(owner: Person) -> None:
    """The hint is a command that does it, and names the very file that was meant."""
    ran = owner.types("restore", "memory/MEMORY.md")
    assert ran.status == 2
    [hint] = [line for line in ran.err.splitlines() if line.startswith("hint: ")]
    assert owner.read("MEMORY.md") == "# Other\n"
    words = hint.removeprefix("hint: memory-sync ").split()
    assert words[-1] == "--yes"
    assert owner.types(*words).status == 0
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_the_same_again_changes_nothing(owner: Person) -> None:
    """A file that is as it was is not written, and nobody is asked."""
    owner.write("MEMORY.md", "# Memory\n")
    ran = owner.types("restore", "memory/MEMORY.md", "--json")
    assert ran.status == 0
    assert not ran.answer["data"]["written"]


def test_i74_it_needs_no_key_no_network_and_no_vault(owner: Person, tmp_path: Path) -> None:
    """A machine that has lost all else still has its trash."""
    for place in owner.places.keys.glob("*"):
        if "AGE-SECRET-KEY" in place.read_text():
            place.unlink()
    shutil.rmtree(tmp_path / "vault.git")
    assert owner.types("restore", "memory/MEMORY.md", "--yes").status == 0
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_it_works_while_a_daemon_serves_the_root(owner: Person, pair: Pair) -> None:
    """The daemon holds the root, and sends what was restored by itself."""
    bob = pair[1]
    owner.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\n")
    with owner.daemon():
        until(lambda: owner.state() == "idle")
        assert owner.types("restore", f"memory/{LOG}", "--yes").status == 0
        assert owner.types("restore", "memory/MEMORY.md", "--yes").status == 0

        def there() -> bool:
            bob.types("pull")
            return (bob.read(LOG), bob.read("MEMORY.md")) == ("- Learned to sync.\n", "# Memory\n")

        until(there)


def test_a_path_that_is_not_in_the_trash(owner: Person) -> None:
    """The error names the path and the command that lists."""
    for path in ("memory/none.md", str(owner.agent / "none.md")):
        ran = owner.types("restore", path, "--json")
        assert (ran.status, ran.codes) == (2, ["not-in-trash"])
        [error] = ran.answer["errors"]
        assert "memory/none.md" in error["message"]
        assert error["hint"] == "memory-sync restore --list"


@pytest.mark.parametrize("path", ["/nowhere/x.md", "other/x.md", "", "..", "\x00", "memory/\x00"])
def test_a_path_that_means_nothing(owner: Person, path: str) -> None:
    """It is named, without a traceback, and nothing is written."""
    ran = owner.types("restore", path, "--json")
    assert ran.status == 2
    assert set(ran.codes) <= {"path-unknown", "not-in-trash"}


@pytest.mark.parametrize("words", [(), ("x", "--list", "--to", "y"), ("--list", "--at", "2026")])
def test_words_that_do_not_go_together(owner: Person, words: tuple[str, ...]) -> None:
    """They are refused as usage."""
    assert owner.types("restore", *words).status == 2


def test_a_root_that_is_gone_gives_its_files_elsewhere(owner: Person, tmp_path: Path) -> None:
    """Its folder is not made anew; `--to` still works."""
    shutil.rmtree(owner.agent)
    ran = owner.types("restore", "memory/MEMORY.md", "--yes", "--json")
    assert (ran.status, ran.codes) == (7, ["root-gone"])
    assert not owner.agent.exists()
    there = str(tmp_path / "old.md")
    assert owner.types("restore", "memory/MEMORY.md", "--to", there).status == 0


def test_a_root_that_is_configured_no_longer(owner: Person, tmp_path: Path) -> None:
    """What it had is listed, and comes back by `--to`, which the hint says."""
    folder = owner.places.trash / "vault"
    (folder / "memory").rename(folder / "former")
    ran = owner.types("restore", "former/MEMORY.md", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["path-unknown"])
    assert "--to FILE" in ran.answer["errors"][0]["hint"]
    there = tmp_path / "old.md"
    assert owner.types("restore", "former/MEMORY.md", "--to", str(there)).status == 0
    assert there.read_text() == "# Memory\n"


def test_two_vaults_with_one_path_need_a_name(owner: Person, tmp_path: Path) -> None:
    """`--vault` says which one is meant; a path on the disk needs none."""
    other = tmp_path / "other"
    other.mkdir()
    assert owner.types("init", str(other), "--remote", f"{tmp_path}/two.git", "--yes").status == 0
    shutil.copytree(owner.places.trash / "vault", owner.places.trash / "two")
    ran = owner.types("restore", "memory/MEMORY.md", "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["vault-ambiguous"])
    assert "VAULT" in owner.types("restore", "--list").out
    assert owner.types("restore", "memory/MEMORY.md", "--vault", "two", "--yes").status == 0
    assert (other / "MEMORY.md").read_text() == "# Memory\n"
    assert owner.types("restore", str(owner.agent / "MEMORY.md"), "--yes").status == 0
    assert owner.read("MEMORY.md") == "# Memory\n"


def test_a_folder_in_the_place_stays(owner: Person) -> None:
    """What is not an ordinary file is never replaced."""
    (owner.agent / LOG).mkdir(parents=True)
    ran = owner.types("restore", f"memory/{LOG}", "--yes", "--json")
    assert ran.status == 1
    assert os.path.isdir(owner.agent / LOG)


def test_i66_a_restore_does_not_go_through_a_link(owner: Person, tmp_path: Path) -> None:
    """A folder that is a symbolic link by now gets nothing, nor does what it leads to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs.md").write_text("theirs\n")
    shutil.rmtree(owner.agent / "memory", ignore_errors=True)
    (owner.agent / "memory").symlink_to(outside)
    ran = owner.types("restore", f"memory/{LOG}", "--json")
    assert (ran.status, ran.answer["ok"]) == (1, False)
    assert [file.name for file in outside.iterdir()] == ["theirs.md"]
    assert owner.types("restore", f"memory/{LOG}", "--to", str(tmp_path / "back.md")).status == 0

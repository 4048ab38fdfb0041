"""`memory-sync roots rename` and `roots move`: one command each, and nothing is lost."""

from __future__ import annotations

import shutil

import pytest

from memory_sync.config.loading import load
from tests.cli.person import QUICK, Person, until


def root_of(person: Person) -> tuple[str, str]:
    """Return name and folder of the one root, as they are configured."""
    [root] = load(person.places.config_file, {}).vault[0].root
    return root.name, str(root.path)


def test_a_root_is_renamed_on_two_machines(pair: tuple[Person, Person]) -> None:
    """The second machine halts until the command that it names was run there."""
    ada, bob = pair
    ran = ada.types("roots", "rename", "memory", "work")
    assert ran.status == 0, ran
    assert "memory-sync roots rename memory work" in ran.out
    assert root_of(ada) == ("work", str(ada.agent))
    halted = bob.types("now", "--json")
    assert (halted.status, halted.codes) == (7, ["root-renamed"])
    bob.write("memory/late.md", "late\n")
    assert bob.types("roots", "rename", "memory", "work").status == 0
    assert ada.types("now").status == 0
    assert ada.read("memory/late.md") == "late\n"
    assert bob.read("MEMORY.md") == "# Memory\n"
    assert ada.types("now").out == "vault: nothing to do\n"


def test_a_running_daemon_takes_the_name_up(pair: tuple[Person, Person]) -> None:
    """It goes on under the new name, and says in between nothing that would worry a person."""
    ada, bob = pair
    ada.configure(QUICK)
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        assert ada.types("roots", "rename", "memory", "work").status == 0
        until(lambda: ada.state() == "idle")
        ada.write("memory/more.md", "more\n")
        assert ada.types("now").status == 0
    assert bob.types("roots", "rename", "memory", "work").status == 0
    assert bob.read("memory/more.md") == "more\n"
    log = ada.places.log_file.read_text()
    assert "root.halted" not in log


@pytest.mark.parametrize("new", ["Memory", "memory", "..", "other", "OTHER"])
def test_a_name_that_cannot_be_is_refused(new: str, pair: tuple[Person, Person]) -> None:
    """Taken on this machine, the same but for case, or no name: nothing is changed."""
    ada, _ = pair
    ada.configure(f'[[vault.root]]\nname = "other"\npath = "{ada.home.parent}/second"\n')
    before = ada.places.config_file.read_text()
    ran = ada.types("roots", "rename", "memory", new, "--json")
    assert ran.status == 2
    assert ran.codes != ["answer-needed"]
    assert "The vault has a root" not in ran.err
    assert ran.answer["errors"][0]["hint"].startswith("memory-sync ")
    assert ada.places.config_file.read_text() == before


def test_an_unknown_root_is_named(pair: tuple[Person, Person]) -> None:
    """The error says which roots there are."""
    ran = pair[0].types("roots", "rename", "nope", "work", "--json")
    assert (ran.status, ran.codes) == (2, ["root-unknown"])
    assert "memory" in ran.answer["errors"][0]["message"]


def test_a_folder_without_its_marker_is_not_renamed(pair: tuple[Person, Person]) -> None:
    """What may be an empty mount point is left alone, and so is the vault."""
    ada, _ = pair
    (ada.agent / ".memory-sync").unlink()
    ran = ada.types("roots", "rename", "memory", "work", "--json")
    assert (ran.status, ran.codes) == (7, ["marker-missing"])
    assert root_of(ada)[0] == "memory"


def test_a_folder_that_was_moved_is_followed(pair: tuple[Person, Person]) -> None:
    """Edits and deletes that came with the move are what they were; nothing is fetched again."""
    ada, bob = pair
    target = ada.home.parent / "moved"
    ada.agent.rename(target)
    (target / "memory/new.md").write_text("new\n")
    (target / "memory/2026-01-01.md").unlink()
    assert ada.types("now").status == 7
    ran = ada.types("roots", "move", "memory", str(target), "--yes")
    assert ran.status == 0, ran
    assert root_of(ada) == ("memory", str(target))
    assert bob.types("now").status == 0
    assert bob.read("memory/new.md") == "new\n"
    assert bob.read("memory/2026-01-01.md") is None


def test_i30_another_folder_is_united_and_the_old_one_is_left(pair: tuple[Person, Person]) -> None:
    """Nothing is deleted on either side; the old folder is a plain one again."""
    ada, bob = pair
    target = ada.home.parent / "second"
    target.mkdir()
    (target / "MEMORY.md").write_text("# Memory\n")
    (target / "memory").mkdir()
    (target / "memory/mine.md").write_text("mine\n")
    with ada.daemon():
        ran = ada.types("roots", "move", "memory", str(target), "--yes")
        assert ran.status == 0, ran
        until((target / "memory/2026-01-01.md").exists)
    assert not (ada.agent / ".memory-sync").exists()
    assert ada.read("memory/2026-01-01.md") == "- Learned to sync.\n"
    assert bob.types("now").status == 0
    assert bob.read("memory/mine.md") == "mine\n"
    assert bob.read("memory/2026-01-01.md") == "- Learned to sync.\n"


def test_a_copy_of_the_folder_is_another_folder(pair: tuple[Person, Person]) -> None:
    """A copy lacks what came since it was made: none of that was deleted."""
    ada, bob = pair
    target = ada.home.parent / "copy"
    shutil.copytree(ada.agent, target)
    ada.write("memory/since.md", "since\n")
    assert ada.types("now").status == 0
    assert ada.types("roots", "move", "memory", str(target), "--yes").status == 0
    assert (target / "memory/since.md").read_text() == "since\n"
    assert bob.types("now").status == 0
    assert bob.read("memory/since.md") == "since\n"


def test_a_folder_that_is_not_there_or_anothers_is_refused(pair: tuple[Person, Person]) -> None:
    """A missing folder, a file, another root's folder, one of our own: nothing is changed."""
    ada, bob = pair
    before = ada.places.config_file.read_text()
    cases = {
        str(ada.home.parent / "nowhere"): "root-missing",
        str(ada.agent / "MEMORY.md"): "root-missing",
        str(ada.places.state): "usage",
        str(ada.places.state / "vaults"): "usage",
    }
    for path, code in cases.items():
        ran = ada.types("roots", "move", "memory", path, "--json")
        assert (ran.status, ran.codes) == (2, [code])
    assert bob.types("roots", "rename", "memory", "theirs").status == 0
    ran = ada.types("roots", "move", "memory", str(bob.agent), "--json")
    assert (ran.status, ran.codes) == (2, ["root-marked"])
    assert ada.places.config_file.read_text() == before


def test_a_conflict_is_shown_whole_after_a_rename(pair: tuple[Person, Person]) -> None:
    """What it began with is still known, and it can be settled under the new name."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Ada\n")
    bob.write("MEMORY.md", "# Bob\n")
    ada.types("now")
    assert bob.types("now").status == 3
    assert bob.types("roots", "rename", "memory", "work").status == 3
    shown = bob.types("conflicts", "show", "work/MEMORY.md")
    assert "# Memory" in shown.out
    words = ("conflicts", "resolve", "work/MEMORY.md", "--keep", "mine", "--yes")
    assert bob.types(*words).status == 0
    assert bob.types("now").status == 0
    assert ada.types("roots", "rename", "memory", "work").status == 0
    assert ada.read("MEMORY.md") == "# Bob\n"


def test_i30_a_backup_is_united_also_when_the_folder_is_gone(pair: tuple[Person, Person]) -> None:
    """It has the marker and lacks what came since: nothing of that is deleted or turned back."""
    ada, bob = pair
    backup = ada.home.parent / "backup"
    shutil.copytree(ada.agent, backup)
    bob.write("memory/new.md", "new\n")
    bob.write("MEMORY.md", "# Memory\nmore\n")
    for person in (bob, ada):
        assert person.types("now").status == 0
    shutil.rmtree(ada.agent)
    ran = ada.types("roots", "move", "memory", str(backup), "--yes")
    assert ran.status in (0, 3), ran
    bob.types("now")
    assert bob.read("memory/new.md") == "new\n"
    assert bob.read("MEMORY.md") == "# Memory\nmore\n"


def test_a_folder_with_files_is_asked_about(pair: tuple[Person, Person]) -> None:
    """A slip in the path sends nothing: the counts are shown, and nobody has agreed."""
    ada, _ = pair
    target = ada.home.parent / "notes"
    target.mkdir()
    (target / "MEMORY.md").write_text("of something else\n")
    ran = ada.types("roots", "move", "memory", str(target), "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    assert "0 only here, 1 only there, 1 different" in ran.err
    assert not (target / ".memory-sync").exists()
    assert root_of(ada) == ("memory", str(ada.agent))


def test_a_root_in_a_root_is_said(pair: tuple[Person, Person]) -> None:
    """Its files leave the outer root on this machine: that is told before anything is agreed."""
    ada, _ = pair
    inner = ada.agent / "memory" / "inner"
    inner.mkdir()
    ran = ada.types("roots", "add", str(inner), "--name", "inner", "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    assert f"{inner} lies in root vault/memory" in ran.err


def test_our_own_folders_are_no_roots(pair: tuple[Person, Person]) -> None:
    """The key would go into the vault."""
    ada, _ = pair
    words = ("--name", "k", "--include", "**/*", "--yes", "--json")
    for folder in (ada.places.keys, ada.places.state / "vaults"):
        ran = ada.types("roots", "add", str(folder), *words)
        assert (ran.status, ran.codes) == (2, ["usage"])


def test_a_name_that_the_vault_has_already_is_asked_about(pair: tuple[Person, Person]) -> None:
    """Two roots would be one on all machines."""
    ada, bob = pair
    other = bob.home.parent / "other"
    other.mkdir()
    (other / "MEMORY.md").write_text("other\n")
    assert bob.types("roots", "add", str(other), "--name", "other", "--yes").status == 0
    assert ada.types("now").status == 0
    ran = ada.types("roots", "rename", "memory", "other", "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    assert "a root other already, with 1 file" in ran.err
    assert root_of(ada) == ("memory", str(ada.agent))


def test_a_name_that_is_taken_here_is_refused_before_anything_is_asked(ada: Person) -> None:
    """Where the vault has both, the question would be about what cannot be done."""
    ada.init()
    other = ada.home.parent / "other"
    other.mkdir()
    (other / "MEMORY.md").write_text("other\n")
    assert ada.types("roots", "add", str(other), "--name", "other", "--yes").status == 0
    for new, code in (("other", "root-name-taken"), ("Memory", "usage")):
        ran = ada.types("roots", "rename", "memory", new, "--json")
        assert (ran.status, ran.codes) == (2, [code])
        assert "The vault has a root" not in ran.err


def test_a_folder_of_another_root_is_refused_before_anything_is_asked(
    pair: tuple[Person, Person],
) -> None:
    """Nothing is compared with it: the answer would not count."""
    ada, bob = pair
    bob.write("MEMORY.md", "# Bob\n")
    assert bob.types("roots", "rename", "memory", "theirs").status == 0
    ran = ada.types("roots", "move", "memory", str(bob.agent), "--json")
    assert (ran.status, ran.codes) == (2, ["root-marked"])
    assert "only here" not in ran.err


def test_a_folder_in_another_root_that_is_moved_away_from_is_said_to_be_synced(
    ada: Person,
) -> None:
    """Its files belong to the outer root again: that is told before it is asked, and after."""
    ada.init()
    inner = ada.agent / "memory" / "inner"
    inner.mkdir()
    assert ada.types("roots", "add", str(inner), "--name", "inner", "--yes").status == 0
    target = ada.home.parent / "target"
    target.mkdir()
    ran = ada.types("roots", "move", "inner", str(target), "--json")
    assert (ran.status, ran.codes) == (2, ["answer-needed"])
    assert "its files belong to root memory again" in ran.err
    ran = ada.types("roots", "move", "inner", str(target), "--yes")
    assert f"{inner} stays as it is, a part of root memory." in ran.out

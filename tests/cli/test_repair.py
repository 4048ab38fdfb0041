"""`memory-sync repair`: shows what happened to a vault, asks, and mends exactly that."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal
from tests.engine.attacker import Attacker

STRANGE = f"objects/aa/{'b' * 30}.age"


@pytest.fixture
def attacker(pair: tuple[Person, Person], tmp_path: Path) -> Attacker:
    """Give whoever has the folder of the vault that two machines share."""
    assert pair
    return Attacker(tmp_path / "vault.git")


def test_it_shows_what_happened_and_asks(pair: tuple[Person, Person], attacker: Attacker) -> None:
    """At a terminal Enter alone means no; yes mends it, for the other machine too."""
    ada, bob = pair
    evil = attacker.tamper({attacker.objects()[0]: None, STRANGE: b"x"})
    ran = ada.types("now")
    assert ran.status == 7
    assert evil in ran.err
    assert "hint: memory-sync repair" in ran.err
    for answer, status in (("", 7), ("y", 0)):
        with terminal("repair", env=ada.env) as screen:
            screen.expect(f"Commit {evil} changed the vault vault without its key")
            screen.expect("Taken over as it is, it would lose 1 file")
            screen.expect("What is there now stays in the history.")
            screen.expect("Repair vault vault? [y/N]")
            assert attacker.head == evil
            screen.type(answer)
            assert screen.ends() == status
    assert evil in attacker.chain()
    for person in pair:
        assert person.types("now").status == 0
    assert bob.read("MEMORY.md") == "# Memory\n"


def test_without_a_terminal_it_wants_yes(pair: tuple[Person, Person], attacker: Attacker) -> None:
    """Nobody is there to ask: nothing is done; `confirm` does not do it either."""
    ada, _ = pair
    evil = attacker.tamper({STRANGE: b"x"})
    ran = ada.types("repair")
    assert ran.status == 2
    assert "hint: memory-sync repair --yes" in ran.err
    assert ada.types("confirm", "--yes").status == 7
    assert attacker.head == evil
    ran = ada.types("repair", "--yes", "--json")
    assert ran.status == 0
    assert ada.types("now").status == 0


def test_a_vault_that_is_well_is_left_alone(ada: Person, attacker: Attacker) -> None:
    """It says so, and no commit is made."""
    before = attacker.head
    ran = ada.types("repair")
    assert (ran.status, ran.out) == (0, "Nothing is to be repaired.\n")
    assert attacker.head == before


def test_through_the_daemon_it_is_the_same(pair: tuple[Person, Person], attacker: Attacker) -> None:
    """The daemon serves the vault, shows the halt, mends it, and goes on."""
    ada, _ = pair
    ada.configure(QUICK)
    with ada.daemon():
        evil = attacker.tamper({STRANGE: b"x"})
        until(lambda: ada.state() == "halted")
        assert evil in ada.types("status").out
        assert ada.types("repair", "--yes").status == 0
        until(lambda: ada.state() != "halted")
        ada.write("memory/new.md", "new\n")
        until(lambda: len(attacker.objects()) == 3)


def test_other_trouble_is_not_for_repair(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """A repository that is gone is named with what mends that, and nothing is asked."""
    ada, _ = pair
    (tmp_path / "vault.git").rename(tmp_path / "away.git")
    ran = ada.types("repair", "--yes", "--json")
    assert ran.status != 0
    assert ran.codes
    assert "foreign-content" not in ran.codes


def test_what_nobody_has_is_asked_about_again(
    pair: tuple[Person, Person], attacker: Attacker
) -> None:
    """Nothing of the vault is left on either side but one file: `--yes` alone is not enough."""
    ada, _ = pair
    last, old = attacker.head, attacker.text("rev-list", "--max-parents=0", "main")
    attacker.point(old)
    for path, blob in attacker.files(last).items():
        held = attacker.git_dir / "objects" / blob[:2] / blob[2:]
        if path.startswith("objects/") and held.exists():
            held.unlink()
    ada.write("MEMORY.md", "edited since\n")
    ada.types("now")
    _sql(ada, "UPDATE meta SET value = substr(value, 1, 41) || '1' WHERE key = 'stale'")
    ran = ada.types("repair", "--yes", "--json")
    assert ran.codes == ["repair-loses"]
    assert attacker.head == old
    with terminal("repair", env=ada.env) as screen:
        screen.expect("Repair vault vault? [y/N]")
        screen.type("y")
        screen.expect("Repaired without them, the vault will lose 1 file (memory/MEMORY.md).")
        screen.expect("Repair vault vault without them? [y/N]")
        screen.type("y")
        assert screen.ends() == 0
    assert ada.read("MEMORY.md") == "edited since\n"
    assert ada.types("now").status == 0


def _sql(person: Person, statement: str) -> None:
    """Change the state of a vault, as time would."""
    [path] = person.places.state.rglob("state.db")
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


def test_a_branch_that_is_gone_is_sent_anew(
    pair: tuple[Person, Person], attacker: Attacker
) -> None:
    """It says what would be gone, asks, and sends what this machine has; the other goes on."""
    ada, bob = pair
    attacker.git("update-ref", "-d", "refs/heads/main")
    with terminal("repair", env=ada.env) as screen:
        screen.expect("it would lose 2 files")
        screen.expect("Repair vault vault? [y/N]")
        screen.type("y")
        screen.expect("Vault vault is repaired.")
        assert screen.ends() == 0
    ada.write("memory/new.md", "new\n")
    for person in (ada, bob):
        assert person.types("now").status == 0
    assert (bob.read("MEMORY.md"), bob.read("memory/new.md")) == ("# Memory\n", "new\n")

"""`memory-sync confirm`: shows what a halt has stopped, asks, and lets exactly that pass."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal


@pytest.fixture
def emptied(pair: tuple[Person, Person]) -> tuple[Person, Person]:
    """Give two machines in sync, of which the first has just lost all its files."""
    ada, bob = pair
    shutil.rmtree(ada.agent / "memory")
    (ada.agent / "MEMORY.md").unlink()
    assert ada.types("now").status == 7
    return ada, bob


def test_i23_it_shows_what_it_does_and_asks(emptied: tuple[Person, Person]) -> None:
    """At a terminal Enter alone means no; yes lets it pass, and the files are gone elsewhere."""
    ada, bob = emptied
    with terminal("confirm", env=ada.env) as screen:
        screen.expect("This will delete 2 files in the vault (memory/MEMORY.md, memory/memory/2026")
        screen.expect("Let this pass for root memory? [y/N]")
        screen.type("")
        assert screen.ends() == 7
    bob.types("now")
    assert bob.read("MEMORY.md") == "# Memory\n"
    with terminal("confirm", env=ada.env) as screen:
        screen.expect("[y/N]")
        screen.type("y")
        assert screen.ends() == 0
    assert ada.types("now").status == 0
    # An emptied vault is asked about on the other machine, too.
    assert bob.types("now").status == 7
    assert bob.types("confirm", "--yes").status == 0
    assert bob.read("MEMORY.md") is None


def test_without_a_terminal_it_wants_yes(emptied: tuple[Person, Person]) -> None:
    """Nobody is there to ask: nothing is done, and the hint is the command that does it."""
    ada, _ = emptied
    ran = ada.types("confirm")
    assert ran.status == 2
    assert "hint: memory-sync confirm --root memory --yes" in ran.err
    assert ada.types("now").status == 7


def test_a_script_confirms_with_yes(emptied: tuple[Person, Person]) -> None:
    """`--yes --json` lets it pass and tells what travelled."""
    ada, _ = emptied
    ran = ada.types("confirm", "--yes", "--json")
    assert ran.status == 0
    [row] = ran.answer["data"]["vaults"]
    assert row["up"] == ["memory/MEMORY.md", "memory/memory/2026-01-01.md"]


def test_only_a_root_that_there_is(emptied: tuple[Person, Person]) -> None:
    """`--root` with a name that no root has is an error that names those there are."""
    ada, _ = emptied
    ran = ada.types("confirm", "--root", "other", "--yes")
    assert ran.status == 2
    assert "There is no root other; there is: memory." in ran.err
    assert ada.types("now").status == 7


def test_i22_a_lost_marker_is_confirmed_without_a_delete(pair: tuple[Person, Person]) -> None:
    """The folder was made anew: what the vault has comes back, and what is new goes up."""
    ada, bob = pair
    shutil.rmtree(ada.agent)
    ada.write("memory/new.md", "new\n")
    ran = ada.types("confirm", "--yes")
    assert ran.status == 0
    assert "united with the vault. Nothing is deleted." in ran.err
    bob.types("now")
    for person in pair:
        assert person.read("MEMORY.md") == "# Memory\n"
        assert person.read("memory/new.md") == "new\n"


def test_nothing_to_confirm(pair: tuple[Person, Person]) -> None:
    """Where nothing is halted, it says so."""
    ada, _ = pair
    assert ada.types("confirm").out == "Nothing is halted.\n"


def test_i23_it_goes_through_the_daemon(pair: tuple[Person, Person]) -> None:
    """The daemon shows the halt in `status` with what it stopped; `confirm` ends it there."""
    ada, bob = pair
    ada.configure(QUICK)
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        shutil.rmtree(ada.agent / "memory")
        (ada.agent / "MEMORY.md").unlink()
        until(lambda: ada.state() == "halted")
        ran = ada.types("status", "--json", "--exit-code")
        assert ran.status == 7
        [problem] = ran.answer["data"]["vaults"][0]["problems"]
        assert problem["code"] == "root-emptied"
        assert problem["would"]["counts"] == {"delete-remote": 2}
        assert problem["would"]["paths"] == ["memory/MEMORY.md", "memory/memory/2026-01-01.md"]
        assert "this was stopped: delete 2 files in the vault" in ada.types("status").out
        assert ada.types("confirm", "--yes").status == 0
        until(lambda: ada.state() == "idle")
    assert bob.types("now").status == 7


def test_i23_a_halt_ends_by_itself_in_the_daemon(pair: tuple[Person, Person]) -> None:
    """The disk is mounted again, so to speak: the daemon goes on without being told."""
    ada, bob = pair
    ada.configure(QUICK)
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        shutil.move(ada.agent, f"{ada.agent}.unmounted")
        ada.agent.mkdir()
        until(lambda: ada.state() == "halted")
        ada.agent.rmdir()
        shutil.move(f"{ada.agent}.unmounted", ada.agent)
        until(lambda: ada.state() == "idle")
        ada.write("MEMORY.md", "after\n")
        until(lambda: "MEMORY.md" in bob.types("now").out or bob.read("MEMORY.md") == "after\n")

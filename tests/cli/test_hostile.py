"""What a hostile key holder seals, as the person sees it who pulls it."""

from __future__ import annotations

from memory_sync.vault.keys import parse_identity
from tests.cli.person import QUICK, Person, until
from tests.engine.sealing import Holder, archive, block, packed, padded

GOOD = "memory/memory/good.md"
OUT = "memory/../escaped.md"
TWO = "memory/memory/two.md"


def holder(person: Person) -> Holder:
    """Return a key holder with a person's key."""
    (file,) = person.places.keys.glob("age1*.txt")
    return Holder(parse_identity(file.read_text()), person.remote)


def test_i66_a_daemon_shows_what_it_refuses_and_goes_on(ada: Person) -> None:
    """`status` names the objects and why, the log has no traceback, and the good file is there."""
    ada.configure(QUICK)
    assert ada.init().status == 0
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        two = block(TWO, 2) + padded(b"1\n") + block("../x", 2) + padded(b"2\n") + bytes(1024)
        holder(ada).seal(
            {
                OUT: packed(archive(OUT)),
                TWO: packed(two),
                GOOD: packed(archive(GOOD, b"good\n")),
            }
        )
        until(lambda: ada.read("memory/good.md") == "good\n")
        until(lambda: len(problems(ada)) == 2)
        assert {problem["code"] for problem in problems(ada)} == {"object-broken"}
        shown = ada.types("status").out
        assert "it has an empty, . or .. part" in shown
        assert "it holds more than one file" in shown
        ada.write("MEMORY.md", "# An edit still goes up\n")
        assert ada.types("now", "--json").answer["data"]["vaults"]
    assert "Traceback" not in ada.places.log_file.read_text()
    assert not (ada.agent.parent / "escaped.md").exists()
    assert not (ada.agent / "escaped.md").exists()


def problems(person: Person) -> list[dict[str, str]]:
    """Return what `status` shows of the vault."""
    (row,) = person.types("status", "--json").answer["data"]["vaults"]
    found: list[dict[str, str]] = row["problems"]
    return found

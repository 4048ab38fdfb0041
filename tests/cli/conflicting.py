"""Two machines that have changed the same lines."""

from __future__ import annotations

from pathlib import Path

from tests.cli.person import Person

Pair = tuple[Person, Person]
START = "# Memory\n- one\n- two\n- three\n"
ADAS, BOBS = START.replace("two", "two A"), START.replace("two", "two B")
BOTH = START.replace("- two\n", "- two A\n- two B\n")
FILE = "memory/MEMORY.md"


def conflict(pair: Pair, path: str = "MEMORY.md", ada: str = ADAS, bob: str = BOBS) -> None:
    """Let both change one file of four lines; bob's becomes the copy, and both know of it."""
    pair[0].write(path, START)
    for person in pair:
        assert person.types("now").status == 0
    pair[0].write(path, ada)
    pair[1].write(path, bob)
    for person in (pair[0], pair[1], pair[0]):
        person.types("now")
    assert all(len(copies(person)) == 1 for person in pair)


def copies(person: Person) -> list[Path]:
    """Return the conflict copies that lie on a machine."""
    folder = person.places.vault_state("vault") / "conflicts"
    return sorted(file for file in folder.rglob("*Z-*") if file.is_file())


def settled(pair: Pair) -> set[str | None]:
    """Sync until nobody has anything to do, and return what stands in the file on each."""
    for person in pair * 3:
        person.types("now")
    return {person.read("MEMORY.md") for person in pair}

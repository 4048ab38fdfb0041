"""Two people at two terminals, who bring a key from one machine to the other by six words."""

from __future__ import annotations

from tests.cli.person import Person
from tests.cli.terminal import terminal


def joins(person: Person, *more: str) -> tuple[str, ...]:
    """Return what a person types to join."""
    words = ("join", str(person.agent), "--remote", person.remote, "--device", person.name)
    return (*words, "--yes", *more)


def paired(person: Person, owner: Person) -> str:
    """Let a person join, both saying yes to the words; return what both screens showed."""
    with terminal(*joins(person), env=person.env) as new:
        new.expect("[y/N]")
        with terminal("pair", env=owner.env) as old:
            old.expect("[y/N]")
            old.type("y")
            assert old.ends() == 0, old.shown
        new.type("y")
        assert new.ends() == 0, new.shown
    return new.shown + old.shown

"""What is said of a root that brings nothing, or of a command about roots that is mistyped."""

from __future__ import annotations

import shlex

import pytest

from tests.cli.person import Person
from tests.cli.projecting import (
    make_project,
    remember,
    syncs,
    top,
)


@pytest.fixture
def noted(pair: tuple[Person, Person]) -> tuple[Person, Person]:
    """Return two machines, of which the first has put notes into the vault that no usual name."""
    ada, bob = pair
    for person in pair:
        (top(person) / "notes").mkdir()
    (top(ada) / "notes" / "a.md").write_text("a\n")
    (top(ada) / "notes" / "b.md").write_text("b\n")
    place = str(top(ada) / "notes")
    ran = ada.types("roots", "add", place, "--name", "notes", "--include", "**/*.md", "--yes")
    assert ran.status == 0, ran
    assert bob.types("now").status == 0
    return ada, bob


def test_the_hint_for_a_root_of_another_machine_brings_its_files(
    noted: tuple[Person, Person],
) -> None:
    """It has the patterns that it takes, and typed as it is it brings them all."""
    bob = noted[1]
    (hint,) = (
        line for line in bob.types("roots").out.splitlines() if line.startswith("hint: memory-sync")
    )
    words = shlex.split(hint)[2:]
    assert words == ["roots", "add", "FOLDER", "--name", "notes", "--include", "**/*.md"]
    place = top(bob) / "notes"
    words[2] = str(place)
    assert bob.types(*words, "--yes").status == 0
    assert (place / "a.md").read_text() == "a\n"


def test_a_root_of_one_file_comes_with_that_file_alone(pair: tuple[Person, Person]) -> None:
    """The hint names it, and not all of its kind that lie in the folder."""
    ada, bob = pair
    (top(ada) / "codex").mkdir()
    (top(ada) / "codex" / "AGENTS.md").write_text("x\n")
    words = ("roots", "add", str(top(ada) / "codex"), "--name", "one", "--include", "AGENTS.md")
    assert ada.types(*words, "--yes").status == 0
    syncs(bob)
    hint = "hint: memory-sync roots add FOLDER --name one --include AGENTS.md\n"
    assert hint in bob.types("roots").out


def test_what_the_patterns_do_not_name_is_not_counted_as_coming(
    noted: tuple[Person, Person],
) -> None:
    """It is said how many files that are, and what would name them, before anything is asked."""
    bob = noted[1]
    words = ("roots", "add", str(top(bob) / "notes"), "--name", "notes")
    asked = bob.types(*words)
    assert asked.status == 2
    left = "2 files there are not named by MEMORY.md, memory/**/*.md, and will not come."
    assert left in asked.err
    assert "--name notes --include '**/*.md'\n" in asked.err
    ran = bob.types(*words, "--yes", "--json")
    counted = ran.answer["data"]["comparison"]
    assert (counted["only_there"], counted["not_named"], counted["naming"]) == (0, 2, ["**/*.md"])
    assert left in ran.err
    assert 'With include = ["**/*.md"] in the root\'s configuration they do: ${EDITOR' in ran.err


def test_other_patterns_than_a_root_has_are_set_in_the_configuration(
    noted: tuple[Person, Person],
) -> None:
    """The hint opens it."""
    bob = noted[1]
    words = ("roots", "add", str(top(bob) / "notes"), "--name", "notes", "--yes")
    assert bob.types(*words).status == 0
    for more in (("--include", "**/*.md"), ("--direction", "pull")):
        (error,) = bob.types(*words, *more, "--json").answer["errors"]
        assert error["hint"] == f"${{EDITOR:-vi}} {bob.places.config_file}"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("roots", "rename", "memory", "a/b"), "memory-sync roots rename memory NAME"),
        (("roots", "move", "nothing", "/tmp"), "memory-sync roots"),
        (("restore", "memory/MEMORY.md", "--time", "yesterday"), "memory-sync restore --help"),
        (("restore", "memory/MEMORY.md", "--at", "yesterday"), "memory-sync restore --help"),
    ],
)
def test_a_hint_is_about_the_command_that_was_typed(
    pair: tuple[Person, Person], words: tuple[str, ...], hint: str
) -> None:
    """Not about another one, nor about all of them."""
    ran = pair[0].types(*words, "--json")
    assert (ran.status, ran.answer["errors"][0]["hint"]) == (2, hint)


def test_a_project_cannot_be_mapped_to_what_is_no_name(both: tuple[Person, Person]) -> None:
    """The hint is the command with another name."""
    ada, _ = both
    here = make_project(top(ada) / "widget")
    remember(top(ada), here, MEMORY="# Widget\n")
    ran = ada.types("roots", "map", str(here), "a/b", "--json")
    assert ran.codes == ["name-invalid"]
    assert ran.answer["errors"][0]["hint"] == f"memory-sync roots map {here} NAME"

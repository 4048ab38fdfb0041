"""Two people's machines, and a vault in a folder between them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conflicting import Pair, conflict
from tests.cli.person import Person
from tests.cli.projecting import kept, settings, top

OWN = ("MEMORY_SYNC_", "GITHUB_TOKEN", "GH_TOKEN", "NO_COLOR", "XPC_", "INVOCATION_", "NOTIFY_")
AGENTS = ("OPENCLAW_", "CLAUDE_", "CODEX_", "GEMINI_", "HERMES_")


def _env(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which nothing of the tester's own can be found."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(OWN + AGENTS)}
    return {**env, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    """Return the first machine, with two memory files."""
    person = Person("laptop", tmp_path, _env(tmp_path))
    person.write("MEMORY.md", "# Memory\n")
    person.write("memory/2026-01-01.md", "- Learned to sync.\n")
    return person


@pytest.fixture
def bob(tmp_path: Path) -> Person:
    """Return the second machine, with nothing on it."""
    return Person("desktop", tmp_path, _env(tmp_path))


@pytest.fixture
def pair(ada: Person, bob: Person) -> tuple[Person, Person]:
    """Return both, with one vault and the same memory."""
    assert ada.init().status == 0
    ada.key_to(bob)
    assert bob.init().status == 0
    return ada, bob


@pytest.fixture
def both(pair: tuple[Person, Person]) -> tuple[Person, Person]:
    """Return two machines with one vault that keep projects, in different places."""
    for person in pair:
        kept(top(person)).mkdir(parents=True)
        person.configure(settings(top(person)))
    return pair


@pytest.fixture
def torn(pair: Pair) -> Pair:
    """Return two machines with one conflict, whose base has four lines."""
    conflict(pair)
    return pair

"""The program's own files in a folder that is synced: they neither leave nor are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_sync.vault.keys import parse_identity
from tests.cli.person import Person
from tests.engine.sealing import Holder, archive, packed


@pytest.fixture
def within(tmp_path: Path, ada: Person) -> Person:
    """Return a machine whose home lies in the agent's folder, of which every file is synced."""
    ada.home.rmdir()
    ada.home = ada.agent / ".memory"
    ada.home.mkdir(0o700)
    ada.env["MEMORY_SYNC_HOME"] = str(ada.home)
    ada.write("notes/day.txt", "noon\n")
    assert ada.init("--include", "**/*").status == 0
    return ada


def holder(person: Person) -> Holder:
    """Return a key holder with a person's key."""
    (file,) = person.places.keys.glob("age1*.txt")
    return Holder(parse_identity(file.read_text()), person.remote)


def vault_paths(person: Person) -> set[str]:
    """Return the paths that the vault holds, as a sync just saw them."""
    from memory_sync.app.context import load_context
    from memory_sync.app.standing import remembered_files

    context = load_context(person.env)
    return set(remembered_files(context, context.settings.vault[0]) or {})


def test_i53_key_state_and_configuration_are_never_sent(within: Person) -> None:
    """A home in a root, with a pattern that names every file: only what is the agent's goes up."""
    assert within.types("now").status == 0
    sent = vault_paths(within)
    assert "memory/notes/day.txt" in sent
    assert not any(path.startswith("memory/.memory/") for path in sent)


@pytest.mark.parametrize(
    "place",
    ["keys/age1.txt", "keys/vault.trust.json", "state/vaults/vault/state.db", "config.toml",
     "token", "logs/daemon.log", "new.txt"],
)  # fmt: skip
def test_i66_a_vault_writes_nothing_onto_our_own_files(within: Person, place: str) -> None:
    """What a key holder seals for a path in our folders stays in the vault; others go on."""
    before = {file: file.read_bytes() for file in within.places.keys.iterdir()}
    config = within.places.config_file.read_bytes()
    path = f"memory/.memory/{place}"
    good = "memory/notes/good.txt"
    holder(within).seal({path: packed(archive(path)), good: packed(archive(good, b"good\n"))})
    assert within.types("now").status == 0
    assert within.read("notes/good.txt") == "good\n"
    assert within.places.config_file.read_bytes() == config
    for file, content in before.items():
        assert file.name.endswith(".trust.json") or file.read_bytes() == content
    evil = [file for file in within.home.rglob("*") if file.is_file()]
    assert not any(file.read_bytes() == b"evil\n" for file in evil)


def test_a_home_that_is_the_root_itself(ada: Person) -> None:
    """Then keys, state, configuration and token are left out one by one."""
    ada.agent = ada.home
    ada.write("notes/day.txt", "noon\n")
    assert ada.init("--include", "**/*").status == 0
    assert ada.types("now").status == 0
    assert vault_paths(ada) == {"memory/notes/day.txt"}


def test_a_folder_whose_name_is_a_pattern(tmp_path: Path, within: Person) -> None:
    """A root in a root is left out of the outer one whatever signs are in its name."""
    inner = within.agent / "a[b]*"
    inner.mkdir()
    (inner / "MEMORY.md").write_text("inner\n")
    words = ("init", str(inner), "--name", "inner", "--vault", "vault", "--yes")
    assert within.types(*words).status == 0
    assert within.types("now").status == 0
    assert {path for path in vault_paths(within) if "inner" in path or "a[b]" in path} == {
        "inner/MEMORY.md"
    }

"""`memory-sync ignored`: which rule decides about a file."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.cli.person import Person, until


@pytest.fixture
def owner(ada: Person) -> Person:
    """Return a machine with a vault, an exclude and a file of rules."""
    ada.write(".memorysyncignore", "# what is mine\ndraft-*\n!memory/.env.md\n")
    assert ada.init().status == 0
    text = ada.places.config_file.read_text()
    ada.places.config_file.write_text(
        text.replace(
            "[[vault.root]]", '[[vault.root]]\nexclude = ["memory/old"]\nmax_size = 100', 1
        )
    )
    return ada


def asked(owner: Person, path: str) -> dict[str, Any]:
    """Ask about a path of the agent's folder."""
    ran = owner.types("ignored", str(owner.agent / path), "--json")
    assert ran.status == 0, ran
    data: dict[str, Any] = ran.answer["data"]
    return data


@pytest.mark.parametrize(
    ("path", "why", "rule"),
    [
        ("MEMORY.md", "synced", ""),
        ("memory", "synced", ""),
        ("memory/not-there-yet.md", "synced", ""),
        (".memorysyncignore", "synced", ""),
        ("memory/.env.md", "synced", ""),
        ("notes.txt", "include", ""),
        ("memory/old/a.md", "exclude", "memory/old"),
        ("memory/draft-1.md", "ignore-file", "draft-*"),
        ("memory/a.sync-conflict-1.md", "default", "*.sync-conflict-*"),
        ("memory/.git/a.md", "default", ".git/"),
        ("memory/large.md", "too-large", "max_size = 100"),
        ("memory/link.md", "special", "symbolic link"),
        (".memory-sync", "name", "the name is memory-sync's own"),
    ],
)
def test_i55_it_says_which_rule_decides(owner: Person, path: str, why: str, rule: str) -> None:
    """Each reason for which a file is not synced has its word; the exit status is 0."""
    owner.write("memory/large.md", "x" * 101)
    (owner.agent / "memory/link.md").symlink_to("elsewhere")
    data = asked(owner, path)
    assert (data["why"], data["rule"]) == (why, rule)
    assert data["synced"] == (why == "synced")
    assert data["path"] == f"memory/{path}"
    assert data["vault"] == "vault"
    ran = owner.types("ignored", str(owner.agent / path))
    assert ran.status == 0
    said = "is looked into" if path == "memory" else "is synced" if data["synced"] else "is not"
    assert said in ran.out
    assert rule in ran.out


def test_the_line_of_the_file_is_named(owner: Person) -> None:
    """Where to look, and what stands there."""
    data = asked(owner, "memory/draft-1.md")
    assert (data["source"], data["line"]) == (str(owner.agent / ".memorysyncignore"), 2)
    text = owner.types("ignored", str(owner.agent / "memory/draft-1.md")).out
    assert f"line 2 of {owner.agent}/.memorysyncignore leaves it out: draft-*" in text
    text = owner.types("ignored", str(owner.agent / "memory/a.sync-conflict-1.md")).out
    assert "A line !*.sync-conflict-* in .memorysyncignore brings it back." in text
    text = owner.types("ignored", str(owner.agent / "memory/a.md~")).out
    assert "no include pattern" in text


def test_what_it_says_is_what_happens(owner: Person) -> None:
    """A file that it says is synced is sent, and no other."""
    for name in ("a.md", "draft-1.md", "old/b.md", "c.md.sync-conflict-1.md", ".env.md"):
        owner.write(f"memory/{name}", "text\n")
    sent = owner.types("now", "--json").answer["data"]["vaults"][0]["up"]
    assert sorted(sent) == ["memory/memory/.env.md", "memory/memory/a.md"]
    for place in (owner.agent / "memory").rglob("*.md"):
        path = place.relative_to(owner.agent).as_posix()
        again = owner.types("now", "--json").answer["data"]["vaults"][0]
        assert not again["up"]
        expected = path in {"memory/a.md", "memory/.env.md", "memory/2026-01-01.md"}
        assert asked(owner, path)["synced"] == expected, path


def test_a_path_as_the_vault_names_it(owner: Person) -> None:
    """What is there on the disk comes first; else the root's name tells."""
    assert owner.types("ignored", "memory/MEMORY.md", "--json").answer["data"]["synced"]
    ran = owner.types("ignored", "/elsewhere/a.md", "--json")
    assert (ran.status, ran.codes) == (2, ["path-unknown"])
    ran = owner.types("ignored", "memory/a.md", "--vault", "other", "--json")
    assert (ran.status, ran.codes) == (2, ["vault-unknown"])


def test_rules_that_cannot_be_read_are_an_error(owner: Person) -> None:
    """Nobody can say then what is synced, and nothing is."""
    place = owner.agent / ".memorysyncignore"
    place.unlink()
    place.symlink_to("nowhere")
    ran = owner.types("ignored", str(owner.agent / "MEMORY.md"), "--json")
    assert (ran.status, ran.codes) == (1, ["ignore-file"])


def test_a_running_daemon_heeds_a_changed_file_of_rules(pair: tuple[Person, Person]) -> None:
    """At once here, and on the other device as soon as it has come there; also for new folders."""
    ada, bob = pair
    for person in pair:
        person.configure("[daemon]\ndebounce = 0.1\npoll = 0.2\n")
        text = person.places.config_file.read_text()
        person.places.config_file.write_text(
            text.replace("[[vault.root]]", '[[vault.root]]\ninclude = ["**/*.md"]', 1)
        )
    with ada.daemon(), bob.daemon():
        ada.write(".memorysyncignore", "draft-*\n!.idea/\n")
        until(lambda: bob.read(".memorysyncignore") == "draft-*\n!.idea/\n")
        ada.write("memory/draft-1.md", "mine\n")
        ada.write(".idea/deep/a.md", "a\n")
        until(lambda: bob.read(".idea/deep/a.md") == "a\n")
        bob.write(".idea/deep/a.md", "b\n")
        until(lambda: ada.read(".idea/deep/a.md") == "b\n")
        bob.write("memory/draft-2.md", "theirs\n")
        bob.write("memory/last.md", "last\n")
        until(lambda: ada.read("memory/last.md") == "last\n")
        assert ada.read("memory/draft-2.md") is None
        assert bob.read("memory/draft-1.md") is None
        os.unlink(bob.agent / ".memorysyncignore")
        until(lambda: ada.read("memory/draft-2.md") == "theirs\n")
        until(lambda: bob.read("memory/draft-1.md") == "mine\n")


def test_a_folder_of_the_roots_name_in_the_root_is_that_folder(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In root `memory` the path memory/x.md is the file below, while its folder is there."""
    monkeypatch.chdir(owner.agent)
    ran = owner.types("ignored", "memory/not-there-yet.md", "--json")
    assert ran.answer["data"]["path"] == "memory/memory/not-there-yet.md"
    (owner.agent / "memory").rename(owner.agent / "elsewhere")
    ran = owner.types("ignored", "memory/MEMORY.md", "--json")
    assert ran.answer["data"]["path"] == "memory/MEMORY.md"

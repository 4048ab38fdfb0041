"""`memory-sync restore` on a machine that has not heard of the newest version yet."""

from __future__ import annotations

from tests.cli.person import Person

Pair = tuple[Person, Person]


def test_i18_a_restore_that_would_give_way_is_refused(pair: Pair) -> None:
    """Where the vault's newer version has not come yet: after a pull the restore lasts."""
    ada, bob = pair
    first = "# Memory\nfirst\n"
    ada.write("MEMORY.md", first)
    for person in pair:
        assert person.types("now").status == 0
    revision = bob.types("history", "--json").answer["data"]["changes"][0]["revision"]
    ada.write("MEMORY.md", "ruined\n")
    for person in pair:
        assert person.types("now").status == 0
    ada.write("MEMORY.md", "ruined again\n")
    assert ada.types("now").status == 0
    words = ("restore", "memory/MEMORY.md", "--at", revision, "--yes")
    ran = bob.types(*words, "--json")
    assert (ran.status, ran.codes) == (2, ["restore-behind"])
    assert bob.read("MEMORY.md") == "ruined\n"
    assert bob.types("pull").status == 0
    assert bob.types(*words).status == 0
    for person in (bob, ada):
        assert person.types("now").status == 0
    assert ada.read("MEMORY.md") == bob.read("MEMORY.md") == first


def test_the_newest_state_comes_back_without_a_pull(pair: Pair) -> None:
    """It gives way to nothing."""
    ada, bob = pair
    ada.write("MEMORY.md", "newest\n")
    assert ada.types("now").status == 0
    bob.write("MEMORY.md", "mistaken\n")
    assert bob.types("restore", "memory/MEMORY.md", "--at", "head", "--yes").status == 0
    assert bob.types("now").status == 0
    assert bob.read("MEMORY.md") == "newest\n"

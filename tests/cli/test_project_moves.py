"""Projects that are left, moved, copied, or go away: what their folders are then."""

from __future__ import annotations

import os
import shutil

import pytest

from memory_sync.app.context import load_context
from memory_sync.app.projects import Scouting
from tests.cli.person import Person
from tests.cli.projecting import (
    ORIGIN,
    WIDGET,
    kept,
    listed,
    make_project,
    memory_of,
    reasons,
    remember,
    settings,
    syncs,
    top,
)
from tests.daemon.test_worker import Notes


def test_i28_leave_takes_one_project_from_a_machine(both: tuple[Person, Person]) -> None:
    """Its files stay, the marker goes, and what has no table cannot be renamed or moved."""
    ada, bob = both
    here, there = make_project(top(ada) / "widget"), make_project(top(bob) / "w")
    memory = remember(top(ada), here, MEMORY="# Widget\n")
    found = remember(top(bob), there, two="2\n")
    syncs(ada, bob, ada)
    for words in (("rename", WIDGET, "other"), ("move", WIDGET, str(there))):
        ran = bob.types("roots", *words, "--json")
        assert (ran.status, ran.codes) == (2, ["root-found"])
    assert bob.types("leave", "--root", WIDGET, "--yes").status == 0
    assert reasons(bob) == {"w": "left-out"}
    assert sorted(os.listdir(found)) == ["MEMORY.md", "two.md"]
    (memory / "MEMORY.md").write_text("# Changed\n")
    syncs(ada, bob)
    assert (found / "MEMORY.md").read_text() == "# Widget\n"
    assert (memory / "two.md").read_text() == "2\n"


@pytest.mark.parametrize("origin", [ORIGIN, None])
@pytest.mark.parametrize("how", ["left", "moved"])
def test_i28_a_mapped_project_that_is_left_or_moved_is_not_found_again(
    both: tuple[Person, Person], how: str, origin: str | None
) -> None:
    """Not by its origin either, nor by one that it gets later: nothing is sent of it any more."""
    ada, bob = both
    here = make_project(top(ada) / "code" / "widget", origin)
    memory = remember(top(ada), here, MEMORY="- before\n")
    assert ada.types("roots", "map", str(here), "mine", "--yes").status == 0
    if how == "left":
        assert ada.types("leave", "--root", "mine", "--yes").status == 0
    else:
        (top(ada) / "elsewhere").mkdir()
        words = ("roots", "move", "mine", str(top(ada) / "elsewhere"), "--yes")
        ran = ada.types(*words)
        assert ran.status == 0, ran
        assert f"{memory} stays as it is, and is synced no longer." in ran.out
    make_project(here)
    (memory / "MEMORY.md").write_text("- after\n")
    syncs(ada, ada, bob)
    assert [row["name"] for row in listed(bob)["elsewhere"]] == ["mine"]
    assert reasons(ada) == {"widget": "left-out"}
    assert sorted(os.listdir(memory)) == ["MEMORY.md"]
    assert "not synced" not in ada.types("status").out
    assert ada.types("roots", "map", str(here), "again", "--yes").status == 0
    syncs(bob)
    names = [row["name"] for row in listed(bob)["elsewhere"]]
    assert sorted(names) == ["again", "mine"]


def test_i28_a_root_that_is_left_does_not_come_back_in_another_folder(
    both: tuple[Person, Person],
) -> None:
    """Neither the folder that had it before nor a copy takes its place."""
    ada, bob = both
    first, second = make_project(top(ada) / "a"), make_project(top(ada) / "b")
    old = remember(top(ada), first, MEMORY="#\n")
    syncs(ada)
    remember(top(ada), second, other="#\n")
    syncs(ada)
    assert ada.types("roots", "map", str(first), WIDGET, "--yes").status == 0
    syncs(ada)
    shutil.copytree(old.parent, kept(top(ada)) / "-a-copy")
    syncs(ada)
    assert ada.types("leave", "--root", WIDGET, "--yes").status == 0
    (memory_of(top(ada), second) / "late.md").write_text("late\n")
    syncs(ada, bob)
    assert [row["name"] for row in listed(ada)["roots"]] == ["memory"]
    assert [(row["name"], row["files"]) for row in listed(bob)["elsewhere"]] == [(WIDGET, 1)]


def test_i28_a_project_is_left_also_where_it_has_another_origin_by_now(
    both: tuple[Person, Person],
) -> None:
    """Its marker named it; without that, its origin would."""
    ada, _ = both
    here = make_project(top(ada) / "widget")
    remember(top(ada), here, MEMORY="#\n")
    syncs(ada)
    make_project(here, "https://elsewhere.example/x/y")
    assert ada.types("leave", "--root", WIDGET, "--yes").status == 0
    syncs(ada)
    assert [row["name"] for row in listed(ada)["roots"]] == ["memory"]


def test_i30_a_project_follows_its_checkout_to_another_place(
    both: tuple[Person, Person],
) -> None:
    """The agent's new folder is united with the vault; the old one stays, and deletes nothing."""
    ada, bob = both
    here, there = make_project(top(ada) / "code" / "widget"), make_project(top(bob) / "w")
    old = remember(top(ada), here, MEMORY="# Widget\n", one="1\n")
    theirs = remember(top(bob), there, two="2\n")
    syncs(ada, bob, ada)
    (old / "unsent.md").write_text("unsent\n")
    moved = top(ada) / "src" / "widget"
    moved.parent.mkdir()
    here.rename(moved)
    new = remember(top(ada), moved, three="3\n")
    syncs(ada, bob, ada)
    every = [".memory-sync", "MEMORY.md", "one.md", "three.md", "two.md"]
    assert sorted(os.listdir(new)) == sorted(os.listdir(theirs)) == every
    assert (old / "unsent.md").read_text() == "unsent\n"
    assert sorted(path.name for path in old.glob("*.md")) == [
        "MEMORY.md", "one.md", "two.md", "unsent.md",
    ]  # fmt: skip
    (row,) = listed(ada)["projects"]
    assert (row["reason"], row["folder"]) == ("twin", str(old.parent))
    # What is deleted now is deleted, and only where the memory is; also once both are there.
    (new / "three.md").unlink()
    make_project(here)
    syncs(ada, bob, ada)
    assert sorted(os.listdir(theirs)) == [name for name in every if name != "three.md"]
    assert [row["folder"] for row in listed(ada)["projects"]] == [str(old.parent)]
    # Nor does it take anything back where what was found is forgotten.
    shutil.rmtree(here)
    ada.places.projects_file.unlink()
    syncs(ada)
    assert [row["folder"] for row in listed(ada)["projects"]] == [str(old.parent)]
    # The old folder comes back only as one that is united, too.
    shutil.rmtree(new.parent)
    syncs(ada, bob)
    assert "unsent.md" in os.listdir(theirs)
    assert (theirs / "one.md").read_text() == "1\n"


@pytest.mark.parametrize("name", ["mine", WIDGET])
def test_i30_a_mapped_root_follows_its_checkout_with_two_commands(
    both: tuple[Person, Person], name: str
) -> None:
    """They are the ones that the docs name; the old folder keeps its files and comes back not."""
    ada, _ = both
    here, moved = make_project(top(ada) / "widget"), top(ada) / "moved"
    old = remember(top(ada), here, MEMORY="#\n")
    assert ada.types("roots", "map", str(here), name, "--yes").status == 0
    here.rename(moved)
    new = remember(top(ada), moved, two="2\n")
    syncs(ada)
    assert ada.types("leave", "--root", name, "--yes").status == 0
    ran = ada.types("roots", "map", str(moved), name, "--yes")
    assert ran.status == 0, ran
    syncs(ada)
    assert [(row["name"], row["path"]) for row in listed(ada)["roots"]][1:] == [(name, str(new))]
    assert sorted(os.listdir(new)) == [".memory-sync", "MEMORY.md", "two.md"]
    assert os.listdir(old) == ["MEMORY.md"]


def test_i30_a_checkout_is_followed_also_where_its_old_place_is_not_known(
    both: tuple[Person, Person],
) -> None:
    """What was found is forgotten between the move and the agent's new folder."""
    ada, bob = both
    here, moved = make_project(top(ada) / "a"), top(ada) / "b"
    old = remember(top(ada), here, MEMORY="#\n", one="1\n")
    syncs(ada)
    here.rename(moved)
    ada.places.projects_file.unlink()
    syncs(ada)
    new = remember(top(ada), moved, two="2\n")
    syncs(ada, bob)
    assert sorted(os.listdir(new)) == [".memory-sync", "MEMORY.md", "one.md", "two.md"]
    assert sorted(os.listdir(old)) == [".memory-sync", "MEMORY.md", "one.md"]
    assert [(row["name"], row["files"]) for row in listed(bob)["elsewhere"]] == [(WIDGET, 3)]


def test_a_checkout_that_is_gone_alone_changes_nothing(ada: Person) -> None:
    """A copy of the agent's folder, of which no project is here, does not take its place."""
    ada.init()
    ada.configure(settings(top(ada)))
    here = make_project(top(ada) / "widget")
    memory = remember(top(ada), here, MEMORY="#\n")
    syncs(ada)
    shutil.rmtree(here)
    shutil.copytree(memory.parent, kept(top(ada)) / "-a-copy")
    syncs(ada)
    (row,) = [row for row in listed(ada)["roots"] if row["name"] == WIDGET]
    assert row["path"] == str(memory)


def test_i30_a_copied_folder_is_no_root_of_what_it_was_copied_from(
    both: tuple[Person, Person],
) -> None:
    """Its marker came along, and it lacks what came since: both sides are united."""
    ada, bob = both
    here, there = make_project(top(ada) / "widget"), make_project(top(bob) / "w")
    old = remember(top(ada), here, MEMORY="# Widget\n")
    found = remember(top(bob), there, two="2\n")
    syncs(ada, bob, ada)
    moved = top(ada) / "gadget"
    shutil.copytree(old.parent, memory_of(top(ada), moved).parent)
    (found / "fresh.md").write_text("fresh\n")
    (found / "two.md").write_text("2\nmore\n")
    syncs(bob, ada)
    here.rename(moved)
    shutil.rmtree(old.parent)
    for person in (ada, bob):
        person.types("now")
    assert (found / "fresh.md").read_text() == "fresh\n"
    assert (found / "two.md").read_text() == "2\nmore\n"


def test_a_project_that_goes_away_is_deleted_nowhere(both: tuple[Person, Person]) -> None:
    """Neither its folder nor its memory's stops anything; what comes back is united."""
    ada, bob = both
    here, there = make_project(top(ada) / "widget"), make_project(top(bob) / "w")
    memory = remember(top(ada), here, MEMORY="# Widget\n", one="1\n")
    other = remember(top(bob), there, three="3\n")
    syncs(ada, bob, ada)
    shutil.rmtree(memory.parent)
    syncs(ada)
    assert ada.state() == "stopped"
    (other / "one.md").write_text("one\n")
    syncs(bob, ada, bob)
    assert sorted(os.listdir(other)) == [".memory-sync", "MEMORY.md", "one.md", "three.md"]
    assert not memory.exists()
    remember(top(ada), here, four="4\n")
    syncs(ada, bob)
    names = [".memory-sync", "MEMORY.md", "four.md", "one.md", "three.md"]
    assert sorted(os.listdir(memory)) == sorted(os.listdir(other)) == names
    assert (memory / "one.md").read_text() == "one\n"
    shutil.rmtree(memory)
    syncs(ada, bob)
    assert sorted(os.listdir(memory)) == sorted(os.listdir(other)) == names


def test_of_two_folders_of_one_project_the_one_that_was_first_stays(ada: Person) -> None:
    """The other one is listed, with the folder that has it; neither's files are touched."""
    ada.init()
    ada.configure(settings(top(ada)))
    later = remember(top(ada), make_project(top(ada) / "b"), MEMORY="b\n")
    syncs(ada)
    early = remember(top(ada), make_project(top(ada) / "a"), MEMORY="a\n")
    syncs(ada)
    (row,) = listed(ada)["projects"]
    assert (row["reason"], row["folder"]) == ("twin", str(early.parent))
    assert row["message"] == f"it is the same project as {later}"
    assert (early / "MEMORY.md").read_text() == "a\n"
    assert (later / "MEMORY.md").read_text() == "b\n"
    assert sorted(os.listdir(early)) == ["MEMORY.md"]
    copy = kept(top(ada)) / "-a-copy"
    shutil.copytree(later.parent, copy)
    syncs(ada)
    assert {row["folder"]: row["reason"] for row in listed(ada)["projects"]} == {
        str(early.parent): "twin",
        str(copy): "twin",
    }


def test_a_folder_stays_the_root_that_its_marker_names(ada: Person) -> None:
    """Another origin later on, or none, parts nothing that belongs together."""
    ada.init()
    ada.configure(settings(top(ada)))
    project = make_project(top(ada) / "widget")
    remember(top(ada), project, MEMORY="#\n")
    syncs(ada)
    make_project(project, "https://elsewhere.example/x/y")
    ada.places.projects_file.unlink()
    syncs(ada)
    assert [row["name"] for row in listed(ada)["roots"]] == ["memory", WIDGET]
    shutil.rmtree(project)
    syncs(ada)
    assert [row["name"] for row in listed(ada)["roots"]] == ["memory", WIDGET]


@pytest.mark.parametrize("how", ["copied", "moved"])
def test_i30_a_folder_with_a_marker_is_the_root_of_the_project_that_it_lies_at(
    both: tuple[Person, Person], how: str
) -> None:
    """Not of the one that it was copied or moved from, whose words would come into it."""
    ada, _ = both
    widget = make_project(top(ada) / "widget")
    gadget = make_project(top(ada) / "gadget", "git@github.com:ada/gadget.git")
    old = remember(top(ada), widget, MEMORY="# Widget\n").parent
    syncs(ada)
    new = memory_of(top(ada), gadget)
    if how == "copied":
        shutil.copytree(old, new.parent)
    else:
        old.rename(new.parent)
    syncs(ada)
    names = {row["path"]: row["name"] for row in listed(ada)["roots"]}
    assert names[str(new)].startswith("claude-gadget")


def test_a_memory_that_comes_later_is_seen_with_the_next_glance(ada: Person) -> None:
    """Where the project's folder is known already, and only the memory in it is new."""
    ada.init()
    ada.configure(settings(top(ada)))
    project = make_project(top(ada) / "a", "https://h.example/a")
    memory = memory_of(top(ada), project)
    memory.parent.mkdir(parents=True)
    log, scout = Notes(), Scouting(load_context(ada.env))
    for _ in range(3):
        scout(log)
    assert log.events == []
    memory.mkdir()
    for _ in range(3):
        scout(log)
    (memory / "MEMORY.md").write_text("#\n")
    scout(log)
    assert [event for event, _ in log.events] == ["project.mapped"]

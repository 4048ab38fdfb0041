"""Folders of projects that are copied, moved, or get their memory later."""

from __future__ import annotations

import shutil

import pytest

from memory_sync.app.context import load_context
from memory_sync.app.projects import Scouting
from tests.cli.person import Person
from tests.cli.projecting import make_project, memory_of, remember, settings
from tests.cli.test_roots import both, listed, syncs, top
from tests.daemon.test_worker import Notes

__all__ = ["both"]


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

"""Roots made of projects that were found, and edits of one configuration by several."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from memory_sync.config import writing
from memory_sync.config.found import Project, read_projects, write_projects
from memory_sync.config.loading import load
from memory_sync.config.projects import ProjectRoot, with_projects, without_projects
from memory_sync.config.settings import ProjectsSettings, RootSettings, Settings, VaultSettings
from memory_sync.config.writing import add_root, add_vault
from memory_sync.errors import FileUnwritableError

TOP = "/home/ada/.claude/projects"
FOUND = Project("v", TOP, "-home-ada-x", "claude-x-1")


def settings(**more: Any) -> Settings:
    """Return a configuration with one vault that keeps projects."""
    projects = ProjectsSettings(path=Path(TOP), exclude=("draft.md",), direction="push")
    vault = {"name": "v", "remote": "file:///v.git", "projects": (projects,), **more}
    return Settings(vault=(VaultSettings(**vault),))


def test_a_project_is_a_root_with_the_settings_of_its_table() -> None:
    """And is none any more when it is not found."""
    before = settings()
    made = with_projects(before, (FOUND,))
    (root,) = made.vault[0].root
    assert isinstance(root, ProjectRoot)
    assert (root.name, root.path) == ("claude-x-1", Path(TOP, "-home-ada-x", "memory"))
    assert (root.include, root.exclude, root.direction) == (("**/*.md",), ("draft.md",), "push")
    assert with_projects(made, (FOUND,)) == made
    assert with_projects(made, ()) == without_projects(made) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "twin"},
        {"vault": "w"},
        {"top": "/home/ada"},
        {"folder": "../../x"},
        {"folder": "-/../../x"},
        {"folder": "x"},
        {"folder": "-x\ny"},
        {"name": ""},
        {"name": ".conflicts"},
        {"name": "a/b"},
        {"name": "KEPT"},
    ],
)
def test_a_row_that_does_not_fit_is_no_root(fields: dict[str, str]) -> None:
    """Whatever the file says: no other folder, no name that cannot be, none that is taken."""
    kept = RootSettings(path=Path("/k"), name="kept")
    row = FOUND._replace(**fields)
    assert with_projects(settings(root=(kept,)), (row,)).vault[0].root == (kept,)


def test_a_root_of_the_configuration_comes_first() -> None:
    """With a project's folder under another name; of two projects with one name the first."""
    mine = RootSettings(path=FOUND.memory, name="mine")
    twin = Project("v", TOP, "-home-ada-y", "CLAUDE-x-1")
    assert with_projects(settings(root=(mine,)), (FOUND,)).vault[0].root == (mine,)
    (root,) = with_projects(settings(), (FOUND, twin)).vault[0].root
    assert root.path == FOUND.memory


def test_what_was_found_is_read_again(tmp_path: Path) -> None:
    """As it was written, privately."""
    file = tmp_path / "state" / "projects.json"
    write_projects(file, (FOUND,))
    assert read_projects(file) == (FOUND,)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"projects": 3}', '{"projects": [{}]}', "[" * 9999]
)
def test_a_file_that_says_nothing_sensible_tells_of_nothing(tmp_path: Path, text: str) -> None:
    """A broken one is written anew at the next look."""
    (tmp_path / "f").write_text(text)
    assert read_projects(tmp_path / "f") == ()
    assert read_projects(tmp_path / "none") == ()
    os.mkfifo(tmp_path / "pipe")
    assert read_projects(tmp_path / "pipe") == ()


def test_of_edits_at_the_same_time_none_is_lost(tmp_path: Path) -> None:
    """Each reads what the one before has written."""
    config = tmp_path / "config.toml"
    add_vault(config, VaultSettings(name="v", remote="file:///v.git"))
    names = [f"r{number}" for number in range(8)]
    ready = threading.Barrier(len(names))

    def edit(name: str) -> None:
        ready.wait()
        add_root(config, "v", RootSettings(path=tmp_path / name, name=name))

    threads = [threading.Thread(target=edit, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(root.name for root in load(config, {}).vault[0].root) == names


def test_an_edit_waits_for_another_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is an error, and the file is as it was."""
    monkeypatch.setattr(writing, "PATIENCE", 0.1)
    config = tmp_path / "config.toml"
    vault = VaultSettings(name="v", remote="file:///v.git")
    with writing._alone(config), pytest.raises(FileUnwritableError):
        add_vault(config, vault)
    assert not config.exists()
    add_vault(config, vault)
    assert json.loads(load(config, {}).vault[0].model_dump_json())["name"] == "v"

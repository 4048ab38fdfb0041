"""Finding a project again from its encoded path, and its origin, on a disk that may be hostile."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from memory_sync.ports.projects import CONFIG_SIZE, Exhausted, Finder, encoded, origin_of
from tests.cli.projecting import make_project

URL = "https://host.example/a/b"
ORIGIN = "host.example/a/b"


def paths(name: str, top: Path, **bounds: int) -> list[str]:
    """Return the folders that a name stands for, below a folder that is taken for the top."""
    return [found.path for found in Finder(str(top), **bounds).find(name)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/ada/widget", "-home-ada-widget"),
        ("/home/ada/my.widget_2", "-home-ada-my-widget-2"),
        ("/home/\u00e4da/\U0001f600", "-home--da---"),
    ],
)
def test_a_path_is_encoded_as_the_agent_does(path: str, name: str) -> None:
    """Each character that is no ASCII letter or digit is a dash; one beyond 16 bits is two."""
    assert encoded(path) == name


@pytest.mark.parametrize(
    "path", ["widget", "my-widget", "a.b/c_d/-e-", "a/b/c/d/e/f/g/h", "--", "\u00e4/\U0001f600 x"]
)
def test_a_path_is_found_again(tmp_path: Path, path: str) -> None:
    """Whatever its name has dashes from; one letter more or less is not it."""
    project = tmp_path / path
    project.mkdir(parents=True)
    assert paths(encoded(str(project)), tmp_path) == [str(project)]
    assert paths(encoded(str(project)) + "x", tmp_path) == []
    assert paths(encoded(str(project))[:-1], tmp_path) == []
    assert paths("nonsense", tmp_path) == []


def test_the_walk_begins_at_the_top_of_the_disk(tmp_path: Path) -> None:
    """A name is that of an absolute path."""
    project = make_project(tmp_path / "widget", URL)
    (found,) = Finder().find(encoded(str(project)))
    assert found == (str(project), ORIGIN, "")


def test_all_folders_that_a_name_may_stand_for_are_found(tmp_path: Path) -> None:
    """None is guessed; files and links are no folders."""
    for path in ("a/b/c", "a-b/c", "a/b.c", "a-b-c"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "a_b_c").write_text("")
    (tmp_path / "a.b.c").symlink_to(tmp_path / "a-b-c")
    (tmp_path / "a.b").symlink_to(tmp_path / "a-b")
    (tmp_path / "a" / "b-c").symlink_to(tmp_path)
    found = paths(encoded(f"{tmp_path}/a/b/c"), tmp_path)
    assert found == sorted(f"{tmp_path}/{path}" for path in ("a/b/c", "a-b/c", "a/b.c", "a-b-c"))


def test_folders_that_a_name_cannot_lead_to_are_not_looked_at(tmp_path: Path) -> None:
    """So a disk with very many folders costs no more than those on the way."""
    (tmp_path / "way" / "widget").mkdir(parents=True)
    for number in range(50):
        (tmp_path / f"other{number}" / "deep").mkdir(parents=True)
    name = encoded(f"{tmp_path}/way/widget")
    assert paths(name, tmp_path, folders=2) == [f"{tmp_path}/way/widget"]


def test_a_walk_that_would_take_too_long_says_so(tmp_path: Path) -> None:
    """Rather than take the first folder of several for the only one."""
    for one in ("a", "a-", "a--"):
        for two in ("b", "-b", "--b"):
            (tmp_path / one / two / "c").mkdir(parents=True)
    name = encoded(f"{tmp_path}/a---b/c")
    assert len(paths(name, tmp_path)) == 3
    with pytest.raises(Exhausted):
        paths(name, tmp_path, folders=3)
    with pytest.raises(Exhausted):
        paths(name, tmp_path, entries=2)


def test_a_folder_that_cannot_be_listed_hides_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the homes that is usual: the way to one's own is known."""
    project = tmp_path / "home" / "a.da" / "widget"
    project.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(project.parent))
    real = os.scandir

    def closed(path: str) -> object:
        if path == str(tmp_path / "home"):
            raise PermissionError
        return real(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert paths(encoded(str(project)), tmp_path) == [str(project)]
    assert paths(encoded(f"{tmp_path}/home/other/widget"), tmp_path) == []


# --- the origin -----------------------------------------------------------------------------


def test_the_origin_of_a_project_in_its_repository(tmp_path: Path) -> None:
    """The nearest repository counts, with the project's place in it."""
    make_project(tmp_path / "repo", URL)
    (tmp_path / "repo" / "tools" / "x").mkdir(parents=True)
    assert origin_of(str(tmp_path / "repo")) == (ORIGIN, "")
    assert origin_of(str(tmp_path / "repo" / "tools" / "x")) == (ORIGIN, "tools/x")
    make_project(tmp_path / "repo" / "tools", "/srv/local.git")
    assert origin_of(str(tmp_path / "repo" / "tools" / "x")) == ("", "")


def test_a_worktree_and_a_submodule_have_their_repositorys_origin(tmp_path: Path) -> None:
    """As git lays them out: a file that names a folder, which may name the common one."""
    main = make_project(tmp_path / "main", URL)
    inside = main / ".git" / "worktrees" / "w"
    inside.mkdir(parents=True)
    (inside / "commondir").write_text("../..\n")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".git").write_text(f"gitdir: {inside}\n")
    assert origin_of(str(tmp_path / "w")) == (ORIGIN, "")
    module = main / ".git" / "modules" / "m"
    module.mkdir(parents=True)
    (module / "config").write_text('[remote "origin"]\nurl = git@host.example:x/y.git\n')
    (main / "m").mkdir()
    (main / "m" / ".git").write_text("gitdir: ../.git/modules/m\n")
    assert origin_of(str(main / "m")) == ("host.example/x/y", "")


def _config(text: str) -> bytes:
    return text.encode()


HOSTILE = {
    "huge": b"#" * 10_000_000 + _config(f'\n[remote "origin"]\nurl = {URL}\n'),
    "nearly": b"#" * CONFIG_SIZE + _config(f'\n[remote "origin"]\nurl = {URL}\n'),
    "no origin": _config(f'[remote "other"]\nurl = {URL}\n'),
    "no url": b'[remote "origin"]\nfetch = x\n',
    "no text": b'[remote "origin"]\nurl = \xff\xfe\n',
    "nonsense": b'[remote "origin"\nurl = x',
    "no section": b'x = 1\n[remote "origin"]\n',
    "a value of the wrong kind": b'[remote "origin"]\nurl\n',
    "an escape that is none": b'[remote "origin"]\nurl = "\\z\n',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_configuration_is_no_origin(tmp_path: Path, content: bytes) -> None:
    """Nothing is raised, and nothing takes long."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(content)
    began = time.process_time()
    assert origin_of(str(tmp_path)) == ("", "")
    assert time.process_time() - began < 1


def test_what_a_configuration_includes_is_not_read(tmp_path: Path) -> None:
    """It may be a pipe that nobody writes to; the origin beside it counts."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    make_project(tmp_path / "repo", f"{URL}\n[include]\n\tpath = {pipe}")
    assert origin_of(str(tmp_path / "repo")) == (ORIGIN, "")


@pytest.mark.parametrize(
    "text", ["gitdir: .git", "gitdir: ../repo", "gitdir: /nowhere/x", "gitdir:", "x", "gitdir: \0"]
)
def test_a_repository_that_leads_nowhere_is_none(tmp_path: Path, text: str) -> None:
    """Nor one that leads in a circle."""
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / ".git").write_text(text)
    assert origin_of(str(tmp_path / "repo")) == ("", "")


@pytest.mark.parametrize("place", [".git", ".git/config", ".git/commondir"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, place: str) -> None:
    """Whatever stands in a file's place is no origin."""
    (tmp_path / place).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / place)
    assert origin_of(str(tmp_path)) == ("", "")


def test_a_circle_of_common_folders_ends(tmp_path: Path) -> None:
    """One step is all that git itself takes."""
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "commondir").write_text(f"../{other}\n")
    (tmp_path / ".git").write_text("gitdir: a\n")
    assert origin_of(str(tmp_path)) == ("", "")


def test_somebody_elses_repository_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for git itself: in a folder that all may write to anybody could name any origin."""
    make_project(tmp_path, URL)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    monkeypatch.setattr("memory_sync.ports.projects.ROOT", 4243)
    assert origin_of(str(tmp_path)) == ("", "")

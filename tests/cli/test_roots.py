"""Projects as roots, and the commands that list, add and map them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from memory_sync.app import projects, roots
from memory_sync.app.context import Context, load_context
from memory_sync.app.projects import Projects, Scouting, mark
from memory_sync.app.service import writable
from memory_sync.config.found import Project, read_projects
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.errors import FileUnwritableError
from tests.cli.person import Person
from tests.cli.projecting import (
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


def test_i76_one_project_in_two_places_is_one_root(both: tuple[Person, Person]) -> None:
    """Its memory goes from one machine to the other, by https here and by ssh there."""
    ada, bob = both
    here = make_project(top(ada) / "code" / "my.widget")
    there = make_project(top(bob) / "w-i-d" / "get", "https://token@GITHUB.com/ada/widget/")
    memory = remember(top(ada), here, MEMORY="# Widget\n", builds="- make\n")
    kept(top(bob)).joinpath(memory_of(top(bob), there).parent.name).mkdir()
    syncs(ada, bob)
    found = memory_of(top(bob), there)
    assert (found / "MEMORY.md").read_text() == "# Widget\n"
    assert (found / "builds.md").read_text() == "- make\n"
    (row,) = [row for row in listed(bob)["roots"] if row["source"] == "project"]
    assert (row["name"], row["files"], row["path"]) == (WIDGET, 2, str(found))
    assert row["project"] == {"path": str(there), "origin": "github.com/ada/widget"}
    (found / "builds.md").write_text("- make all\n")
    syncs(bob, ada)
    assert (memory / "builds.md").read_text() == "- make all\n"
    everything = b"".join(path.read_bytes() for path in bob.home.rglob("*") if path.is_file())
    assert b"token@" not in everything


def test_what_only_the_other_machine_has_waits_in_the_vault(both: tuple[Person, Person]) -> None:
    """It is filled when the project appears, united with what was written here by then."""
    ada, bob = both
    remember(top(ada), make_project(top(ada) / "widget"), MEMORY="# Widget\n", one="1\n")
    syncs(ada, bob)
    data = listed(bob)
    assert data["elsewhere"] == [{"vault": "vault", "name": WIDGET, "files": 2}]
    assert data["projects"] == []
    there = make_project(top(bob) / "src" / "widget")
    memory = remember(top(bob), there, two="2\n")
    syncs(bob, ada)
    assert sorted(os.listdir(memory)) == [".memory-sync", "MEMORY.md", "one.md", "two.md"]
    assert (memory_of(top(ada), top(ada) / "widget") / "two.md").read_text() == "2\n"
    assert listed(bob)["elsewhere"] == []


def test_i28_a_project_that_a_machine_leaves_out_is_deleted_nowhere(
    both: tuple[Person, Person],
) -> None:
    """Neither edits nor deletes of it travel; taken in again, both sides are united."""
    ada, bob = both
    here, there = make_project(top(ada) / "widget"), make_project(top(bob) / "w")
    memory = remember(top(ada), here, MEMORY="# Widget\n", one="1\n")
    found = remember(top(bob), there, two="2\n")
    syncs(ada, bob, ada)
    config = bob.places.config_file
    before = config.read_text()
    config.write_text(before + f'leave_out = ["{WIDGET.upper()}"]\n')
    assert reasons(bob) == {"w": "left-out"}
    (found / "one.md").unlink()
    (memory / "two.md").unlink()
    (memory / "three.md").write_text("3\n")
    syncs(bob, ada, bob)
    assert sorted(path.name for path in found.glob("*.md")) == ["MEMORY.md", "two.md"]
    assert "not synced" not in bob.types("status").out
    config.write_text(before)
    syncs(bob, ada)
    names = ["MEMORY.md", "one.md", "three.md", "two.md"]
    assert [sorted(path.name for path in one.glob("*.md")) for one in (found, memory)] == [
        names
    ] * 2


def test_a_marker_that_names_no_root_is_told(both: tuple[Person, Person]) -> None:
    """It is synced by nobody, and listed with the reason."""
    ada, _ = both
    memory = remember(top(ada), make_project(top(ada) / "widget"), MEMORY="# Widget\n")
    syncs(ada)
    marker = memory / ".memory-sync"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "root": ".."}))
    assert reasons(ada) == {"widget": "foreign"}


def test_a_preset_root_comes_by_its_preset(both: tuple[Person, Person]) -> None:
    """The hint for what only others have gives it its own patterns; a backup of theirs has none."""
    ada, bob = both
    for name in ("gemini-cli", "codex-ada"):
        place = top(ada) / name
        place.mkdir()
        (place / "MEMORY.md").write_text("x\n")
        assert ada.types("roots", "add", str(place), "--name", name, "--yes").status == 0
    syncs(bob)
    shown = bob.types("roots").out
    assert "hint: memory-sync init --agent gemini-cli" in shown
    assert "--name codex-ada" not in shown


def test_what_is_not_synced_is_listed_with_its_reason(both: tuple[Person, Person]) -> None:
    """Whatever is in one project's way, the others are synced."""
    ada, bob = both
    here = top(ada)
    remember(here, make_project(here / "widget"), MEMORY="#\n")
    remember(here, make_project(here / "none", None), MEMORY="#\n")
    remember(here, make_project(here / "local", "/srv/x.git"), MEMORY="#\n")
    for name in ("a-twice", "a/twice"):
        remember(here, make_project(here / name, f"https://h.example/{name}"), MEMORY="#\n")
    remember(here, here / "gone", MEMORY="#\n")
    make_project(here / "quiet", "https://h.example/quiet")
    memory_of(here, here / "quiet").mkdir(parents=True)
    link = memory_of(here, make_project(here / "link", "https://h.example/link"))
    link.parent.mkdir()
    link.symlink_to(ada.agent)
    odd = remember(here, make_project(here / "odd", "https://h.example/odd"), MEMORY="#\n")
    foreign = {"vault": "another", "root": "r", "device": "d"}
    (odd / ".memory-sync").write_text(json.dumps(foreign))
    (kept(here) / "no-project").mkdir()
    assert reasons(ada)["widget"] == "soon"
    syncs(ada)
    assert reasons(ada) == {
        "none": "no-origin",
        "local": "no-origin",
        "twice": "ambiguous",
        "gone": "not-found",
        "quiet": "empty",
        "link": "no-folder",
        "odd": "foreign",
    }
    ran = ada.types("roots")
    assert f"{WIDGET}  1      both       project" in ran.out
    assert f"{here / 'none'}: no git origin that other machines share was found for it" in ran.out
    assert f"  hint: memory-sync roots map {here / 'none'} NAME" in ran.out
    assert "6 projects not synced: memory-sync roots\n" in ada.types("status").out
    syncs(bob)
    assert "In the vault, and not on this machine:" in bob.types("roots").out


def test_a_preset_brings_the_projects_with_its_first_sync(ada: Person, tmp_path: Path) -> None:
    """Nobody has to run anything after `init`."""
    memory = remember(tmp_path, make_project(tmp_path / "widget"), MEMORY="#\n")
    words = ("init", "--agent", "claude-code", "--remote", ada.remote, "--yes")
    ran = ada.types(*words)
    assert ran.status == 0, ran
    assert (memory / ".memory-sync").exists()
    (row,) = [row for row in listed(ada)["roots"] if row["name"] == WIDGET]
    assert (row["files"], row["source"]) == (1, "project")


def test_a_dry_run_maps_nothing(ada: Person) -> None:
    """It shows what would be sent of what is mapped, and marks no folder."""
    ada.init()
    ada.configure(settings(top(ada)))
    memory = remember(top(ada), make_project(top(ada) / "widget"), MEMORY="#\n")
    assert ada.types("now", "--dry-run").status == 0
    assert os.listdir(memory) == ["MEMORY.md"]
    assert not ada.places.projects_file.exists()


def test_i74_a_look_that_hangs_keeps_no_sync(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found before is synced; the disk that hangs is waited for, but not for ever."""
    ada.init()
    ada.configure(settings(top(ada)))
    memory = remember(top(ada), make_project(top(ada) / "widget"), MEMORY="#\n")
    syncs(ada)
    (memory / "new.md").write_text("#\n")
    monkeypatch.setattr(projects, "PATIENCE", 0.05)
    monkeypatch.setattr(roots, "PATIENCE", 0.05)
    hold = threading.Event()
    monkeypatch.setattr(projects, "_listed", lambda _: hold.wait(20) and [])
    try:
        assert "1 up" in ada.types("now").out
        assert [row["name"] for row in listed(ada)["roots"]] == ["memory", WIDGET]
    finally:
        hold.set()


def test_status_names_a_few_of_very_many_roots(ada: Person) -> None:
    """The others are one command away."""
    ada.init()
    ada.configure(settings(top(ada)))
    for number in range(4):
        project = make_project(top(ada) / f"p{number}", f"https://h.example/p{number}")
        remember(top(ada), project, MEMORY="#\n")
    syncs(ada)
    out = ada.types("status").out
    assert out.count("claude-p") == 2
    assert ", and 2 more: memory-sync roots\n" in out


def test_the_service_may_write_for_projects_that_come_later(ada: Person) -> None:
    """The folder above all projects is writable, so that no new one renews the service."""
    ada.init()
    ada.configure(settings(top(ada)))
    remember(top(ada), make_project(top(ada) / "widget"), MEMORY="#\n")
    before = set(writable(load_context(ada.env)))
    syncs(ada)
    assert len(load_context(ada.env).settings.vault[0].root) == 2
    assert kept(top(ada)) in before
    assert set(writable(load_context(ada.env))) == before


def test_a_project_that_cannot_be_marked_stops_no_other(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed with what went wrong, and tried again."""
    ada.init()
    ada.configure(settings(top(ada)))
    one = remember(top(ada), make_project(top(ada) / "a", "https://h.example/a"), MEMORY="#\n")
    two = remember(top(ada), make_project(top(ada) / "b", "https://h.example/b"), MEMORY="#\n")

    def fails(context: Context, vault: VaultSettings, root: RootSettings) -> None:
        if root.path == one:
            raise FileUnwritableError(path=one, detail="read-only")
        mark(context, vault, root)

    with monkeypatch.context() as patch:
        patch.setattr(projects, "mark", fails)
        syncs(ada)
    (row,) = listed(ada)["projects"]
    assert (row["reason"], row["folder"]) == ("failed", str(one.parent))
    assert "read-only" in row["message"]
    assert sorted(os.listdir(two)) == [".memory-sync", "MEMORY.md"]
    syncs(ada)
    assert listed(ada)["projects"] == []


def test_the_scout_looks_where_something_changed(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new memory, another configuration; not again and again, and not during a pause."""
    ada.init()
    remember(top(ada), make_project(top(ada) / "a", "https://h.example/a"), MEMORY="#\n")
    log, looks = Notes(), list[int]()
    real = Projects.look

    def counted(self: Projects, context: Context) -> tuple[Project, ...]:
        looks.append(1)
        return real(self, context)

    monkeypatch.setattr(Projects, "look", counted)
    scout = Scouting(load_context(ada.env))
    scout(log)
    scout(log)
    assert (len(looks), log.events) == (1, [])
    ada.configure(settings(top(ada)))
    for _ in range(5):
        scout(log)
    assert [event for event, _ in log.events] == ["project.mapped"]
    # Once for the configuration, once for the marker that was written then.
    assert len(looks) == 3
    ada.types("pause")
    memory = remember(top(ada), make_project(top(ada) / "b", "https://h.example/b"))
    (memory / "late.md").write_text("#\n")
    scout(log)
    assert len(looks) == 3
    ada.types("resume")
    scout(log)
    assert [event for event, _ in log.events] == ["project.mapped"] * 2
    ada.configure("[broken")
    scout(log)
    assert len(read_projects(ada.places.projects_file)) == 2


# --- add ------------------------------------------------------------------------------------


def test_a_folder_is_added_to_a_vault(pair: tuple[Person, Person], tmp_path: Path) -> None:
    """With its patterns and its direction, and it is united with what the vault has."""
    ada, bob = pair
    for person, text in ((ada, "one"), (bob, "two")):
        folder = tmp_path / person.name / "notes"
        folder.mkdir()
        (folder / f"{text}.txt").write_text(text)
        words = ("roots", "add", str(folder), "--name", "notes", "--include", "*.txt")
        ran = person.types(*words)
        assert ran.status == 2
        assert f"hint: memory-sync {' '.join(words[:3])}" in ran.err
        assert person.types(*words, "--yes", "--json").status == 0
    assert sorted(os.listdir(tmp_path / bob.name / "notes")) == [
        ".memory-sync", "one.txt", "two.txt",
    ]  # fmt: skip
    folder = tmp_path / bob.name / "backup"
    folder.mkdir()
    more = ("roots", "add", str(folder), "--name", "backup", "--direction", "push", "--yes")
    assert bob.types(*more).status == 0
    (row,) = [row for row in listed(bob)["roots"] if row["name"] == "backup"]
    assert (row["direction"], row["source"]) == ("push", "configuration")
    ran = bob.types("roots", "add", str(folder), "--name", "backup", "--direction", "pull")
    assert "has another direction already" in ran.err
    assert bob.types("roots", "add", str(bob.agent), "--name", "notes", "--yes").status == 2


def test_a_folder_is_added_to_no_vault_that_is_not_there(ada: Person) -> None:
    """Without a vault, or with one that is not known, nothing is asked of anybody."""
    words = ("roots", "add", str(ada.agent), "--name", "notes", "--yes")
    assert ada.types(*words, "--json").codes == ["not-configured"]
    ada.init()
    assert ada.types(*words, "--vault", "x", "--json").codes == ["vault-unknown"]


# --- map ------------------------------------------------------------------------------------


def test_a_project_without_an_origin_is_mapped_by_hand(both: tuple[Person, Person]) -> None:
    """By its own path here, by the agent's folder there; the same name makes it one."""
    ada, bob = both
    here, there = make_project(top(ada) / "mine", None), make_project(top(bob) / "x.y", None)
    one = remember(top(ada), here, one="1\n")
    two = remember(top(bob), there, two="2\n")
    assert ada.types("roots", "map", str(here), "mine").status == 2
    assert sorted(os.listdir(one)) == ["one.md"]
    assert ada.types("roots", "map", str(here), "mine", "--yes").status == 0
    assert bob.types("roots", "map", str(two.parent), "mine", "--yes").status == 0
    syncs(ada)
    names = [".memory-sync", "one.md", "two.md"]
    assert sorted(os.listdir(one)) == sorted(os.listdir(two)) == names
    assert [row["source"] for row in listed(ada)["roots"]] == ["configuration"] * 2
    assert reasons(ada) == {}
    ran = ada.types("roots", "map", str(here), "mine")
    assert (ran.status, ran.out) == (0, "It is the root mine already.\n")


def test_a_project_gets_another_name_and_its_old_root_stays(both: tuple[Person, Person]) -> None:
    """What was synced under the old name stays in the vault, and with the other machine."""
    ada, bob = both
    here, there = make_project(top(ada) / "widget"), make_project(top(bob) / "widget")
    one = remember(top(ada), here, one="1\n")
    two = remember(top(bob), there, two="2\n")
    syncs(ada, bob, ada)
    assert ada.types("roots", "map", str(here), "other", "--yes").status == 0
    (one / "three.md").write_text("3\n")
    syncs(ada, bob, ada)
    assert sorted(os.listdir(one)) == [".memory-sync", "one.md", "three.md", "two.md"]
    assert sorted(os.listdir(two)) == [".memory-sync", "one.md", "two.md"]
    assert {row["name"]: row["files"] for row in listed(ada)["elsewhere"]} == {WIDGET: 2}


def test_what_cannot_be_mapped_is_refused_before_anything_changes(ada: Person) -> None:
    """No project, a name that is taken, another vault's folder, one that the configuration has."""
    ada.init()
    here = top(ada)
    words = ("roots", "map", str(ada.agent), "x", "--yes", "--json")
    assert ada.types(*words).codes == ["project-unknown"]
    ada.configure(settings(here))
    assert ada.types(*words).codes == ["project-unknown"]
    assert ada.types("roots", "map", str(kept(here)), "x", "--json").codes == ["project-unknown"]
    memory = remember(here, make_project(here / "a", None), MEMORY="#\n")
    text = ada.places.config_file.read_text()
    again = ("roots", "map", str(here / "a"))
    assert ada.types(*again, "memory", "--yes", "--json").codes == ["root-name-taken"]
    assert ada.types(*again, "no name", "--yes", "--json").codes == ["name-invalid"]
    (memory / ".memory-sync").write_text('{"vault": "v", "root": "r", "device": "d"}')
    assert ada.types(*again, "a", "--yes", "--json").codes == ["marker-foreign"]
    assert ada.places.config_file.read_text() == text
    (memory / ".memory-sync").unlink()
    assert ada.types(*again, "a", "--yes").status == 0
    assert "is the root a by the configuration" in ada.types(*again, "b", "--yes").err

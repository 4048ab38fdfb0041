"""Projects of an agent under real daemons: other users, other paths, one memory."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_sync.config.origins import root_name
from memory_sync.daemon.scout import Scout
from memory_sync.errors import StateBusyError
from tests.cli.projecting import kept, make_project, memory_of, remember, settings
from tests.daemon.homes import Home, share_vault, wait
from tests.daemon.test_worker import Notes

WIDGET = root_name("claude-code", "github.com/ada/widget")
FILES = [".memory-sync", "MEMORY.md", "builds.md"]


def top(home: Home) -> Path:
    """Return the person's home folder."""
    return Path(home.env["HOME"])


def names(folder: Path) -> list[str]:
    """Return what lies in a folder, as long as it is there."""
    return sorted(os.listdir(folder)) if folder.exists() else []


def roots(home: Home) -> dict[str, str]:
    """Return the roots that the daemon serves: name and folder."""
    return {root["name"]: root["path"] for root in home.row()["roots"]}


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    """Return two machines with one vault, whose daemons know of projects and have seen none."""
    one, two = Home(tmp_path, "ada"), Home(tmp_path, "bob.b")
    share_vault(one, two, f"file://{tmp_path}/vault.git")
    for home in (one, two):
        config = home.top / "config.toml"
        text, _, rest = config.read_text().partition("[daemon]")
        config.write_text(f"{text}{settings(top(home))}\n[daemon]{rest}")
        home.start()
    yield one, two
    one.close()
    two.close()


def test_i76_a_project_is_one_memory_on_all_machines(homes: tuple[Home, Home]) -> None:
    """It is picked up while the daemons run, filled where it appears, and deleted nowhere."""
    one, two = homes
    here = make_project(top(one) / "work" / "widget")
    mine = remember(top(one), here, MEMORY="# Widget\n", builds="- make\n")
    wait(lambda: WIDGET in roots(one), "the new project is a root")
    there = make_project(top(two) / "src" / "my.widget", "https://token@github.com/Ada/widget")
    theirs = memory_of(top(two), there)
    theirs.parent.mkdir(parents=True)
    wait(lambda: names(theirs) == FILES, "its memory is on the other machine")
    (theirs / "builds.md").write_text("- make all\n")
    wait(lambda: (mine / "builds.md").read_text() == "- make all\n", "the edit has come back")
    shutil.rmtree(kept(top(one)))
    wait(lambda: WIDGET not in roots(one), "it is no root any more")
    one.idle()
    (theirs / "later.md").write_text("later\n")
    remember(top(one), here, own="own\n")
    every = sorted([*FILES, "later.md", "own.md"])
    wait(lambda: names(mine) == names(theirs) == every, "both have all of it")
    said = two.run("roots", "map", str(there), "mine", "--yes")
    assert f"{theirs} is the root mine now." in said
    wait(lambda: roots(two).get("mine") == str(theirs), "the daemon serves it by its new name")
    two.idle()
    (theirs / "later.md").write_text("much later\n")
    wait(lambda: two.json("roots")["data"]["elsewhere"] != [], "the old one is listed")
    assert names(mine) == names(theirs) == every
    assert (mine / "later.md").read_text() == "later\n"
    for home in homes:
        assert "project.mapped" in {line["event"] for line in home.log()}
        assert "token@" not in (home.top / "logs" / "daemon.log").read_text()


def test_i30_a_daemon_follows_a_checkout_to_another_place(homes: tuple[Home, Home]) -> None:
    """While it serves the old folder: both sides of the new one are united, nothing is deleted."""
    one, two = homes
    here = make_project(top(one) / "work" / "widget")
    old = remember(top(one), here, MEMORY="# Widget\n", builds="- make\n")
    there = make_project(top(two) / "src" / "widget")
    theirs = remember(top(two), there, two="2\n")
    wait(lambda: names(old) == names(theirs) == [*FILES, "two.md"], "both have all of it")
    here.rename(top(one) / "moved")
    new = remember(top(one), top(one) / "moved", new="new\n")
    every = sorted([*FILES, "new.md", "two.md"])
    wait(lambda: roots(one).get(WIDGET) == str(new), "the daemon serves the new folder")
    wait(lambda: names(new) == names(theirs) == every, "both have all of it")
    assert names(old) == [*FILES, "two.md"]
    (theirs / "builds.md").unlink()
    wait(lambda: "builds.md" not in names(new), "a delete arrives in the new folder")
    assert (old / "builds.md").read_text() == "- make\n"


# --- the scout ------------------------------------------------------------------------------


def test_what_keeps_a_scout_from_looking_is_said_once() -> None:
    """It goes on looking, whatever happened, and says it again when it happens anew."""
    log, looks = Notes(), iter([OSError("x"), OSError("y"), None, StateBusyError(path="p"), None])
    done = threading.Event()

    def look(_: object) -> None:
        found = next(looks, done)
        if found is done:
            done.set()
        elif isinstance(found, Exception):
            raise found

    scout = Scout(look, log, 0.001)
    scout.start()
    assert done.wait(10)
    scout.close()
    scout.join(10)
    assert not scout.is_alive()
    codes = [fields["code"] for event, fields in log.events if event == "projects.unseen"]
    assert codes == ["fault", StateBusyError.code]


def test_a_scout_that_hangs_is_not_waited_for() -> None:
    """A disk that does not answer keeps no daemon from ending."""
    hold, begun = threading.Event(), threading.Event()

    def look(_: object) -> None:
        begun.set()
        hold.wait(20)

    scout = Scout(look, Notes())
    scout.start()
    assert begun.wait(10)
    scout.close()
    assert scout.daemon
    assert scout.is_alive()
    hold.set()
    scout.join(10)
    assert not scout.is_alive()

"""Desktop notifications: what is shown, how often, and by which program."""

import json
import sys
from pathlib import Path

import pytest

from memory_sync.daemon.notices import AGAIN, Desktop, Notices
from memory_sync.daemon.report import VaultReport
from memory_sync.model import Phase, Problem
from tests.daemon.homes import wait

HALT = Problem("root-gone", "The folder is gone.", "memory-sync confirm", 7, root="memory")
QUIET = Problem("no-success", "No success.", "memory-sync doctor", 1)
FILE = Problem("file-too-large", "Too large.", "memory-sync status", 1)


def report(*problems: Problem, success: float = 1.0) -> VaultReport:
    """Make what a worker says; without a success it has only just begun."""
    state = Phase.IDLE if success else Phase.SYNCING
    return VaultReport("v", "r", state=state, problems=problems, last_success=success)


def codes(notices: Notices, now: float, *problems: Problem, success: float = 1.0) -> list[str]:
    """Return the codes of what is shown now."""
    return [known.code for _, known in notices.due([report(*problems, success=success)], now)]


def test_i75_a_halt_and_an_hour_without_success_are_shown_once(tmp_path: Path) -> None:
    """However long they last; other problems stand in `status`."""
    notices = Notices(tmp_path / "notices.json")
    assert codes(notices, 0, HALT, QUIET, FILE) == ["root-gone", "no-success"]
    for hour in range(1, 50):
        assert codes(notices, hour * 3600.0, HALT, QUIET, FILE) == []


def test_i75_a_new_daemon_does_not_repeat_what_was_shown(tmp_path: Path) -> None:
    """Also not in its first moments, in which it knows of no halt yet, and days later."""
    path = tmp_path / "notices.json"
    assert codes(Notices(path), 0, HALT) == ["root-gone"]
    again = Notices(path)
    assert codes(again, 5 * AGAIN, success=0.0) == []
    assert codes(again, 5 * AGAIN + 1, HALT) == []


def test_what_comes_back_is_shown_again_but_not_all_the_time(tmp_path: Path) -> None:
    """A cause that comes and goes by the minute is shown once an hour."""
    notices = Notices(tmp_path / "notices.json")
    shown = 0
    for minute in range(181):
        shown += len(codes(notices, minute * 60.0, *([HALT] if minute % 2 == 0 else [])))
    assert shown == 3


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": "b"}', b"\xff", b"[" * 10000])
def test_a_broken_note_only_lets_it_be_shown_again(tmp_path: Path, content: bytes) -> None:
    """Whatever the file holds, the daemon goes on."""
    path = tmp_path / "notices.json"
    path.write_bytes(content)
    assert codes(Notices(path), 0, HALT) == ["root-gone"]
    assert codes(Notices(path), 1, HALT) == []


def _program(folder: Path, name: str, text: str) -> None:
    place = folder / name
    place.write_text(f"#!{sys.executable}\n{text}")
    place.chmod(0o755)


NOTE = """import json, os, sys
with open(os.environ["HOME"] + "/told.json", "w") as file:
    json.dump([sys.argv[1:], sorted(os.environ)], file)
os.rename(os.environ["HOME"] + "/told.json", os.environ["HOME"] + "/told")
"""


@pytest.mark.parametrize(
    ("platform", "program", "words"),
    [
        ("linux", "notify-send", ["--app-name=memory-sync", "--", "t", "a &lt;b&gt; &amp; c"]),
        ("darwin", "osascript", ["t", "a <b> & c"]),
    ],
)
def test_the_systems_own_program_shows_it(
    tmp_path: Path, platform: str, program: str, words: list[str]
) -> None:
    """It gets the text as words, never as a script or as markup, and no token."""
    _program(tmp_path, program, NOTE)
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path), "GITHUB_TOKEN": "secret"}
    desktop = Desktop(env, platform)
    assert desktop.show("t", "a <b> & c")
    wait((tmp_path / "told").exists, "it was shown")
    told, names = json.loads((tmp_path / "told").read_text())
    assert told[-len(words) :] == words
    assert "GITHUB_TOKEN" not in names
    wait(lambda: not desktop.tidy(), "the program is waited for")


def test_a_desktop_without_the_program_is_no_trouble(tmp_path: Path) -> None:
    """A server has none."""
    assert not Desktop({"PATH": str(tmp_path)}, "linux").show("t", "x")


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it, and it does not stay for ever."""
    monkeypatch.setattr("memory_sync.daemon.notices.PATIENCE", 0.2)
    _program(tmp_path, "notify-send", "import time; time.sleep(600)")
    desktop = Desktop({"PATH": str(tmp_path)}, "linux")
    assert desktop.show("t", "x")
    wait(lambda: not desktop.tidy(), "it is ended")

"""A pause, by real daemons and real commands."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.homes import Home, wait


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a home whose vault lies in a folder."""
    made = Home(tmp_path, "one")
    made.write("MEMORY.md", "# memory\n")
    made.run("init", str(made.root), "--remote", f"file://{tmp_path}/vault.git", "--yes")
    made.configure()
    yield made
    made.close()


def _paused(home: Home) -> None:
    wait(lambda: home.row()["state"] == "paused", "it is paused")


def _sent(home: Home) -> int:
    return sum(line["event"] == "batch.up" for line in home.log())


def test_i71_a_pause_survives_the_daemon(home: Home) -> None:
    """Killed and started again, it still sends nothing by itself; resumed, it finds all."""
    home.start()
    home.idle()
    home.run("pause")
    _paused(home)
    home.write("memory/a.md", "while paused\n")
    wait(lambda: home.row()["pending_up"] == 1, "it is seen")
    home.stop(signal.SIGKILL)
    home.start()
    _paused(home)
    time.sleep(1.5)
    assert home.status()["state"] == "paused"
    assert _sent(home) == 0
    assert home.run("status", "--exit-code", status=0).startswith("paused: ")
    home.run("resume")
    home.idle()
    assert _sent(home) == 1


def test_now_works_while_paused_and_ends_no_pause(home: Home) -> None:
    """A person who asks gets it; what happens by itself does not."""
    home.start()
    home.idle()
    home.run("pause")
    _paused(home)
    home.write("memory/a.md", "a\n")
    answer = home.json("now", status=0)
    assert answer["data"]["vaults"][0]["up"] == ["memory/memory/a.md"]
    assert home.row()["state"] == "paused"


def test_a_pause_for_a_time_is_over_by_itself(home: Home) -> None:
    """`status` says until when."""
    home.start()
    home.idle()
    until = home.json("pause", "--for", "3s", status=0)["data"]["until"]
    _paused(home)
    assert home.row()["next_poll"] == pytest.approx(until, abs=0.01)
    assert "memory-sync resume" in home.run("status")
    home.write("memory/a.md", "a\n")
    home.idle()
    assert _sent(home) == 1
    assert time.time() >= until
    assert not (home.top / "state" / "pause.json").exists()


def test_without_a_daemon_a_pause_is_kept_for_it(home: Home) -> None:
    """And it is private, as everything is."""
    home.run("pause", "--for", "1h30m")
    path = home.top / "state" / "pause.json"
    assert path.stat().st_mode & 0o777 == 0o600
    until = json.loads(path.read_text())["until"]
    assert until == pytest.approx(time.time() + 5400, abs=60)
    assert "stopped" in home.run("status")
    home.start()
    _paused(home)
    assert home.json("resume", status=0)["data"]["was_paused"] is True
    assert home.json("resume", status=0)["data"]["was_paused"] is False


@pytest.mark.parametrize("text", ["soon", "", "0s", "-1h", "1w2x", "99999999h"])
def test_a_time_that_is_none_pauses_nothing(home: Home, text: str) -> None:
    """It is a wrong command, and nothing is written."""
    answer = home.json("pause", "--for", text, status=2)
    assert answer["ok"] is False
    assert not (home.top / "state" / "pause.json").exists()


def test_a_pause_that_cannot_be_written_says_so(home: Home) -> None:
    """The state folder is a file, say: no traceback, and no word of a pause."""
    state = home.top / "state"
    os.rename(state, home.top / "elsewhere")
    state.write_text("")
    answer = home.json("pause", status=1)
    assert answer["errors"][0]["code"] == "file-unwritable"

"""What `status` shows besides the states: in time, over time, and to programs."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from memory_sync.config.usage import LONGEST, usage
from memory_sync.daemon.report import VaultReport
from memory_sync.model import Phase
from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal

DOC = Path(__file__).parents[2] / "docs" / "status.md"


def test_a_daemon_that_is_gone_was_heard_of_last(ada: Person) -> None:
    """What is shown is from the disk, and the log says since when."""
    ada.configure(QUICK)
    ada.init()
    with ada.daemon() as daemon:
        until(lambda: ada.state() == "idle")
        daemon.kill()
        daemon.wait()
    lines = ada.types("status").out.splitlines()
    assert re.fullmatch(r"What follows is from the disk; .*, \d+ s ago: \S+", lines[2])
    heard = ada.types("status", "--json").answer["data"]["daemon"]["last_heard"]
    assert heard["time"] == pytest.approx(time.time(), abs=60)
    log = ada.places.log_file
    log.write_bytes(log.read_bytes() + b'{"ts": "cut off')
    assert ada.types("status", "--json").answer["data"]["daemon"]["last_heard"] == heard


def test_it_says_what_it_takes_on_the_disk(ada: Person) -> None:
    """State, trash and logs, each for itself; a hard link costs nothing twice."""
    ada.init()
    before = ada.types("status", "--json").answer["data"]["disk"]
    trash, logs = ada.places.trash / "vault", ada.places.logs
    for folder, count in ((trash, 300), (logs, 200)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "big").write_bytes(bytes(range(256)) * 4 * count)
    os.link(trash / "big", trash / "again")
    after = ada.types("status", "--json").answer["data"]["disk"]
    grown = {name: (after[name] - before[name]) // 1024 for name in after}
    assert grown["trash"] == pytest.approx(300, abs=16)
    assert grown["logs"] == pytest.approx(200, abs=16)
    assert grown["state"] == pytest.approx(0, abs=16)
    assert re.search(r"on this disk: state .*B, trash .*KB, logs .*KB", ada.types("status").out)


@contextmanager
def _stopped(ada: Person) -> Iterator[None]:
    """Stop a daemon in its tracks: its socket is there, and nobody answers."""
    with ada.daemon() as daemon:
        until(lambda: ada.state() == "idle")
        daemon.send_signal(signal.SIGSTOP)
        yield
        daemon.send_signal(signal.SIGCONT)


@contextmanager
def _killed(ada: Person) -> Iterator[None]:
    """Kill a daemon: lock and socket are left."""
    with ada.daemon() as daemon:
        until(lambda: ada.state() == "idle")
        daemon.kill()
        daemon.wait()
        yield


@contextmanager
def _locked(ada: Person) -> Iterator[None]:
    """Lock the state as another program might, without a daemon."""
    path = ada.places.vault_state("vault") / "state.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("state", [_stopped, _killed, _locked], ids=lambda made: made.__name__[1:])
def test_i74_it_answers_within_a_second(ada: Person, state: type) -> None:
    """Whatever the daemon does: the best of three tries; a machine that is slow has longer."""
    ada.configure(QUICK)
    ada.init()
    seconds = []
    with state(ada):
        for _ in range(3):
            began = time.monotonic()
            ran = ada.starts("status")
            seconds.append(time.monotonic() - began)
            assert ran.status == 0
            assert str(ada.agent) in ran.out
    assert min(seconds) < max(1.0, 40 * _start())


def _start() -> float:
    """Return the seconds that Python takes to start: 0.02 where nothing else is going on."""
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        seconds.append(time.monotonic() - began)
    return min(seconds)


def test_watched_it_is_drawn_anew_until_ctrl_c(ada: Person) -> None:
    """What changes shows without another command, and the terminal is left as it was."""
    ada.configure(QUICK)
    ada.init()
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        with terminal("status", "--watch", env=ada.env) as screen:
            screen.expect("idle: Everything is in sync.")
            ada.types("pause")
            screen.expect("paused: Nothing happens by itself")
            screen.interrupt()
            assert screen.ends() == 130
        assert screen.shown.count("\x1b[?1049h") == screen.shown.count("\x1b[?1049l") == 1
        assert screen.shown.endswith("\n")
        ada.types("resume")


@pytest.mark.parametrize("words", [("--watch",), ("--watch", "--json")])
def test_it_is_watched_on_a_terminal_only(ada: Person, words: tuple[str, ...]) -> None:
    """A pipe would fill with what is meant to be drawn over."""
    ada.init()
    ran = ada.types("status", *words)
    assert ran.status == 2
    assert "terminal" in ran.err + ran.out


def test_the_document_names_every_state_and_field(ada: Person) -> None:
    """What programs and people rely on is what the program does."""
    ada.init()
    data = ada.types("status", "--json").answer["data"]
    text = DOC.read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) == set(Phase)
    assert set(re.findall(r"^\| `data\.([a-z_]+)` \|", text, re.MULTILINE)) == data.keys()
    assert data["vaults"][0].keys() == VaultReport("v", "r").data().keys()
    assert data["disk"].keys() == {"state", "trash", "logs"}


def test_a_daemon_that_begins_knows_what_was_before(ada: Person, tmp_path: Path) -> None:
    """Its vault is away, and its last success is still the one that it was."""
    ada.configure(QUICK)
    ada.init()
    (before,) = ada.types("status", "--json").answer["data"]["vaults"]
    (tmp_path / "vault.git").rename(tmp_path / "away.git")
    with ada.daemon():
        until(lambda: ada.state() == "offline")
        (row,) = ada.types("status", "--json").answer["data"]["vaults"]
    assert row["last_success"] == before["last_success"] > 0


def test_without_a_daemon_a_broken_configuration_is_said_beside_that(ada: Person) -> None:
    """The first line is one of the states all the same."""
    ada.init()
    ada.configure("this is no toml\n")
    ran = ada.types("status", "--exit-code")
    assert ran.status == 6
    assert ran.out.startswith("stopped: ")
    assert "it is not TOML" in ran.out
    assert ada.types("status", "--json").answer["data"]["state"] == "stopped"


def test_a_folder_with_very_many_files_is_not_counted_to_its_end(ada: Person) -> None:
    """It says so, and takes no longer for that."""
    ada.init()
    many = ada.places.trash / "vault"
    many.mkdir(parents=True, exist_ok=True)
    for number in range(60_000):
        os.close(os.open(many / str(number), os.O_CREAT | os.O_WRONLY))
    began = time.monotonic()
    counted = usage(ada.places)
    assert time.monotonic() - began < 2 * LONGEST + 0.3
    assert not counted.whole


def test_a_daemon_that_is_only_beginning_is_waited_for(ada: Person) -> None:
    """It holds its lock, and opens its socket a moment later: that is neither stopped nor stuck."""
    ada.init()
    with ada.daemon():
        away = ada.places.socket.with_name("away")
        ada.places.socket.rename(away)
        back = threading.Timer(0.2, away.rename, [ada.places.socket])
        back.start()
        ran = ada.types("status")
        back.join()
    assert ran.out.startswith("idle"), ran

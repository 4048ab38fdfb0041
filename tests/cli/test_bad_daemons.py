"""What commands do when the daemon is not well, or of another version: an answer, in time."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from memory_sync import __version__
from memory_sync.app import sync
from memory_sync.cli import standing
from memory_sync.daemon import client
from memory_sync.daemon.client import Client
from memory_sync.daemon.report import VaultReport
from memory_sync.errors import DaemonBusyError, DaemonSilentError
from tests.cli.person import Person
from tests.cli.standin import Behaviour, answering, hello, stand_in

BEAT = b'{"jsonrpc":"2.0","method":"progress","params":{}}\n'
LIMIT = standing.SILENT_AFTER + 0.4
"""Seconds: what the daemon is given, and what is read from the disk; less than a second."""


def _until_gone(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def _flood(connection: socket.socket) -> None:
    while True:
        connection.sendall(BEAT * 100)


def _trickle(connection: socket.socket) -> None:
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def _beats(connection: socket.socket) -> None:
    while True:
        connection.sendall(BEAT)
        time.sleep(0.02)


def _says(*pieces: bytes) -> Behaviour:
    """Return what says something and then nothing more."""

    def behave(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        _until_gone(connection)

    return behave


def _hangs_up(*_: Any) -> None:
    """End in the middle."""
    raise ConnectionResetError


BAD: dict[str, Behaviour] = {
    "silent": _until_gone,
    "hangs up": _hangs_up,
    "half a line": _says(b'{"jsonrpc": "2.0", "id"'),
    "garbage": _says(b"\xff\x00garbage\n"),
    "no greeting": _says(b'{"jsonrpc":"2.0","id":1,"result":[]}\n'),
    "odd greeting": _says(b'{"jsonrpc":"2.0","id":1,"result":{"pid":"x"}}\n'),
    "odd error": _says(b'{"jsonrpc":"2.0","id":1,"error":5}\n'),
    "bytes one by one": _trickle,
    "notifications without end": _flood,
    "silent after the greeting": answering({"hello": hello(), "status": _until_gone}),
    "beats for ever": answering({"hello": hello(), "status": _beats}),
    "dies in the middle": answering({"hello": hello(), "status": _hangs_up}),
    "half an answer": answering({"hello": hello(), "status": _says(b'{"jsonrpc":"2.0",')}),
    "no answer": answering({"hello": hello(), "status": []}),
    "empty answer": answering({"hello": hello(), "status": {}}),
    "full": _says(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"too many"}}\n'),
}


@pytest.mark.parametrize("behaviour", BAD)
def test_i74_status_answers_within_a_second(ada: Person, behaviour: str) -> None:
    """Whatever the daemon does: it is said not to answer, with its process, and what is on disk."""
    assert ada.init().status == 0
    assert ada.types("status").status == 0
    with stand_in(ada, BAD[behaviour]) as met:
        began = time.monotonic()
        ran = ada.types("status")
        seconds = time.monotonic() - began
        assert met.is_set()
    assert ran.out.startswith("needs-attention: The daemon (process 4711) does not answer.")
    assert str(ada.agent) in ran.out
    assert seconds < LIMIT


@pytest.mark.parametrize("behaviour", BAD)
@pytest.mark.parametrize("command", ["now", "push", "pull"])
def test_i74_a_sync_ends_as_well(
    ada: Person, command: str, behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`now` and its likes tell the same, and do nothing beside a daemon that may be at work."""
    monkeypatch.setattr(Client.__init__, "__defaults__", (0.3,))
    assert ada.init().status == 0
    with stand_in(ada, BAD[behaviour]):
        ran = ada.types(command, "--json")
    assert (ran.status, ran.codes) == (6, ["daemon-silent"])


def _rows(name: str = "vault") -> dict[str, Any]:
    row = VaultReport(name, "file:///v.git").data()
    return {"daemon": {"running": True, "pid": 4711, "version": "0.0.9"}, "vaults": [row]}


def test_i74_a_sync_that_gets_no_further_is_left_to_the_daemon(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beats without progress end the command after a while: busy, and the daemon goes on."""
    monkeypatch.setattr(client, "STANDSTILL", 0.3)
    assert ada.init().status == 0
    with stand_in(ada, answering({"hello": hello(), "status": _rows(), "sync": _beats})):
        ran = ada.types("now", "--json")
    assert (ran.status, ran.codes) == (8, [DaemonBusyError.code])


def test_i74_a_sync_without_a_sign_of_life_ends(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the beats stop, the daemon counts as silent."""
    monkeypatch.setattr(sync, "SYNC_TIMEOUT", 0.3)
    assert ada.init().status == 0
    silent = {"hello": hello(), "status": _rows(), "sync": _says(BEAT)}
    with stand_in(ada, answering(silent)):
        ran = ada.types("now", "--json")
    assert (ran.status, ran.codes) == (6, [DaemonSilentError.code])


def test_a_full_backlog_is_not_an_end(tmp_path: Path) -> None:
    """Where nobody takes connections, a command waits its time and says so."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(path)
        began = time.monotonic()
        with pytest.raises(DaemonSilentError):
            Client(path, 0.3)
        assert 0.1 < time.monotonic() - began < 1
        for one in waiting:
            one.close()


def test_after_an_upgrade_the_older_daemon_is_told_apart(ada: Person) -> None:
    """`status` shows what it answers, names both versions and the command, and is no worse."""
    assert ada.init().status == 0
    older = answering({"hello": hello("0.0.9", 0), "status": _rows()})
    with stand_in(ada, older):
        ran = ada.types("status", "--exit-code")
        data = ada.types("status", "--json").answer["data"]
    assert ran.status == 0
    assert ran.out.startswith("syncing: ")
    assert f"The daemon that runs is version 0.0.9, this command is {__version__}." in ran.out
    assert "hint: memory-sync service restart" in ran.out
    assert data["daemon"]["version"] == "0.0.9"


def test_a_daemon_of_this_version_is_not_spoken_of(ada: Person) -> None:
    """Where nothing is to be done, nothing is said."""
    assert ada.init().status == 0
    with stand_in(ada, answering({"hello": hello(__version__), "status": _rows()})):
        assert "version" not in ada.types("status").out


@pytest.mark.parametrize("data", ["method-unknown", "unknown"])
def test_what_an_older_daemon_does_not_know_names_the_restart(ada: Person, data: str) -> None:
    """A method, or a parameter of one, that it does not have is an error with both versions."""

    def refuse(connection: socket.socket) -> None:
        code = -32601 if data == "method-unknown" else -32602
        error = f'{{"code":{code},"message":"unknown","data":"{data}"}}'
        connection.sendall(f'{{"jsonrpc":"2.0","id":1,"error":{error}}}\n'.encode())

    assert ada.init().status == 0
    older = {"hello": hello("0.0.9", 0), "status": _rows(), "sync": refuse}
    with stand_in(ada, answering(older)):
        ran = ada.types("now")
    assert ran.status == 6
    assert "version 0.0.9" in ran.err
    assert "memory-sync service restart" in ran.err

"""The control socket under garbage: afterwards it answers, and nothing of it is left."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_sync.daemon import protocol
from tests.daemon.homes import Home, wait
from tests.daemon.talking import Served, greeting, line, peer, read, served, settle

TRIES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NAMES = ("vaults", "up", "down", "dry_run", "confirm")
PARAMS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), JSON, max_size=3) | JSON
METHODS = st.sampled_from(["hello", "status", "sync"]) | JSON


def _nearly(method: object, params: object, request_id: object) -> bytes:
    """Return what is a request or nearly one."""
    message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return json.dumps(message).encode() + b"\n"


LINES = st.binary(max_size=200) | st.builds(_nearly, METHODS, PARAMS, JSON)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give one server to all examples."""
    one = Served(tmp_path_factory.mktemp("fuzz"))
    one.work.set()
    one.server.open()
    yield one
    one.server.close()


@TRIES
@given(st.lists(LINES, min_size=1, max_size=4), st.booleans())
def test_whatever_is_said_is_answered_in_json_rpc(
    here: Served, said: list[bytes], half: bool
) -> None:
    """Each line of an answer is a message with a result or an error of the page's numbers."""
    with peer(here.path) as one:
        with suppress(BrokenPipeError):
            one.sendall(b"".join(said))
            if half:
                one.sendall(b'{"half": ')
            one.shutdown(socket.SHUT_WR)
        while message := read(one):
            assert message["jsonrpc"] == "2.0"
            assert ("result" in message) != ("error" in message)
            if "error" in message:
                assert message["error"]["code"] in {-32700, -32600, -32601, -32602}
    assert here.faults == []
    assert "result" in greeting(here.path)


def _misbehave(path: str, number: int) -> None:
    """Do one of the things that a peer should not do."""
    with suppress(OSError), peer(path) as one:
        match number % 8:
            case 0:
                one.sendall(os.urandom(3000))
            case 1:
                one.sendall(b"x" * (protocol.MAX_REQUEST * 3) + b"\n")
            case 2:
                one.sendall(line("sync")[: 5 + number % 40])
            case 3:
                one.shutdown(socket.SHUT_RDWR)
            case 4:
                one.sendall(line("status") * 20)
            case 5:
                one.sendall(b"[" * 5000 + b"\n" + line("hello"))
                one.shutdown(socket.SHUT_WR)
            case 6:
                for byte in line("hello")[:5]:
                    one.sendall(bytes([byte]))
            case _:
                one.sendall(b"\n" * 50)


def test_two_thousand_bad_peers_leave_nothing(tmp_path: Path) -> None:
    """Afterwards it answers within a second, with no thread and no handle more than before."""
    with served(tmp_path) as here:
        for number in range(2000):
            _misbehave(here.path, number)
        began = time.monotonic()
        greeting(here.path)
        assert time.monotonic() - began < 1


def test_a_crowd_of_bad_peers_at_once_locks_nobody_out(tmp_path: Path) -> None:
    """While hundreds hang on, a greeting is answered within a second; then all is as before."""
    with served(tmp_path) as here:
        hanging = []
        for number in range(200):
            one = peer(here.path)
            hanging.append(one)
            with suppress(OSError):
                one.sendall(line("hello")[: number % 30])
        began = time.monotonic()
        greeting(here.path)
        assert time.monotonic() - began < 1
        for one in hanging:
            one.close()


def test_i74_a_real_daemon_stays_well(tmp_path: Path) -> None:
    """A process that serves a vault: the same threads, the same handles, no fault in its log."""
    home = Home(tmp_path, "one")
    home.write("MEMORY.md", "# memory\n")
    home.run("init", str(home.root), "--remote", f"file://{tmp_path}/vault.git", "--yes")
    home.configure(poll=3600)
    try:
        home.start()
        home.idle()
        assert home.daemon
        about = Path(f"/proc/{home.daemon.pid}")
        path = str(home.top / "run" / "control.sock")
        greeting(path)
        settle(lambda: _held(about)[0] < 20)
        before = _held(about)
        for number in range(400):
            _misbehave(path, number)
        began = time.monotonic()
        greeting(path)
        assert time.monotonic() - began < 1
        wait(lambda: _held(about) <= before, "nothing of it is left")
        assert home.daemon.poll() is None
        assert [row for row in home.log() if row["level"] == "error"] == []
        code, out = home.stop()
        assert (code, "Traceback" in out) == (0, False)
    finally:
        home.close()


def _held(about: Path) -> tuple[int, int]:
    """Return how many threads and handles a process has; where no system tells, none."""
    if not about.exists():
        return 0, 0
    return len(list((about / "task").iterdir())), len(list((about / "fd").iterdir()))

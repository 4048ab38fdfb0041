"""A control socket in this process, and peers that say to it what they like."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memory_sync.daemon.control import ControlServer
from memory_sync.daemon.mailbox import Board, Request
from memory_sync.daemon.methods import Method
from memory_sync.daemon.report import VaultReport, outcome_data
from memory_sync.model import Outcome

PATIENCE = 5.0


class Served:
    """A server with one vault, whose worker answers when `work` is set."""

    def __init__(self, folder: Path, methods: Mapping[str, Method] | None = None) -> None:
        board: Board[VaultReport] = Board()
        board.put("notes", VaultReport("notes", "file:///v.git", (("memory", "/a"),)))
        self.requests: list[Request] = []
        self.faults: list[Exception] = []
        self.work = threading.Event()
        self.server = ControlServer(
            folder / "run" / "control.sock",
            board,
            self._submit,
            methods,
            lambda _, error: self.faults.append(error),
        )

    @property
    def path(self) -> str:
        return str(self.server.path)

    def _submit(self, _vault: str, request: Request) -> Callable[[], bool]:
        self.requests.append(request)
        if self.work.is_set():
            request.reply.put(outcome_data(Outcome()))
        return lambda: True

    def finish(self) -> None:
        """Answer everybody who waits."""
        self.work.set()
        for request in self.requests:
            request.reply.put(outcome_data(Outcome()))


@contextmanager
def served(folder: Path, methods: Mapping[str, Method] | None = None) -> Iterator[Served]:
    """Have a server listen; at the end nothing of it may be left, and it had no fault."""
    threads, handles = threading.active_count(), open_handles()
    here = Served(folder, methods)
    here.server.open()
    try:
        yield here
        assert greeting(here.path)["result"]["pid"] == os.getpid()
        here.finish()
    finally:
        here.server.close()
    settle(lambda: threading.active_count() <= threads and open_handles() <= handles)
    assert here.faults == []


def open_handles() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/dev/fd"))


def settle(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)


def peer(path: str) -> socket.socket:
    """Connect, as soon as those who came before are taken."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(path)
        except BlockingIOError:
            connection.close()
            assert time.monotonic() < deadline, "nobody takes connections"
            time.sleep(0.001)
        else:
            return connection


def line(method: str, request_id: Any = 1, **params: Any) -> bytes:
    """Return a request."""
    message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
    return json.dumps(message).encode() + b"\n"


def read(connection: socket.socket) -> dict[str, Any]:
    """Read one message; {} at the end."""
    text = b""
    while not text.endswith(b"\n"):
        try:
            byte = connection.recv(1)
        except ConnectionResetError:
            return {}
        if not byte:
            return {}
        text += byte
    message: dict[str, Any] = json.loads(text)
    return message


def say(path: str, text: bytes) -> dict[str, Any]:
    """Say something on a connection of its own, and return the first answer."""
    with peer(path) as connection:
        connection.sendall(text)
        return read(connection)


def greeting(path: str) -> dict[str, Any]:
    """Ask who it is as a command does: again, if there is no place, and for a second at most."""
    deadline = time.monotonic() + 1.0
    while True:
        try:
            answer = say(path, line("hello"))
        except (BrokenPipeError, ConnectionResetError, BlockingIOError):
            answer = {}
        if "result" in answer:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)

"""The commands' side of the control socket. Imports nothing heavy: `status` waits for it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from memory_sync import __version__
from memory_sync.config.small import read_small
from memory_sync.daemon.lines import LineError, Lines
from memory_sync.daemon.peer import peer_uid
from memory_sync.daemon.protocol import (
    BUSY,
    FAILED,
    FAULT,
    MAX_ANSWER,
    METHOD_UNKNOWN,
    PROTOCOL,
    SYNC_SECONDS,
    UNKNOWN,
    ProtocolError,
    dump,
    load,
)
from memory_sync.errors import (
    DaemonBusyError,
    DaemonError,
    DaemonSilentError,
    DaemonVersionError,
    MemorySyncError,
    UsageError,
)

ABSENT = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)
RETRY = 0.05
"""Seconds until the next try when too many talk to the daemon."""
STANDSTILL = 600.0
"""Seconds without progress after which a command waits no longer; the daemon goes on."""

Told = Callable[[Mapping[str, Any]], object]


class Client:
    """One connection to the daemon. `timeout` is in seconds: for the greeting, and each answer."""

    def __init__(self, path: str, timeout: float = 5.0) -> None:
        """Connect, or raise DaemonError if none runs here, DaemonSilentError if it says nothing."""
        self._timeout = timeout
        self._pid = 0
        self.version, self.protocol = "unknown", 0
        deadline = time.monotonic() + timeout
        while True:
            self._socket, self._lines = _connect(path, deadline)
            try:
                hello = self._greet(deadline)
            except BaseException:
                self.close()
                raise
            if hello is not None:
                break
            # All places are taken; one of them is free soon.
            self.close()
            time.sleep(RETRY)
        self._pid = hello["pid"]
        self.version, self.protocol = hello["version"], hello["protocol"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    @property
    def pid(self) -> int:
        """The daemon's process."""
        return self._pid

    @property
    def differs(self) -> DaemonVersionError | None:
        """What there is to say if the daemon's version is not the command's."""
        return None if self.version == __version__ else self._other()

    def call(
        self,
        method: str,
        params: dict[str, Any],
        told: Told | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Ask, and wait for the answer; `told` gets what notifications in between say.

        With it the time is that between two signs of life, and the whole is bounded as well.
        Raises DaemonSilentError, DaemonBusyError, DaemonVersionError, UsageError.
        """
        seconds = self._timeout if timeout is None else timeout
        try:
            self._lines.write(dump({"id": 1, "method": method, "params": params}), seconds)
            message = self._await(seconds, told)
        except (BrokenPipeError, ConnectionResetError):
            raise _HungUpError(pid=self._pid or "unknown") from None
        except (OSError, LineError, ProtocolError):
            raise DaemonSilentError(pid=self._pid or "unknown") from None
        result, error = message.get("result"), message.get("error")
        if isinstance(result, dict):
            return result
        if isinstance(error, dict) and isinstance(error.get("code"), int):
            raise self._refusal(error)
        raise DaemonSilentError(pid=self._pid or "unknown")

    def status(self, timeout: float | None = None) -> dict[str, Any]:
        """Ask how everything is. Raises what `call` does."""
        answer = self.call("status", {}, timeout=timeout)
        daemon, rows = answer.get("daemon"), answer.get("vaults")
        if not isinstance(daemon, dict) or not isinstance(rows, list):
            raise DaemonSilentError(pid=self._pid)
        return answer

    def _greet(self, deadline: float) -> dict[str, Any] | None:
        """Ask who it is; None if there was no place for this connection."""
        left = max(0.01, deadline - time.monotonic())
        try:
            hello = self.call("hello", {"version": __version__, "protocol": PROTOCOL}, None, left)
        except (DaemonBusyError, _HungUpError):
            if deadline - time.monotonic() > RETRY:
                return None
            raise DaemonSilentError(pid="unknown") from None
        kinds = {"version": str, "protocol": int, "pid": int}
        if all(isinstance(hello.get(key), kind) for key, kind in kinds.items()):
            return hello
        raise DaemonSilentError(pid="unknown")

    def _await(self, seconds: float, told: Told | None) -> dict[str, Any]:
        """Read until the answer is there.

        Raises DaemonBusyError, DaemonSilentError, LineError, ProtocolError, OSError.
        """
        began = moved = beaten = time.monotonic()
        last: Any = None
        while True:
            left = beaten + seconds - time.monotonic()
            if left <= 0:
                raise TimeoutError
            line = self._lines.read(left)
            if line is None:
                raise _HungUpError(pid=self._pid or "unknown")
            message = load(line)
            if "id" in message:
                return message
            now = time.monotonic()
            if told is None or message.get("method") != "progress":
                continue
            beaten = now
            params = message.get("params")
            if params != last:
                last, moved = params, now
            if now - began > SYNC_SECONDS or now - moved > STANDSTILL:
                raise DaemonBusyError(pid=self._pid, reason="it takes long, and it goes on with it")
            if params and isinstance(params, dict):
                told(params)

    def _other(self) -> DaemonVersionError:
        return DaemonVersionError(daemon=self.version, command=__version__, pid=self._pid)

    def _refusal(self, error: Mapping[str, Any]) -> MemorySyncError:
        """Return what an error of the daemon's is for people."""
        number, text = error.get("code"), str(error.get("message"))
        if number == METHOD_UNKNOWN or error.get("data") == UNKNOWN:
            return self._other()
        if number == BUSY:
            return DaemonBusyError(pid=self._pid or "unknown", reason=text)
        if number in {FAILED, FAULT}:
            return MemorySyncError(detail=text)
        return UsageError(detail=text)


class _HungUpError(DaemonSilentError):
    """The daemon has hung up instead of an answer."""


def _connect(path: str, deadline: float) -> tuple[socket.socket, Lines]:
    """Connect to a daemon of this user. Raises DaemonError, DaemonSilentError."""
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            connection.connect(path)
        except BlockingIOError:
            # More than it has taken so far are waiting.
            connection.close()
            if deadline - time.monotonic() > RETRY:
                time.sleep(RETRY)
                continue
            raise DaemonSilentError(pid="unknown") from None
        except ABSENT:
            connection.close()
            raise DaemonError from None
        except OSError:
            connection.close()
            raise DaemonSilentError(pid="unknown") from None
        if peer_uid(connection) != os.getuid():
            # Somebody else has taken the place of the socket.
            connection.close()
            raise DaemonError
        return connection, Lines(connection, MAX_ANSWER)


def locked_by(lock: Path) -> int | None:
    """Return the process that wrote itself into the daemon's lock; it may be gone."""
    try:
        return int(read_small(lock).split()[0])
    except (OSError, ValueError, IndexError):
        return None


def find_socket(lock: Path, usual: Path) -> str:
    """Return where the daemon listens: what its lock says, else the usual place."""
    try:
        lines = read_small(lock).decode().splitlines()
    except (OSError, ValueError):
        return str(usual)
    return lines[1] if len(lines) > 1 and lines[1] else str(usual)

"""The commands' side of the control socket. Imports nothing heavy: `status` waits for it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from memory_sync import __version__
from memory_sync.daemon.peer import peer_uid
from memory_sync.daemon.protocol import MAX_LINE, PROTOCOL, dump
from memory_sync.errors import DaemonError, DaemonSilentError, DaemonVersionError, UsageError

ABSENT = (FileNotFoundError, ConnectionRefusedError, NotADirectoryError)


class Client:
    """One connection to the daemon. `timeout` is in seconds and for each answer."""

    def __init__(self, path: str, timeout: float = 5.0) -> None:
        """Connect, or raise DaemonError if none runs here."""
        self._pid = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except ABSENT:
            self._socket.close()
            raise DaemonError from None
        except OSError:
            self._socket.close()
            raise DaemonSilentError(pid="unknown") from None
        if peer_uid(self._socket) != os.getuid():
            # Somebody else has taken the place of the socket.
            self._socket.close()
            raise DaemonError
        self._lines = self._socket.makefile("rb")
        try:
            hello = self.call("hello", {"version": __version__, "protocol": PROTOCOL})
        except BaseException:
            self.close()
            raise
        self._pid = hello["pid"]
        self.version: str = hello["version"]
        self.protocol: int = hello["protocol"]

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
        # The stream holds the connection as well.
        with suppress(OSError):
            self._lines.close()
        self._socket.close()

    @property
    def pid(self) -> int:
        """The daemon's process."""
        return self._pid

    def call(
        self,
        method: str,
        params: dict[str, Any],
        told: Callable[[Mapping[str, Any]], object] = lambda _: None,
    ) -> Any:
        """Ask, and wait for the answer; `told` gets what notifications in between say.

        Raises DaemonSilentError, DaemonVersionError, UsageError.
        """
        try:
            self._socket.sendall(dump({"id": 1, "method": method, "params": params}))
            while True:
                line = self._lines.readline(MAX_LINE)
                if not line.endswith(b"\n"):
                    raise DaemonSilentError(pid=self._pid or "unknown")
                message = json.loads(line)
                if "id" in message:
                    break
                if params := message.get("params"):
                    told(params)
        except (OSError, ValueError):
            raise DaemonSilentError(pid=self._pid or "unknown") from None
        if "error" not in message:
            return message["result"]
        error = message["error"]
        if error.get("data") == "method-unknown":
            raise DaemonVersionError(daemon=self.version, command=__version__, pid=self._pid)
        raise UsageError(detail=str(error.get("message")))


def find_socket(lock: Path, usual: Path) -> str:
    """Return where the daemon listens: what its lock says, else the usual place."""
    try:
        lines = lock.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return str(usual)
    return lines[1] if len(lines) > 1 and lines[1] else str(usual)

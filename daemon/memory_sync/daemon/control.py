"""The control socket: who may ask, what can be asked, and bounds on all of it."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from memory_sync import __version__
from memory_sync.daemon import protocol
from memory_sync.daemon.mailbox import Board, Mailbox, Request
from memory_sync.daemon.peer import peer_uid
from memory_sync.daemon.report import VaultReport
from memory_sync.engine.local import problem
from memory_sync.errors import BusyError, MemorySyncError

CONNECTIONS = 16
IDLE_SECONDS = 30.0
"""Seconds that a connection may say nothing, or take nothing in."""
SYNC_SECONDS = 3600.0
"""Seconds after which a caller gets no answer any more; the work itself goes on."""

Alive = Callable[[], bool]
Submit = Callable[[str, Request], Alive]
"""Puts a request into the mailbox of a vault's worker, and returns whether that worker lives."""


class ControlServer:
    """Answers on a Unix socket (0600 in a 0700 folder), to processes of the same user only."""

    def __init__(self, path: Path, board: Board[VaultReport], submit: Submit) -> None:
        self.path = path
        self._board = board
        self._submit = submit
        self._listener: socket.socket | None = None
        self._inode = 0
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self.notes: dict[str, Any] = {}

    def open(self) -> None:
        """Bind and listen. The daemon's lock is held, so a socket that is there is a stale one."""
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
        if status.st_uid != os.getuid() or not private:
            raise MemorySyncError(detail=f"{folder} is not a private folder of this user")
        with suppress(FileNotFoundError):
            self.path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(str(self.path))
        finally:
            os.umask(before)
        listener.listen(CONNECTIONS)
        self._inode = self.path.stat().st_ino
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening, and remove the socket if it is still this one."""
        if self._listener:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if peer_uid(connection) != os.getuid() or not self._places.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(
                target=self._converse, args=(connection,), name="control-peer", daemon=True
            ).start()

    def _converse(self, connection: socket.socket) -> None:
        """Answer one peer, line by line, until it hangs up or goes beyond a bound."""
        try:
            with connection, connection.makefile("rb") as lines, suppress(OSError):
                connection.settimeout(IDLE_SECONDS)
                while line := lines.readline(protocol.MAX_REQUEST):
                    if not line.endswith(b"\n"):
                        text = "the request is too long, or cut short"
                        connection.sendall(protocol.failure(None, protocol.INVALID_REQUEST, text))
                        return
                    self._reply(connection, line)
        finally:
            self._places.release()

    def _reply(self, connection: socket.socket, line: bytes) -> None:
        request_id = None
        try:
            method, params, request_id = protocol.load_request(line)
            if method == "hello":
                answer = protocol.result(request_id, self._hello())
            elif method == "status":
                answer = protocol.result(request_id, self._status())
            elif method == "sync":
                value = self._sync(connection, params)
                answer = protocol.result(request_id, value)
            else:
                answer = protocol.failure(
                    request_id, protocol.METHOD_UNKNOWN, "unknown method", "method-unknown"
                )
        except protocol.ProtocolError as error:
            answer = protocol.failure(request_id, error.number, str(error))
        connection.sendall(answer)

    def _hello(self) -> dict[str, Any]:
        return {"version": __version__, "protocol": protocol.PROTOCOL, "pid": os.getpid()}

    def _status(self) -> dict[str, Any]:
        reports = self._board.all()
        return {
            "daemon": {"running": True, "pid": os.getpid(), "version": __version__, **self.notes},
            "vaults": [reports[name].data() for name in sorted(reports)],
        }

    def _sync(self, connection: socket.socket, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let the workers run a cycle and wait for all of them, with a beat each second."""
        known = self._board.all()
        names = params.get("vaults") or sorted(known)
        flags = {
            key: params.get(key, default)
            for key, default in (("up", True), ("down", True), ("dry_run", False))
        }
        if (
            not isinstance(names, list)
            or not all(isinstance(name, str) for name in names)
            or not all(isinstance(flag, bool) for flag in flags.values())
        ):
            raise protocol.ProtocolError(protocol.PARAMS_INVALID, "wrong parameters")
        if missing := [name for name in names if name not in known]:
            raise protocol.ProtocolError(
                protocol.PARAMS_INVALID, f"the daemon serves no vault named {missing[0]}"
            )
        plans = _plans(params.get("confirm", {}))
        requests = {name: Request(**flags, confirm=plans.get(name, {})) for name in names}
        alive = {name: self._submit(name, request) for name, request in requests.items()}
        return {
            name: self._await(connection, name, request.reply, alive[name])
            for name, request in requests.items()
        }

    def _await(
        self, connection: socket.socket, name: str, reply: Mailbox[dict[str, Any]], alive: Alive
    ) -> dict[str, Any]:
        """Wait for a worker's answer, and say each second how far it is."""
        for _ in range(int(SYNC_SECONDS / protocol.BEAT)):
            # Asked first: what a worker says at its end is there once it has ended.
            gone = not alive()
            answer = reply.get(0 if gone else protocol.BEAT)
            if answer is not None:
                return answer
            if gone:
                return {"error": asdict(problem(BusyError(vault=name)))}
            report = self._board.all().get(name)
            step = asdict(report.step) if report and report.step else {}
            connection.sendall(protocol.dump({"method": "progress", "params": step}))
        raise protocol.ProtocolError(
            protocol.FAILED, "it takes too long; the daemon goes on with it"
        )


def _plans(value: Any) -> Mapping[str, Mapping[str, str]]:
    """Read which plans are confirmed: by vault, then by root."""
    if not isinstance(value, dict) or not all(
        isinstance(roots, dict) and all(isinstance(plan, str) for plan in roots.values())
        for roots in value.values()
    ):
        raise protocol.ProtocolError(protocol.PARAMS_INVALID, "wrong parameters")
    return value

"""The control socket: who may ask, and bounds on all of it. What can be asked is in `methods`."""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from memory_sync.daemon import protocol
from memory_sync.daemon.crowd import Crowd
from memory_sync.daemon.lines import LineError, Lines
from memory_sync.daemon.mailbox import Board
from memory_sync.daemon.methods import Answers, GoneError, Method, Submit
from memory_sync.daemon.peer import peer_uid
from memory_sync.daemon.report import VaultReport
from memory_sync.errors import MemorySyncError, SocketError

BACKLOG = 128
"""How many connections may wait until they are taken; that is done at once."""
REQUEST_SECONDS = 30.0
"""Seconds in which the next request has to come, whole."""
TAKE_SECONDS = 10.0
"""Seconds in which an answer has to be taken in, whole."""
REST = 0.1
"""Seconds until the next try when the system gives no connection: out of handles, say."""
CROWDED = protocol.failure(None, protocol.BUSY, "too many connections")

Fault = Callable[[str, Exception], object]
"""Told of a method that failed in a way that should not be able to happen."""


class ControlServer:
    """Answers on a Unix socket (0600 in a 0700 folder), to processes of the same user only.

    `methods` are further ones, by name. A method's answer is made in a thread of its caller's.
    """

    def __init__(
        self,
        path: Path,
        board: Board[VaultReport],
        submit: Submit,
        methods: Mapping[str, Method] | None = None,
        fault: Fault = lambda _method, _error: None,
        *,
        health: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.path = path
        self._answers = Answers(board, submit, health)
        self.methods = {**self._answers.methods(), **(methods or {})}
        self._fault = fault
        self._listener: socket.socket | None = None
        self._inode = 0
        self._crowd = Crowd()

    @property
    def notes(self) -> dict[str, Any]:
        """What `status` tells of the daemon besides its process and version."""
        return self._answers.notes

    @notes.setter
    def notes(self, notes: dict[str, Any]) -> None:
        self._answers.notes = notes

    def open(self) -> None:
        """Bind and listen. The daemon's lock is held, so a socket that is there is a stale one.

        Raises SocketError.
        """
        try:
            _make_way(self.path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            before = os.umask(0o177)
            try:
                listener.bind(str(self.path))
            finally:
                os.umask(before)
        except OSError as error:
            raise SocketError(path=self.path, reason=error.strerror or "it fails") from None
        listener.listen(BACKLOG)
        self._inode = self.path.stat().st_ino
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="control", daemon=True).start()

    def there(self) -> bool:
        """Tell whether the socket lies where the commands look for it."""
        with suppress(OSError):
            return self._listener is not None and self.path.lstat().st_ino == self._inode
        return False

    def close(self) -> None:
        """Stop listening, and remove the socket if it is still this one."""
        listener, self._listener = self._listener, None
        if listener:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                connection, _ = listener.accept()
            except OSError:
                time.sleep(REST if self._listener is listener else 0)
                continue
            try:
                self._admit(connection)
            except (OSError, RuntimeError):
                # The peer has gone, or there is no thread to be had.
                connection.close()

    def _admit(self, connection: socket.socket) -> None:
        """Let somebody talk in a thread of their own, or hang up."""
        if peer_uid(connection) != os.getuid():
            connection.close()
            return
        lines = Lines(connection, protocol.MAX_REQUEST)
        if not self._crowd.enter(lines):
            with connection:
                # An empty connection takes so short a line at once.
                lines.write(CROWDED, REST)
            return
        try:
            threading.Thread(
                target=self._converse, args=(connection, lines), name="control-peer", daemon=True
            ).start()
        except RuntimeError:
            self._crowd.leave(lines)
            raise

    def _converse(self, connection: socket.socket, lines: Lines) -> None:
        """Answer one peer, line by line, until it hangs up or goes beyond a bound."""
        try:
            with connection, suppress(OSError, GoneError):
                self._answer_all(lines)
        finally:
            self._crowd.leave(lines)

    def _answer_all(self, lines: Lines) -> None:
        while True:
            try:
                line = lines.read(REQUEST_SECONDS)
            except LineError:
                text = "the request is too long, or cut short"
                answer = protocol.failure(None, protocol.INVALID_REQUEST, text)
                lines.write(answer, TAKE_SECONDS)
                return
            if line is None:
                return
            self._crowd.heard(lines)
            answer = self._reply(lines, line)
            if answer:
                lines.write(answer, TAKE_SECONDS)
            self._crowd.heard(lines)

    def _reply(self, lines: Lines, line: bytes) -> bytes:
        """Return the answer to a line, empty for a notification. Raises OSError."""
        request_id = None
        try:
            request = protocol.load_request(line)
            if request is None:
                return b""
            name, params, request_id = request
            return self._carry_out(lines, name, params, request_id)
        except protocol.ProtocolError as error:
            known = error.request_id if request_id is None else request_id
            return protocol.failure(known, error.number, str(error), error.data)

    def _carry_out(
        self, lines: Lines, name: str, params: Mapping[str, Any], request_id: Any
    ) -> bytes:
        """Return a method's answer. Raises ProtocolError, GoneError."""
        method = self.methods.get(name)
        if method is None:
            text = "unknown method"
            raise protocol.ProtocolError(protocol.METHOD_UNKNOWN, text, protocol.UNKNOWN)
        asked = method.read(params)
        if method.waits and not self._crowd.wait(lines):
            raise protocol.ProtocolError(protocol.BUSY, "too many commands wait for it")
        try:
            value = method.answer(asked, partial(_tell, lines))
            answer = protocol.result(request_id, value)
        except (protocol.ProtocolError, GoneError):
            raise
        except MemorySyncError as error:
            raise protocol.ProtocolError(protocol.FAILED, error.message, error.code) from None
        except Exception as error:  # noqa: BLE001 - whoever asks is told, and the daemon lives on
            self._fault(name, error)
            raise protocol.ProtocolError(protocol.FAULT, "a fault") from None
        finally:
            if method.waits:
                self._crowd.come_back(lines)
        if len(answer) > protocol.MAX_ANSWER:
            raise protocol.ProtocolError(protocol.FAILED, "it is done; the answer is too long")
        return answer


def _tell(lines: Lines, params: Mapping[str, Any]) -> None:
    """Send a notification of how far it is. Raises GoneError."""
    try:
        lines.write(protocol.dump({"method": "progress", "params": params}), TAKE_SECONDS)
    except OSError:
        raise GoneError from None


def _make_way(path: Path) -> None:
    """See to it that a socket can be made there. Raises SocketError."""
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if status.st_uid != os.getuid() or not private:
        raise SocketError(path=path, reason=f"{folder} is not a private folder of this user")
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SocketError(path=path, reason="something else lies there")
        path.unlink()

"""Lines over a Unix socket, each within a size and a time. Imports nothing heavy."""

from __future__ import annotations

import socket
import time

CHUNK = 64 * 1024


class LineError(Exception):
    """A line that is too long, or that ends before its end."""


class Lines:
    """One connection, read and written in lines; `limit` is the longest that is taken in, in bytes.

    Times are for a whole line, however small the pieces are in which it comes or goes.
    """

    def __init__(self, connection: socket.socket, limit: int) -> None:
        self._connection = connection
        self._limit = limit
        self._held = bytearray()

    def read(self, seconds: float) -> bytes | None:
        """Return the next line without its end, or None if there is none any more.

        Raises LineError, TimeoutError, OSError.
        """
        deadline = time.monotonic() + seconds
        looked = 0
        while (end := self._held.find(b"\n", looked)) < 0:
            looked = len(self._held)
            if looked > self._limit:
                break
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            chunk = self._connection.recv(CHUNK)
            if not chunk:
                if self._held:
                    raise LineError
                return None
            self._held += chunk
        if not 0 <= end <= self._limit:
            raise LineError
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line

    def write(self, line: bytes, seconds: float) -> None:
        """Send a line. Raises TimeoutError, OSError."""
        self._connection.settimeout(seconds)
        self._connection.sendall(line)

    def hang_up(self) -> None:
        """End it from another thread: whoever reads or writes here gets an end or an error."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

"""The way from a machine to the double of GitHub, which can be plugged in and pulled out."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Cable:
    """A port of this machine that leads to another one while it is plugged in."""

    def __init__(self, target: int) -> None:
        self._target = target
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._server: socket.socket | None = None
        self._free = threading.Event()
        self._free.set()

    def hold(self) -> None:
        """Carry nothing more over what is connected, and do not end it."""
        self._free.clear()

    def plug(self) -> None:
        """Let connections through."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def pull(self) -> None:
        """Take no more connections."""
        self._free.set()
        if self._server:
            with suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        """Carry all that comes from one end to the other, and close both after it."""
        with suppress(OSError):
            while data := source.recv(65536):
                self._free.wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

"""The HTTP server: threads, connections, and the faults that strike them."""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from tests.hub.api import counted, kind_of, respond
from tests.hub.wire import Answer, Recorded, Request

if TYPE_CHECKING:
    from tests.hub.hub import Hub


RESET = "X-RateLimit-Reset"


class Server(ThreadingHTTPServer):
    """A server whose threads end with it, also those that wait on an idle connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: Hub, tls: ssl.SSLContext | None) -> None:
        self.hub = hub
        self._tls = tls
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection; the handshake is left to the connection's own thread."""
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        secured = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return secured, address

    def opened(self, connection: socket.socket) -> None:
        """Take note of a connection."""
        with self._changed:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop listening, hang up on everybody and wait for the threads to see it."""
        self.closing.set()
        self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._open:
                _hang_up(connection)
            self._changed.wait_for(lambda: not self._open, timeout=5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up, which tests do on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One connection, with as many requests as the client sends on it."""

    protocol_version = "HTTP/1.1"
    # An answer leaves in one piece, so that no client waits on a delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """Begin a connection."""
        super().setup()
        self.server.opened(self.connection)
        if isinstance(self.connection, ssl.SSLSocket):
            try:
                self.connection.do_handshake()
            except OSError:
                # `finish` is not called after this.
                self.server.closed(self.connection)
                raise

    def finish(self) -> None:
        """End a connection."""
        try:
            super().finish()
        except OSError:
            self.close_connection = True
        finally:
            self.server.closed(self.connection)

    def serve(self) -> None:
        """Read a request, let a fault strike, answer, and record it."""
        hub = self.server.hub
        url = urlsplit(self.path)
        request = self._read(url.path, url.query)
        fault = hub.faults.take(request, self.path)
        self.server.closing.wait(fault.delay)
        request = replace(request, lag=fault.lag)
        answer, login = respond(hub, request) if fault.applied else (None, None)
        login = login or hub.login_of(request)
        said = fault.said(hub.now())
        if said and fault.counted:
            said = counted(hub, request, login, said)
        answer = said or answer
        status = answer.status if answer and fault.sent else 0
        kind, size = kind_of(request), len(request.body)
        hub.record(Recorded(request.method, url.path, url.query, status, kind, login, size))
        self._keep_silent(fault.silence)
        if answer and fault.sent:
            self._send(answer, fault.sent, request.base)
        if fault.sent < 1:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve  # noqa: N815

    def _read(self, path: str, query: str) -> Request:
        """Read a request; an Enterprise server's paths become those of github.com."""
        hub = self.server.hub
        base = hub.base_url
        if path == "/api/graphql" or path.startswith("/api/v3/"):
            base, path = hub.enterprise_url, path.removeprefix("/api/v3").removeprefix("/api")
        length = int(self.headers.get("Content-Length") or 0)
        return Request(
            self.command,
            path,
            dict(parse_qsl(query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
            base,
        )

    def _keep_silent(self, seconds: float) -> None:
        """Let so much time pass, but no more than the client or the hub waits."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.server.closing.is_set():
            if select.select([self.connection], [], [], 0.05)[0]:
                return

    def _send(self, answer: Answer, share: float, base: str) -> None:
        """Send an answer, or the first part of its body."""
        hub = self.server.hub
        self.send_response_only(answer.status)
        fixed = {
            "Server": "github.com",
            "Date": self.date_time_string(int(hub.now() + hub.date_skew)),
            "X-GitHub-Request-Id": uuid4().hex[:20].upper(),
            "X-GitHub-Media-Type": "github.v3; format=json",
            "Content-Length": str(len(answer.body)),
        }
        if base == hub.enterprise_url:
            fixed["X-GitHub-Enterprise-Version"] = "3.19.0"
        for name, value in {**fixed, **answer.headers}.items():
            lies = name == RESET and hub.reset_skew
            self.send_header(name, str(int(value) + int(hub.reset_skew)) if lies else value)
        self.end_headers()
        self.wfile.write(answer.body[: int(len(answer.body) * share)])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write no log; `Hub.requests` is the record."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()

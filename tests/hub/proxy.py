"""A real proxy on the loopback: tunnels (CONNECT), whole URLs, a password, and refusals."""

from __future__ import annotations

import base64
import http.client
import select
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

HOPS = ("proxy-authorization", "proxy-connection", "connection", "transfer-encoding")


class Proxy:
    """A proxy; `seen` has the first line of each request that it let through.

    With `user` ("name:password") it wants that, and 407 is the answer to all else; with `refuses`
    (a status) that is the answer to everything. Both can be changed while it runs. With `tls` it
    is itself reached over TLS.
    """

    def __init__(
        self,
        *,
        user: str | None = None,
        refuses: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.user = user
        self.refuses = refuses
        self.seen: list[str] = []
        self._server = _Server(self)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port

    def url(self, user: str = "") -> str:
        """Give its URL, with a user and password as they are written in one."""
        at = f"{user}@" if user else ""
        return f"{self._scheme}://{at}127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def refusal(self, sent: str | None) -> int | None:
        """Tell how a request with this Proxy-Authorization is refused, None if it is not."""
        if self.refuses:
            return self.refuses
        wanted = "Basic " + base64.b64encode((self.user or "").encode()).decode()
        return 407 if self.user and sent != wanted else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: _Server

    def do_CONNECT(self) -> None:
        """Open a tunnel and pass bytes on until either end hangs up."""
        self.close_connection = True
        if self._refused():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as there:
            self.send_response_only(200, "Connection established")
            self.end_headers()
            self.wfile.flush()
            tunnel(self.connection, there)

    def forward(self) -> None:
        """Ask the server that the whole URL names, and pass its answer on."""
        if self._refused():
            return
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        there = http.client.HTTPConnection(url.hostname or "", url.port, timeout=10)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in HOPS}
        there.request(self.command, url._replace(scheme="", netloc="").geturl(), body, headers)
        answer = there.getresponse()
        content = answer.read()
        there.close()
        self.send_response_only(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in HOPS:
                self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = forward  # noqa: N815

    def _refused(self) -> bool:
        status = self.server.proxy.refusal(self.headers.get("Proxy-Authorization"))
        if status is None:
            self.server.proxy.seen.append(f"{self.command} {self.path}")
            return False
        self.close_connection = True
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Write no log."""


def tunnel(one: socket.socket, two: socket.socket) -> None:
    """Pass bytes both ways until either end hangs up; in one thread, as TLS wants it."""
    other = {one: two, two: one}
    try:
        while True:
            held = [end for end in other if isinstance(end, ssl.SSLSocket) and end.pending()]
            for end in held or select.select([one, two], [], [])[0]:
                data = end.recv(65536)
                if not data:
                    return
                other[end].sendall(data)
    except OSError:
        return

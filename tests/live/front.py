"""A server before a double, for tests: it adds git over HTTP, and can alter answers."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.hub import Hub

HOP = {"connection", "content-length", "transfer-encoding"}


@dataclass(frozen=True)
class Passing:
    """An answer on its way back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Alter = Callable[[str, bytes, Passing], Passing]
"""What makes another answer of `METHOD path`, the request's body and the true answer."""


def as_it_is(_target: str, _body: bytes, answer: Passing) -> Passing:
    """Alter nothing."""
    return answer


@dataclass
class Front:
    """One server that has the API of a double, and its repositories for git as well."""

    hub: Hub
    alter: Alter = as_it_is
    pushes: list[str] = field(default_factory=list)
    _server: ThreadingHTTPServer = field(init=False)

    def __enter__(self) -> Self:
        handler = type("_Bound", (_Handler,), {"front": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def passed_on(self, method: str, target: str, headers: Message, body: bytes) -> Passing:
        """Ask the double."""
        url = urlsplit(self.hub.base_url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        try:
            connection.request(method, target, body, dict(headers.items()))
            answer = connection.getresponse()
            named = {name.lower(): text for name, text in answer.getheaders()}
            found = Passing(answer.status, named, answer.read())
        finally:
            connection.close()
        return found

    def git(self, method: str, target: str, headers: Message, body: bytes) -> Passing:
        """Let git itself answer, to who has a token as a password."""
        login = self._login(headers.get("Authorization", ""))
        if login is None:
            return Passing(401, {"www-authenticate": 'Basic realm="git"'}, b"")
        url = urlsplit(target)
        name, _, rest = url.path.strip("/").partition(".git/")
        repo = self.hub.find_repo(name)
        if repo is None:
            return Passing(404, {}, b"")
        if rest == "git-receive-pack":
            self.pushes.append(name)
        env = {
            "PATH": os.environ["PATH"],
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_TRANSLATED": f"{repo.path}/{rest}",
            "REMOTE_USER": login,
            "REQUEST_METHOD": method,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        }
        words = ["git", "http-backend"]
        done = subprocess.run(words, input=body, env=env, capture_output=True, check=True)
        return _from_cgi(done.stdout)

    def _login(self, authorization: str) -> str | None:
        try:
            password = b64decode(authorization.partition(" ")[2]).decode().partition(":")[2]
        except ValueError:
            return None
        token = self.hub.accounts.tokens.get(password)
        return token.login if token else None


def _from_cgi(output: bytes) -> Passing:
    head, _, body = output.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().splitlines()]
    headers = {name.lower(): text for name, _, text in lines}
    status = int(headers.pop("status", "200 OK").split()[0])
    return Passing(status, headers, body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    front: Front

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        part = self.front.git if ".git/" in self.path else self.front.passed_on
        answer = part(self.command, self.path, self.headers, body)
        answer = self.front.alter(f"{self.command} {self.path}", body, answer)
        self.send_response_only(answer.status)
        for name, text in answer.headers.items():
            if name not in HOP:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""

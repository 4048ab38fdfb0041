"""A stand-in for the daemon: a real socket behind which a test does what it likes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.cli.person import Person

Behaviour = Callable[[socket.socket], None]


@contextmanager
def stand_in(person: Person, behaves: Behaviour) -> Iterator[threading.Event]:
    """Have something listen in the daemon's place; it gets each connection in a thread.

    What it yields is set once anybody has connected.
    """
    places = person.places
    places.run.mkdir(mode=0o700, exist_ok=True)
    places.state.mkdir(parents=True, exist_ok=True)
    places.daemon_lock.write_text(f"4711\n{places.socket}\n")
    met = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behaves(connection)

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            met.set()
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(places.socket))
        listener.listen()
        main = threading.Thread(target=accept, args=(listener,))
        main.start()
        try:
            yield met
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in (main, *threads):
                thread.join(10)
            places.socket.unlink()


def answering(methods: dict[str, Any]) -> Behaviour:
    """Return what answers each method with a result, and does not know any other.

    A function is called with the connection instead, and answers by itself.
    """

    def behave(connection: socket.socket) -> None:
        for line in connection.makefile("rb"):
            request = json.loads(line)
            answer = methods.get(request["method"])
            if callable(answer):
                answer(connection)
                continue
            error = {"code": -32601, "message": "unknown method", "data": "method-unknown"}
            body = {"error": error} if answer is None else {"result": answer}
            whole = {"jsonrpc": "2.0", "id": request["id"], **body}
            connection.sendall(json.dumps(whole).encode() + b"\n")

    return behave


def hello(version: str = "0.1.0", protocol: int = 1) -> dict[str, Any]:
    """Return a greeting."""
    return {"version": version, "protocol": protocol, "pid": 4711}

"""The control socket: the right answer to whatever is said, and room for everybody."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from memory_sync.daemon import control, crowd, protocol
from memory_sync.daemon.methods import Method, Parameter, is_flag
from memory_sync.daemon.peer import peer_uid
from memory_sync.errors import BusyError, SocketError
from tests.daemon.talking import Served, greeting, line, peer, read, say, served, settle
from tests.needs import needs_linux, needs_root


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Served]:
    """Give a server that listens, and is well at the end."""
    with served(tmp_path) as one:
        yield one


def _request(**fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "hello", **fields}).encode() + b"\n"


@pytest.mark.parametrize(
    ("text", "number", "request_id"),
    [
        (b"\n", protocol.PARSE_ERROR, None),
        (b"garbage\n", protocol.PARSE_ERROR, None),
        (b"\xff\xfe{}\n", protocol.PARSE_ERROR, None),
        (line("hello").decode().encode("utf-16-le"), protocol.PARSE_ERROR, None),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"hello"}\n', protocol.PARSE_ERROR, None),
        (b"[" * 60_000 + b"\n", protocol.PARSE_ERROR, None),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b"}\n", protocol.PARSE_ERROR, None),
        (b"[]\n", protocol.INVALID_REQUEST, None),
        (b"[" + line("hello").strip() + b"]\n", protocol.INVALID_REQUEST, None),
        (b"5\n", protocol.INVALID_REQUEST, None),
        (_request(jsonrpc="1.0"), protocol.INVALID_REQUEST, None),
        (_request(method=5), protocol.INVALID_REQUEST, None),
        (_request(id=[1]), protocol.INVALID_REQUEST, None),
        (_request(id=True), protocol.INVALID_REQUEST, None),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"hello"}\n', protocol.INVALID_REQUEST, None),
        (b"x" * (protocol.MAX_REQUEST + 1) + b"\n", protocol.INVALID_REQUEST, None),
        (_request(params=[1]), protocol.PARAMS_INVALID, 7),
        (_request(params=None), protocol.PARAMS_INVALID, 7),
        (_request(method="format-disk"), protocol.METHOD_UNKNOWN, 7),
        (_request(method="status", params={"all": True}), protocol.PARAMS_INVALID, 7),
        (_request(method="sync", params={"up": 1}), protocol.PARAMS_INVALID, 7),
        (_request(method="sync", params={"vaults": "notes"}), protocol.PARAMS_INVALID, 7),
        (_request(method="sync", params={"vaults": [[]]}), protocol.PARAMS_INVALID, 7),
        (_request(method="sync", params={"vaults": ["x"]}), protocol.PARAMS_INVALID, 7),
        (_request(method="sync", params={"confirm": {"notes": 5}}), protocol.PARAMS_INVALID, 7),
        (_request(method="sync", params={"dry_run": None}), protocol.PARAMS_INVALID, 7),
    ],
)
def test_what_is_no_good_request_gets_its_error(
    here: Served, text: bytes, number: int, request_id: int | None
) -> None:
    """Each with JSON-RPC's number, and the id where one could be told; no work is begun."""
    answer = say(here.path, text)
    assert (answer["error"]["code"], answer["id"]) == (number, request_id)
    assert here.requests == []


@pytest.mark.parametrize("request_id", [0, -1, 10**4000, 1.5, "", "x" * 60_000, "\ud800", None])
def test_any_id_comes_back_as_it_was(here: Served, request_id: Any) -> None:
    """Numbers of any size and texts of any kind."""
    sys.set_int_max_str_digits(0)
    try:
        assert say(here.path, _request(id=request_id))["id"] == request_id
    finally:
        sys.set_int_max_str_digits(4300)


def test_a_notification_is_neither_carried_out_nor_answered(here: Served) -> None:
    """What comes after it on the same connection is."""
    with peer(here.path) as one:
        one.sendall(b'{"jsonrpc":"2.0","method":"sync"}\n' + line("hello", 2))
        assert read(one)["id"] == 2
    assert here.requests == []


def test_requests_on_one_connection_are_answered_in_their_order(here: Served) -> None:
    """Also with one id for all, with an end of writing after them, and in pieces."""
    with peer(here.path) as one:
        one.sendall(line("hello", 5) + line("nonsense", 5) + line("status", 5)[:10])
        one.sendall(line("status", 5)[10:])
        one.shutdown(socket.SHUT_WR)
        answers = [read(one) for _ in range(4)]
    assert [answer.get("id") for answer in answers] == [5, 5, 5, None]
    assert "protocol" in answers[0]["result"]
    assert "error" in answers[1]
    assert "vaults" in answers[2]["result"]
    assert answers[3] == {}


def test_a_request_that_is_cut_short_is_told_so(here: Served) -> None:
    """Half a line and the end: an error, and nothing is done."""
    with peer(here.path) as one:
        one.sendall(line("sync")[:-1])
        one.shutdown(socket.SHUT_WR)
        assert read(one)["error"]["code"] == protocol.INVALID_REQUEST
        assert read(one) == {}
    assert here.requests == []


def test_a_line_has_one_time_however_small_its_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte every now and then does not hold a place for longer than one request may take."""
    monkeypatch.setattr(control, "REQUEST_SECONDS", 0.5)
    with served(tmp_path) as here, peer(here.path) as one:
        began = time.monotonic()
        with suppress(BrokenPipeError):
            while time.monotonic() - began < 3:
                one.sendall(b"x")
                time.sleep(0.05)
        assert 0.4 < time.monotonic() - began < 2


def _talks() -> int:
    """Return how many connections the server has a thread for."""
    return sum(thread.name == "control-peer" for thread in threading.enumerate())


def test_one_that_takes_no_answer_in_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer has a time in which it has to be read."""
    monkeypatch.setattr(control, "TAKE_SECONDS", 0.3)
    long = Method(lambda _, __: "x" * 4_000_000)
    with served(tmp_path, {"long": long}) as here, peer(here.path) as one:
        one.sendall(line("long"))
        settle(lambda: _talks() == 1)
        settle(lambda: _talks() == 0)


def test_silent_peers_give_way(here: Served) -> None:
    """With all places taken by peers that say nothing, whoever comes is answered in a second."""
    silent = [peer(here.path) for _ in range(crowd.CONNECTIONS)]
    for _ in range(3):
        greeting(here.path)
    ended = 0
    for one in silent:
        one.setblocking(False)
        with suppress(BlockingIOError):
            ended += one.recv(1) == b""
        one.close()
    assert 1 <= ended <= 3


def test_those_who_talk_keep_their_places_and_one_more_is_told(
    here: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 17th gets an error and the end, while the others are answered."""
    monkeypatch.setattr(crowd, "SILENT_SECONDS", 60.0)
    talking = [peer(here.path) for _ in range(crowd.CONNECTIONS)]
    for one in talking:
        one.sendall(line("hello"))
        assert "result" in read(one)
    with peer(here.path) as late:
        assert read(late)["error"]["code"] == protocol.BUSY
        assert read(late) == {}
    for one in talking:
        one.sendall(line("hello"))
        assert "result" in read(one)
        one.close()
    monkeypatch.setattr(crowd, "SILENT_SECONDS", 0.25)


def test_i74_however_many_wait_for_a_sync_the_others_are_answered(here: Served) -> None:
    """Waiting takes no place of those who ask; only so many may wait, and all get their answer."""
    waiting: list[socket.socket] = []
    while len(waiting) < crowd.WAITING:
        waiting.append(peer(here.path))
        waiting[-1].sendall(line("sync"))
        settle(lambda: len(here.requests) == len(waiting))
    assert "vaults" in say(here.path, line("status"))["result"]
    assert say(here.path, line("sync"))["error"]["code"] == protocol.BUSY
    here.finish()
    for one in waiting:
        while "method" in (answer := read(one)):
            assert answer["method"] == "progress"
        assert "notes" in answer["result"]
        one.close()


def test_who_hangs_up_while_waiting_frees_the_place(here: Served) -> None:
    """The work goes on; the thread that waited for it ends with the next beat."""
    with peer(here.path) as one:
        one.sendall(line("sync"))
        settle(lambda: bool(here.requests))
        assert _talks() == 1
    settle(lambda: _talks() == 0)
    assert len(here.requests) == 1


def test_a_method_that_fails_is_an_answer(tmp_path: Path) -> None:
    """An error of ours has its code, a fault is told to the daemon and not to the caller."""

    def busy(_: Any, __: Any) -> None:
        raise BusyError(vault="x")

    def fall(_: Any, __: Any) -> None:
        raise OSError(28, "secret")

    methods = {
        "busy": Method(busy),
        "fall": Method(fall),
        "inf": Method(lambda _, __: float("inf")),
        "giant": Method(lambda _, __: "x" * (protocol.MAX_ANSWER + 1)),
        "ask": Method(lambda asked, _: asked, {"all": Parameter(is_flag, default=True)}),
    }
    with served(tmp_path, methods) as here:
        error = say(here.path, line("busy"))["error"]
        assert (error["code"], error["data"]) == (protocol.FAILED, BusyError.code)
        for name in ("fall", "inf"):
            answer = say(here.path, line(name))
            assert answer["error"]["code"] == protocol.FAULT
            assert "secret" not in json.dumps(answer)
        assert say(here.path, line("giant"))["error"]["code"] == protocol.FAILED
        assert say(here.path, line("ask", all=False))["result"] == {"all": False}
        assert say(here.path, line("ask"))["result"] == {"all": True}
        unknown = say(here.path, line("ask", only="x"))["error"]
        assert (unknown["code"], unknown["data"]) == (protocol.PARAMS_INVALID, protocol.UNKNOWN)
        assert [type(fault) for fault in here.faults] == [OSError, ValueError]
        here.faults.clear()


# --- who may ask ----------------------------------------------------------------------------


def test_the_socket_is_private(here: Served) -> None:
    """0600 in 0700, whatever the umask."""
    path = Path(here.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_another_user_is_refused_whatever_the_modes_are(here: Served) -> None:
    """A process with another uid gets no answer, also where the files would let it in."""
    needs_linux()
    needs_root()
    path = Path(here.path)
    for folder in [path.parent, *path.parents]:
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    path.chmod(0o666)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534);"
        "peer = socket.socket(socket.AF_UNIX); peer.settimeout(5); peer.connect(sys.argv[1]);\n"
        "try: peer.sendall(sys.argv[2].encode() + b'\\n'); print(peer.recv(100))\n"
        "except (BrokenPipeError, ConnectionResetError): print(b'')"
    )
    words = [sys.executable, "-I", "-S", "-c", code, here.path, line("hello").decode().strip()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("b''\n", "")


def test_whose_uid_cannot_be_told_is_refused() -> None:
    """In doubt the answer is no."""
    with socket.socket(socket.AF_INET) as odd:
        assert peer_uid(odd) in {None, -1, 4294967295}


@pytest.mark.parametrize("what", ["open folder", "link", "file", "directory"])
def test_where_something_else_lies_no_socket_is_made(tmp_path: Path, what: str) -> None:
    """Each is an error that names the place, and what lies there stays."""
    place = tmp_path / "run" / "control.sock"
    if what == "link":
        (tmp_path / "away").mkdir(mode=0o700)
        place.parent.symlink_to(tmp_path / "away")
    else:
        place.parent.mkdir(mode=0o755 if what == "open folder" else 0o700)
    if what == "file":
        place.write_text("mine")
    if what == "directory":
        place.mkdir()
    with pytest.raises(SocketError, match=r"control\.sock"):
        Served(tmp_path).server.open()
    if what == "file":
        assert place.read_text() == "mine"


def test_a_stale_socket_is_replaced_and_anothers_is_left(tmp_path: Path) -> None:
    """A dead daemon's goes; the one that a later daemon has made stays when the first one ends."""
    place = tmp_path / "run" / "control.sock"
    place.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    first = Served(tmp_path)
    first.server.open()
    with served(tmp_path) as second:
        first.server.close()
        greeting(second.path)
    assert not place.exists()

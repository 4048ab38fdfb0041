"""A new device's files as one download, and what happens where that does not do."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memory_sync.errors import RateLimitedError
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.github.archive import MAX_BLOB, MAX_HEADER, Archive
from memory_sync.ports.github.memory import Memory
from memory_sync.ports.github.place import Place
from memory_sync.ports.github.transport import Link
from memory_sync.ports.github.wire import Wire
from memory_sync.ports.pace import UNLIMITED, Pace
from memory_sync.ports.token import Token
from memory_sync.vault.trees import blob_id
from tests.hub import faults
from tests.hub.wire import raw_answer
from tests.remotes.case import Vault, object_name
from tests.remotes.desk import Desk

COUNT = 320
LINK = "GET /tarball/"


@pytest.fixture
def vault(desk: Desk) -> Vault:
    """Give a vault of as many files as are worth an archive."""
    made = desk.begin()
    files = {object_name(number): f"{number}\n".encode() for number in range(COUNT)}
    made.head = desk.repo.change({**files}, "many")
    made.catch_up()
    return made


def _fetch(vault: Vault, announce: float = 1.0) -> dict[str, bytes]:
    """Fetch all files as the engine does: announced, and then in slices."""
    ids = sorted({entry.id for entry in vault.tree.values()})
    part = ids[: int(len(ids) * announce)]
    vault.remote.announce(vault.head or "", part, len(vault.tree))
    found: dict[str, bytes] = {}
    for start in range(0, len(ids), 100):
        found.update(vault.remote.blobs(ids[start : start + 100]))
    return found


def _whole(vault: Vault, found: dict[str, bytes]) -> None:
    """Check that all files have come, each with its own bytes."""
    assert found.keys() == {entry.id for entry in vault.tree.values()}
    assert all(blob_id(content) == oid for oid, content in found.items())


def test_very_many_files_are_two_requests(desk: Desk, vault: Vault) -> None:
    """One for the link and one for the archive, in whatever order the files are asked for."""
    asked = desk.asked(lambda: _whole(vault, _fetch(vault)))
    assert asked == [f"{LINK}{vault.head}", "codeload"]
    assert desk.hub.requests[-1].token_login is None


def test_few_files_are_asked_for_singly(desk: Desk, vault: Vault) -> None:
    """Where most of the commit is here already an archive is not worth its bytes."""
    ids = [vault.tree[object_name(number)].id for number in range(90)]
    vault.remote.announce(vault.head or "", ids, len(vault.tree))
    assert desk.asked(lambda: dict(vault.remote.blobs(ids))) == ["query"]


def test_nothing_is_downloaded_before_it_is_asked_for(desk: Desk, vault: Vault) -> None:
    """To announce costs nothing."""
    ids = [entry.id for entry in vault.tree.values()]
    assert desk.asked(lambda: vault.remote.announce(vault.head or "", ids, len(ids))) == []


def test_what_was_not_announced_is_asked_for(desk: Desk, vault: Vault) -> None:
    """The archive answers for what it was downloaded for, the rest comes as ever."""
    vault.remote.announce(vault.head or "", [e.id for e in vault.tree.values()], len(vault.tree))
    other = desk.repo.objects.add_blob(b"elsewhere\n")
    assert desk.asked(lambda: dict(vault.remote.blobs([other]))) == ["query"]


BROKEN: dict[str, tuple[str, faults.Kind]] = {
    "no link": ("GET .*/tarball/", faults.status(404)),
    "a link that is no link": ("GET .*/tarball/", faults.html),
    "a link to nowhere": ("GET .*/tarball/", faults.status(302, b"", {"Location": "http://[::"})),
    "a link to another scheme": (
        "GET .*/tarball/", faults.status(302, b"", {"Location": "file:///etc/passwd"}),
    ),
    "a download that is refused": ("_codeload", faults.status(403)),
    "a download that is a page": ("_codeload", faults.html),
    "a download that breaks off": ("_codeload", faults.half),
    "a download without an answer": ("_codeload", faults.close_before),
    "an empty download": ("_codeload", faults.empty_200),
    "a server's error": ("GET .*/tarball/", faults.status(502)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_an_archive_that_fails_is_done_without(desk: Desk, vault: Vault, name: str) -> None:
    """Whatever is wrong with it, what has not come that way is asked for in batches."""
    desk.fault(*BROKEN[name], times=None)
    asked = desk.asked(lambda: _whole(vault, _fetch(vault)))
    assert asked.count(f"{LINK}{vault.head}") == 1
    assert "query" in asked


def _packed(files: dict[str, bytes], level: int = 9) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(f"top/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), level)


LIES: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "other bytes": lambda files: _packed(dict.fromkeys(files, b"evil")),
    "half of it": lambda files: _packed(dict(list(files.items())[: len(files) // 2])),
    "a giant beside it": lambda files: _packed({"big": bytes(MAX_BLOB * 8), **files}, 1),
    "names that climb": lambda files: _packed({f"../../{path}": c for path, c in files.items()}),
    "no archive": lambda files: gzip.compress(b"text"),
    "nothing packed": lambda files: b"\x1f\x8b",
}


@pytest.mark.parametrize("name", LIES)
def test_an_archive_is_believed_in_nothing(
    desk: Desk, vault: Vault, name: str, tmp_path: Path
) -> None:
    """What it leaves out or changes comes another way; names in it are never used."""
    body = LIES[name](desk.repo.files())
    lie = faults.Kind(applied=False, answer=raw_answer(body, "application/x-gzip"))
    desk.fault("_codeload", lie)
    _whole(vault, _fetch(vault))


def test_files_left_out_by_gitattributes_come_too(desk: Desk, vault: Vault) -> None:
    """Who writes `export-ignore` into the repository keeps nothing from a new device."""
    vault.head = desk.repo.change({".gitattributes": b"objects/** export-ignore\n"}, "hidden")
    vault.catch_up()
    _whole(vault, _fetch(vault))


def test_a_full_disk_is_no_reason_to_fail(
    desk: Desk, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the archive cannot be kept, the files come in batches."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    _whole(vault, _fetch(vault))


def test_a_limit_at_the_link_is_kept_to(desk: Desk, vault: Vault) -> None:
    """Who is asked to wait on the way to the archive asks for nothing else meanwhile."""
    desk.fault("GET .*/tarball/", faults.secondary_limit(60))

    def refused() -> None:
        with pytest.raises(RateLimitedError, match=" 60 s"):
            _fetch(vault)

    assert desk.asked(refused) == [f"{LINK}{vault.head}"]


def test_a_header_of_any_size_is_not_read(desk: Desk, vault: Vault) -> None:
    """An archive that would fill the memory with a name is done without from there on."""
    buffer = io.BytesIO()
    large = {"comment": "x" * (2 * MAX_HEADER)}
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=large
    ) as tar:
        tar.addfile(tarfile.TarInfo("a"))
    body = gzip.compress(buffer.getvalue(), 1)
    desk.fault("_codeload", faults.Kind(False, raw_answer(body, "application/x-gzip")))
    asked = desk.asked(lambda: _whole(vault, _fetch(vault)))
    assert "query" in asked


class _Fast(SystemClock):
    """A clock that runs a thousand times as fast."""

    def monotonic(self) -> float:
        return super().monotonic() * 1000


class _Dripping(BaseHTTPRequestHandler):
    """Sends a file of an archive at once, and the rest so slowly that nobody should wait."""

    whole, first = b"", 0
    left = 0

    def do_GET(self) -> None:
        """Answer the link, and then what it leads to."""
        if self.path != "/drip":
            self.send_response(302)
            self.send_header("Location", f"http://{self.headers['Host']}/drip")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.whole)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(self.whole[: self.first])
            for byte in self.whole[self.first :]:
                type(self).left += 1
                time.sleep(0.01)
                self.wfile.write(bytes([byte]))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_download_that_drips_is_given_up(tmp_path: Path) -> None:
    """Bytes that come one by one keep no connection alive; what has come is used."""
    contents = [random.Random(n).randbytes(200_000) for n in range(2)]
    packed = _packed({f"f{n}": content for n, content in enumerate(contents)}, 1)

    class Handler(_Dripping):
        whole, first = packed, 300_000

    with _serving(Handler) as url:
        clock = _Fast()
        pace = Pace(clock, UNLIMITED)
        wire = Wire("ada/vault", Token("t", ""), Link(url, 5.0), pace, Memory(clock))
        with closing(wire):
            ids = [blob_id(content) for content in contents]
            archive = Archive.download(wire, Place(wire), "1" * 40, ids, tmp_path)
            with closing(archive):
                assert [archive.get(oid) for oid in ids] == [contents[0], None]
    assert 0 < Handler.left < 1000


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port, and give the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_nothing_is_read_after_the_last_that_was_wanted(desk: Desk, vault: Vault) -> None:
    """An archive that goes on and on is left once all has come, and so is not waited for."""
    files = desk.repo.files()
    body = _packed(files, 1)
    cut = gzip.compress(gzip.decompress(body)[:-8192] + b"\xff" * (1 << 20), 1)[:-200]
    desk.fault("_codeload", faults.Kind(False, raw_answer(cut, "application/x-gzip")))
    asked = desk.asked(lambda: _whole(vault, _fetch(vault)))
    assert asked == [f"{LINK}{vault.head}", "codeload"]


def test_after_it_is_closed_nothing_is_kept(desk: Desk, vault: Vault) -> None:
    """A client that was closed and is used again asks anew."""
    _fetch(vault)
    vault.remote.close()
    first = vault.tree[object_name(1)].id
    assert desk.asked(lambda: dict(vault.remote.blobs([first]))) == ["query"]

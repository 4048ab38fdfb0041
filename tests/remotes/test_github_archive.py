"""A new device's files as one download, and what happens where that does not do."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.ports.github.archive import MAX_BLOB
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


def test_after_it_is_closed_nothing_is_kept(desk: Desk, vault: Vault) -> None:
    """A client that was closed and is used again asks anew."""
    _fetch(vault)
    vault.remote.close()
    first = vault.tree[object_name(1)].id
    assert desk.asked(lambda: dict(vault.remote.blobs([first]))) == ["query"]

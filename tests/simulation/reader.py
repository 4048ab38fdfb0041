"""A small reader of the vault, of its own: it shares nothing with the engine but the key."""

from __future__ import annotations

import gzip
from collections import defaultdict

from memory_sync.model import Commit
from memory_sync.vault.keys import Cipher
from tests.simulation.remote import Repository

BLOCK = 512


class VaultReader:
    """Reads every file of every commit, each version once."""

    def __init__(self, repository: Repository, cipher: Cipher) -> None:
        self._repository = repository
        self._cipher = cipher
        self._read: dict[tuple[str, ...], tuple[str, bytes]] = {}
        self._head: str | None = None
        self.contents: dict[bytes, None] = {}

    def catch_up(self) -> None:
        """Read what was committed since the last time."""
        fresh: list[Commit] = []
        for commit in self._repository.follow(self._repository.head):
            if commit.id == self._head:
                break
            fresh.append(commit)
        for commit in reversed(fresh):
            self.contents |= dict.fromkeys(self.files(commit.id).values())
        self._head = self._repository.head

    def files(self, commit: str) -> dict[str, bytes]:
        """Return the files of a commit by their paths in the vault."""
        parts: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for path, entry in self._repository.listings[commit].items():
            if path.startswith("objects/"):
                name, _, number = path.partition(".age")
                parts[name][int(number[1:] or 0)] = entry.id
        return dict(self._file(tuple(map(found.get, sorted(found)))) for found in parts.values())

    def _file(self, blobs: tuple[str | None, ...]) -> tuple[str, bytes]:
        known = tuple(blob for blob in blobs if blob)
        if known not in self._read:
            plain = [self._cipher.decrypt(self._repository.blobs[blob]) for blob in known]
            self._read[known] = _member(b"".join(map(gzip.decompress, plain)))
        return self._read[known]


def _member(archive: bytes) -> tuple[str, bytes]:
    """Read the one file of a pax archive: its path and its content."""
    at, path = 0, ""
    while True:
        header = archive[at : at + BLOCK]
        size = int(header[124:136].rstrip(b"\0 "), 8)
        body = archive[at + BLOCK : at + BLOCK + size]
        if header[156:157] != b"x":
            return path or header[:100].rstrip(b"\0").decode(), body
        path = _records(body).get("path", path)
        at += BLOCK + -(-size // BLOCK) * BLOCK


def _records(body: bytes) -> dict[str, str]:
    """Read pax records: each is its own length, a key and a value."""
    found = {}
    while body:
        length = int(body.partition(b" ")[0])
        key, _, value = body[:length].partition(b" ")[2].partition(b"=")
        found[key.decode()] = value[:-1].decode()
        body = body[length:]
    return found

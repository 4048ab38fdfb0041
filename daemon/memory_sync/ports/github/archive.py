"""A whole commit in one download: how a new device gets ten thousand files.

The archive is believed in nothing: what it holds is known by the id that its bytes compute to, and
what it leaves out or changes is fetched in another way.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import zlib
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from urllib3.exceptions import HTTPError

from memory_sync.ports.github.place import Place
from memory_sync.ports.github.wire import Stream, Wire
from memory_sync.vault.trees import blob_id

MAX_BLOB = 1024 * 1024
"""Bytes of the largest file that is taken from an archive: parts of objects have 48 KiB."""
MAX_HEADER = 1024 * 1024
MAX_UNPACKED = 4 * 1024**3
"""Bytes of the largest header of a file, and of all that is unpacked of an archive."""
PATIENCE = 60.0
LEAST = 64 * 1024
"""An archive of which fewer bytes than this come in so many seconds is not waited for."""
BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, HTTPError)
"""What reading an archive raises that is cut short, damaged, or too much for the disk."""


class _Steady(io.BufferedIOBase):
    """Reads a stream for as long as it comes at a rate that is worth waiting for."""

    def __init__(self, stream: Stream, wire: Wire) -> None:
        self._stream = stream
        self._clock = wire.pace.clock
        self._beat = wire.beat
        self._since = self._clock.monotonic()
        self._came = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what is there, at least a byte but at the end; raises TimeoutError."""
        self._beat()
        found = self._stream.read1(size or -1)
        self._came += len(found)
        now = self._clock.monotonic()
        if now - self._since >= PATIENCE:
            if self._came < LEAST:
                raise TimeoutError
            self._since, self._came = now, 0
        return found


class _Member(tarfile.TarInfo):
    """A file in an archive; its header is read into memory, so it may not be of any size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header; raises ReadError for one that announces too long a one."""
        made = super().frombuf(buf, encoding, errors)
        if made.size > MAX_HEADER and not made.isreg():
            raise tarfile.ReadError("a header that is too large")
        return made


class _Tar(tarfile.TarFile):
    """An archive that is read once, from the beginning to the end."""

    tarinfo = _Member
    members: list[tarfile.TarInfo]
    """All that was read so far, for going back."""


class Archive:
    """The blobs of one commit that were wanted, in a file without a name."""

    def __init__(self) -> None:
        self._store: IO[bytes] | None = None
        self._places: dict[str, tuple[int, int]] = {}

    @classmethod
    def download(
        cls, wire: Wire, place: Place, commit: str, ids: Collection[str], folder: Path | None
    ) -> Self:
        """Download a commit and keep these blobs of it, or as many as come.

        `folder` is where the file lies. Raises RateLimitedError.
        """
        made = cls()
        path = f"{place.path}/tarball/{commit}"
        # Of an archive that breaks off, what has come is as good: each blob is known by its id.
        with wire.download(path) as stream, suppress(*BROKEN):
            if stream:
                made._store = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
                steady = _Steady(stream, wire)
                made._sort(steady, made._store, set(ids))
        return made

    def _sort(self, stream: _Steady, store: IO[bytes], wanted: set[str]) -> None:
        with _Tar.open(fileobj=stream, mode="r|gz") as tar:
            while len(self._places) < len(wanted) and (member := tar.next()):
                tar.members.clear()
                if member.offset_data + member.size > MAX_UNPACKED:
                    break
                inside = tar.extractfile(member) if member.isfile() else None
                if inside is None or member.size > MAX_BLOB:
                    continue
                content = inside.read()
                oid = blob_id(content)
                if oid in wanted and oid not in self._places:
                    place = store.tell()
                    store.write(content)
                    store.flush()
                    self._places[oid] = (place, len(content))

    def get(self, oid: str) -> bytes | None:
        """Return a blob, None if the archive did not have it."""
        if self._store is None or oid not in self._places:
            return None
        place, size = self._places[oid]
        with suppress(OSError):
            self._store.seek(place)
            content = self._store.read(size)
            if len(content) == size:
                return content
        return None

    def close(self) -> None:
        """Forget it."""
        self._places.clear()
        if self._store:
            with suppress(OSError):
                self._store.close()
            self._store = None

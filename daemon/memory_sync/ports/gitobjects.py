"""Git objects as files: on the disk, whole, before anything refers to them.

dulwich lays out packs here. Its object store reads (`folder.py`) and does not write: its lock on an
object outlives a killed process, and a pack that did not fit on the disk stays there.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import IO

from dulwich.object_format import SHA1
from dulwich.pack import UnpackedObject, write_pack_data, write_pack_index

from memory_sync.config.durable import sync_folder
from memory_sync.vault.trees import object_id

KINDS = {"commit": 1, "tree": 2, "blob": 3}

PACK_FROM = 50
"""So many new objects are written as one pack: two files to wait for instead of one for each."""


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object that is to be written."""

    kind: str
    content: bytes
    id: str

    @classmethod
    def of(cls, kind: str, content: bytes) -> GitObject:
        """Make an object and compute its id."""
        return cls(kind, content, object_id(kind, content))


def write_objects(folder: Path, objects: Iterable[GitObject]) -> None:
    """Write objects into the folder `objects`; they are on the disk when this returns."""
    unique = sorted({item.id: item for item in objects}.values(), key=lambda item: item.id)
    if len(unique) >= PACK_FROM:
        _write_pack(folder / "pack", unique)
    else:
        _write_loose(folder, unique)


def _write_loose(folder: Path, objects: Sequence[GitObject]) -> None:
    fans = {folder / item.id[:2] for item in objects}
    for fan in fans:
        with suppress(FileExistsError):
            os.mkdir(fan)
    for item in objects:
        head = f"{item.kind} {len(item.content)}\0".encode()
        # Also if it is there already: what a power cut left under that name may be empty.
        with placed(folder / item.id[:2] / item.id[2:]) as stream:
            stream.write(zlib.compress(head + item.content))
    for changed in (*fans, folder):
        sync(changed)


def _write_pack(folder: Path, objects: Sequence[GitObject]) -> None:
    """Write one pack and, when it is whole, the index that makes it count."""
    ids = [bytes.fromhex(item.id) for item in objects]
    records = (
        UnpackedObject(KINDS[item.kind], decomp_chunks=[item.content], sha=raw)
        for raw, item in zip(ids, objects, strict=True)
    )
    name = f"pack-{sha1(b''.join(ids), usedforsecurity=False).hexdigest()}"
    with placed(folder / f"{name}.pack") as stream:
        found, checksum = write_pack_data(stream.write, records, SHA1, num_records=len(ids))
    with placed(folder / f"{name}.idx") as stream:
        index = sorted((raw, offset, crc) for raw, (offset, crc) in found.items())
        write_pack_index(stream, index, checksum, version=2)
    sync(folder)


@contextmanager
def placed(path: Path, mode: int = 0o444) -> Iterator[IO[bytes]]:
    """Write a file under a name that `git gc` clears away, and rename it when it is durable."""
    temporary = path.with_name(f"tmp_obj_{os.urandom(6).hex()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, mode), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def sync(folder: Path) -> None:
    """Make a folder's entries durable, where the file system can."""
    try:
        sync_folder(folder)
    except OSError as error:
        # Some network file systems know no fsync of a folder; they write names at once.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise

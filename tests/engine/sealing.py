"""A key holder who seals what the program itself would never write."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from memory_sync.model import Change, Entry
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.folder import FolderRemote
from memory_sync.vault.keys import AgeCipher, Identity
from memory_sync.vault.manifest import MANIFEST, read_manifest
from memory_sync.vault.objects import object_name, part_path
from memory_sync.vault.seals import read_seal, seal_message
from memory_sync.vault.trees import blob_id, root_tree

Parts = Sequence[bytes]
"""What the parts of an object decrypt to."""


@dataclass(frozen=True)
class Holder:
    """Somebody with the key and a way to the vault in a folder."""

    identity: Identity
    url: str

    def seal(self, objects: Mapping[str, Parts]) -> str:
        """Make a commit on the head with objects by the paths that name them; return its id."""
        with closing(FolderRemote(self.url)) as remote:
            head = remote.head()
            assert head
            commit = next(iter(remote.history(head)))
            listing = dict(remote.listing(commit))
            ((_, manifest),) = remote.blobs([listing[MANIFEST].id])
            vault = read_manifest(manifest).id
            keys = self.identity.derive(vault)
            cipher = AgeCipher(self.identity, [self.identity.recipient])
            writes = {
                part_path(object_name(keys.names, path), index): cipher.encrypt(part)
                for path, parts in objects.items()
                for index, part in enumerate(parts)
            }
            listing |= {path: Entry(FILE_MODE, blob_id(data)) for path, data in writes.items()}
            seal = read_seal(commit.message)
            tree, number = root_tree(listing), (seal.n if seal else 0) + 1
            message = seal_message(keys.seal, number, vault, head, tree)
            return remote.commit(head, Change(message, tree, writes))


def packed(data: bytes) -> list[bytes]:
    """Return an archive as the one part of an object."""
    return [gzip.compress(data, mtime=0)]


def block(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Return one header block, whatever it says."""
    member = tarfile.TarInfo(name[:99])
    member.size, member.type, member.linkname = size, kind, link
    return member.tobuf(tarfile.GNU_FORMAT)


def records(**told: str | bytes) -> bytes:
    """Return a pax header; two underscores in a key stand for a dot."""
    text = b""
    for key, value in told.items():
        data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
        rest = b" " + key.replace("__", ".").encode() + b"=" + data + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        text += str(length).encode() + rest
    return block("././@PaxHeader", len(text), tarfile.XHDTYPE) + padded(text)


def padded(content: bytes) -> bytes:
    """Fill up the last block."""
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


def archive(path: str, content: bytes = b"evil\n", **more: str | bytes) -> bytes:
    """Return an archive of one ordinary file under any path, with any further pax records."""
    head = records(path=path, comment="laptop", **more)
    return head + block("x", len(content)) + padded(content) + bytes(1024)

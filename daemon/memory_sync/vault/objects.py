"""Objects: one file as a pax archive in gzip'd, encrypted parts, under a name that says nothing."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import digest as hmac

from memory_sync.model.remote import FILE_MODE, Listing
from memory_sync.model.trees import FileVersion, Part, RemoteFile
from memory_sync.vault.archive import ArchiveError, bounded_time, pack, unpack
from memory_sync.vault.keys import Cipher, CipherError
from memory_sync.vault.paths import PathError, check, safe_device
from memory_sync.vault.trees import blob_id

PART_SIZE = 32768
MAX_PARTS = 9999
MAX_PLAIN_PART = 4 * PART_SIZE
"""No part that the format allows grows beyond this; what does is a gzip bomb."""

OBJECT_PATH = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{30})\.age(?:\.(\d{4}))?")


class ObjectError(Exception):
    """An object that is not what the format says, or does not decrypt; its text says which."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """An object made ready: its parts, and those of their blobs that the vault lacks."""

    name: str
    file: RemoteFile
    new_blobs: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Decoded:
    """An object read: the path that it names itself, the file and its content."""

    path: str
    file: RemoteFile
    content: bytes


def object_name(names_key: bytes, path: str) -> str:
    """Name the object of a path: `objects/<2 hex>/<30 hex>.age`."""
    name = hmac(names_key, path.encode(), sha256).hex()[:32]
    return f"objects/{name[:2]}/{name[2:]}.age"


def part_path(name: str, index: int) -> str:
    """Name the place of an object's part in the git tree; the first is the object's own name."""
    return name if index == 0 else f"{name}.{index:04d}"


def split(header: bytes, body: bytes, size: int) -> list[bytes]:
    """Cut an archive into the plaintexts of its parts; `size` is the file's, in bytes."""
    if size <= PART_SIZE:
        return [header + body]
    return [header, *(body[at : at + PART_SIZE] for at in range(0, len(body), PART_SIZE))]


def encode(
    names_key: bytes,
    cipher: Cipher,
    path: str,
    content: bytes,
    *,
    mode: int,
    mtime: int,
    device: str,
    known: Sequence[Part] = (),
) -> Encoded:
    """Make the object of a file.

    `known` are the parts that the vault has of it: one whose plaintext is the same stays as it is.
    Raises ObjectError for a file of more than 9,999 parts.
    """
    header, body = pack(check(path), content, mode=mode, mtime=mtime, device=device)
    pieces = split(header, body, len(content))
    if len(pieces) > MAX_PARTS:
        raise ObjectError(f"it would have more than {MAX_PARTS} parts")
    parts: list[Part] = []
    new_blobs: dict[str, bytes] = {}
    for index, piece in enumerate(pieces):
        digest = sha256(piece).hexdigest()
        if index < len(known) and known[index].digest == digest:
            parts.append(known[index])
            continue
        blob = cipher.encrypt(gzip.compress(piece, 6, mtime=0))
        part = Part(blob_id(blob), digest)
        parts.append(part)
        new_blobs[part.blob] = blob
    version = FileVersion(
        sha256(content).hexdigest(), len(content), mode & 0o777, bounded_time(mtime)
    )
    file = RemoteFile(version, device, tuple(parts))
    return Encoded(object_name(names_key, path), file, new_blobs)


def decode(names_key: bytes, cipher: Cipher, name: str, blobs: Sequence[bytes]) -> Decoded:
    """Read an object from its parts' blobs, in their order.

    Raises ObjectError if it does not decrypt, is no archive of the format, or is not at its place.
    """
    pieces: list[bytes] = []
    parts: list[Part] = []
    for index, blob in enumerate(blobs):
        try:
            piece = _gunzip(cipher.decrypt(blob), PART_SIZE if index else MAX_PLAIN_PART)
        except CipherError as error:
            raise ObjectError(str(error)) from None
        pieces.append(piece)
        parts.append(Part(blob_id(blob), sha256(piece).hexdigest()))
    try:
        member = unpack(b"".join(pieces))
        path = check(member.path)
    except ArchiveError as error:
        raise ObjectError(str(error)) from None
    except PathError as error:
        raise ObjectError(f"its path is not allowed: {error}") from None
    if object_name(names_key, path) != name:
        raise ObjectError("it is not at the place that its path has")
    content = member.content
    version = FileVersion(sha256(content).hexdigest(), len(content), member.mode, member.mtime)
    device = safe_device(member.device) if member.device else ""
    return Decoded(path, RemoteFile(version, device, tuple(parts)), content)


def _gunzip(data: bytes, limit: int) -> bytes:
    """Decompress exactly one gzip member, of no more bytes than a part may hold."""
    stream = zlib.decompressobj(wbits=31)
    try:
        # One byte more, or the end of a stream of just that size would not be come to.
        piece = stream.decompress(data, limit + 1)
    except zlib.error:
        raise ObjectError("it is no gzip stream") from None
    if not stream.eof or stream.unused_data or len(piece) > limit:
        raise ObjectError("it is no single gzip stream of a part's size")
    return piece


def objects_in(listing: Listing) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Find the objects of a listing: name to the blob ids of its parts, in order.

    The second answer names objects whose parts have a gap or a wrong mode.
    """
    found: defaultdict[str, dict[int, str]] = defaultdict(dict)
    broken: set[str] = set()
    for path, entry in listing.items():
        match = OBJECT_PATH.fullmatch(path)
        if not match:
            continue
        name = f"objects/{match[1]}/{match[2]}.age"
        if entry.mode != FILE_MODE or match[3] == "0000":
            broken.add(name)
        found[name][int(match[3] or 0)] = entry.id
    whole: dict[str, tuple[str, ...]] = {}
    for name, parts in found.items():
        if sorted(parts) != list(range(len(parts))):
            broken.add(name)
        elif name not in broken:
            whole[name] = tuple(parts[index] for index in range(len(parts)))
    return whole, tuple(sorted(broken))

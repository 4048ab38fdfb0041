"""One file's archive, put together again from its decrypted parts."""

import io
import re
import tarfile
import zlib
from dataclasses import dataclass
from decimal import Decimal

from tests.reader.errors import FormatError

PIECE = 32768
BLOCK = 512
MAGIC = b"ustar\x0000"
FNAME = 8
TIME = re.compile(r"-?[0-9]+(\.[0-9]*)?")


@dataclass(frozen=True)
class Member:
    """The one file of an archive."""

    path: str
    content: bytes
    mode: int
    mtime: Decimal
    device: str


def unzip(name: str, data: bytes) -> bytes:
    """Return the plaintext of a part that must be one gzip member without name and time."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(data) + unpack.flush()
    except zlib.error as error:
        raise FormatError(f"{name}: not gzip: {error}") from error
    if not unpack.eof or unpack.unused_data:
        raise FormatError(f"{name}: not exactly one gzip member")
    if data[3] & FNAME:
        raise FormatError(f"{name}: the gzip header holds a name")
    if any(data[4:8]):
        raise FormatError(f"{name}: the gzip header holds a time")
    return plain


def read_archive(name: str, pieces: list[bytes]) -> Member:
    """Return the member of the archive that the pieces make, or say what is wrong with them."""
    archive = b"".join(pieces)
    try:
        header = header_length(archive)
        with tarfile.open(
            fileobj=io.BytesIO(archive), mode="r:", encoding="utf-8", errors="strict"
        ) as tar:
            member = _only(tar.getmembers(), header)
            opened = tar.extractfile(member)
            content = opened.read() if opened else b""
        _check_end(archive, header + member.size)
        _check_pieces([len(piece) for piece in pieces], header, member.size)
        return _member(member, content)
    except (FormatError, tarfile.TarError, ValueError) as error:
        raise FormatError(f"{name}: {error}") from error


def header_length(archive: bytes) -> int:
    """Return the length of the blocks before the first member's content."""
    at = 0
    while True:
        block = archive[at : at + BLOCK]
        if len(block) < BLOCK or block[257:265] != MAGIC:
            raise FormatError("not a pax archive")
        at += BLOCK
        if block[156:157] not in {b"x", b"g"}:
            return at
        at += _whole_blocks(int(block[124:136].rstrip(b"\0 "), 8))


def _only(members: list[tarfile.TarInfo], header: int) -> tarfile.TarInfo:
    if len(members) != 1:
        raise FormatError(f"the archive has {len(members)} members, not one")
    member = members[0]
    if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.issparse():
        raise FormatError("the member is not a regular file")
    if member.offset_data != header:
        raise FormatError("two readings of the header blocks differ")
    return member


def _check_end(archive: bytes, end_of_content: int) -> None:
    end = archive[_whole_blocks(end_of_content) :]
    if any(end):
        raise FormatError("the archive holds something after its member")
    if len(end) < 2 * BLOCK or len(end) % BLOCK:
        raise FormatError("the archive does not end in two or more blocks of zeros")


def _check_pieces(sizes: list[int], header: int, content: int) -> None:
    whole = sum(sizes)
    if content <= PIECE:
        expected = [whole]
    else:
        rest = whole - header
        full, last = divmod(rest, PIECE)
        expected = [header] + [PIECE] * full + ([last] if last else [])
    if sizes != expected:
        raise FormatError(f"the parts hold {sizes} bytes of the archive, not {expected}")


def _member(member: tarfile.TarInfo, content: bytes) -> Member:
    if member.mode & ~0o777:
        raise FormatError(f"the mode {member.mode:o} is more than permission bits")
    device = member.pax_headers.get("comment", "")
    if not device:
        raise FormatError("no pax comment names the device")
    # Python strips a slash from the end of a pax path; the record itself is what was written.
    path = member.pax_headers.get("path", member.name)
    return Member(path, content, member.mode, _mtime(member), device)


def _mtime(member: tarfile.TarInfo) -> Decimal:
    # tarfile makes a float of it, which cannot hold nanoseconds.
    text = member.pax_headers.get("mtime", str(member.mtime))
    if not TIME.fullmatch(text):
        raise FormatError(f"the modification time is not a number: {text!r}")
    return Decimal(text)


def _whole_blocks(length: int) -> int:
    return -(-length // BLOCK) * BLOCK

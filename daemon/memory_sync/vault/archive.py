"""The archive in an object: one pax member, written and read so that nothing else can be meant.

`tarfile` reads much more than the format has (sparse files, headers of headers, sizes that it
passes over); what a vault holds is hostile until it is read, so only single blocks are left to it.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass

BLOCK = tarfile.BLOCKSIZE
LAST_TIME = 253402300799
"""The end of the year 9999 in seconds since the epoch: no time beyond it can be shown."""
MAX_HEADER = 16 * BLOCK
"""Bytes of pax records that are read: a path, a device, a time and a size take far fewer."""
DIGITS = 20
"""A number in a header with more digits than this lies."""


class ArchiveError(ValueError):
    """Bytes that are no archive of the format; its text says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """The file in an archive. `path` and `device` are as they stand there, and not checked."""

    path: str
    device: str
    mode: int
    mtime: int
    content: bytes


def pack(path: str, content: bytes, *, mode: int, mtime: int, device: str) -> tuple[bytes, bytes]:
    """Build an archive with one member: its header blocks, and all that follows them."""
    member = tarfile.TarInfo(path)
    member.size = len(content)
    member.mode = mode & 0o777
    member.mtime = bounded_time(mtime)
    member.pax_headers = {"comment": device}
    header = member.tobuf(tarfile.PAX_FORMAT)
    padding = -len(content) % BLOCK
    return header, content + bytes(padding + 2 * BLOCK)


def bounded_time(seconds: float) -> int:
    """Return a time that every program can hold and show: whole seconds, 1970 to 9999."""
    return int(min(max(seconds, 0), LAST_TIME)) if seconds == seconds else 0  # noqa: PLR0124 - NaN


def unpack(data: bytes) -> Member:
    """Read the one ordinary file of an archive. Raises ArchiveError."""
    at, records = 0, dict[str, str]()
    header = _header(data, at)
    if header.type == tarfile.XHDTYPE:
        if not 0 <= header.size <= MAX_HEADER:
            raise ArchiveError("its pax header is too large")
        records = _records(data[BLOCK : BLOCK + header.size], header.size)
        at = BLOCK + _whole_blocks(header.size)
        header = _header(data, at)
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise ArchiveError("it holds no ordinary file")
    size = _number(records["size"]) if "size" in records else header.size
    content = _content(data, at + BLOCK, size)
    return Member(
        path=records.get("path", header.name),
        device=records.get("comment", ""),
        mode=header.mode & 0o777,
        mtime=_time(records["mtime"]) if "mtime" in records else bounded_time(header.mtime),
        content=content,
    )


def _header(data: bytes, at: int) -> tarfile.TarInfo:
    """Read one header block; its checksum is right, and nothing of it is followed."""
    block = data[at : at + BLOCK]
    if not block.strip(b"\0"):
        raise ArchiveError("it holds no ordinary file")
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        raise ArchiveError("it is no archive") from None


def _content(data: bytes, start: int, size: int) -> bytes:
    """Return the file's bytes; after them an archive has zeros and nothing else."""
    if not 0 <= size <= len(data):
        raise ArchiveError("it says a size that it does not have")
    if start + _whole_blocks(size) > len(data):
        raise ArchiveError("it is cut short")
    if data[start + size :].strip(b"\0"):
        raise ArchiveError("it holds more than one file")
    return data[start : start + size]


def _records(text: bytes, size: int) -> dict[str, str]:
    """Read pax records, `<length> <key>=<value>` a line; what is no UTF-8 becomes surrogates."""
    if len(text) < size:
        raise ArchiveError("it is cut short")
    found: dict[str, str] = {}
    while text:
        told, space, _ = text[: DIGITS + 1].partition(b" ")
        length = _number(told.decode("latin-1")) if space else 0
        record, text = text[:length], text[length:]
        key, equals, value = record[len(told) + 1 : -1].partition(b"=")
        if len(record) < length or record[-1:] != b"\n" or not (key and equals):
            raise ArchiveError("its pax header is broken")
        name = key.decode("utf-8", "surrogateescape")
        if name.startswith("GNU.sparse"):
            raise ArchiveError("it holds no ordinary file")
        found[name] = value.decode("utf-8", "surrogateescape")
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise ArchiveError("it has a number that is none")
    return int(text)


def _time(text: str) -> int:
    """Read a time, with fractions or without; one that is none counts as 1970."""
    try:
        return bounded_time(float(text))
    except ValueError:
        return 0


def _whole_blocks(size: int) -> int:
    return size + -size % BLOCK

"""Names on a disk: what they are in the vault, and which of them are our own."""

from __future__ import annotations

import errno
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass

from memory_sync.vault import paths

MARKER = ".memory-sync"

_TELLING = re.compile(
    r"\.memory-sync-[0-9a-f]{16}"
    r"-(?P<ours>[0-9a-f]{16})-(?P<size>\d+)-(?P<digest>[0-9a-f]{64})-(?P<name>.+)\.tmp",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a temporary name tells of the file that it stands for.

    `name` is that file's own; `size` (in bytes) and `digest` (SHA-256 in hex) belong to the content
    that was to be displaced; `ours` is how the digest of the content begins that was to come.
    """

    name: str
    size: int
    digest: str
    ours: str


def is_ours(name: str) -> bool:
    """Tell whether a file of this name is the marker or a temporary file, in any case."""
    if not name.isascii():
        # Some disks (HFS+) find a file whatever invisible signs are in its name.
        name = "".join(char for char in name if unicodedata.category(char) != "Cf")
    if not name.startswith("."):
        return False
    name = name.casefold()
    return name == MARKER or is_temporary(name)


def is_temporary(name: str) -> bool:
    """Tell whether this is the name of a temporary file of ours."""
    return name.startswith(".memory-sync-") and name.endswith(".tmp")


def temporary_name() -> str:
    """Make up a name that no other file has."""
    return f".memory-sync-{secrets.token_hex(8)}.tmp"


def telling_name(plain: str, told: Told) -> str:
    """Make a plain temporary name tell more. It can be longer than the disk takes."""
    more = f"-{told.ours}-{told.size}-{told.digest}-{told.name}.tmp"
    return plain.removesuffix(".tmp") + more


def plain_name(name: str) -> str:
    """Return the temporary name that one was made from which tells more."""
    return f"{name[: len('.memory-sync-') + 16]}.tmp" if told_by(name) else name


def told_by(name: str) -> Told | None:
    """Return what a temporary name tells; None if it is plain."""
    match = _TELLING.fullmatch(name)
    if match is None:
        return None
    return Told(match["name"], int(match["size"]), match["digest"], match["ours"])


def composed(name: str) -> str:
    """Return the form of a name that the vault uses (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def shown(path: object) -> str:
    """Return a path as a terminal can print it: what is no printable character is escaped."""
    text = os.fsencode(str(path)).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def trouble(root: str, path: str, *, folder: bool = False) -> str | None:
    """Say why the vault may not hold a path of this root, or why the path is our own; else None."""
    try:
        # Conflict copies have a form of their own, which their folders have not.
        paths.check(f"{'folder' if folder else root}/{path}")
    except paths.PathError as error:
        return shown(error)
    maybe = not path.isascii() or MARKER in path.casefold()
    if maybe and any(map(is_ours, path.split("/"))):
        return "the name is memory-sync's own"
    return None


def on_disk(folder: int, part: str) -> str | None:
    """Return the name under which an open folder holds this part of a path, None if it does not.

    It can be another one than the part: decomposed (NFD). Raises FileExistsError if only a name of
    other case is there, on a disk for which that is the same.
    """
    here = _inode(folder, part)
    if here is None and part.isascii():
        return None
    if here is not None and _inode(folder, part.swapcase()) != here:
        return part
    for name in sorted(os.listdir(folder)):
        if composed(name) == part:
            return name
    if here is None:
        return None
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), part)


def _inode(folder: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
    except FileNotFoundError:
        return None

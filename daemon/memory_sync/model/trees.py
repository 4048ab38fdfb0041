"""Files as each of the three trees knows them. A tree maps `<root>/<relative path>` to these."""

from __future__ import annotations

from dataclasses import dataclass

CONFLICTS = ".conflicts"
"""The reserved root name under which the losing sides of conflicts lie."""


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One content of a file, and what goes with it.

    `digest` is the SHA-256 of the content in hex and alone decides whether two versions are equal;
    `size` is in bytes, `mode` the permission bits, `mtime` in seconds since the epoch.
    """

    digest: str
    size: int
    mode: int
    mtime: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an object: the id of its blob, and the SHA-256 (hex) of its plaintext."""

    blob: str
    digest: str


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as an object of the vault holds it."""

    version: FileVersion
    device: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class BaseFile:
    """What was last the same on both sides: its digest and the blobs that still hold it."""

    digest: str
    blobs: tuple[str, ...]


def split_root(path: str) -> tuple[str, str]:
    """Split a path of the vault into its root's name and the path below it."""
    root, _, relative = path.partition("/")
    return root, relative

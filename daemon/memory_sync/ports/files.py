"""The port to one root's files: scan, read, write, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from memory_sync.errors import FileError
from memory_sync.model import FileVersion


@dataclass(frozen=True, slots=True)
class Glance:
    """What tells whether a file must be read again: all as the file system says it.

    `settled` is False if the file was so young when it was read that a later change could have left
    all the other fields as they are; such a file is read again.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int
    digest: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """One look at a root: paths are relative to it, composed (NFC) and matched by its patterns.

    `held` names the paths about which nothing can be said because of an error; a path that ends
    with a slash is a whole folder. `notes` are shown and hold nothing (a symbolic link, say).
    """

    files: Mapping[str, FileVersion]
    glances: Mapping[str, Glance]
    held: Mapping[str, FileError] = field(default_factory=dict)
    notes: tuple[FileError, ...] = ()


class LocalTree(Protocol):
    """The files of one root.

    Every operation may raise RootGoneError, MarkerMissingError, MarkerForeignError or RootBusyError
    before anything is touched. Paths are relative to the root, `/`-separated and NFC.
    """

    def lock(self) -> None:
        """Serve this root, alone, until `unlock` or the end of the process; again is no error."""
        ...

    def unlock(self) -> None:
        """Let others serve this root."""
        ...

    def check(self) -> None:
        """Only make sure that the root is there and is the one meant, at the cost of few calls."""
        ...

    def scan(self, known: Mapping[str, Glance]) -> Scan:
        """Look at every file that the patterns match; read only those that `known` cannot tell."""
        ...

    def read(self, path: str, expect: str) -> bytes:
        """Read a file whose content must have this digest.

        Raises FileChangedError if it is another or gone, or another FileError.
        """
        ...

    def write(self, path: str, content: bytes, *, mode: int, expect: str | None) -> None:
        """Replace a file, or make it, so that it is at every moment wholly old or wholly new.

        `expect` is the digest that the present content must have, None that there must be no file.
        Durable on return. What is replaced goes to the trash. Raises FileChangedError,
        FileInTheWayError, FileUnwritableError or DiskFullError, with the file as it was.
        """
        ...

    def remove(self, path: str, expect: str) -> None:
        """Remove a file into the trash, and the folders that are empty then (never the root).

        Raises FileChangedError if its content is not the expected one; gone already is no error.
        """
        ...

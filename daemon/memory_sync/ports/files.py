"""The port to one root's files: scan, read, write, remove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from memory_sync.errors import FileError
from memory_sync.model import FileVersion
from memory_sync.sync.patterns import Patterns


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
    `folder` tells the folder that was looked at from another one with the same root's marker;
    `patterns` are those in force, with what a file of rules in the root said, None if unknown;
    `again` asks for another look, as that file is gone of a sudden.
    """

    files: Mapping[str, FileVersion]
    glances: Mapping[str, Glance]
    held: Mapping[str, FileError] = field(default_factory=dict)
    notes: tuple[FileError, ...] = ()
    folder: str = ""
    patterns: Patterns | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Echo:
    """What a program wrote into a file after that file was replaced or removed.

    `path` is where the file was; `before` is its content when it was displaced or last settled,
    None if that can no longer be told; `content` is what it holds now, without the half of a line
    that may just be being written; `place` tells the adapter which one it is.
    """

    path: str
    before: bytes | None
    content: bytes
    place: str


class LocalTree(Protocol):
    """The files of one root.

    Every operation may raise RootGoneError, MarkerMissingError, MarkerForeignError or RootBusyError
    before anything is touched. Paths are relative to the root, `/`-separated and NFC.
    """

    def lock(self) -> None:
        """Serve this root, alone, until `unlock` or the end of the process; again is no error."""
        ...

    def adopt(self, *, replace: bool = False, make: bool = False) -> None:
        """Write the root's marker; one that says the same already stays as it is.

        `make` makes the folder if only that is missing. Raises MarkerForeignError if another's
        marker is there, unless it is to be replaced, RootBusyError if that other is being served,
        or RootGoneError.
        """
        ...

    def unlock(self) -> None:
        """Let others serve this root."""
        ...

    def check(self) -> None:
        """Only make sure that the root is there and is the one meant, at the cost of few calls."""
        ...

    def scan(self, known: Mapping[str, Glance], *, marked: bool = True) -> Scan:
        """Look at every file that the patterns match; read only those that `known` cannot tell.

        Without `marked` it does not matter whose marker the folder carries: that is only to say
        what would become of it.
        """
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

    def flush(self, paths: Iterable[str]) -> frozenset[str]:
        """Make files durable as they are, with the names that lead to them; return where it failed.

        What a program has saved can still be lost in a power cut: it is no base before this. A file
        that is gone by now has nothing to lose.
        """
        ...

    def remove(self, path: str, expect: str) -> None:
        """Remove a file into the trash, and the folders that are empty then (never the root).

        Raises FileChangedError if its content is not the expected one; gone already is no error.
        """
        ...

    def echoes(self, *, recent: bool) -> tuple[Echo, ...]:
        """Look for displaced files that were written to since, and not settled as they are now.

        `recent` looks only at those displaced lately, at the cost of few calls.
        """
        ...

    def settle(self, echo: Echo) -> None:
        """Note that an echo's content lives on elsewhere.

        It is reported again only if it changes again. Raises DiskFullError or a FileError.
        """
        ...

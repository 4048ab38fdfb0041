"""What the conformance suite needs to know of an adapter, and the adapters that it runs on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from memory_sync.ports import names, switch
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.files import LocalTree
from memory_sync.ports.trash import Trash
from memory_sync.sync.patterns import Patterns

MAX_SIZE = 1000
PATTERNS = Patterns(("MEMORY.md", "memory/**/*.md"), ("memory/private/**",))


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Return the time that was set."""
        return self.time

    def monotonic(self) -> float:
        """Return the time that was set."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.time += seconds

    def jitter(self) -> float:
        """Return no jitter."""
        return 0.0

    def random_bytes(self, count: int) -> bytes:
        """Return zeros."""
        return bytes(count)


class Bench(Protocol):
    """An adapter under test, and hands that reach its files as another program would."""

    @property
    def tree(self) -> LocalTree:
        """The adapter."""
        ...

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Write a file, with its folders."""
        ...

    def get(self, path: str) -> bytes | None:
        """Return a file's content, None if there is no file."""
        ...

    def mode(self, path: str) -> int:
        """Return a file's permission bits."""
        ...

    def drop(self, path: str) -> None:
        """Delete a file."""
        ...

    def make_folder(self, path: str) -> None:
        """Make a folder, with its parents."""
        ...

    def names(self) -> set[str]:
        """Return the paths of all files and folders (with a slash at the end), marker aside."""
        ...

    def trashed(self) -> list[bytes]:
        """Return the contents that the trash holds."""
        ...

    def appending(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        """Open a file as a program does that goes on appending to it; give what appends."""
        ...

    @property
    def keeps_what_is_open(self) -> bool:
        """Tell whether a replaced file can be kept itself, and not only its content."""
        ...


@dataclass
class DiskBench:
    """A `DiskTree` in a temporary folder."""

    base: Path
    clock: FixedClock = field(default_factory=FixedClock)
    max_size: int = MAX_SIZE
    patterns: Patterns = PATTERNS

    def __post_init__(self) -> None:
        self.root = self.base / "root"
        self.root.mkdir()
        self.clock.time = self.root.stat().st_mtime + 3600
        self.trash = Trash(self.base / "trash", self.clock)
        self.tree = self.another()
        self.tree.adopt()

    def another(self, name: str = "main", vault: str = "vault-1", path: str = "") -> DiskTree:
        """Make a second adapter, of the same root unless said otherwise."""
        return DiskTree(
            name,
            Path(path) if path else self.root,
            patterns=self.patterns,
            max_size=self.max_size,
            vault_id=vault,
            device="laptop",
            clock=self.clock,
            trash=self.trash,
        )

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Write a file, with its folders."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(mode)

    def get(self, path: str) -> bytes | None:
        """Return a file's content, None if there is no file."""
        place = self.root / path
        return place.read_bytes() if place.is_file() else None

    def mode(self, path: str) -> int:
        """Return a file's permission bits."""
        return (self.root / path).stat().st_mode & 0o7777

    def drop(self, path: str) -> None:
        """Delete a file."""
        (self.root / path).unlink()

    def make_folder(self, path: str) -> None:
        """Make a folder, with its parents."""
        (self.root / path).mkdir(parents=True)

    def names(self) -> set[str]:
        """Return the paths of all files and folders (with a slash at the end), marker aside."""
        found = self.root.rglob("*")
        paths = {f"{place.relative_to(self.root)}{'/' * place.is_dir()}" for place in found}
        return paths - {".memory-sync"}

    def trashed(self) -> list[bytes]:
        """Return the contents that the trash holds."""
        return [Path(item.place).read_bytes() for item in self.trash.entries()]

    @contextmanager
    def appending(self, path: str) -> Iterator[Callable[[bytes], object]]:
        """Open a file as a program does that goes on appending to it; give what appends."""
        with (self.root / path).open("ab", buffering=0) as stream:
            yield stream.write

    @property
    def keeps_what_is_open(self) -> bool:
        """Tell whether names can be traded here, or a file have two of them."""
        return switch._system_call() is not None or os.link in os.supports_follow_symlinks


@contextmanager
def without_exchange(*, links: bool = True) -> Iterator[None]:
    """Behave like a system without the two renames that lose nothing, or without hard links too."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(switch, "_system_call", lambda: None)
        if not links:
            patch.setattr(os, "link", refuse)
        yield


@contextmanager
def ignoring_case() -> Iterator[None]:
    """Behave like a disk that finds a file by its name in any case."""
    inode = names._inode

    def find(folder: int, name: str) -> int | None:
        same = [there for there in os.listdir(folder) if there.casefold() == name.casefold()]
        return inode(folder, same[0]) if same else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_inode", find)
        yield

"""The disk in memory as the conformance suite of `LocalTree` needs it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.files.bench import MAX_SIZE, PATTERNS, FixedClock
from tests.simulation.disk import MemoryDisk
from tests.simulation.tree import MemoryTree


class MemoryBench:
    """A `MemoryTree` on a disk of its own; a root is a folder of that disk."""

    def __init__(
        self, *, ignore_case: bool = False, decompose: bool = False, seed: int = 1
    ) -> None:
        self.clock = FixedClock()
        self.clock.time = 1_700_000_000.0
        self.disk = MemoryDisk(
            random.Random(seed), self.clock, ignore_case=ignore_case, decompose=decompose
        )
        self.tree = self.another()
        self.tree.adopt()

    def another(self, name: str = "main", vault: str = "vault-1", top: str = "root") -> MemoryTree:
        """Make a second adapter, of the same root unless said otherwise."""
        return MemoryTree(
            name,
            self.disk,
            patterns=PATTERNS,
            max_size=MAX_SIZE,
            clock=self.clock,
            top=top,
            vault=vault,
        )

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Write a file, with its folders; an hour passes."""
        self.disk.save(f"root/{path}", content)
        self.disk.chmod(f"root/{path}", mode)
        self.clock.sleep(3600)

    def get(self, path: str) -> bytes | None:
        """Return a file's content, None if there is no file."""
        return self.disk.read(f"root/{path}")

    def mode(self, path: str) -> int:
        """Return a file's permission bits."""
        return self.disk.mode(f"root/{path}")

    def drop(self, path: str) -> None:
        """Delete a file."""
        self.disk.delete(f"root/{path}")

    def make_folder(self, path: str) -> None:
        """Make a folder, with its parents."""
        self.disk.make_folder(f"root/{path}")

    def names(self) -> set[str]:
        """Return the paths of all files and folders (with a slash at the end), marker aside."""
        folder = self.disk.folder("root")
        assert folder
        files = {path for path, _ in self.disk.walk(folder)}
        folders = {f"{path}/" for path in self.disk.folders(folder)}
        return (files | folders) - {".memory-sync"}

    def trashed(self) -> list[bytes]:
        """Return the contents that the trash holds."""
        return [content for _, content in self.tree.trash()]

    @contextmanager
    def appending(self, path: str) -> Iterator[Callable[[bytes], object]]:
        """Open a file as a program does that goes on appending to it; give what appends."""
        yield self.disk.open(f"root/{path}").append

    @property
    def keeps_what_is_open(self) -> bool:
        """Tell that a replaced file is kept itself."""
        return True

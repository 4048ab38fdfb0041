"""Words that are planted, and the places in which each of them may be found."""

from __future__ import annotations

import base64
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TEXT = "the-blue-heron-nests-behind-the-mill"
NAME = "quokka-census"
PASSPHRASE = "walrus-teapot-lantern-91"
EVERY = 0.03
"""Seconds between two looks at the processes."""


@dataclass
class Plants:
    """The planted words: a kind for each, and the word in any writing that gives it away."""

    words: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    tokens: tuple[str, ...] = ()

    def plant(self, kind: str, word: str) -> None:
        """Plant a word; a key is looked for without its usual beginning, in both cases."""
        core = word.removeprefix("AGE-SECRET-KEY-1").encode()
        writings = {core, core.lower(), core.upper(), *_base64(core)}
        self.words[kind] = (*self.words.get(kind, ()), *writings)

    def found(self, content: bytes) -> set[str]:
        """Return the kinds of which a word is in a content."""
        return {
            kind for kind, words in self.words.items() if any(word in content for word in words)
        }


def _base64(core: bytes) -> Iterator[bytes]:
    """Write a word in base64 as it looks at each of the three places where it may begin."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + core)
        yield whole[4 * (before > 0) + 4 : -4]


class Watch:
    """Looks again and again at the command lines of all processes."""

    def __init__(self) -> None:
        self.lines: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch meanwhile."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join(10)

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.lines.add(place.read_bytes())
                except OSError:
                    continue


def git_contents(git_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Return every object that a repository holds, reachable or not, and its packs as they are."""
    words = ["git", f"--git-dir={git_dir}", "cat-file", "--batch-all-objects", "--batch"]
    yield "its objects", subprocess.run(words, capture_output=True, check=True).stdout
    for path in sorted(git_dir.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield str(path), content
            try:
                yield f"{path}, unpacked", zlib.decompress(content)
            except zlib.error:
                continue


def files_below(top: Path) -> Iterator[tuple[Path, bytes]]:
    """Return every file below a folder."""
    for path in sorted(top.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()

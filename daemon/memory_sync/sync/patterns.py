"""Include and exclude patterns, anchored at the root of a folder.

`*` and `?` stay within one part of a path, `[…]` is a set, `**` is any number of folders. A pattern
also tells which folders it can reach: no other folder is walked or watched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

DEFAULT_INCLUDE = ("MEMORY.md", "memory/**/*.md")


@dataclass(frozen=True)
class Glob:
    """One pattern."""

    text: str

    @cached_property
    def _parts(self) -> tuple[re.Pattern[str] | None, ...]:
        """Compile each part; None stands for `**`."""
        parts = [part for part in self.text.split("/") if part not in ("", ".")]
        return tuple(None if part == "**" else re.compile(translate(part)) for part in parts)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern names this file."""
        return _walk(self._parts, tuple(path.split("/")), prefix=False)

    def reaches(self, folder: str) -> bool:
        """Tell whether a file below this folder (or below the root, for "") can match."""
        return _walk(self._parts, tuple(folder.split("/")) if folder else (), prefix=True)

    def covers(self, folder: str) -> bool:
        """Tell whether every folder below this one is reached."""
        return _reaches_all(self._parts, tuple(folder.split("/")) if folder else ())


def _reaches_all(pattern: tuple[re.Pattern[str] | None, ...], parts: tuple[str, ...]) -> bool:
    if not pattern:
        return False
    first, rest = pattern[0], pattern[1:]
    if first is None:
        return True
    return bool(parts) and bool(first.match(parts[0])) and _reaches_all(rest, parts[1:])


def _walk(
    pattern: tuple[re.Pattern[str] | None, ...], parts: tuple[str, ...], *, prefix: bool
) -> bool:
    if not parts:
        # A folder is reached if something of the pattern is left for the files in it.
        return bool(pattern) if prefix else all(piece is None for piece in pattern)
    if not pattern:
        return False
    first, rest = pattern[0], pattern[1:]
    if first is None:
        return _walk(rest, parts, prefix=prefix) or _walk(pattern, parts[1:], prefix=prefix)
    return bool(first.match(parts[0])) and _walk(rest, parts[1:], prefix=prefix)


@dataclass(frozen=True)
class Patterns:
    """Which files of a root are synced: those that an include names and no exclude does."""

    include: tuple[str, ...] = DEFAULT_INCLUDE
    exclude: tuple[str, ...] = ()

    @cached_property
    def _globs(self) -> tuple[tuple[Glob, ...], tuple[Glob, ...]]:
        return tuple(map(Glob, self.include)), tuple(map(Glob, self.exclude))

    def matches(self, path: str) -> bool:
        """Tell whether the file at this path, relative to the root, is synced."""
        include, exclude = self._globs
        return any(glob.matches(path) for glob in include) and not any(
            glob.matches(path) for glob in exclude
        )

    def reaches(self, folder: str) -> bool:
        """Tell whether files below this folder can be synced."""
        include, exclude = self._globs
        return any(glob.reaches(folder) for glob in include) and not any(
            glob.matches(folder) for glob in exclude
        )

    def covers(self, folder: str) -> bool:
        """Tell whether every folder below this one is reached: one watch serves them all."""
        return any(glob.covers(folder) for glob in self._globs[0])

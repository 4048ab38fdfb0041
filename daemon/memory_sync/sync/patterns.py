"""Include and exclude patterns, anchored at the root of a folder.

`*` and `?` stay within one part of a path, `[…]` is a set, `**` is any number of folders. A pattern
also tells which folders it can reach: no other folder is walked or watched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property, lru_cache

DEFAULT_INCLUDE = ("MEMORY.md", "memory/**/*.md")


@dataclass(frozen=True)
class Glob:
    """One pattern."""

    text: str

    @cached_property
    def _parts(self) -> tuple[re.Pattern[str] | None, ...]:
        return _compiled(self.text)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern names this file."""
        return _walk(self._parts, tuple(path.split("/")), prefix=False)

    def reaches(self, folder: str) -> bool:
        """Tell whether a file below this folder (or below the root, for "") can match."""
        return _walk(self._parts, tuple(folder.split("/")) if folder else (), prefix=True)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[re.Pattern[str] | None, ...]:
    """Compile each part of a pattern; None stands for `**`."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return tuple(None if part == "**" else re.compile(translate(part)) for part in parts)


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
        return any(glob.matches(path) for glob in self._globs[0]) and not self._excluded(path)

    def reaches(self, folder: str) -> bool:
        """Tell whether files below this folder can be synced."""
        return any(glob.reaches(folder) for glob in self._globs[0]) and not self._excluded(folder)

    def _excluded(self, path: str) -> bool:
        """Tell whether an exclude names a path, or a folder on the way to it.

        With one rule for files and folders, no file can match that a walk does not come to: such a
        file would look deleted.
        """
        exclude = self._globs[1]
        if not exclude or not path:
            return False
        parts = path.split("/")
        ways = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return any(glob.matches(way) for glob in exclude for way in ways)

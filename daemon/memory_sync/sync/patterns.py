"""Which files of a root are synced: include and exclude patterns, and the rules of `ignores`.

Patterns are anchored at the root's folder. `*` and `?` stay within one part of a path, `[…]` is a
set, `**` is any number of folders. A pattern also tells which folders it can reach: no other folder
is walked or watched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import translate
from functools import cached_property, lru_cache

from memory_sync.sync.ignores import IGNORE_FILE, Rule, compiled
from memory_sync.sync.parts import Part, states

DEFAULT_INCLUDE = ("MEMORY.md", "memory/**/*.md")


@dataclass(frozen=True)
class Glob:
    """One pattern."""

    text: str

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return _compiled(self.text)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern names this file."""
        if not self._begins(path):
            return False
        return len(self._parts) in states(self._parts, path.split("/"))

    def reaches(self, folder: str) -> bool:
        """Tell whether a file below this folder (or below the root, for "") can match."""
        if folder and not self._begins(folder):
            return False
        found = states(self._parts, folder.split("/") if folder else ())
        return any(done < len(self._parts) for done in found)

    def _begins(self, path: str) -> bool:
        """Tell whether the first part fits, which is quick and settles it for most folders."""
        first = self._parts[0] if self._parts else None
        return first is None or bool(first.match(path.partition("/")[0]))


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[Part, ...]:
    """Compile each part of a pattern."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return tuple(None if part == "**" else re.compile(translate(part)) for part in parts)


class Why(StrEnum):
    """Why a path is synced, or is not."""

    SYNCED = "synced"
    INCLUDE = "include"
    EXCLUDE = "exclude"
    DEFAULT = "default"
    IGNORE_FILE = "ignore-file"


@dataclass(frozen=True, slots=True)
class Reason:
    """What decides about a path: `rule` is the pattern, `line` where it stands in the file."""

    why: Why
    rule: str = ""
    line: int = 0


@dataclass(frozen=True)
class Patterns:
    """Which files of a root are synced: those that an include names, and nothing leaves out.

    `ignore` are the lines of the root's `.memorysyncignore`; with them go the default rules, and
    the file itself is synced. Where it is None nothing is left out but by `exclude`.
    """

    include: tuple[str, ...] = DEFAULT_INCLUDE
    exclude: tuple[str, ...] = ()
    ignore: tuple[str, ...] | None = None

    @cached_property
    def _globs(self) -> tuple[tuple[Glob, ...], tuple[Glob, ...]]:
        return tuple(map(Glob, self.include)), tuple(map(Glob, self.exclude))

    @property
    def whole(self) -> Patterns:
        """The same, with nothing left out but by `exclude`."""
        return self if self.ignore is None else replace(self, ignore=None)

    def matches(self, path: str) -> bool:
        """Tell whether the file at this path, relative to the root, is synced."""
        if self.ignore is not None and path == IGNORE_FILE:
            return self._excluded(path) is None
        return self._included(path) and self._excluded(path) is None and self._ignored(path) is None

    def reaches(self, folder: str) -> bool:
        """Tell whether files below this folder can be synced."""
        included = any(glob.reaches(folder) for glob in self._globs[0])
        return (
            included
            and self._excluded(folder) is None
            and self._ignored(folder, folder=True) is None
        )

    def why(self, path: str, *, folder: bool = False) -> Reason:
        """Say what decides about a file or folder: what a person has set comes before a default."""
        excluded, ignored = self._excluded(path), self._ignored(path, folder=folder)
        if excluded:
            return Reason(Why.EXCLUDE, excluded.text)
        if self.reaches(path) if folder else self.matches(path):
            return Reason(Why.SYNCED)
        if ignored and ignored.number > 0:
            return Reason(Why.IGNORE_FILE, ignored.text, ignored.number)
        if ignored and (folder or self._included(path)):
            return Reason(Why.DEFAULT, ignored.text)
        return Reason(Why.INCLUDE)

    def _included(self, path: str) -> bool:
        return any(glob.matches(path) for glob in self._globs[0])

    def _excluded(self, path: str) -> Glob | None:
        """Return the exclude that names a path, or a folder on the way to it.

        With one rule for files and folders, no file can match that a walk does not come to: such a
        file would look deleted.
        """
        exclude = self._globs[1]
        if not exclude or not path:
            return None
        parts = path.split("/")
        ways = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        return next((glob for glob in exclude for way in ways if glob.matches(way)), None)

    def _ignored(self, path: str, *, folder: bool = False) -> Rule | None:
        """Return the rule that leaves a path out, or a folder on the way to it."""
        if self.ignore is None or not path:
            return None
        return compiled(self.ignore).leaves_out(path, folder=folder)

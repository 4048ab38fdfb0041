"""Projects on this disk: which folder an encoded name stands for, and where its repository is from.

Claude Code names what it keeps of a project after the project's absolute path, with a `-` for each
character that is no letter or digit. The way back is not written anywhere: it is looked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, NoReturn

from memory_sync.config.origins import normalised
from memory_sync.config.small import read_small

ENTRIES, FOLDERS = 100_000, 2_000
"""How many names, and how many folders, are looked at for all projects of one look."""
CONFIG_SIZE = 64 * 1024
"""Bytes that a repository's configuration has at most."""
ROOT = 0


class Candidate(NamedTuple):
    """A folder that an encoded name may stand for; `origin` is normalised, "" if it has none.

    `subfolder` is its place in the repository that it belongs to.
    """

    path: str
    origin: str
    subfolder: str


class Exhausted(Exception):  # noqa: N818 - it is no error: enough was looked at
    """More would have to be looked at than is reasonable."""


def encoded(path: str) -> str:
    """Return the name that Claude Code gives to what it keeps of a project."""
    # It counts characters as JavaScript does: those beyond 16 bits are two.
    return "".join(
        "-" * (1 + (ord(found) > 0xFFFF)) if _is_other(found) else found for found in path
    )


def _is_other(char: str) -> bool:
    return not (char.isascii() and char.isalnum())


class Finder:
    """Looks for the folders that encoded names stand for; what was listed is kept for one look."""

    def __init__(self, top: str = "/", entries: int = ENTRIES, folders: int = FOLDERS) -> None:
        self._top = top
        self._entries, self._folders = entries, folders
        self._listed: dict[str, tuple[tuple[str, str], ...]] = {}

    def find(self, name: str) -> tuple[Candidate, ...]:
        """Return all folders whose path is encoded so. Raises Exhausted."""
        start = encoded(self._top.rstrip("/") + "/")
        if not name.startswith(start):
            return ()
        paths = sorted(self._below(self._top, name[len(start) :]))
        return tuple(Candidate(path, *origin_of(path)) for path in paths)

    def _below(self, folder: str, rest: str) -> Iterator[str]:
        for name, code in self._children(folder):
            path = os.path.join(folder, name)
            if rest == code:
                yield path
            elif rest.startswith(f"{code}-"):
                yield from self._below(path, rest[len(code) + 1 :])

    def _children(self, folder: str) -> tuple[tuple[str, str], ...]:
        """Return the folders in a folder, each with its encoded name."""
        if folder not in self._listed:
            if self._folders <= 0 or self._entries <= 0:
                raise Exhausted
            self._folders -= 1
            self._listed[folder] = tuple(self._list(folder))
        return self._listed[folder]

    def _list(self, folder: str) -> Iterator[tuple[str, str]]:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._entries -= 1
                    if self._entries < 0:
                        raise Exhausted
                    if entry.is_dir(follow_symlinks=False):
                        yield entry.name, encoded(entry.name)
        except OSError:
            yield from _on_the_way_home(folder)


def _on_the_way_home(folder: str) -> Iterator[tuple[str, str]]:
    """Return what is known of a folder that cannot be listed: often the one above all homes."""
    home = os.path.realpath(os.path.expanduser("~"))
    if home.startswith(f"{folder.rstrip('/')}/"):
        name = home[len(folder.rstrip("/")) + 1 :].partition("/")[0]
        yield name, encoded(name)


def origin_of(path: str) -> tuple[str, str]:
    """Return the normalised origin of the repository around a folder, and the folder's place in it.

    ("", "") where there is none, none that several machines share, or none that can be read.
    """
    folder = path
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return "", ""
        folder = above
    try:
        url = _url(_git_folder(os.path.join(folder, ".git")))
    except (OSError, ValueError, LookupError, RuntimeError):
        return "", ""
    origin = normalised(url) or ""
    return origin, os.path.relpath(path, folder) if origin and path != folder else ""


def _git_folder(place: str) -> str:
    """Return the folder with a repository's configuration. Raises OSError, ValueError.

    A worktree and a submodule have a file in its place, which names a folder, once.
    """
    if os.lstat(place).st_uid not in (os.getuid(), ROOT):
        raise ValueError("is somebody else's")
    if os.path.isfile(place):
        text = _line(place)
        if not text.startswith("gitdir:"):
            raise ValueError("names no folder")
        place = os.path.join(os.path.dirname(place), text.removeprefix("gitdir:").strip())
    common = os.path.join(place, "commondir")
    if os.path.isfile(common):
        place = os.path.join(place, _line(common))
    # As git itself: what somebody else put there says nothing about a project of ours.
    if os.stat(place).st_uid not in (os.getuid(), ROOT):
        raise ValueError("is somebody else's")
    return place


def _line(path: str) -> str:
    return os.fsdecode(read_small(Path(path), 4096)).strip()


def _url(place: str) -> str:
    """Return the URL of `origin`, as it is written. Raises OSError, ValueError, LookupError."""
    content = read_small(Path(place, "config"), CONFIG_SIZE)
    if not re.search(rb'(?i)\[\s*remote\s+"origin"', content):
        raise LookupError("no origin")
    # Imported here because most have no project at all.
    from dulwich.config import ConfigFile

    config = ConfigFile.from_file(BytesIO(content), file_opener=_not_included)
    return next(iter(config.get_multivar((b"remote", b"origin"), b"url")), b"").decode()


def _not_included(_: object) -> NoReturn:
    raise OSError("what it includes is not read")

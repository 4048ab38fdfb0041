"""Folders that are one, and folders that lie in one another, as the file system sees them.

A disk that never answers (a network's, say) stops whoever touches it. So each folder is looked at
by a thread of its own, and one that is not seen in time counts by its path alone.
"""

from __future__ import annotations

import os
import threading
import time
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Mark = tuple[int, int] | str
"""What a folder is apart from its name: device and inode, or else its path."""

PATIENCE = 0.3
"""Seconds that all folders together have to be seen."""


def same_folder(folders: Mapping[Key, Path]) -> tuple[Key, Key] | None:
    """Return the keys of the first two folders that are the same one, however they are written."""
    sights = _see(folders.values(), PATIENCE)
    marks = {key: sights[folder].mark for key, folder in folders.items()}
    return next((pair for pair in combinations(marks, 2) if marks[pair[0]] == marks[pair[1]]), None)


def inner_folders(
    folders: Mapping[Key, Path], patience: float = PATIENCE
) -> dict[Key, tuple[str, ...]]:
    """Return, for each folder, which of the others lie in it.

    They are relative to it, `/`-separated and composed (NFC), as the paths of a root are. Where
    folders have several names a slow disk is waited for, for `patience` seconds.
    """
    sights = _see(folders.values(), patience)
    marks: dict[Mark, Key] = {}
    for key, folder in folders.items():
        # By its path too: a folder that was not seen in time knows no more of those around it.
        marks |= dict.fromkeys((str(sights[folder].real), sights[folder].mark), key)
    inner: dict[Key, list[str]] = {key: [] for key in folders}
    for folder in folders.values():
        real, _, around = sights[folder]
        for outer, mark in zip(real.parents, around, strict=True):
            known = mark if mark in marks else str(outer)
            if known in marks:
                relative = real.relative_to(outer).as_posix()
                inner[marks[known]].append(unicodedata.normalize("NFC", relative))
    return {key: tuple(sorted(found)) for key, found in inner.items()}


class _Sight(NamedTuple):
    """What was seen of a folder: its path without links, its mark, and those of all above it."""

    real: Path
    mark: Mark
    around: tuple[Mark, ...]


class _Look(threading.Thread):
    """One look at a folder, which may never come to an end."""

    def __init__(self, folder: Path) -> None:
        super().__init__(name="look", daemon=True)
        self._folder = folder
        self.began = time.monotonic()
        self.sight: _Sight | None = None

    def run(self) -> None:
        real = Path(os.path.realpath(self._folder))
        around = tuple(_mark(outer) for outer in real.parents)
        self.sight = _Sight(real, _mark(self._folder), around)


_looks: dict[Path, _Look] = {}
"""The looks that go on, so that a disk that hangs for ever holds one thread and no more."""
_guard = threading.Lock()


def _see(folders: Iterable[Path], patience: float) -> dict[Path, _Sight]:
    """Look at folders, all at the same time."""
    looks = {folder: _look_at(folder) for folder in folders}
    sights = {}
    for folder, look in looks.items():
        look.join(max(0.0, look.began + patience - time.monotonic()))
        sights[folder] = look.sight or _unseen(folder)
    return sights


def _look_at(folder: Path) -> _Look:
    with _guard:
        look = _looks.get(folder)
        if look is None or not look.is_alive():
            look = _looks[folder] = _Look(folder)
            look.start()
        return look


def _unseen(folder: Path) -> _Sight:
    """Return what a folder's path says, without a look at the disk."""
    path = Path(os.path.abspath(folder))
    return _Sight(path, str(path), tuple(str(outer) for outer in path.parents))


def _mark(folder: Path) -> Mark:
    """Tell what a folder is apart from its name, which may be one of several.

    Device and inode see through letter case, links and mounts; a folder that is not there has
    only its path.
    """
    try:
        found = os.stat(folder)
    except OSError:
        return os.path.realpath(folder)
    return found.st_dev, found.st_ino

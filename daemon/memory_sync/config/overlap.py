"""Folders that are one, and folders that lie in one another, as the file system sees them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Hashable, Mapping
from itertools import combinations
from pathlib import Path
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def same_folder(folders: Mapping[Key, Path]) -> tuple[Key, Key] | None:
    """Return the keys of the first two folders that are the same one, however they are written."""
    marks = {key: _mark(folder) for key, folder in folders.items()}
    return next((pair for pair in combinations(marks, 2) if marks[pair[0]] == marks[pair[1]]), None)


def inner_folders(folders: Mapping[Key, Path]) -> dict[Key, tuple[str, ...]]:
    """Return, for each folder, which of the others lie in it.

    They are relative to it, `/`-separated and composed (NFC), as the paths of a root are.
    """
    marks = {_mark(folder): key for key, folder in folders.items()}
    inner: dict[Key, list[str]] = {key: [] for key in folders}
    for folder in folders.values():
        real = Path(os.path.realpath(folder))
        for outer in real.parents:
            key = marks.get(_mark(outer))
            if key is not None:
                relative = real.relative_to(outer).as_posix()
                inner[key].append(unicodedata.normalize("NFC", relative))
    return {key: tuple(sorted(found)) for key, found in inner.items()}


def _mark(folder: Path) -> tuple[int, int] | str:
    """Tell what a folder is apart from its name, which may be one of several.

    Device and inode see through letter case, links and mounts; a folder that is not there has
    only its path.
    """
    try:
        found = os.stat(folder)
    except OSError:
        return os.path.realpath(folder)
    return found.st_dev, found.st_ino

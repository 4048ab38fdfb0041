"""What a conflict began with: the content that both sides had, for as long as its copy is there.

It only helps a person to see who changed what, on the device that made the copy. So what cannot be
written here stops nothing, and what is lost is merely not shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.errors import DiskFullError
from memory_sync.ports import names


class Bases:
    """One folder (0700) of a vault; a copy is named by its place below `.conflicts`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, place: str, digest: str, content: bytes) -> None:
        """Keep what the copy in this place, whose content has this digest, began with."""
        self.drop(place)
        with suppress(OSError, DiskFullError):
            make_private_folder(self.folder)
            write_durably(self.folder / f"{_key(place)}-{digest}", content)

    def get(self, place: str, digest: str) -> bytes | None:
        """Return what a copy began with; None if that is not known, or the copy is another now."""
        try:
            return (self.folder / f"{_key(place)}-{digest}").read_bytes()
        except OSError:
            return None

    def drop(self, place: str) -> None:
        """Forget what belongs to one copy."""
        key = _key(place)
        self._remove(one for one in self._listed() if one.startswith(key))

    def tidy(self, places: Iterable[str]) -> None:
        """Forget what belongs to no copy that is still there."""
        kept = set(map(_key, places))
        self._remove(one for one in self._listed() if one.partition("-")[0] not in kept)

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.folder)
        except OSError:
            return []

    def _remove(self, found: Iterable[str]) -> None:
        for name in found:
            with suppress(OSError):
                os.unlink(self.folder / name)


def _key(place: str) -> str:
    return sha256(os.fsencode(names.composed(place))).hexdigest()

"""A place for decrypted contents between the fetch and the write."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import IO

from memory_sync.ports.handles import writing

MEMORY = 16 * 1024 * 1024


class Spool:
    """Contents by their digest; beyond 16 MiB they go to a file that has no name.

    Without a name nothing of it is left behind, whatever ends the process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._small: dict[str, bytes] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._held = 0
        self._file: IO[bytes] | None = None

    def put(self, digest: str, content: bytes) -> None:
        """Keep a content. Raises DiskFullError or another error."""
        if digest in self._small or digest in self._places:
            return
        if self._held + len(content) <= MEMORY:
            self._held += len(content)
            self._small[digest] = content
            return
        with writing(str(self._folder or tempfile.gettempdir())):
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed below
            place = self._file.seek(0, 2)
            self._file.write(content)
            self._file.flush()
        self._places[digest] = (place, len(content))

    def get(self, digest: str) -> bytes | None:
        """Return a content that was kept, or None."""
        if digest in self._small:
            return self._small[digest]
        if self._file is None or digest not in self._places:
            return None
        place, size = self._places[digest]
        self._file.seek(place)
        return self._file.read(size)

    def clear(self) -> None:
        """Forget everything."""
        self._small.clear()
        self._places.clear()
        self._held = 0
        if self._file:
            with contextlib.suppress(OSError):  # what could not be written is not wanted any more
                self._file.close()
            self._file = None

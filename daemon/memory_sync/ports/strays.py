"""Displaced files that cannot be moved into the trash, because that is on another file system.

The trash has a copy. The file itself stays in its root for a day, under a temporary name, because
a program that has it open goes on writing into it. A note in the trash tells what it was.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from errno import EXDEV
from pathlib import Path

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.errors import MemorySyncError
from memory_sync.ports import handles, names
from memory_sync.ports.clock import Clock
from memory_sync.ports.displaced import LATELY, Late, Lately, Record, look_again
from memory_sync.ports.files import Echo
from memory_sync.ports.handles import Spot
from memory_sync.ports.switch import rename_new

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a stray: where it was, what it held, and the name that it has now."""

    path: str
    record: Record
    name: str


class Strays:
    """The strays of one root; `folder` holds a note on each, under the stray's plain name."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lately: Lately[str] = Lately(clock)
        self._heard: dict[str, Late] = {}

    def add(self, root: int, spot: Spot, path: str, record: Record) -> None:
        """Keep a displaced file, which has a temporary name, at the top of its open root."""
        make_private_folder(self._folder)
        # The note first: without it the file would be taken for what a crash has left.
        name = names.plain_name(spot.name)
        self._write(name, Note(path, record, spot.name))
        self._lately.add(name)
        if os.path.samestat(os.fstat(spot.folder), os.fstat(root)):
            return
        try:
            rename_new(spot.folder, spot.name, root, spot.name)
        except OSError as error:
            if error.errno != EXDEV:
                raise
            return  # the folder is another file system than the root: it stays in there
        os.fsync(root)

    def has(self, name: str) -> bool:
        """Tell whether a temporary file is a stray."""
        return os.path.lexists(self._folder / names.plain_name(name))

    def any(self, *, recent: bool) -> bool:
        """Tell whether there is something to look at."""
        return any(True for _ in (self._lately if recent else self._names()))

    def echoes(self, root: int, *, recent: bool, limit: int) -> Iterator[Echo]:
        """Look for strays that were written to since; those that nobody wrote to for a day go."""
        for name in self._lately if recent else self._names():
            note = self._read(name)
            if note is None:
                continue
            with contextlib.suppress(OSError, MemorySyncError), ExitStack() as stack:
                folder = _folder_of(root, note, stack)
                if folder is None:
                    self._forget(name)
                elif echo := self._look(folder, name, note, limit):
                    yield echo
                elif not recent:
                    self._by_age(folder, name, note)

    def _look(self, folder: int, name: str, note: Note, limit: int) -> Echo | None:
        now = self._clock.now()
        found = look_again(folder, note.name, note.record, limit=limit, now=now)
        if isinstance(found, Record):
            self._write(name, replace(note, record=found))
        if not isinstance(found, Late):
            return None
        self._lately.add(name)
        self._heard[name] = found
        return Echo(note.path, found.before, found.content, str(self._folder / name))

    def settle(self, echo: Echo) -> bool:
        """Record an echo's content as living on; False if it is none of these."""
        name = os.path.basename(echo.place)
        note = self._read(name) if echo.place == str(self._folder / name) else None
        if note is None:
            return False
        heard = self._heard.pop(name, None)
        mtime_ns = heard.mtime_ns if heard and heard.content == echo.content else 0
        record = Record(len(echo.content), mtime_ns, handles.digest_of(echo.content))
        self._write(name, replace(note, record=record))
        return True

    def _by_age(self, folder: int, name: str, note: Note) -> None:
        """Let a stray go after a quiet day; keep an eye on a young one."""
        seen = os.stat(note.name, dir_fd=folder, follow_symlinks=False)
        age = self._clock.now() - max(seen.st_mtime, seen.st_ctime)
        if note.record.fits(seen) and age > DAY:
            os.unlink(note.name, dir_fd=folder)
            self._forget(name)
        elif age < LATELY:
            self._lately.add(name)

    def _forget(self, name: str) -> None:
        self._lately.drop(name)
        self._heard.pop(name, None)
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()

    def _names(self) -> list[str]:
        try:
            return sorted(filter(names.is_temporary, os.listdir(self._folder)))
        except OSError:
            return []

    def _write(self, name: str, note: Note) -> None:
        write_durably(self._folder / name, json.dumps(asdict(note)).encode())

    def _read(self, name: str) -> Note | None:
        """Read a note; one that makes no sense tells nothing, and its file stays."""
        try:
            data = json.loads((self._folder / name).read_bytes())
            record = Record(**data["record"])
            return Note(str(data["path"]), record, str(data.get("name", name)))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _folder_of(root: int, note: Note, stack: ExitStack) -> int | None:
    """Open the folder that a stray lies in: the root, or else the one that it was in."""
    if Spot(root, note.name, note.path).look():
        return root
    try:
        folder = stack.enter_context(handles.way(root, note.path.split("/")[:-1])).end
    except (FileNotFoundError, NotADirectoryError):
        return None
    return folder if Spot(folder, note.name, note.path).look() else None

"""One look at a root: every file that the patterns match, and what cannot be told about it.

What goes wrong for a file or folder is held for its path, so that it is never taken for a delete.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from memory_sync.errors import FileChangedError, FileError, FileNameError, FileSpecialError
from memory_sync.model import FileVersion
from memory_sync.ports import handles, names
from memory_sync.ports.files import Glance, Scan
from memory_sync.ports.handles import Spot
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.sync.patterns import Patterns

RACY_NS = 2_000_000_000
"""A file younger than this when it is read can change again without a trace in its times (FAT)."""

MAX_DEPTH = 100
_TRIES = 3

Entry = os.DirEntry[str]
Heard = Callable[[str, bytes], None]
"""Is told the path and the content of a file that was read."""


def unheard(_path: str, _content: bytes) -> None:
    """Tell nobody what a file holds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which files of which root are looked at; `max_size` is in bytes."""

    root: str
    path: Path
    patterns: Patterns
    max_size: int

    def shown(self, path: str) -> str:
        """Return the place on this machine of a path of the root, for people."""
        return names.shown(self.path / path)


@dataclass(slots=True)
class Look:
    """The state of one look.

    `now` is the time at its start in nanoseconds. `plain` holds the paths (each to itself) whose
    names are known to be good, and is added to. `leftover` is called with the open folder, its path
    and the name of each temporary file, `beat` for each folder and each file that is read, `heard`
    with what was read.
    """

    bounds: Bounds
    known: Mapping[str, Glance]
    now: int
    plain: dict[str, str]
    leftover: Callable[[int, str, str], None]
    beat: Beat = no_beat
    heard: Heard = unheard
    files: dict[str, FileVersion] = field(default_factory=dict)
    glances: dict[str, Glance] = field(default_factory=dict)
    held: dict[str, FileError] = field(default_factory=dict)
    notes: list[FileError] = field(default_factory=list)

    def scan(self, root: int) -> Scan:
        """Look at everything below an open root. Raises OSError if that cannot be listed."""
        self._folder(root, "", _list(root), 0)
        self.notes.sort(key=lambda note: note.message)
        return Scan(self.files, self.glances, self.held, tuple(self.notes))

    def _folder(self, handle: int, folder: str, entries: list[Entry], depth: int) -> None:
        self.beat()
        prefix = f"{folder}/" if folder else ""
        twins = _twins(entries)
        for entry in entries:
            name = entry.name
            path = self.plain.get(prefix + name)
            try:
                if path and not twins and entry.is_file(follow_symlinks=False):
                    self._file(handle, entry, path)
                elif not names.is_ours(name):
                    self._entry(handle, entry, prefix, twins, depth)
                elif names.is_temporary(name):
                    self.leftover(handle, folder, name)
            except OSError as error:
                # Not even whether it is a file or a folder could be told.
                path = prefix + names.composed(name)
                trouble = handles.read_error(error, self.bounds.shown(path))
                if self.bounds.patterns.matches(path):
                    self._hold(path, trouble)
                if self.bounds.patterns.reaches(path):
                    self._hold(path, trouble, folder=True)

    def _entry(
        self, handle: int, entry: Entry, prefix: str, twins: frozenset[str], depth: int
    ) -> None:
        """Look at an entry of which nothing is known yet."""
        path = prefix + names.composed(entry.name)
        if entry.is_symlink():
            self._link(entry, path)
            return
        patterns, is_folder = self.bounds.patterns, entry.is_dir(follow_symlinks=False)
        if not (patterns.reaches(path) if is_folder else patterns.matches(path)):
            return
        bad = self._bad_name(path, twins, folder=is_folder)
        if bad:
            self._hold(path, bad, folder=is_folder)
        elif is_folder:
            self._enter(handle, entry.name, path, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            if path == prefix + entry.name:
                self.plain[path] = path
            self._file(handle, entry, path)
        else:
            kind = handles.kind_of(entry.stat(follow_symlinks=False))
            self._special(path, kind, folder=False)

    def _bad_name(self, path: str, twins: frozenset[str], *, folder: bool) -> FileNameError | None:
        if path.rpartition("/")[2] in twins:
            detail = "another one differs from it only in how accents are encoded"
        elif not (detail := names.trouble(self.bounds.root, path, folder=folder) or ""):
            return None
        return FileNameError(path=self.bounds.shown(path), detail=detail)

    def _link(self, entry: Entry, path: str) -> None:
        """Note a symbolic link if a file or a folder of the root is missing because of it."""
        try:
            to_file = stat.S_ISREG(entry.stat().st_mode)
        except OSError:
            to_file = False
        if self.bounds.patterns.matches(path):
            self._special(path, "symbolic link", folder=False)
        if not to_file and self.bounds.patterns.reaches(path):
            self._special(path, "symbolic link", folder=True)

    def _special(self, path: str, kind: str, *, folder: bool) -> None:
        error = FileSpecialError(path=self.bounds.shown(path), kind=kind)
        if not folder or path not in self.held:
            self.notes.append(error)
        self._hold(path, error, folder=folder)

    def _hold(self, path: str, error: FileError, *, folder: bool = False) -> None:
        """Hold a file or folder: by its path, or what can be printed of one that no vault has."""
        if names.trouble(self.bounds.root, path, folder=folder):
            path = names.shown(path)
        self.held[path + "/" if folder else path] = error

    def _enter(self, parent: int, name: str, path: str, depth: int) -> None:
        """Look into a folder; an error about it holds everything in it."""
        place = self.bounds.shown(path)
        if depth > MAX_DEPTH:
            detail = f"it lies more than {MAX_DEPTH} folders deep"
            self.held[path + "/"] = FileNameError(path=place, detail=detail)
            return
        try:
            handle = handles.open_folder(parent, name)
        except OSError as error:
            self.held[path + "/"] = handles.read_error(error, place)
            return
        try:
            entries = _list(handle)
        except OSError as error:
            self.held[path + "/"] = handles.read_error(error, place)
        else:
            self._folder(handle, path, entries, depth)
        finally:
            os.close(handle)

    def _file(self, handle: int, entry: Entry, path: str) -> None:
        """Take a file over from the last look if nothing has touched it, else read it."""
        try:
            seen = entry.stat(follow_symlinks=False)
            glance = self._known(path, seen) or self._read(handle, entry.name, path)
        except FileError as error:
            self.held[path] = error
            return
        except OSError as error:
            # Gone since it was listed: a save in two steps, perhaps. The next look tells.
            self.held[path] = handles.read_error(error, self.bounds.shown(path))
            return
        self.glances[path] = glance
        mtime = glance.mtime_ns // 1_000_000_000
        self.files[path] = FileVersion(glance.digest, glance.size, glance.mode, mtime)

    def _known(self, path: str, seen: os.stat_result) -> Glance | None:
        """Return what the last look saw, if it is certain that the file is still the same."""
        glance = self.known.get(path)
        if (
            glance
            and glance.settled
            and glance.mtime_ns == seen.st_mtime_ns
            and glance.ctime_ns == seen.st_ctime_ns
            and glance.size == seen.st_size <= self.bounds.max_size
            and glance.inode == seen.st_ino
            and glance.mode == seen.st_mode & 0o7777
        ):
            return glance
        return None

    def _read(self, handle: int, name: str, path: str) -> Glance:
        self.beat()
        spot = Spot(handle, name, self.bounds.shown(path))
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                content, seen = handles.read_whole(spot, self.bounds.max_size)
                break
            except FileChangedError:
                if last:
                    raise
        self.heard(path, content)
        youngest = max(seen.st_mtime_ns, seen.st_ctime_ns)
        return Glance(
            size=seen.st_size,
            mtime_ns=seen.st_mtime_ns,
            ctime_ns=seen.st_ctime_ns,
            inode=seen.st_ino,
            mode=stat.S_IMODE(seen.st_mode),
            digest=handles.digest_of(content),
            settled=youngest <= self.now - RACY_NS,
        )


def _list(handle: int) -> list[Entry]:
    with os.scandir(handle) as entries:
        return list(entries)


def _twins(entries: list[Entry]) -> frozenset[str]:
    """Return the composed names that several entries of a folder have."""
    if all(entry.name.isascii() for entry in entries):
        return frozenset()
    counts = Counter(names.composed(entry.name) for entry in entries)
    return frozenset(name for name, count in counts.items() if count > 1)

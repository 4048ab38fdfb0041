"""One look at a root on the disk in memory, by the rules of `memory_sync.ports.look`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from memory_sync.errors import FileChangedError, FileError, FileNameError
from memory_sync.model import FileVersion
from memory_sync.ports import names
from memory_sync.ports.files import Glance, Scan
from memory_sync.ports.handles import digest_of, read_error
from memory_sync.ports.look import MAX_DEPTH, RACY_NS
from memory_sync.sync.patterns import Patterns
from tests.simulation.primitives import Primitives
from tests.simulation.spots import Spot, read_whole
from tests.simulation.volume import Entry, File, Folder

_TRIES = 3


@dataclass(slots=True)
class Bounds:
    """Which files of which root are looked at.

    `plain` maps the files that are known to have good names, as the disk spells them, to their
    paths; `reached` are the folders known to have good names and to be in reach of the patterns.
    """

    disk: Primitives
    root: str
    place: str
    patterns: Patterns
    max_size: int
    plain: dict[str, str] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    _shown: dict[str, str] = field(default_factory=dict)

    def shown(self, path: str) -> str:
        """Return a path for people."""
        if path not in self._shown:
            self._shown[path] = names.shown(f"{self.place}/{path}")
        return self._shown[path]


@dataclass(slots=True)
class MemoryLook:
    """The state of one look; `now` is the time at its start in nanoseconds."""

    bounds: Bounds
    known: Mapping[str, Glance]
    now: int
    leftover: Callable[[Folder, str, str, File], None]
    files: dict[str, FileVersion] = field(default_factory=dict)
    glances: dict[str, Glance] = field(default_factory=dict)
    held: dict[str, FileError] = field(default_factory=dict)

    def scan(self, root: Folder) -> Scan:
        """Look at everything below a root. Raises OSError if that cannot be listed."""
        self._folder(root, "", self.bounds.disk.entries(root), 0)
        return Scan(self.files, self.glances, self.held)

    def _folder(self, folder: Folder, path: str, entries: list[Entry], depth: int) -> None:
        prefix = f"{path}/" if path else ""
        twins = _twins(entries)
        plain = self.bounds.plain
        for name, node in entries:
            good = plain.get(prefix + name)
            if good and not twins and type(node) is File:
                self._file(folder, name, node, good)
            elif not names.is_ours(name):
                self._entry(folder, (name, node), prefix, twins, depth)
            elif names.is_temporary(name) and isinstance(node, File):
                self.leftover(folder, path, name, node)

    def _entry(
        self, parent: Folder, entry: Entry, prefix: str, twins: frozenset[str], depth: int
    ) -> None:
        """Look at an entry of which nothing is known yet."""
        name, node = entry
        path = prefix + names.composed(name)
        is_folder = isinstance(node, Folder)
        known = is_folder and path in self.bounds.reached and not twins
        if not known:
            patterns = self.bounds.patterns
            if not (patterns.reaches(path) if is_folder else patterns.matches(path)):
                return
            if bad := self._bad_name(path, twins, folder=is_folder):
                self._hold(path, bad, folder=is_folder)
                return
        if isinstance(node, Folder):
            self.bounds.reached.add(path)
            self._enter(node, path, depth + 1)
        else:
            self.bounds.plain[prefix + name] = path
            self._file(parent, name, node, path)

    def _bad_name(self, path: str, twins: frozenset[str], *, folder: bool) -> FileNameError | None:
        if path.rpartition("/")[2] in twins:
            detail = "another one differs from it only in how accents are encoded"
        elif not (detail := names.trouble(self.bounds.root, path, folder=folder) or ""):
            return None
        return FileNameError(path=self.bounds.shown(path), detail=detail)

    def _hold(self, path: str, error: FileError, *, folder: bool) -> None:
        if names.trouble(self.bounds.root, path, folder=folder):
            path = names.shown(path)
        self.held[path + "/" if folder else path] = error

    def _enter(self, folder: Folder, path: str, depth: int) -> None:
        """Look into a folder; an error about it holds everything in it."""
        if depth > MAX_DEPTH:
            detail = f"it lies more than {MAX_DEPTH} folders deep"
            self.held[path + "/"] = FileNameError(path=self.bounds.shown(path), detail=detail)
            return
        try:
            entries = self.bounds.disk.entries(folder)
        except OSError as error:
            self.held[path + "/"] = read_error(error, self.bounds.shown(path))
            return
        self._folder(folder, path, entries, depth)

    def _file(self, folder: Folder, name: str, seen: File, path: str) -> None:
        """Take a file over from the last look if nothing has touched it, else read it."""
        try:
            glance = self._known(path, seen) or self._read(folder, name, path)
        except FileError as error:
            self.held[path] = error
            return
        except OSError as error:
            self.held[path] = read_error(error, self.bounds.shown(path))
            return
        self.glances[path] = glance
        mtime = glance.mtime_ns // 1_000_000_000
        self.files[path] = FileVersion(glance.digest, glance.size, glance.mode, mtime)

    def _known(self, path: str, seen: File) -> Glance | None:
        """Return what the last look saw, if it is certain that the file is still the same."""
        glance = self.known.get(path)
        if (
            glance
            and glance.settled
            and glance.mtime_ns == seen.mtime_ns
            and glance.ctime_ns == seen.ctime_ns
            and glance.size == len(seen.content) <= self.bounds.max_size
            and glance.inode == seen.number
            and glance.mode == seen.mode
        ):
            return glance
        return None

    def _read(self, folder: Folder, name: str, path: str) -> Glance:
        spot = Spot(self.bounds.disk, folder, name, self.bounds.shown(path))
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                content, seen = read_whole(spot, self.bounds.max_size)
                break
            except FileChangedError:
                if last:
                    raise
        return Glance(
            size=len(content),
            mtime_ns=seen.mtime_ns,
            ctime_ns=seen.ctime_ns,
            inode=seen.number,
            mode=seen.mode,
            digest=digest_of(content),
            settled=max(seen.mtime_ns, seen.ctime_ns) <= self.now - RACY_NS,
        )


def _twins(entries: list[Entry]) -> frozenset[str]:
    """Return the composed names that several entries of a folder have."""
    if "".join([entry[0] for entry in entries]).isascii():
        return frozenset()
    counts = Counter(names.composed(name) for name, _ in entries)
    return frozenset(name for name, count in counts.items() if count > 1)

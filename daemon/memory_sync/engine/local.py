"""The local side of a cycle: one look at every root."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memory_sync.engine.kit import Kit
from memory_sync.errors import BusyError, FileError, HaltError, MemorySyncError
from memory_sync.model import FileVersion, Problem, split_root


@dataclass(frozen=True)
class Looked:
    """All roots' files by their paths in the vault.

    `held` maps paths (or folders, with a slash at the end) to the reason why nothing is decided
    about them; `halts` are the roots that are left alone altogether.
    """

    files: Mapping[str, FileVersion]
    held: Mapping[str, FileError] = field(default_factory=dict)
    halts: Mapping[str, MemorySyncError] = field(default_factory=dict)
    notes: tuple[FileError, ...] = ()

    def holds(self, path: str) -> bool:
        """Tell whether nothing may be decided about this path."""
        if split_root(path)[0] in self.halts or path in self.held:
            return True
        return any(path.startswith(folder) for folder in self.held if folder.endswith("/"))


def look(kit: Kit) -> Looked:
    """Scan every root; one that halts does not stop the others."""
    files: dict[str, FileVersion] = {}
    held: dict[str, FileError] = {}
    halts: dict[str, MemorySyncError] = {}
    notes: list[FileError] = []
    for name, root in kit.roots.items():
        known = kit.state.glances(name)
        try:
            root.files.lock()
            scan = root.files.scan(known)
        except (HaltError, BusyError) as error:
            halts[name] = error
            continue
        kit.state.save_glances(name, known, scan.glances)
        files |= {f"{name}/{path}": version for path, version in scan.files.items()}
        held |= {f"{name}/{path}": error for path, error in scan.held.items()}
        notes += scan.notes
    return Looked(files, held, halts, tuple(notes))


def problem(error: MemorySyncError, *, path: str = "", root: str = "") -> Problem:
    """Turn an error into data that `status` can show."""
    return Problem(error.code, error.message, error.advice, error.status, path, root)


def problems(errors: Iterable[tuple[str, MemorySyncError]]) -> tuple[Problem, ...]:
    """Turn errors with their paths into data, one for each path."""
    unique = dict(errors)
    return tuple(problem(error, path=path) for path, error in sorted(unique.items()))

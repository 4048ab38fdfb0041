"""The local side of a cycle: one look at every root."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memory_sync.engine.kit import Kit
from memory_sync.errors import BusyError, FileError, HaltError, MemorySyncError
from memory_sync.model import FileVersion, Problem, Would, split_root
from memory_sync.model.trees import CONFLICTS

SETTINGS = "settings"
"""Where it is noted which way each root went, and up to which size, at the last look."""


@dataclass(frozen=True)
class Looked:
    """All roots' files by their paths in the vault.

    `held` maps paths (or folders, with a slash at the end) to the reason why nothing is decided
    about them; `halts` are the roots that are left alone altogether; `again` asks for another look.
    """

    files: Mapping[str, FileVersion]
    held: Mapping[str, FileError] = field(default_factory=dict)
    halts: Mapping[str, MemorySyncError] = field(default_factory=dict)
    notes: tuple[FileError, ...] = ()
    again: bool = False

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
    again = False
    take_settings(kit)
    for name, root in kit.roots.items():
        known = kit.state.glances(name)
        try:
            root.files.lock()
            scan = root.files.scan(known)
        except (HaltError, BusyError) as error:
            halts[name] = error
            continue
        kit.rules[name] = scan.patterns or root.patterns
        if _another_folder(kit, name, scan.folder):
            known = {}
        kit.state.save_glances(name, known, scan.glances)
        files |= {f"{name}/{path}": version for path, version in scan.files.items()}
        held |= {f"{name}/{path}": error for path, error in scan.held.items()}
        notes += scan.notes
        again = again or scan.again
    return Looked(files, held, halts, tuple(notes), again)


def forget_left_out(kit: Kit) -> None:
    """Take what this device does not sync any more out of the base, before anything is asked.

    A cycle does it too, but one that cannot reach the vault does not come to that: what is taken in
    again by then would have been deleted meanwhile.
    """
    former = kit.former
    gone = [
        path
        for path in kit.state.base()
        if not kit.wants(path) and split_root(path)[0] not in former
    ]
    with kit.state.transaction():
        kit.state.keep_former(gone)
        kit.state.save_base(dict.fromkeys(gone))


def take_settings(kit: Kit) -> None:
    """Notice that a root goes another way or takes other sizes, and set aside its base.

    What was kept apart meanwhile, because it did not travel, was deleted by nobody. A root that is
    left out goes no way of its own.
    """
    now = {
        name: (root.direction, root.max_size)
        for name, root in kit.roots.items()
        if name != CONFLICTS
    }
    noted = kit.state.get(SETTINGS) or "{}"
    text = json.dumps(now, sort_keys=True)
    if text == noted:
        return
    former = kit.former
    before: dict[str, tuple[str, int]] = {
        former.get(name, name): way for name, way in json.loads(noted).items()
    }
    with kit.state.transaction():
        for name in sorted(before.keys() | now.keys()):
            old, new = before.get(name), now.get(name)
            turned = (old[0] if old else "both") != (new[0] if new else "both")
            if turned or (old and new and old[1] != new[1]):
                kit.state.set_aside_root(name)
        kit.state.put(SETTINGS, text)


def _another_folder(kit: Kit, root: str, folder: str) -> bool:
    """Notice that a root's folder is not the one that its base belongs to, and forget that base.

    A disk that is mounted again over a folder that took its place meanwhile lacks what came since:
    none of that was deleted.
    """
    key = f"folder:{root}"
    before = kit.state.get(key)
    if before == folder:
        return False
    with kit.state.transaction():
        if before is not None:
            kit.forget(root)
        kit.state.put(key, folder)
    return before is not None


def strange(kit: Kit, root: str) -> dict[str, str]:
    """Return the digests of what lies in a folder that is not, or not surely, the root.

    Only to say what would become of it; what cannot be looked at counts as not there.
    """
    try:
        scan = kit.roots[root].files.scan(kit.state.glances(root), marked=False)
    except (HaltError, BusyError):
        return {}
    return {f"{root}/{path}": version.digest for path, version in scan.files.items()}


def flush(kit: Kit, paths: Iterable[str]) -> frozenset[str]:
    """Make files durable as they are, by their paths in the vault; return where it failed."""
    by_root: dict[str, list[str]] = {}
    for path in paths:
        name, relative = split_root(path)
        by_root.setdefault(name, []).append(relative)
    failed: set[str] = set()
    for name, relatives in by_root.items():
        try:
            missed = kit.roots[name].files.flush(relatives)
        except (HaltError, BusyError):
            missed = frozenset(relatives)
        failed |= {f"{name}/{path}" for path in missed}
    return frozenset(failed)


def problem(error: MemorySyncError, *, path: str = "", root: str = "") -> Problem:
    """Turn an error into data that `status` can show."""
    would = error.facts.get("would")
    kept = would if isinstance(would, Would) else None
    return Problem(error.code, error.message, error.advice, error.status, path, root, kept)


def problems(errors: Iterable[tuple[str, MemorySyncError]]) -> tuple[Problem, ...]:
    """Turn errors with their paths into data, one for each path."""
    unique = dict(errors)
    return tuple(problem(error, path=path) for path, error in sorted(unique.items()))

"""Trees: look up, list, change, compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.hub.objects import DIRECTORY, Entry, Objects

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class MissingPathError(Exception):
    """A path that was to be deleted is not there."""


@dataclass(frozen=True)
class Change:
    """One file that differs between two trees."""

    path: str
    status: str
    old: Entry | None
    new: Entry | None


def is_path(path: str) -> bool:
    """Tell whether git can hold a file under this path."""
    parts = path.split("/")
    return "\0" not in path and not any(p in {"", ".", ".."} or p.lower() == ".git" for p in parts)


def lookup(objects: Objects, tree: str, path: str) -> Entry | None:
    """Find what lies at a path."""
    here = Entry("", DIRECTORY, tree)
    for name in path.split("/"):
        below = objects.entries(here.sha) if here.is_tree else []
        found = next((entry for entry in below if entry.path == name), None)
        if found is None:
            return None
        here = found
    return Entry(path, here.mode, here.sha)


def walk(objects: Objects, tree: str, prefix: str = "") -> Iterator[Entry]:
    """List a tree with all that is below it, each folder before what it holds."""
    for entry in objects.entries(tree):
        path = prefix + entry.path
        yield Entry(path, entry.mode, entry.sha)
        if entry.is_tree:
            yield from walk(objects, entry.sha, f"{path}/")


def edit(objects: Objects, tree: str | None, changes: Mapping[str, Entry | None]) -> str:
    """Store a tree that differs by these changes; None deletes, and no empty folder is left."""
    entries = {} if tree is None else {entry.path: entry for entry in objects.entries(tree)}
    below: dict[str, dict[str, Entry | None]] = {}
    for path, change in changes.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = change
        elif change is None and entries.pop(name, None) is None:
            raise MissingPathError(path)
    for name, inner in below.items():
        old = entries.pop(name, None)
        folder = edit(objects, old.sha if old and old.is_tree else None, inner)
        if objects.entries(folder):
            entries[name] = Entry(name, DIRECTORY, folder)
    for path, change in changes.items():
        if change is not None and "/" not in path:
            entries[path] = Entry(path, change.mode, change.sha)
    return objects.add_tree(entries.values())


def compare(objects: Objects, old: str | None, new: str) -> list[Change]:
    """List the files that differ, by path, a file that moved unchanged as a rename."""
    changes = list(_differences(objects, old, new, ""))
    gone: dict[str, list[Change]] = {}
    for change in changes:
        if change.status == "removed" and change.old:
            gone.setdefault(change.old.sha, []).append(change)
    for change in [c for c in changes if c.status == "added"]:
        sources = gone.get(change.new.sha if change.new else "", [])
        if sources:
            source = sources.pop(0)
            changes.remove(source)
            changes.remove(change)
            changes.append(Change(change.path, "renamed", source.old, change.new))
    return sorted(changes, key=lambda change: change.path)


def _differences(
    objects: Objects, old: str | None, new: str | None, prefix: str
) -> Iterator[Change]:
    before = {e.path: e for e in objects.entries(old)} if old else {}
    after = {e.path: e for e in objects.entries(new)} if new else {}
    for name in before.keys() | after.keys():
        a, b = before.get(name), after.get(name)
        if a == b:
            continue
        folder_a = a.sha if a and a.is_tree else None
        folder_b = b.sha if b and b.is_tree else None
        if folder_a or folder_b:
            yield from _differences(objects, folder_a, folder_b, f"{prefix}{name}/")
        file_a = None if a is None or a.is_tree else Entry(prefix + name, a.mode, a.sha)
        file_b = None if b is None or b.is_tree else Entry(prefix + name, b.mode, b.sha)
        if file_a or file_b:
            status = "added" if file_a is None else "removed" if file_b is None else "modified"
            yield Change(prefix + name, status, file_a, file_b)

"""The plan of a cycle: a look at every root, the three trees, the guards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memory_sync.engine.fetch import Fetched
from memory_sync.engine.kit import Kit
from memory_sync.engine.local import Looked, look
from memory_sync.errors import (
    MemorySyncError,
    ObjectBrokenError,
    RemoteEmptiedError,
    RootEmptiedError,
)
from memory_sync.model import Plan, RemoteFile, split_root
from memory_sync.sync.guards import Guard, alarms
from memory_sync.sync.plan import plan
from memory_sync.vault.objects import object_name


@dataclass(frozen=True)
class Planned:
    """A plan with what it was made from."""

    plan: Plan
    looked: Looked
    remote: Mapping[str, RemoteFile]
    halts: Mapping[str, MemorySyncError]
    errors: Mapping[str, MemorySyncError]


def make_plan(kit: Kit, fetched: Fetched) -> Planned:
    """Look at the roots, compare the three trees, and hold back what looks like a mistake."""
    looked = look(kit)
    remote = dict(fetched.snapshot.objects.values())
    base = kit.state.base()
    local_tree = {path: version.digest for path, version in looked.files.items()}
    remote_tree = {path: file.version.digest for path, file in remote.items()}
    base_tree = {path: file.digest for path, file in base.items()}
    for path, (digest, there) in kit.state.includes().items():
        # Of equal ones the row of the base is due: without it a later delete would be none.
        if digest != there and (local_tree.get(path), remote_tree.get(path)) == (digest, there):
            base_tree[path] = there  # a merge that was written and not yet recorded
    known = local_tree.keys() | remote_tree.keys() | base_tree.keys()
    outside = {path for path in known if not kit.wants(path)}
    errors = _broken(fetched, known)
    halts = dict(looked.halts)
    inside = {path: digest for path, digest in base_tree.items() if path not in outside}
    for alarm in alarms(local_tree, remote_tree, inside, kit.roots.keys() - halts.keys()):
        error = RootEmptiedError if alarm.guard is Guard.LOCAL_EMPTIED else RemoteEmptiedError
        place = kit.roots[alarm.root].place
        halts[alarm.root] = error(root=alarm.root, count=alarm.count, path=place)
    held = {
        path
        for path in known
        if looked.holds(path) or path in errors or split_root(path)[0] in halts
    }
    made = plan(local_tree, remote_tree, base_tree, held=held, outside=outside)
    return Planned(made, looked, remote, halts, errors | dict(looked.held))


def _broken(fetched: Fetched, known: set[str]) -> dict[str, MemorySyncError]:
    """Find the paths of objects that cannot be read: nothing is decided about those.

    An object's name tells its path only to who knows the path already.
    """
    broken = fetched.snapshot.broken
    if not broken:
        return {}
    names = {object_name(fetched.keys.derived.names, path): path for path in known}
    return {
        names.get(name, name): ObjectBrokenError(path=names.get(name, name), detail=item.detail)
        for name, item in broken.items()
    }

"""The plan of a cycle: a look at every root, the three trees, the guards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from memory_sync.engine.carry import settle, successors
from memory_sync.engine.fetch import Fetched
from memory_sync.engine.kit import Kit
from memory_sync.engine.local import Looked, look, strange
from memory_sync.errors import (
    AllChangedError,
    HaltError,
    ManyDeletedError,
    MemorySyncError,
    ObjectBrokenError,
    RemoteEmptiedError,
    RootEmptiedError,
    RootRenamedError,
)
from memory_sync.model import Action, Kind, Plan, RemoteFile, Would, split_root
from memory_sync.sync.guards import Alarm, Guard, alarms, plan_id
from memory_sync.sync.plan import Directions, direction_of, plan
from memory_sync.vault.objects import object_name

FIRST = 5
"""Paths that a halt names."""
STAYS = (Kind.RECORD, Kind.FORGET)
"""Book-keeping: nothing travels."""
GUARDED: Mapping[Guard, type[HaltError]] = {
    Guard.LOCAL_EMPTIED: RootEmptiedError,
    Guard.REMOTE_EMPTIED: RemoteEmptiedError,
    Guard.MANY_DELETED: ManyDeletedError,
    Guard.ALL_CHANGED: AllChangedError,
}


@dataclass(frozen=True)
class Planned:
    """A plan with what it was made from.

    `halts` are by root, that of the whole vault under no name. `alarms` are the roots that a guard
    has stopped, or would have, had nobody approved; `standing` those of the look before.
    """

    plan: Plan
    looked: Looked
    remote: Mapping[str, RemoteFile]
    halts: Mapping[str, MemorySyncError]
    errors: Mapping[str, MemorySyncError]
    alarms: Mapping[str, Alarm] = field(default_factory=dict)
    standing: Mapping[str, Alarm] = field(default_factory=dict)


@dataclass(frozen=True)
class _Trees:
    """The three trees as digests, the paths that this device does not sync, and the directions.

    `former` has what was the base of files in roots that only send, before it was set aside.
    """

    local: Mapping[str, str]
    remote: Mapping[str, str]
    base: Mapping[str, str]
    outside: frozenset[str]
    held: frozenset[str]
    directions: Directions
    former: Mapping[str, str]

    def inside(self, tree: Mapping[str, str]) -> Mapping[str, str]:
        """Return a tree without what this device does not sync."""
        if not self.outside:
            return tree
        return {path: digest for path, digest in tree.items() if path not in self.outside}

    def plan(self, local: Mapping[str, str], held: Iterable[str]) -> Plan:
        return plan(
            local,
            self.remote,
            self.base,
            held=frozenset(held),
            outside=self.outside,
            directions=self.directions,
            former=self.former,
        )


def make_plan(kit: Kit, fetched: Fetched) -> Planned:
    """Look at the roots, compare the three trees, and hold back what looks like a mistake."""
    settle(kit, fetched)
    looked = look(kit)
    remote = dict(fetched.snapshot.objects.values())
    trees, errors = _trees(kit, fetched, looked, remote)
    made = trees.plan(trees.local, trees.held)
    known = {
        path: digest
        for path, digest in trees.base.items()
        if path not in trees.outside and path not in trees.held
    }
    standing = kit.state.alarms()
    moved = successors(kit, known, trees.remote)
    raised = alarms(
        trees.inside(trees.local),
        trees.inside(trees.remote),
        known,
        kit.roots.keys() - looked.halts.keys(),
        standing=standing,
        limits={name: root.max_deletes for name, root in kit.roots.items()},
        directions=trees.directions,
        moved=moved,
    )
    halts = {name: _told(kit, trees, name, error) for name, error in looked.halts.items()}
    for alarm in raised:
        if not alarm.approved:
            halts[alarm.root] = _stopped(kit, alarm, made, moved.get(alarm.root))
    if fetched.halt:
        halts[""] = fetched.halt
    kept = (action for action in made.actions if split_root(action.path)[0] not in halts)
    return Planned(
        Plan(tuple(kept)),
        looked,
        remote,
        halts,
        errors | dict(looked.held),
        {alarm.root: alarm for alarm in raised},
        standing,
    )


def _trees(
    kit: Kit, fetched: Fetched, looked: Looked, remote: Mapping[str, RemoteFile]
) -> tuple[_Trees, dict[str, MemorySyncError]]:
    local_tree = {path: version.digest for path, version in looked.files.items()}
    remote_tree = {path: file.version.digest for path, file in remote.items()}
    base_tree = {path: file.digest for path, file in kit.state.base().items()}
    if former := kit.former:
        # What still waits under a former name is nothing that this device has ceased to sync.
        base_tree = {p: digest for p, digest in base_tree.items() if split_root(p)[0] not in former}
    for path, (digest, there) in kit.state.includes().items():
        # A merge or a download that was written and not yet recorded. Of equal sides the row of the
        # base is due: without it a later delete would be none.
        if local_tree.get(path) == digest != remote_tree.get(path):
            base_tree[path] = there.digest
    known = local_tree.keys() | remote_tree.keys() | base_tree.keys()
    errors = _broken(fetched, known)
    outside = frozenset(path for path in known if not kit.wants(path))
    held = frozenset(path for path in known if looked.holds(path) or path in errors)
    directions = kit.directions
    # Where both may change a merge looks it up; here it tells who has changed the file.
    unsure = local_tree.keys() & remote_tree.keys() - base_tree.keys() if directions else ()
    former = {
        path: row.digest
        for path in unsure
        if direction_of(path, directions) == "push" and (row := kit.state.former(path))
    }
    trees = _Trees(local_tree, remote_tree, base_tree, outside, held, directions, former)
    return trees, errors


def _stopped(kit: Kit, alarm: Alarm, made: Plan, successor: str | None) -> HaltError:
    """Say what a guard has stopped; the `successor` is what the root seems to be called now.

    It is empty where there are several that could be it.
    """
    actions = [action for action in made.actions if split_root(action.path)[0] == alarm.root]
    if successor and alarm.guard is Guard.REMOTE_EMPTIED:
        return RootRenamedError(
            root=alarm.root,
            path=kit.roots[alarm.root].place,
            name=successor,
            would=_would(actions, alarm.plan),
        )
    unsure = successor == "" and alarm.guard is Guard.REMOTE_EMPTIED
    return GUARDED[alarm.guard](
        hint=f"memory-sync roots rename {alarm.root} NEW-NAME" if unsure else None,
        root=alarm.root,
        path=kit.roots[alarm.root].place,
        count=len(alarm.suspects),
        known=alarm.known,
        would=_would(actions, alarm.plan),
    )


def _told(kit: Kit, trees: _Trees, root: str, error: MemorySyncError) -> MemorySyncError:
    """Add to the halt of a root what would be done, were its folder taken as it lies there."""
    if not isinstance(error, HaltError):
        return error
    others = [path for path in trees.held if split_root(path)[0] != root]
    made = trees.plan({**trees.local, **strange(kit, root)}, others)
    actions = [action for action in made.actions if split_root(action.path)[0] == root]
    would = _would(actions, plan_id(error.code, [str(kit.roots[root].place)]))
    facts = {**error.facts, "root": root, "would": would}
    return type(error)(**facts, hint=f"memory-sync confirm --root {root}")


def _would(actions: Iterable[Action], plan: str) -> Would:
    travels = [action for action in actions if action.kind not in STAYS]
    # Deletes first: they are what a person has to know of.
    travels.sort(key=lambda action: (not action.kind.startswith("delete"), action.path))
    counts = Counter(action.kind.value for action in travels)
    return Would(dict(counts), tuple(action.path for action in travels[:FIRST]), plan)


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

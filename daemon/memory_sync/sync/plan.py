"""The planner: three trees in, actions out.

A tree is a mapping of `<root>/<relative path>` to the digest of the content. The table is the
whole of it; "changed" is against the base, and "gone" is a change:

    local      remote     action
    as base    as base    nothing
    changed    as base    UPLOAD
    gone       as base    DELETE_REMOTE
    as base    changed    DOWNLOAD
    as base    gone       DELETE_LOCAL
    changed    the same   RECORD          (both sides came to the same by themselves)
    gone       gone       FORGET
    changed    gone       UPLOAD          (an edit survives a delete)
    gone       changed    DOWNLOAD        (the same)
    changed    changed    MERGE

Where a root has one direction, the same table holds, and what would go against it is not done:

    in the table     push (nothing comes down)       pull (nothing goes up)
    UPLOAD           UPLOAD                          nothing; FORGET if it is gone there
    DELETE_REMOTE    DELETE_REMOTE                   nothing
    DOWNLOAD         nothing; FORGET if gone here    DOWNLOAD
    DELETE_LOCAL     nothing                         DELETE_LOCAL
    MERGE            OVERRULE                        MERGE_DOWN

FORGET is for an edit that survives a delete: nothing may make that delete travel later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from memory_sync.model import Action, Direction, Kind, Plan, split_root
from memory_sync.model.trees import CONFLICTS

Tree = Mapping[str, str]
Directions = Mapping[str, Direction]
"""Which way each root goes, by its name; one that is not in it goes both."""
NOTHING: Tree = MappingProxyType({})
INSTEAD: Mapping[str, Mapping[Kind, Kind | None]] = {
    "push": {Kind.DELETE_LOCAL: None, Kind.MERGE: Kind.OVERRULE},
    "pull": {Kind.DELETE_REMOTE: None, Kind.MERGE: Kind.MERGE_DOWN},
}


def plan(
    local: Tree,
    remote: Tree,
    base: Tree,
    *,
    held: Collection[str] = frozenset(),
    outside: Collection[str] = frozenset(),
    directions: Directions = MappingProxyType({}),
    former: Tree = NOTHING,
) -> Plan:
    """Compare the three trees and answer with at most one action for each path.

    `held` paths have an error on one side: nothing is decided about them. `outside` paths are those
    that this device does not sync (any more): both sides stay as they are, and only the base
    forgets them, so that taking them up again later is a union. `former` is what two sides that
    differ once had in common, where the base no longer says so: no delete comes of that.
    """
    actions: list[Action] = []
    for path in sorted(local.keys() | remote.keys() | base.keys()):
        if path in held:
            continue
        here, there, was = local.get(path), remote.get(path), base.get(path)
        if here and there and here != there and path not in outside:
            was = was or former.get(path)
        kind = (Kind.FORGET if was else None) if path in outside else decide(here, there, was)
        if kind and directions:
            kind = turned(kind, direction_of(path, directions), here, there, was)
        if kind:
            actions.append(Action(path, kind, here, there, was))
    return Plan(tuple(actions))


def decide(local: str | None, remote: str | None, base: str | None) -> Kind | None:
    """Look one path up in the table."""
    if local == remote:
        if local == base:
            return None
        return Kind.RECORD if local else Kind.FORGET
    if remote == base:
        return Kind.UPLOAD if local else Kind.DELETE_REMOTE
    if local == base:
        return Kind.DOWNLOAD if remote else Kind.DELETE_LOCAL
    if local is None:
        return Kind.DOWNLOAD
    if remote is None:
        return Kind.UPLOAD
    return Kind.MERGE


def turned(
    kind: Kind,
    direction: Direction,
    local: str | None,
    remote: str | None,
    base: str | None,
) -> Kind | None:
    """Return what is done in the place of a deed where the root has this direction."""
    if direction == "both":
        return kind
    edited, gone = (
        (Kind.DOWNLOAD, local is None) if direction == "push" else (Kind.UPLOAD, remote is None)
    )
    if kind is edited:  # of the side that may not change
        return Kind.FORGET if base and gone else None
    return INSTEAD[direction].get(kind, kind)


def direction_of(path: str, directions: Directions) -> Direction:
    """Return which way a path of the vault goes.

    The conflict copies of a root that only receives stay here, as its edits do; those of one that
    only sends travel both ways, as no folder of an agent is concerned.
    """
    root, below = split_root(path)
    if root == CONFLICTS:
        return "pull" if directions.get(split_root(below)[0]) == "pull" else "both"
    return directions.get(root, "both")

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
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from memory_sync.model import Action, Kind, Plan

Tree = Mapping[str, str]


def plan(
    local: Tree,
    remote: Tree,
    base: Tree,
    *,
    held: Collection[str] = frozenset(),
    outside: Collection[str] = frozenset(),
) -> Plan:
    """Compare the three trees and answer with at most one action for each path.

    `held` paths have an error on one side: nothing is decided about them. `outside` paths are those
    that this device does not sync (any more): both sides stay as they are, and only the base
    forgets them, so that taking them up again later is a union.
    """
    actions: list[Action] = []
    for path in sorted(local.keys() | remote.keys() | base.keys()):
        if path in held:
            continue
        here, there, was = local.get(path), remote.get(path), base.get(path)
        kind = (Kind.FORGET if was else None) if path in outside else decide(here, there, was)
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

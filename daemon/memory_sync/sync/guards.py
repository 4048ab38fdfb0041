"""Guards: what looks like a mistake and not like a wish stops a root before anything is touched.

A guard looks at what became of the files that both sides had (the base). What only moved to another
path is not gone. A root that was stopped stays so until nothing of it is amiss any more: one file
that is back, or a backup half brought back, does not let the deletes of the others through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256

from memory_sync.model import Direction
from memory_sync.model.trees import CONFLICTS, split_root

Tree = Mapping[str, str]
SEVERAL = 2
"""A root of fewer files cannot be emptied by mistake and not by one delete."""
MANY = 10
"""Deletes beyond this number, and beyond half of the root, are asked about."""
ALL = 10
"""So many known files do not all change at once."""


class Guard(StrEnum):
    """What was noticed about a root."""

    LOCAL_EMPTIED = "local-emptied"
    REMOTE_EMPTIED = "remote-emptied"
    MANY_DELETED = "many-deleted"
    ALL_CHANGED = "all-changed"


IDLE: Mapping[Direction, frozenset[Guard]] = {
    "both": frozenset(),
    "push": frozenset({Guard.REMOTE_EMPTIED}),
    "pull": frozenset({Guard.LOCAL_EMPTIED, Guard.MANY_DELETED, Guard.ALL_CHANGED}),
}
"""What a guard need not look at: what comes of it does not travel in this direction."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A root that must not be touched, unless a person has `approved` of just that.

    `suspects` are the paths of the vault that are amiss, `known` is how many files both sides had.
    Where files changed and others are gone, the latter end with a slash: approved of as changed, a
    file may not be deleted.
    """

    root: str
    guard: Guard
    suspects: frozenset[str]
    known: int
    approved: bool = False

    @property
    def plan(self) -> str:
        """Return an id of what would be done: twelve hex digits."""
        return plan_id(self.guard, self.suspects)


def plan_id(what: str, paths: Iterable[str]) -> str:
    """Return an id (twelve hex digits) of something that would be done to these paths."""
    return sha256("\n".join([what, *sorted(paths)]).encode()).hexdigest()[:12]


def alarms(
    local: Tree,
    remote: Tree,
    base: Tree,
    roots: Iterable[str],
    *,
    standing: Mapping[str, Alarm] | None = None,
    limits: Mapping[str, int] | None = None,
    directions: Mapping[str, Direction] | None = None,
    moved: Collection[str] = (),
) -> tuple[Alarm, ...]:
    """Look at each root for what a guard stops.

    `base` is expected without the paths about which nothing is decided. `standing` are the alarms
    of the last look by root, `limits` the numbers of deletes (by root) that are not asked about,
    where they are not the default, `directions` the ways of those that go one way. An alarm that
    was approved comes back as it is while no further path is amiss. Of the `moved` roots, which
    seem to have another name in the vault, no file was deleted there, not even one alone.
    """
    known: dict[str, dict[str, str]] = {root: {} for root in set(roots) - {CONFLICTS}}
    for path, digest in base.items():
        root = split_root(path)[0]
        if root in known:
            known[root][path] = digest
    found = []
    for root in sorted(known):
        before = (standing or {}).get(root)
        side = _Side(root, known[root], local, remote, (limits or {}).get(root, MANY))
        side = replace(side, several=1) if root in moved else side
        idle = IDLE[(directions or {}).get(root, "both")]
        alarm = _raised(side, before, idle - {Guard.REMOTE_EMPTIED} if root in moved else idle)
        if alarm and before and before.approved and _within(alarm, before):
            alarm = before
        if alarm:
            found.append(alarm)
    return tuple(found)


def _within(alarm: Alarm, before: Alarm) -> bool:
    """Tell whether an alarm is about nothing that the one before was not about."""
    return alarm.guard is before.guard and alarm.suspects <= before.suspects


@dataclass(frozen=True, slots=True)
class _Side:
    """One root: what was known of it, and what it looks like on both sides."""

    root: str
    known: Tree
    local: Tree
    remote: Tree
    limit: int
    several: int = SEVERAL

    def gone(self, tree: Tree) -> frozenset[str]:
        """Return the known paths that are gone from a tree and have not moved within it."""
        lost = sorted(path for path in self.known if path not in tree)
        if not lost:
            return frozenset()
        fresh = Counter(
            digest
            for path, digest in tree.items()
            if path not in self.known and split_root(path)[0] == self.root
        )
        gone = set()
        for path in lost:
            digest = self.known[path]
            if fresh[digest] > 0:
                fresh[digest] -= 1
            else:
                gone.add(path)
        return frozenset(gone)

    def changed(self) -> frozenset[str]:
        """Return the known paths whose content here is neither the old one nor the vault's."""
        return frozenset(
            path
            for path, digest in self.known.items()
            if path in self.local and self.local[path] not in (digest, self.remote.get(path))
        )


def _raised(side: _Side, before: Alarm | None, idle: frozenset[Guard]) -> Alarm | None:
    count = len(side.known)
    gone_here, gone_there = side.gone(side.local), side.gone(side.remote)
    deleted = frozenset(path for path in gone_here if side.remote.get(path) == side.known[path])
    changed = side.changed()
    amiss = {
        Guard.LOCAL_EMPTIED: gone_here,
        Guard.REMOTE_EMPTIED: gone_there,
        Guard.MANY_DELETED: deleted,
        Guard.ALL_CHANGED: changed | {f"{path}/" for path in gone_here},
    }
    # Where both sides have lost everything there is nothing left to lose.
    both = len(gone_here) == len(gone_there) == count
    raised = {
        Guard.LOCAL_EMPTIED: SEVERAL <= count == len(gone_here) and not both,
        Guard.REMOTE_EMPTIED: side.several <= count == len(gone_there) and not both,
        Guard.MANY_DELETED: len(deleted) > side.limit and 2 * len(deleted) > count,
        Guard.ALL_CHANGED: ALL <= count == len(changed | gone_here) and bool(changed),
    }
    for guard, suspects in amiss.items():
        stays = before is not None and before.guard is guard and suspects & before.suspects
        if guard not in idle and (raised[guard] or (stays and not both)):
            return Alarm(side.root, guard, suspects, count)
    return None

"""Guards: what looks like a mistake and not like a wish stops a root before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from memory_sync.model.trees import CONFLICTS, split_root

Tree = Mapping[str, str]
SEVERAL = 2


class Guard(StrEnum):
    """What was noticed about a root."""

    LOCAL_EMPTIED = "local-emptied"
    REMOTE_EMPTIED = "remote-emptied"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A root that must not be touched, and how many files it was about."""

    root: str
    guard: Guard
    count: int


def alarms(local: Tree, remote: Tree, base: Tree, roots: Collection[str]) -> tuple[Alarm, ...]:
    """Look for roots of which one side has lost every file that both had.

    `base` is expected without the paths that are outside: those are not lost but unwanted.
    """
    counts = {
        name: Counter(split_root(path)[0] for path in tree)
        for name, tree in (("local", local), ("remote", remote), ("base", base))
    }
    found: list[Alarm] = []
    for root in sorted(set(roots) - {CONFLICTS}):
        known = counts["base"][root]
        here, there = counts["local"][root], counts["remote"][root]
        if known < SEVERAL or (not here and not there):
            continue
        if not here:
            found.append(Alarm(root, Guard.LOCAL_EMPTIED, known))
        elif not there:
            found.append(Alarm(root, Guard.REMOTE_EMPTIED, known))
    return tuple(found)

"""Questions about the graph of commits."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

from tests.hub.trees import lookup

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.hub.objects import Objects


def reachable(objects: Objects, head: str) -> set[str]:
    """Collect a commit and all its ancestors."""
    seen = {head}
    todo = [head]
    while todo:
        new = set(objects.commit(todo.pop()).parents) - seen
        seen |= new
        todo.extend(new)
    return seen


def log(objects: Objects, head: str, without: Collection[str] = ()) -> list[str]:
    """List commits, the newest first, and no commit before one that was built on it."""
    wanted = reachable(objects, head).difference(without)
    waiting = Counter(p for sha in wanted for p in objects.commit(sha).parents if p in wanted)
    ready = [(-objects.commit(head).committer.time, 0, head)] if head in wanted else []
    found: list[str] = []
    while ready:
        sha = heapq.heappop(ready)[2]
        found.append(sha)
        for parent in objects.commit(sha).parents:
            waiting[parent] -= 1
            if parent in wanted and waiting[parent] == 0:
                when = -objects.commit(parent).committer.time
                heapq.heappush(ready, (when, len(found), parent))
    return found


def merge_base(objects: Objects, one: str, other: str) -> str | None:
    """Find the newest commit that both have."""
    common = reachable(objects, one) & reachable(objects, other)
    return next((sha for sha in log(objects, other) if sha in common), None)


def touching(objects: Objects, commits: list[str], path: str) -> list[str]:
    """Keep the commits that changed what lies at a path."""

    def at(sha: str) -> object:
        entry = lookup(objects, objects.commit(sha).tree, path)
        return entry and (entry.mode, entry.sha)

    def changed(sha: str) -> bool:
        before = [at(parent) for parent in objects.commit(sha).parents] or [None]
        return at(sha) not in before

    return [sha for sha in commits if changed(sha)]

"""Correlated trees: make one, change it twice, as two devices do; and a pretended world for them.

One maker serves Hypothesis (`TREES`, which shrinks) and plain seeds (`seeded`, for volume).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from memory_sync.model import Action, Kind, Plan
from memory_sync.sync.plan import plan

Tree = dict[str, str]

PATHS = (
    "memory/MEMORY.md",
    "memory/memory/a.md",
    "memory/memory/b.md",
    "memory/memory/b.md/inside.md",
    "memory/memory/deep/c.md",
    "memory/memory/deep/d.md",
    "other/MEMORY.md",
)
DIGESTS = tuple(letter * 64 for letter in "abcde")
DEEDS = ("edit", "edit", "delete", "rename", "swap", "copy")
MERGE = "merge of {} and {}"


@dataclass(frozen=True)
class Case:
    """Three trees, the paths that are held and those that are not synced."""

    local: Tree
    remote: Tree
    base: Tree
    held: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()

    def plan(self) -> Plan:
        """Plan it."""
        return plan(self.local, self.remote, self.base, held=self.held, outside=self.outside)


def make(origin: Sequence[int], here: Sequence[int], there: Sequence[int], how: int) -> Case:
    """Make a case from numbers: a digest for each path (0 for none), then the deeds of two sides.

    `how` says what became of the base, and which paths are held or not synced.
    """
    tree = {path: DIGESTS[number - 1] for path, number in zip(PATHS, origin, strict=True) if number}
    local, remote = _changed(tree, here), _changed(tree, there)
    # Now and then the base is lost, or is of a still earlier time.
    base = [tree, tree, tree, {}, _changed(tree, reversed(here))][how % 5]
    held, outside = ({PATHS[n]} if n < len(PATHS) else set() for n in (how // 5 % 20, how // 100))
    return Case(local, remote, base, frozenset(held), frozenset(outside))


HOW = 5 * 20 * 20
CHOICES = len(DEEDS) * len(PATHS) * len(PATHS)


def _changed(tree: Tree, deeds: Iterable[int]) -> Tree:
    """Do deeds to a copy of a tree: edits, deletes, renames, swaps, copies."""
    side = dict(tree)
    for number in deeds:
        deed = DEEDS[number % len(DEEDS)]
        path = PATHS[number // len(DEEDS) % len(PATHS)]
        other = PATHS[number // len(DEEDS) // len(PATHS)]
        match deed:
            case "edit":
                side[path] = DIGESTS[PATHS.index(other) % len(DIGESTS)]
            case "delete":
                side.pop(path, None)
            case "rename" if path in side:
                side[other] = side.pop(path)
            case "swap" if path in side and other in side:
                side[path], side[other] = side[other], side[path]
            case "copy" if path in side:
                side[other] = side[path]
    return side


def seeded(seed: int) -> tuple[Case, random.Random]:
    """Make the case of a seed, and give the rest of its randomness."""
    chance = random.Random(seed)
    origin = [chance.randint(0, len(DIGESTS)) for _ in PATHS]
    here, there = (
        [chance.randrange(CHOICES) for _ in range(chance.randint(0, 6))] for _ in range(2)
    )
    return make(origin, here, there, chance.randrange(HOW)), chance


_ORIGIN = st.lists(st.integers(0, len(DIGESTS)), min_size=len(PATHS), max_size=len(PATHS))
_DEEDS = st.lists(st.integers(0, CHOICES - 1), max_size=6)
TREES = st.builds(make, _ORIGIN, _DEEDS, _DEEDS, st.integers(0, HOW - 1))
"""The same for Hypothesis, which shrinks."""


@dataclass
class World:
    """Where a plan is pretended to be carried out; `kept` is history and conflict copies."""

    local: Tree
    remote: Tree
    base: Tree
    kept: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, case: Case) -> World:
        """Begin as the case is; what the vault holds is in its history."""
        history = {*case.remote.values(), *case.base.values()}
        return cls(dict(case.local), dict(case.remote), dict(case.base), history)

    def carry_out(self, actions: Sequence[Action]) -> None:
        """Do what the actions say, and nothing else."""
        for action in actions:
            self._do(action)

    def _do(self, action: Action) -> None:
        path, local, remote, base = action.path, self.local, self.remote, self.base
        match action.kind:
            case Kind.UPLOAD:
                remote[path] = base[path] = local[path]
                self.kept.add(local[path])
            case Kind.DOWNLOAD:
                local[path] = base[path] = remote[path]
            case Kind.DELETE_LOCAL:
                del local[path], base[path]
            case Kind.DELETE_REMOTE:
                del remote[path], base[path]
            case Kind.RECORD:
                base[path] = remote[path]
            case Kind.FORGET:
                del base[path]
            case Kind.MERGE:
                base[path] = remote[path]
                self.kept |= {local[path], remote[path]}  # a merge holds both, or a copy does
                local[path] = MERGE.format(local[path], remote[path])

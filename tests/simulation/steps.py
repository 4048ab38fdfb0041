"""A schedule: the devices of one world and what happens to them, drawn from a seed beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

T = TypeVar("T")

REAL_EVERY = 10
"""Each so many-th seed runs with the program's own cipher."""
ONE_WAY_EVERY = 5
"""In each so many-th schedule roots turn to one way, and back."""
TURNING = 0.1
"""How often a step of such a schedule is that."""

PATHS = (
    "MEMORY.md",
    "memory/a.md",
    "memory/b.md",
    "memory/c.md",
    "memory/d/a.md",
    "memory/d/b.md",
    "memory/\u00e9.md",
)
NESTED = "memory/c.md/x.md"
TWINS = ("memory/A.md", "memory/D/a.md", "MEMORY.md")
ANCHOR = "memory/anchor.md"
FLOCK = tuple(f"memory/flock/{number:02}.md" for number in range(12))

DEEDS: Mapping[str, float] = {
    "new": 2,
    "edit": 2,
    "append": 3,
    "insert": 1,
    "drop-lines": 1,
    "delete": 1.2,
    "rename": 1,
    "swap": 0.4,
    "duplicate": 0.6,
    "binary": 0.5,
    "empty": 0.3,
    "crlf": 0.3,
    "no-newline": 0.4,
    "same-size": 0.8,
    "touch": 0.3,
    "chmod": 0.3,
    "stamp": 0.8,
    "decompose": 0.3,
    "open": 1,
    "write-on": 3,
    "big": 0.1,
    "resolve": 0.6,
    "wipe": 0.15,
}
"""What agents do, and how often."""
ONE_WAY_DEEDS: Mapping[str, float] = {**DEEDS, "delete": 6}
"""The same where roots go one way: what must not travel there is deletes, above all."""

PLACES: Mapping[str, float] = {"disk": 2, "write": 4, "link": 3, "record": 1}
DISK_FAULTS: Mapping[str, float] = {"kill": 3, "cut": 2, "full": 1, "io": 1, "hook": 3}
RECORD_FAULTS: Mapping[str, float] = {"before": 1, "after": 1, "full": 0.5}
LINK_FAULTS: Mapping[str, float] = {
    "offline": 0.7,
    "rate-limited": 0.3,
    "trouble": 0.3,
    "cut-before": 0.5,
    "cut-after": 0.8,
    "kill-before": 0.3,
    "kill-after": 0.8,
    "race": 3,
    "stale": 1,
    "blobs-missing": 0.6,
    "blobs-wrong": 0.4,
    "thin-listing": 0.3,
}

EVENTS: Mapping[str, float] = {
    "turn": 36,
    "up-only": 2,
    "down-only": 2,
    "preview": 1,
    "restart": 1.5,
    "power-cut": 1.5,
    "unmount": 0.6,
    "root-gone": 0.3,
    "mount": 1.2,
    "marker": 0.4,
    "lose-state": 0.5,
    "old-state": 0.5,
    "jump": 1.5,
    "exclude": 0.5,
    "include": 0.7,
    "fill-disk": 0.6,
    "settle": 0.5,
    "confirm": 0.6,
}
"""What happens to a device otherwise, and how often."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What one device's disk is like."""

    name: str
    ignore_case: bool = False
    decompose: bool = False
    granularity: float = 0.01


@dataclass(frozen=True, slots=True)
class Setup:
    """The world before the first step; `caps` is the most characters that a merge may have."""

    seed: int
    machines: tuple[Machine, ...]
    roots: tuple[str, ...]
    paths: tuple[str, ...]
    flock: bool = False
    caps: int | None = None
    real_cipher: bool = False
    one_way: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    `seed` is all the chance that it has, so that it does the same when other steps are left out;
    `place`, `fault` and `at` tell what goes wrong during a turn, and when: at the disk, at the disk
    from the first write on, at the records or at the link.
    """

    number: int
    device: int
    kind: str
    seed: int
    what: str = ""
    root: int = 0
    path: int = 0
    other: int = 0
    place: str = ""
    fault: str = ""
    at: int = 0

    def __str__(self) -> str:
        parts = [f"{self.number:3}", f"device {self.device}", self.kind, self.what]
        if self.what and self.kind == "deed":
            parts.append(f"path {self.path}->{self.other} root {self.root}")
        if self.fault:
            parts.append(f"with {self.place}:{self.fault} at {self.at}")
        return "  ".join(part for part in parts if part)


@dataclass(frozen=True)
class Schedule:
    """A world and its steps."""

    setup: Setup
    steps: tuple[Step, ...]


def draw(seed: int) -> Schedule:
    """Draw the schedule of a seed."""
    random = Random(seed)
    setup = _setup(seed, random)
    count = random.choice((8, 15, 20, 20, 25, 30))
    steps: list[Step] = []
    away: dict[int, int] = {}
    # A schedule leans to agents or to troubles, so that long quiet and dense storms both happen.
    deeds = random.choice((0.35, 0.45, 0.55))
    faults = random.choice((0.0, 0.3, 0.6, 0.9))
    for number in range(count):
        here = [index for index in range(len(setup.machines)) if away.get(index, 0) <= number]
        device = random.choice(here or [0])
        if len(here) > 1 and random.random() < 0.02:
            away[device] = number + 12
        steps.append(_step(number, device, random, setup, deeds, faults))
    return Schedule(setup, tuple(steps))


def _setup(seed: int, random: Random) -> Setup:
    count = random.choice((2, 2, 2, 3, 3, 4, 5))
    odd = random.random() < 0.3
    same = random.random() < 0.15
    machines = tuple(
        Machine(
            name="same" if same else f"device{index}",
            ignore_case=odd and random.random() < 0.5,
            decompose=odd and random.random() < 0.5,
            granularity=random.choice((0.01, 0.01, 1.0, 2.0)),
        )
        for index in range(count)
    )
    paths: tuple[str, ...] = PATHS
    if random.random() < 0.5:
        paths = tuple(random.sample(PATHS, 2))
    if random.random() < 0.25:
        paths = (*paths, "memory/c.md", NESTED)
    if any(machine.ignore_case for machine in machines):
        paths = (*paths, *TWINS)
    return Setup(
        seed=seed,
        machines=machines,
        roots=("memory", "work") if random.random() < 0.2 else ("memory",),
        paths=paths,
        flock=random.random() < 0.12,
        caps=120 if random.random() < 0.1 else None,
        real_cipher=seed % REAL_EVERY == 0,
        one_way=seed % ONE_WAY_EVERY == ONE_WAY_EVERY - 2,
    )


def _step(
    number: int, device: int, random: Random, setup: Setup, deeds: float, faults: float
) -> Step:
    seed = random.getrandbits(32)
    root = random.randrange(len(setup.roots))
    path, other = random.randrange(len(setup.paths)), random.randrange(len(setup.paths))
    if setup.one_way and random.random() < TURNING:
        return Step(number, device, "direction", seed, root=root)
    if random.random() < deeds:
        what = pick(random, ONE_WAY_DEEDS if setup.one_way else DEEDS)
        return Step(number, device, "deed", seed, what, root=root, path=path, other=other)
    kind = pick(random, EVENTS)
    place, fault, at = "", "", 0
    if kind in {"turn", "up-only", "down-only", "confirm"} and random.random() < faults:
        place, fault, at = _fault(random)
    rival = random.choice([index for index in range(len(setup.machines)) if index != device])
    return Step(number, device, kind, seed, "", root, path, rival, place, fault, at)


def _fault(random: Random) -> tuple[str, str, int]:
    place = pick(random, PLACES)
    if place == "disk":
        return place, pick(random, DISK_FAULTS), random.randrange(random.choice((6, 20, 60)))
    if place == "write":
        return place, pick(random, DISK_FAULTS), random.randrange(14)
    if place == "record":
        return place, pick(random, RECORD_FAULTS), random.randrange(8)
    return place, pick(random, LINK_FAULTS), random.choice((0, 0, 0, 1, 2, 3, 4))


def pick(random: Random, weights: Mapping[T, float] | Sequence[T]) -> T:
    """Draw one of several, by their weights if they have any."""
    if isinstance(weights, Mapping):
        return random.choices(list(weights), list(weights.values()))[0]
    return random.choice(weights)

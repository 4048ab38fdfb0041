"""Runs schedules, and makes those that fail short."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from traceback import format_exception

from tests.simulation.events import happen
from tests.simulation.oracle import ViolationError
from tests.simulation.rest import settle
from tests.simulation.steps import Schedule, draw
from tests.simulation.world import World

TRIES = 600
"""Runs that making a schedule shorter takes at most."""


@dataclass(frozen=True)
class Failure:
    """A schedule that fails, and how."""

    schedule: Schedule
    text: str
    log: tuple[str, ...] = ()

    def __str__(self) -> str:
        seed = self.schedule.setup.seed
        steps = ",".join(str(step.number) for step in self.schedule.steps)
        return "\n".join(
            [
                f"seed {seed}: {self.text}",
                f"  {self.schedule.setup}",
                *(f"  {line}" for line in self.log),
                f"  replay: scripts/simulate --seed {seed} --steps {steps}",
            ]
        )


@dataclass
class Ran:
    """What became of one schedule."""

    failure: Failure | None
    counts: Counter[str]
    log: list[str] = field(default_factory=list)


def run(schedule: Schedule) -> Ran:
    """Run a schedule, bring it to rest at the end, and tell what did not hold, if anything."""
    gc.disable()  # a world is small and short, and its cycles are collected when it is over
    try:
        return _run(schedule)
    finally:
        gc.enable()


def _run(schedule: Schedule) -> Ran:
    world = World(schedule.setup)
    text = ""
    try:
        for step in schedule.steps:
            happen(world, step)
        world.random.seed(schedule.setup.seed)
        settle(world)
    except ViolationError as failed:
        text = str(failed)
    except Exception as error:  # noqa: BLE001 - whatever ends the engine is a finding
        text = "".join(format_exception(error)[-4:])
    failure = Failure(schedule, text, tuple(world.log)) if text else None
    return Ran(failure, world.counts, world.log)


def run_seed(seed: int, only: Iterable[int] | None = None) -> Ran:
    """Run the schedule of a seed, or only some of its steps."""
    schedule = draw(seed)
    if only is not None:
        kept = set(only)
        steps = tuple(step for step in schedule.steps if step.number in kept)
        schedule = replace(schedule, steps=steps)
    return run(schedule)


def shrink(failure: Failure) -> Failure:
    """Leave out steps while the schedule still fails: large pieces first, then single ones."""
    best, tries = failure, 0
    size = len(best.schedule.steps) // 2
    while size and tries < TRIES:
        at = 0
        while at < len(best.schedule.steps) and tries < TRIES:
            steps = best.schedule.steps
            fewer = replace(best.schedule, steps=steps[:at] + steps[at + size :])
            tries += 1
            if shorter := run(fewer).failure:
                best = shorter
            else:
                at += size
        size = min(size // 2, len(best.schedule.steps) // 2) if size > 1 else 0
    return best

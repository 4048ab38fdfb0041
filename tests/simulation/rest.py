"""Coming to rest: what goes wrong ends, all cycle until nothing travels, and all is compared."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from memory_sync.model import Outcome
from tests.simulation.clock import LONGEST
from tests.simulation.device import Device
from tests.simulation.oracle import ViolationError
from tests.simulation.turns import held_paths
from tests.simulation.world import World

ROUNDS = 14
BETWEEN = 3700.0
"""Seconds between two rounds: longer than what the engine leaves alone for a while, an hour."""
TWO_DAYS = 172_800.0
EXPLAINED = {"file-name", "file-in-the-way"}
"""What may be wrong with a file at rest: a disk cannot hold it beside what it has."""


def settle(world: World) -> None:
    """Bring a world to rest and check it; the schedule may go on from there."""
    for index in range(len(world.devices)):
        _mend(world, index)
    outcomes = _cycle_until_quiet(world)
    head = world.in_vault()
    held = set()
    for device, outcome in zip(world.devices, outcomes, strict=True):
        held |= _compare(device, outcome, head)
    for index in range(len(world.devices)):
        _check_leftovers(world, index)
    world.counts["held at rest"] += len(held)
    _check_chain(world)
    world.ledger.at_rest(head, held)
    world.ledger.begin(head, held)


def _mend(world: World, index: int) -> None:
    device = world.devices[index]
    device.quiet()
    device.disk.capacity = None
    bring_back(world, index)
    if device.exclude or device.directions:
        device.exclude = ()
        device.turn({})
    world.observe(index)
    world.ledger.owes(device.seen)


def bring_back(world: World, index: int) -> None:
    """Let all roots of a device be in their places again."""
    device = world.devices[index]
    for root in sorted(device.away):
        device.disk.mount(root)
    if device.away:
        device.away.clear()
        # What was confirmed meanwhile was another folder: a person has put this one in its place.
        world.look_again(index, swapped=device.swapped)
        device.swapped = False


def _cycle_until_quiet(world: World) -> list[Outcome]:
    """Cycle until a whole round of all devices does nothing, as each later one would."""
    trouble = ""
    for _ in range(ROUNDS):
        head, files = world.repository.head, [device.seen for device in world.devices]
        outcomes, trouble = _round(world)
        if not trouble:
            still = [device.seen for device in world.devices] == files
            world.must(still and world.repository.head == head, "a quiet cycle changed something")
            return outcomes
    raise ViolationError(f"no rest after {ROUNDS} rounds: {trouble}")


def _round(world: World) -> tuple[list[Outcome], str]:
    """Let each device cycle once; the answer also says what was not quiet, if anything."""
    outcomes, trouble = [], ""
    for index, device in enumerate(world.devices):
        device.clock.sleep(BETWEEN)
        turn = world.cycle(index, lambda engine: engine.cycle(), whole=True)
        if turn.outcome is None:
            trouble = turn.error
            continue
        outcomes.append(turn.outcome)
        if plans := approvals(turn.outcome):
            world.confirm(index, plans)
            trouble = f"halts of {sorted(plans)}"
        elif travelled(turn.outcome) or turn.outcome.again:
            trouble = f"something travels: {turn.outcome}"
    return outcomes, trouble


def travelled(outcome: Outcome) -> bool:
    """Tell whether a cycle moved anything."""
    return bool(outcome.up or outcome.down or outcome.merged or outcome.new_conflicts)


def approvals(outcome: Outcome) -> dict[str, str]:
    """Return what a person would confirm: for each root that halts, what was shown."""
    return {halt.root: halt.would.plan for halt in outcome.halts if halt.would and halt.would.plan}


def _compare(device: Device, outcome: Outcome, head: Mapping[str, bytes]) -> set[str]:
    """Check that a device has what the vault has, and return what it shows as a problem."""
    if outcome.halts:
        raise ViolationError(f"{device.name} halts at rest: {outcome.halts[0].code}")
    for problem in outcome.problems:
        if problem.code not in EXPLAINED:
            raise ViolationError(f"{device.name} has a problem at rest: {problem.message}")
    shown = held_paths(outcome)
    base = {path: row.digest for path, row in device.state.base().items()}
    remote = {path: file.version.digest for path, file in device.state.snapshot().objects.values()}
    held = set()
    for path in sorted(device.seen.keys() | head.keys() | base.keys() | remote.keys()):
        if shown(path):
            held.add(path)
        elif device.seen.get(path) != head.get(path):
            raise ViolationError(f"{device.name} differs from the vault at rest: {path}")
        elif base.get(path) != remote.get(path) or (path in base) != (path in head):
            raise ViolationError(
                f"{device.name} remembers something else of {path} than the vault has"
            )
    return held


def _check_leftovers(world: World, index: int) -> None:
    """Check that what a crash or a faulty disk has left is gone after a day and a new start."""
    device = world.devices[index]
    if device.disk.leftovers():
        world.counts["leftovers"] += 1
        device.restart()
        device.clock.jump(2 * LONGEST)
        device.clock.sleep(TWO_DAYS)
        world.cycle(index, lambda engine: engine.cycle(), whole=True)
        world.must(not device.disk.leftovers(), f"{device.name} keeps leftovers")


def _check_chain(world: World) -> None:
    """Check that no commit was made twice, and that the numbers rise by one."""
    chain = world.repository.chain()
    for newer, older in pairwise(chain):
        if newer.tree == older.tree:
            raise ViolationError(f"commit {newer.id} changes nothing")
        if _number(newer.message) != _number(older.message) + 1:
            raise ViolationError(f"commit {newer.id} does not follow in number")


def _number(message: str) -> int:
    return int(message.partition("Memory-Sync-Seal: 1 ")[2].partition(" ")[0])

"""What happens to a device apart from its agents: the daemon's turns, ends, disks, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from memory_sync.engine.cycle import Engine
from memory_sync.model import Direction
from tests.simulation.rest import approvals, bring_back, settle
from tests.simulation.steps import Step
from tests.simulation.world import World

DAY = 86_400.0
YEAR = 365 * DAY
KEPT = 0.1
"""How often a turn leaves a copy of the database, which may be put back later."""


def happen(world: World, step: Step) -> None:
    """Let one step happen. All its chance comes from its own seed."""
    world.random.seed(step.seed)
    device = world.devices[step.device]
    before = len(world.log)
    device.clock.sleep(world.random.choice((0.0, 1.0, 10.0, 600.0)))
    if step.kind == "deed":
        world.deed(step.device, step)
    else:
        world.counts[step.kind] += 1
        EVENTS[step.kind](world, step)
    world.log.insert(before, str(step))


def _turn(world: World, step: Step) -> None:
    """Do what the daemon would by now: what the watcher told decides, and the time."""
    device, random = world.devices[step.device], world.random
    look = device.hints > 0 or random.random() < 0.2
    fetch = random.random() < 0.7
    device.hints, device.late = device.late, 0
    if random.random() < KEPT:
        device.kept_state = device.state.copy()
    world.arm(step.device, step)
    world.cycle(step.device, lambda engine: engine.cycle(look=look, fetch=fetch), whole=look)


def _up_only(world: World, step: Step) -> None:
    world.arm(step.device, step)
    world.cycle(step.device, lambda engine: engine.cycle(down=False))


def _down_only(world: World, step: Step) -> None:
    world.arm(step.device, step)
    world.cycle(step.device, lambda engine: engine.cycle(up=False))


def _preview(world: World, step: Step) -> None:
    """Let somebody look what would be done, which does nothing."""
    device = world.devices[step.device]

    def look(engine: Engine) -> None:
        engine.preview()
        engine.pending()

    before, head = device.seen, world.repository.head
    world.cycle(step.device, look)
    world.must(device.seen == before and world.repository.head == head, "a preview changed things")


def _restart(world: World, step: Step) -> None:
    world.devices[step.device].restart()


def _power_cut(world: World, step: Step) -> None:
    device = world.devices[step.device]
    if not device.away:
        device.disk.power_cut()
        world.observe(step.device)
        device.restart()


def _take_away(world: World, step: Step, take: Callable[[str], None]) -> None:
    device = world.devices[step.device]
    root = world.setup.roots[step.root]
    if root not in device.away:
        take(root)
        device.away.add(root)
        world.look_again(step.device)


def _unmount(world: World, step: Step) -> None:
    _take_away(world, step, world.devices[step.device].disk.unmount)


def _root_gone(world: World, step: Step) -> None:
    _take_away(world, step, world.devices[step.device].disk.remove_root)


def _mount(world: World, step: Step) -> None:
    bring_back(world, step.device)


def _marker(world: World, step: Step) -> None:
    """Lose a root's marker; whoever confirms unites both sides then."""
    root = world.setup.roots[step.root]
    device = world.devices[step.device]
    if root not in device.away:
        with suppress(FileNotFoundError):
            device.tree(root).drop_marker()
        world.ledger.united = True


def _lose_state(world: World, step: Step) -> None:
    world.devices[step.device].replace_state(None)
    world.ledger.united = True


def _old_state(world: World, step: Step) -> None:
    device = world.devices[step.device]
    if device.kept_state:
        world.counts["old state put back"] += 1
        device.replace_state(device.kept_state)
        world.ledger.united = True


def _jump(world: World, step: Step) -> None:
    far = world.random.choice((60.0, DAY, YEAR, 40 * YEAR))
    world.devices[step.device].clock.jump(far * world.random.choice((-1, 1)))


def _exclude(world: World, step: Step) -> None:
    device = world.devices[step.device]
    device.exclude = (world.setup.paths[step.path],)
    device.restart()
    world.ledger.united = True


def _include(world: World, step: Step) -> None:
    device = world.devices[step.device]
    if device.exclude:
        device.exclude = ()
        device.restart()


def _direction(world: World, step: Step) -> None:
    """Let a root go another way, and the new process begin; both sides are united as it goes."""
    device = world.devices[step.device]
    way: Direction = world.random.choice(("push", "pull", "pull", "both"))
    device.turn({**device.directions, world.setup.roots[step.root]: way})
    world.ledger.united = True
    world.cycle(step.device, lambda engine: engine.cycle(), whole=True)


def _fill_disk(world: World, step: Step) -> None:
    """Leave little space on the disk until the next turn's end, and take the turn."""
    device = world.devices[step.device]
    tops = (device.disk.root, device.disk.bin)
    used = sum(len(file.content) for top in tops if top for _, file in device.disk.walk(top))
    device.disk.capacity = used + world.random.randrange(40)
    _turn(world, step)
    device.disk.capacity = None


def _settle(world: World, step: Step) -> None:
    settle(world)


def _confirm(world: World, step: Step) -> None:
    plans = approvals(world.devices[step.device].last)
    if plans:
        world.arm(step.device, step)
        world.confirm(step.device, plans)


EVENTS: Mapping[str, Callable[[World, Step], None]] = {
    "turn": _turn,
    "up-only": _up_only,
    "down-only": _down_only,
    "preview": _preview,
    "restart": _restart,
    "power-cut": _power_cut,
    "unmount": _unmount,
    "root-gone": _root_gone,
    "mount": _mount,
    "marker": _marker,
    "lose-state": _lose_state,
    "old-state": _old_state,
    "jump": _jump,
    "exclude": _exclude,
    "include": _include,
    "direction": _direction,
    "fill-disk": _fill_disk,
    "settle": _settle,
    "confirm": _confirm,
}

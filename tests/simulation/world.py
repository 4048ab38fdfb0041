"""A world: devices around one vault, the steps that happen to them, and the oracle beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from memory_sync.engine.cycle import Engine
from memory_sync.errors import MemorySyncError
from memory_sync.model import Outcome, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.names import is_temporary
from tests.simulation.codec import cheap, real
from tests.simulation.deeds import Act, act
from tests.simulation.device import IDENTITY, Device
from tests.simulation.disk import Crash, Fault
from tests.simulation.oracle import Files, Ledger, ViolationError
from tests.simulation.reader import VaultReader
from tests.simulation.remote import Repository
from tests.simulation.steps import ANCHOR, DEEDS, FLOCK, Setup, Step, pick
from tests.simulation.turns import TOLD, Turn, displaced, held_paths, told

DISK: Mapping[str, Fault] = {
    "kill": "kill",
    "cut": "cut",
    "full": "full",
    "io": "io",
    "hook": "hook",
}
LASTING = ("offline", "stale", "blobs-missing", "blobs-wrong")
"""Troubles of a link that can outlast the turn in which they began."""
KILL_AFTER_HOOK = 0.4
AIMED = 0.7
"""How often a deed in the middle of a cycle is done to the very file that is being written."""


@dataclass
class World:
    """Devices and a vault; `counts` are of what came about, `log` is for people."""

    setup: Setup
    counts: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Found the vault, let the devices join, and give them some files."""
        setup = self.setup
        self.random = Random(setup.seed)
        self.repository = Repository()
        noise = Random(setup.seed)
        make_cipher = real if setup.real_cipher else cheap(noise)
        reader = VaultReader(self.repository, make_cipher(IDENTITY, [IDENTITY.recipient]))
        self.ledger = Ledger(reader)
        self.devices = [
            Device(setup, machine, self.repository, self.random, make_cipher)
            for machine in setup.machines
        ]
        for device in self.devices:
            device.note = partial(self._engine_writes, device)
        self.lines = Counter[int]()
        self._turns: dict[int, Turn] = {}
        self.devices[0].found()
        for device in self.devices[1:]:
            device.join()
        self._fill()

    def _fill(self) -> None:
        """Give each root a few files, of which one stays: a root of one file may be emptied."""
        first = self.devices[0]
        for root in self.setup.roots:
            for number, path in enumerate((ANCHOR, *(FLOCK if self.setup.flock else ()))):
                first.disk.save(f"{root}/{path}", b"w99%02d00\n" % number)
        self._agent_changed(0)

    # --- agents

    def deed(self, index: int, step: Step, what: str = "") -> None:
        """Let an agent do something to the files of a device, also in the middle of a cycle."""
        device = self.devices[index]
        self.observe(index)
        root = self.setup.roots[step.root % len(self.setup.roots)]
        what = what or step.what
        if root in device.away or (device.away and what == "write-on"):
            return
        paths = self.setup.paths
        doing = Act(
            device.disk,
            self.random,
            step.number,
            root,
            paths[step.path % len(paths)],
            paths[step.other % len(paths)],
            device.handles,
            lines=self.lines[step.number],
        )
        done = act(what, doing)
        self.lines[step.number] = doing.lines
        self.counts["deeds"] += done
        self._echo(index)
        changed = self._agent_changed(index)
        device.note_durability(changed, doing)
        if changed:
            self._watch(device)

    def _agent_changed(self, index: int) -> set[str]:
        device = self.devices[index]
        old, new = device.seen, device.disk.files()
        changed = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
        for path in sorted(changed):
            stays = device.spares(path) and path in self.in_vault()
            self.ledger.agent(index, path, old.get(path), new.get(path), stays=stays)
        device.seen = new
        if turn := self._turns.get(index):
            turn.still = {path: text for path, text in turn.still.items() if path not in changed}
        return changed

    def in_vault(self) -> dict[str, bytes]:
        """Return what the vault's head holds, read without the engine."""
        self.ledger.reader.catch_up()
        head = self.repository.head
        return self.ledger.reader.files(head) if head else {}

    def _echo(self, index: int) -> None:
        """Note what was written into a file that the program had displaced already."""
        device = self.devices[index]
        for handle in device.handles:
            content = handle.file.content
            if content != device.echoes.setdefault(handle, content):
                device.echoes[handle] = content
                for place, file in displaced(device):
                    # What a kill left under a temporary name has no path that could be heard.
                    if file is not handle.file:
                        continue
                    self.ledger.apart(content)
                    if place and not is_temporary(place.rpartition("/")[2]):
                        self.counts["late writes"] += 1
                        self.ledger.echo(index, place, content, handle)

    def _watch(self, device: Device) -> None:
        """Let the watcher tell of a change: mostly once, at times twice, later, or not at all."""
        chance = self.random.random()
        if chance < 0.15:
            self.counts["hints dropped"] += 1
        elif chance < 0.25:
            device.late += 1
        else:
            device.hints += 2 if chance < 0.4 else 1

    # --- the oracle's look at a disk

    def _engine_writes(self, device: Device, path: str, content: bytes | None) -> None:
        """Hear of what an engine is about to write."""
        own = path.rpartition("/")[0].removeprefix(f"{CONFLICTS}/")
        if content is not None and own in device.seen and device.goes(own) == "push":
            self.ledger.overruled(content, device.seen[own])
        self.ledger.engine_writes(path, content)

    def observe(self, index: int) -> None:
        """Compare a disk with what it was, and judge what the program did to it meanwhile."""
        device, ledger = self.devices[index], self.ledger
        new = device.disk.files()
        cut, device.cuts = device.disk.cuts != device.cuts, device.disk.cuts
        if new != device.seen:
            old, device.seen = device.seen, new
            ledger.reader.catch_up()
            changed = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
            undone = {path for path in changed if cut and device.is_loose(path)}
            for path in changed - undone:
                self.must(device.goes(path) != "push", f"{path} was touched, and it only goes up")
            for path in sorted(undone):
                self.counts["saves undone"] += 1
                ledger.agent(index, path, old.get(path), new.get(path))
            if turn := self._turns.get(index):
                turn.still = {path: had for path, had in turn.still.items() if path not in undone}
            # What a kill leaves under a temporary name comes to the trash with the next look.
            left = {
                str(file.number): file.content for place, file in displaced(device) if not place
            }
            kept = sorted(changed - undone)
            ledger.engine_changed(device.name, old, {**new, **left}, kept, cut=cut)
        if cut:
            for _, file in displaced(device):
                ledger.apart(file.content)
            device.loose.clear()
            device.handles.clear()
            device.echoes.clear()

    # --- cycles

    def cycle(
        self, index: int, call: Callable[[Engine], Outcome | None], *, whole: bool = False
    ) -> Turn:
        """Let a device's process do something, and judge what came of it.

        `whole` tells that it was to look at everything and to bring both sides together.
        """
        device = self.devices[index]
        turn = self._turns[index] = Turn(dict(device.seen))
        try:
            turn.outcome = call(device.engine)
        except MemorySyncError as error:
            turn.error = error.code
            self.counts[f"error {error.code}"] += 1
        except Crash:
            turn.crashed = True
            self.ledger.blurred.add(index)
            self.counts["crashes"] += 1
        finally:
            del self._turns[index]
            self._calm(device)
        self.log.append(f"       {device.name}: {told(turn)}")
        self.observe(index)
        if turn.crashed:
            device.restart()
        if turn.outcome:
            self._came_of(device, turn.outcome)
            held = held_paths(turn.outcome)
            device.note_safe(p for p in turn.outcome.up if p in turn.still and not held(p))
            if whole:
                self._check_whole(device, turn.still, turn.outcome)
        return turn

    def _calm(self, device: Device) -> None:
        link = (device.link.trouble, device.link.after, device.link.left, device.link.back)
        for name, count in device.link.struck.items():
            self.counts[f"link {name}"] += count
        if device.fault and not device.disk.armed:
            self.counts[f"disk {device.fault}"] += 1
        if device.toll.struck:
            self.counts[f"record {device.toll.blow}"] += 1
        unsaid = device.link.struck.keys() & {"cut-after", "kill-after"}
        unrecorded = device.disk.capacity is not None or device.fault in {"full", "io"}
        if unsaid or unrecorded or device.toll.struck:
            # What has no row for once comes back if it is deleted then, or meets its own past.
            self.ledger.blurred.add(self.devices.index(device))
        device.fault = ""
        device.link.struck.clear()
        device.toll.struck = False
        device.quiet()
        if link[0] in LASTING and link[2] > 0:
            device.link.arm(link[0], after=link[1], times=link[2], back=link[3])

    def confirm(self, index: int, plans: dict[str, str]) -> Turn:
        """Let a person confirm what halts roots, as it was shown."""
        device = self.devices[index]
        alarms = device.state.alarms()
        if device.away or not plans.keys() <= alarms.keys():
            device.swapped |= bool(device.away & plans.keys())
            self.ledger.united = True  # a folder is taken as it is: both sides are united
        turn = self.cycle(index, lambda engine: engine.confirm(plans), whole=True)
        self.counts["confirmed"] += turn.outcome is not None
        return turn

    def look_again(self, index: int, *, swapped: bool = False) -> None:
        """Take a disk as it is: roots came or went, or were `swapped` by a person."""
        device = self.devices[index]
        if swapped:
            self._agent_changed(index)
        device.seen = device.disk.files()

    def must(self, fact: bool, text: str) -> None:
        """Fail if something does not hold."""
        if not fact:
            raise ViolationError(text)

    def _came_of(self, device: Device, outcome: Outcome) -> None:
        device.last = outcome
        device.heeded = dict(device.directions)
        counts = self.counts
        counts["cycles"] += 1
        for name in TOLD:
            counts[name] += len(getattr(outcome, name))
        for halt in outcome.halts:
            counts[f"halt {halt.code}"] += 1
        counts["torn"] += outcome.again
        for path in outcome.up:
            self.must(device.goes(path) != "pull", f"{path} went up, and it only comes down")
        device.hints += outcome.again

    def _check_whole(self, device: Device, still: Files, outcome: Outcome) -> None:
        halted = {halt.root for halt in outcome.halts}
        if outcome.again or "" in halted:
            return
        held = held_paths(outcome)
        self.ledger.reader.catch_up()
        self.ledger.stable(
            device.name,
            {
                path: content
                for path, content in still.items()
                if split_root(path)[0] not in halted | device.away
                and not held(path)
                and device.goes(path) != "pull"
                and device.patterns(split_root(path)[0]).matches(split_root(path)[1])
            },
            [content for path, content in device.seen.items() if held(path)],
        )

    # --- faults

    def arm(self, index: int, step: Step) -> None:
        """Let the trouble of a step wait for its moment."""
        device = self.devices[index]
        if step.place in {"disk", "write"}:
            if step.fault == "cut" and device.away:
                return
            times = 1 if step.fault == "hook" else self.random.choice((1, 1, 3))
            device.disk.hook = lambda: self._hook(index, step)

            def begin() -> None:
                device.fault = step.fault
                device.disk.arm(step.at, DISK[step.fault], times=times)

            if step.place == "write":
                device.on_write = begin
            else:
                begin()
        elif step.place == "record":
            device.toll.arm(step.at, step.fault)
        elif step.place == "link":
            times = self.random.choice((1, 1, 2, 5))
            back = self.random.choice((1, 1, 2, 4))
            device.link.rival = lambda: self._rival(step)
            device.link.arm(step.fault, after=step.at, times=times, back=back)

    def _hook(self, index: int, step: Step) -> None:
        """Let an agent act in the middle of a cycle, and at times the process end soon after."""
        self.counts["deeds in a cycle"] += 1
        device, path = self.devices[index], step.path
        root, _, relative = device.writing.partition("/")
        if relative in self.setup.paths and self.random.random() < AIMED:
            path = self.setup.paths.index(relative)
            step = replace(step, root=self.setup.roots.index(root))
        self.deed(index, replace(step, path=path), pick(self.random, DEEDS))
        if self.random.random() < KILL_AFTER_HOOK:
            self.devices[index].disk.arm(self.random.randrange(8), "kill")

    def _rival(self, step: Step) -> None:
        """Let another device be quicker."""
        if self.random.random() < 0.8:
            self.deed(step.other, step, pick(self.random, DEEDS))
        self.cycle(step.other, lambda engine: engine.cycle(), whole=True)

"""What goes on beside the agents: a thread for each daemon kills it, one looks at every file."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.torture.ledger import LOGS, Ledger
from tests.torture.machines import MARKER, Machine, Vault

QUIET_NS = 50_000_000
"""A file that was not touched for so long need not be read again while its times stay."""


class Beside(threading.Thread):
    """A thread that works until it is told to stop; a fault in it is something wrong."""

    def __init__(self, vault: Vault, ledger: Ledger) -> None:
        super().__init__(daemon=True)
        self.vault = vault
        self.ledger = ledger
        self._stop_now = threading.Event()

    def run(self) -> None:
        while not self._stop_now.is_set():
            try:
                self.step()
            except Exception as error:  # noqa: BLE001 - told by the round, not by a dead thread
                self.ledger.found_wrong(f"{type(self).__name__}: {error!r}")
                return

    def step(self) -> None:
        raise NotImplementedError

    def wait(self, seconds: float) -> bool:
        """Sleep; tell whether it is time to stop."""
        return self._stop_now.wait(max(0.0, seconds))

    def finish(self) -> None:
        """Stop, and wait until the last step is done."""
        self._stop_now.set()
        if self.ident:
            self.join(timeout=60)
            assert not self.is_alive()


class Killer(Beside):
    """Ends one machine's daemon again and again, mostly by SIGKILL, and starts it anew.

    Each machine has its own; those that wait for the same moment strike together.
    """

    def __init__(self, machine: Machine, vault: Vault, ledger: Ledger, rng: random.Random) -> None:
        super().__init__(vault, ledger)
        self.machine = machine
        self._rng = rng
        self.kills = 0
        self.in_commit = 0
        self.in_write = 0

    def step(self) -> None:
        rng = self._rng
        moments = [
            self._at_the_start,
            self._any_time,
            self._after_an_edit,
            self._in_a_commit,
            self._in_a_write,
        ]
        moment = rng.choices(moments, [1, 2, 4, 8, 8])[0]
        number = signal.SIGKILL if rng.random() < 0.9 else signal.SIGTERM
        pause = rng.choice([0.0, 0.1, 0.5, 2.0]) * rng.random()
        trouble = rng.random() < 0.25
        if moment != self._at_the_start:
            self._until(self.machine.ready, 5.0)
        moment()
        if self._stop_now.is_set():
            return
        if trouble:
            self.ledger.note("vault", self.vault.disturb(rng))
        self._end(number)
        self.wait(pause)
        self.machine.launch()
        self.ledger.note(self.machine.name, "daemon starts")

    def _end(self, number: signal.Signals) -> None:
        name = self.machine.name
        self.ledger.note(name, number.name)
        fallen = self.machine.fallen()
        if fallen is not None:
            self.ledger.found_wrong(f"the daemon of {name} ended by itself: {fallen}")
        code = self.machine.end(number)
        # A daemon that has not yet taken up its signals dies of them as any process does.
        if code not in (-number, 0):
            self.ledger.found_wrong(f"the daemon of {name} ended with {code} on {number.name}")
        self.kills += number == signal.SIGKILL

    def _any_time(self) -> None:
        self.wait(self._rng.uniform(0.1, 1.5))

    def _at_the_start(self) -> None:
        """Kill what has just been started."""
        self.wait(self._rng.uniform(0, 0.7))

    def _after_an_edit(self) -> None:
        """From the event over the quiet to the look at the files, or the push."""
        before, later = self._edits(), self._rng.uniform(0, 0.6)
        self._until(lambda: self._edits() != before)
        self.wait(later)

    def _edits(self) -> int:
        return self.ledger.by_device[self.machine.name]

    def _in_a_commit(self) -> None:
        """While objects are written, the branch moves, or the answer is under way."""
        before = self.vault.stirring()
        later = self._rng.choice([0.0, 0.0, 0.001, 0.003, 0.01, 0.03])
        self.in_commit += self._until(lambda: self.vault.stirring() != before)
        time.sleep(later)

    def _in_a_write(self) -> None:
        """While a file that has come is written beside its place, or takes it."""
        later = self._rng.choice([0.0, 0.0, 0.0, 0.001, 0.003, 0.01])
        self.in_write += self._until(self.machine.is_writing)
        time.sleep(later)

    def _until(self, begun: Callable[[], bool], seconds: float = 3.0) -> bool:
        """Wait closely until something has begun; tell whether it has."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop_now.is_set():
            if begun():
                return True
            time.sleep(0.0005)
        return False


class Watcher(Beside):
    """Reads every file again and again: each must be what somebody wrote, as a whole."""

    def __init__(self, machines: list[Machine], vault: Vault, ledger: Ledger) -> None:
        super().__init__(vault, ledger)
        self._machines = machines
        self.looks = 0
        self.heads: dict[str, None] = {}
        self._seen: dict[Path, tuple[int, int, int]] = {}
        self._filled: set[Path] = set()

    def step(self) -> None:
        self.heads.setdefault((self.vault.repository / "refs/heads/main").read_text().strip())
        for machine in self._machines:
            self._look(machine, machine.root, "")
            self._look(machine, machine.conflicts / "memory", "conflict copy of ")
        self.looks += 1
        self.wait(0.005)

    def _look(self, machine: Machine, top: Path, kind: str) -> None:
        for folder, _, names in os.walk(top):
            for name in names:
                place = Path(folder, name)
                path = place.relative_to(top).as_posix()
                if kind:
                    path = path.rpartition("/")[0]
                if name.endswith(".md") or (kind and not name.startswith(MARKER)):
                    self._look_at(machine, place, path, kind)

    def _look_at(self, machine: Machine, place: Path, path: str, kind: str) -> None:
        try:
            with place.open("rb") as stream:
                seen = os.fstat(stream.fileno())
                stamp = (seen.st_ino, seen.st_mtime_ns, seen.st_size)
                quiet = time.time_ns() - seen.st_mtime_ns > QUIET_NS
                if quiet and self._seen.get(place) == stamp:
                    return
                content = stream.read()
        except FileNotFoundError:
            return
        doubt = self.ledger.doubt(path, content, live=not kind)
        if path in LOGS and content:
            self._filled.add(place)
        elif place in self._filled:
            doubt = "emptied"
        if doubt:
            self.ledger.found_wrong(f"{kind}{path} on {machine.name}: {doubt}")
        elif quiet:
            self._seen[place] = stamp

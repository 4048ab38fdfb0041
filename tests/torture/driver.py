"""One round: machines, agents, kills, quiet, and what is found after."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.reader import git
from tests.torture import oracle
from tests.torture.agents import Agent
from tests.torture.ledger import Ledger
from tests.torture.machines import NAMES, Machine, Vault, share
from tests.torture.threads import Killer, Watcher

SETTLING = 120.0
"""Seconds in which all must be quiet once nobody writes and nobody kills."""
STILL = 1.5
"""Seconds for which it must stay so."""


class BrokenPromiseError(AssertionError):
    """Something did not hold; the text has the seed and what was done."""


@dataclass(frozen=True)
class Round:
    """What a round was, in figures."""

    title: str
    deeds: int
    kills: int
    in_commit: int
    in_write: int
    commits: int
    looks: int
    conflicts: int
    raced: int
    demoted: int
    settled: float

    def __str__(self) -> str:
        return (
            f"{self.title}: {self.deeds} deeds, {self.kills} kills ({self.in_commit} times in a "
            f"commit, {self.in_write} in a write), {self.commits} commits, "
            f"{self.conflicts} conflict copies ({self.demoted} with itself), "
            f"{self.raced} raced appends, {self.looks} looks, "
            f"settled in {self.settled:.1f} s: sound"
        )


class Torture:
    """A number of machines over one vault, for a number of seconds; the seed tells what is done.

    The same seed gives the same deeds and the same plan of kills, at moments that never are quite
    the same.
    """

    def __init__(self, seed: int, homes: int, vault: Vault, seconds: float, top: Path) -> None:
        self.seed = seed
        self.seconds = seconds
        self.vault = vault
        self.ledger = Ledger()
        self.machines = [Machine(top, name) for name in NAMES[:homes]]
        self._agents = [
            Agent(machine, self.ledger, self._rng(machine.name)) for machine in self.machines
        ]
        self.killers = [
            Killer(machine, vault, self.ledger, self._rng(f"kill {machine.name}"))
            for machine in self.machines
        ]
        self.watcher = Watcher(self.machines, vault, self.ledger)
        self.title = f"seed {seed}, {homes} homes over {vault.kind}"

    def run(self) -> Round:
        """Do it all; raise BrokenPromiseError for what does not hold."""
        with ExitStack() as stack:
            for machine in self.machines:
                stack.callback(machine.close)
            rng = self._rng("timing")
            poll, debounce = rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.2)
            share(self.machines, self.vault, poll=poll, debounce=debounce)
            for machine in self.machines:
                machine.launch()
            with self._running(self.watcher):
                with ExitStack() as killing:
                    for killer in self.killers:
                        killing.enter_context(self._running(killer))
                    self._act()
                settled = self._settle()
            for machine in self.machines:
                if machine.end(signal.SIGTERM):
                    self.ledger.found_wrong(f"the daemon of {machine.name} did not end cleanly")
            return self._judge(settled)

    def _rng(self, who: str) -> random.Random:
        return random.Random(f"{self.seed} {who}")

    @contextmanager
    def _running(self, thread: Killer | Watcher) -> Iterator[None]:
        thread.start()
        try:
            yield
        finally:
            thread.finish()

    def _act(self) -> None:
        """Let the agents work, in bursts and with pauses, and people type `memory-sync now`."""
        rng = self._rng("agents")
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not self.ledger.wrong:
            agent = rng.choice(self._agents)
            for _ in range(rng.choice([1, 1, 1, 3, 8])):
                agent.act()
                time.sleep(rng.choice([0.0, 0.0, 0.01]))
            if rng.random() < 0.03:
                command = agent.machine.begin_now()
                self.ledger.note(agent.name, "now")
                if rng.random() < 0.3:
                    time.sleep(rng.uniform(0, 0.5))
                    command.kill()
            time.sleep(rng.choice([0.0, 0.1, 0.3, 0.6]) * rng.uniform(0.5, 1.0))

    def _calm(self) -> None:
        """End what goes wrong: nobody kills any more, and every machine has its daemon."""
        self.vault.calm()
        # One at least is killed in each round; the others may be waiting for their next try.
        last = self._rng("last").choice(self.machines)
        if last.daemon:
            last.end(signal.SIGKILL)
            self.ledger.note(last.name, "SIGKILL, the last one")
        for machine in self.machines:
            ends = machine.reap()
            if ends:
                self.ledger.found_wrong(f"now ended with {ends} on {machine.name}")
            if machine.daemon is None:
                machine.launch()

    def _settle(self) -> float:
        """Wait until all agree and stay so; return the seconds that it took."""
        self._calm()
        self.ledger.note("all", "quiet from here")
        began = time.monotonic()
        restless = "?"
        while time.monotonic() < began + SETTLING:
            head = self._head()
            settled = time.monotonic() - began
            restless = self._restless(head)
            if not restless:
                time.sleep(STILL)
                restless = self._restless(head)
                if not restless:
                    return settled
            for machine in self.machines:
                self._agree(machine)
            time.sleep(0.2)
        self.ledger.found_wrong(f"not quiet after {SETTLING} s: {restless}")
        for machine in self.machines:
            if machine.fallen() is None and (reason := machine.row()["reason"]):
                self.ledger.found_wrong(f"{machine.name}: {reason['code']}: {reason['message']}")
        return SETTLING

    def _agree(self, machine: Machine) -> None:
        """Say yes for a person where a guard asks: who was away for long may have changed all."""
        if machine.fallen() is None and machine.asks():
            machine.confirm()
            self.ledger.note(machine.name, "confirm")

    def _restless(self, head: str) -> str:
        """Say what is not quiet yet."""
        if self._head() != head:
            return "the head moves"
        trees = [(machine.files(), machine.copies()) for machine in self.machines]
        if any(tree != trees[0] for tree in trees):
            return f"the devices differ: {_differing(trees)}"
        for machine in self.machines:
            if machine.fallen() is not None:
                return f"the daemon of {machine.name} is gone"
            row = machine.row()
            waits = row["pending"] or row["problems"] or row["head"] != head
            if waits or row["state"] not in ("idle", "needs-attention"):
                return f"{machine.name}: {row}"
        return ""

    def _head(self) -> str:
        return git.resolve(self.vault.repository, "HEAD").id

    def _judge(self, settled: float) -> Round:
        wrong, history = oracle.judge(
            self.machines, self.vault, self.ledger, list(self.watcher.heads)
        )
        if wrong:
            raise BrokenPromiseError(self._told(wrong))
        files, ledger = self.machines[0].files(), self.ledger
        return Round(
            self.title,
            ledger.deeds,
            sum(killer.kills for killer in self.killers) + 1,
            sum(killer.in_commit for killer in self.killers),
            sum(killer.in_write for killer in self.killers),
            len(history.commits),
            self.watcher.looks,
            len(self.machines[0].copies()),
            len(ledger.raced),
            len(oracle.demoted(files, ledger)),
            settled,
        )

    def _told(self, wrong: list[str]) -> str:
        lines = [self.title, *(f"  {one}" for one in wrong[:15])]
        if len(wrong) > 15:
            lines.append(f"  and {len(wrong) - 15} more")
        return "\n".join([*lines, "the last deeds:", *self.ledger.recent()])


def _differing(trees: list[tuple[dict[str, bytes], dict[str, bytes]]]) -> str:
    """Name some paths that are not the same everywhere, with the sizes there."""
    told = []
    for kind in (0, 1):
        for path in sorted({path for tree in trees for path in tree[kind]}):
            found = [tree[kind].get(path) for tree in trees]
            if any(one != found[0] for one in found):
                told.append(f"{path} {[one if one is None else len(one) for one in found]}")
    return ", ".join(told[:5])

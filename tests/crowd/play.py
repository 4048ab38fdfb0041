"""A play: a GitHub, devices around vaults, an hour of edits, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from statistics import mean, median
from types import TracebackType
from typing import Self

from dulwich.object_store import MemoryObjectStore
from graphql import GraphQLSchema

from memory_sync.ports.pace import Pace
from tests.crowd.device import Device
from tests.crowd.edits import Edit, Edits
from tests.crowd.net import Net
from tests.crowd.stage import Stage
from tests.hub import Hub, Repository
from tests.hub.objects import Objects

HOUR = 3600.0
JOINED = 100.0
"""When all devices have joined; until then nobody writes."""
PATIENCE = 2 * HOUR
"""For how long after the last edit all may take to have it."""


@dataclass(frozen=True)
class Figures:
    """What came of a play. Times are in seconds, shares in parts of GitHub's limit.

    `requests` are those of the play's time by kind, `limits` the most that any window held and what
    it may hold. `busiest` is the most that came within a second, once joining is long over.
    `unfair` is how many times longer the slowest author waited than all on average.
    """

    devices: int
    edits: int
    requests: Counter[str]
    commits: int
    lost: int
    left: dict[str, int]
    limits: dict[str, tuple[int, int]]
    refused: dict[str, int]
    races: int
    others: Counter[str]
    median: float
    worst: float
    settled: float
    unfair: float
    upload: float
    busiest: int


class Play:
    """One GitHub and everybody around it; `with` ends it."""

    def __init__(self, schema: GraphQLSchema, seed: int) -> None:
        self.random = Random(seed)
        self.stage = Stage()
        self.hub = Hub(schema, now=self.stage.now)
        self.token = self.hub.add_user("ada")
        self.net = Net(self.stage, self.hub, Random(seed + 1))
        self.edits = Edits()
        self.devices: list[Device] = []
        self.uploads: list[Edit] = []
        self.seconds = HOUR
        self._repositories: dict[str, Repository] = {}

    def __enter__(self) -> Self:
        self.hub.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stage.close()
        self.hub.__exit__(kind, error, trace)

    def join(self, name: str, vault: str, pace: Pace | None = None) -> Device:
        """Let one more device take part; the first of a vault founds it and has two files."""
        device = Device(name, vault, self.net, self.edits, self.token)
        first = vault not in self._repositories
        if first:
            made = self.hub.add_repo(f"ada/{vault}")
            # As many small files on a real disk would take most of the time.
            made.objects = Objects(MemoryObjectStore())
            self._repositories[vault] = made
            device.save("MEMORY.md", b"# Memory\n", "memory/log.md", b"# Log\n")
        device.serve(pace, first=first)
        self.devices.append(device)
        self.stage.enter(self.random.random() if first else 20.0, device.play)
        return device

    def at(self, when: float, device: Device, path: str) -> None:
        """Let an agent write a line, so many seconds after all have joined."""
        self.stage.at(JOINED + when, lambda: device.edit(path))

    def act(self, seconds: float) -> Figures:
        """Let so much time pass, and more until all is everywhere; then compare and count."""
        self.seconds = seconds
        # GitHub's hour begins with the first request, and is over a moment later.
        self.stage.run(seconds - 1)
        count = len(self.net.log)
        left = {name: self._left(name) for name in ("core", "graphql")}
        commits = sum(map(_commits, self._repositories.values()))
        mutations = Counter(kind for _, kind in self.net.log)["mutation"]
        end = seconds + PATIENCE
        while self.edits.waiting() and self.stage.time < end:
            self.stage.run(self.stage.time + 60)
        # What is still to be heard of, such as a merge that came last, has come after a while.
        while self.stage.time < end and self._differ():
            self.stage.run(self.stage.time + 60)
        self._check()
        return self._figures(count, left, commits, mutations)

    def _left(self, resource: str) -> int:
        return int(self.hub.limits.state("ada", resource)["remaining"])

    def _differ(self) -> bool:
        for vault in self._repositories:
            files = [device.files() for device in self.devices if device.vault == vault]
            if any(other != files[0] for other in files):
                return True
        return False

    def _check(self) -> None:
        """Hold the play against what must always be."""
        assert not self.edits.waiting(), f"{self.edits.waiting()} edits are not everywhere"
        assert not self._differ(), "the devices do not agree"
        for device in self.devices:
            files = device.files()
            for edit in self.edits.made:
                if edit.vault == device.vault:
                    text = files[f"memory/{edit.path}"]
                    assert text.count(edit.line) == 1, f"{edit} on {device.name}"

    def _busiest(self, count: int) -> int:
        """Count the most requests within one second, once joining is long over."""
        late = [int(when) for when, _ in self.net.log[:count] if when > self.seconds / 2]
        return max(Counter(late).values(), default=0)

    def _figures(self, count: int, left: dict[str, int], commits: int, mutations: int) -> Figures:
        single = [edit for edit in self.edits.made if edit not in self.uploads]
        times = [edit.seconds for edit in single]
        last = max((edit.when for edit in single), default=0.0)
        others = Counter[str]()
        for device in self.devices:
            others += device.counts
        windows = self.net.referee.windows()
        return Figures(
            devices=len(self.devices),
            edits=len(single),
            requests=Counter(kind for _, kind in self.net.log[:count]),
            commits=commits,
            lost=mutations - commits,
            left=left,
            limits={window.name: (window.highest, window.most) for window in windows},
            refused={kind: self.net.refused[kind] for kind in ("primary", "secondary")},
            races=others["error race-lost"],
            others=others,
            median=median(times) if times else 0.0,
            worst=max(times, default=0.0),
            settled=max((edit.everywhere for edit in single), default=0.0) - last,
            unfair=_unfair(single),
            upload=max((edit.seconds for edit in self.uploads), default=0.0),
            busiest=self._busiest(count),
        )


def _commits(repo: Repository) -> int:
    """Count the commits that moved the branch, but for the one that founded the vault."""
    count, head = 0, repo.head()
    while head and (parents := repo.objects.commit(head).parents):
        count, head = count + 1, parents[0]
    return count


def _unfair(edits: Iterable[Edit]) -> float:
    """Compare the author who waited longest, on average, with all of them."""
    by_author: dict[tuple[str, str], list[float]] = {}
    for edit in edits:
        by_author.setdefault((edit.vault, edit.author), []).append(edit.seconds)
    means = [mean(times) for times in by_author.values()]
    return max(means) / mean(means) if means else 1.0


Scenario = Callable[[GraphQLSchema, int], Figures]

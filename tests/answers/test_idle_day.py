"""A day on which nothing happens: the real engine and adapter, on a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from graphql import GraphQLSchema

from memory_sync.app.context import Context
from memory_sync.app.setup import establish, examine
from memory_sync.app.vaults import open_vault, root_files
from memory_sync.daemon.schedule import Schedule, Timing, stretch
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.pace import Paces
from tests.answers.place import Clocked, Machine, Place, make_place

HOURS = 24
POLL = 60.0


class Sundial(SystemClock):
    """A clock that stands still until somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Sundial:
    """Give a clock."""
    return Sundial()


@pytest.fixture
def place(github_schema: GraphQLSchema, clock: Sundial) -> Iterator[Place]:
    """Give a repository on a GitHub that goes by the same clock."""
    with Clocked(github_schema, now=clock.now) as hub:
        yield make_place("vault", hub)


@pytest.fixture
def context(tmp_path: Path, place: Place, clock: Sundial) -> Context:
    """Give a machine with a vault that is wholly in sync."""
    machine = Machine(tmp_path, "one")
    machine.configure({"vault": place})
    context = replace(machine.context, clock=clock, paces=Paces(clock))
    machine.context = context
    machine.write("vault", "MEMORY.md", "# memory\n")
    vault = machine.vault("vault")
    remote, condition, finding = examine(context, vault)
    trust, _ = establish(context, vault, remote, condition, finding)
    root_files(context, vault.root[0], trust, None).adopt()
    assert "error" not in machine.sync("vault")
    return context


def test_i43_an_idle_day_costs_no_quota(context: Context, place: Place, clock: Sundial) -> None:
    """In 24 hours no commit, each answer a 304, and none of the hour's requests is used up."""
    head, limits = place.repo.head(), place.hub.limits
    schedule = Schedule(clock, Timing(poll=POLL))
    end = clock.time + HOURS * 3600
    with open_vault(context, context.vaults()[0]) as engine:
        # The first cycle learns what GitHub calls the branch and the state of the repository.
        engine.cycle()
        clock.time += 3601
        before = len(place.hub.requests)
        while clock.time < end:
            clock.sleep(max(0.0, schedule.wait()))
            turn = schedule.turn()
            outcome = engine.cycle(up=turn.up, look=turn.look, fetch=turn.fetch)
            assert not outcome.up
            more = stretch(engine.about().budgets, clock.now())
            schedule.succeeded(turn, again=outcome.again, resume=outcome.resume, stretch=more)
    asked = place.hub.requests[before:]
    assert {done.status for done in asked} == {304}
    conditions = [done for done in asked if done.path == f"/repos/{place.repo.full_name}"]
    assert len(conditions) >= (HOURS - 1) * 5
    assert len(asked) - len(conditions) >= (HOURS - 2) * 3600 / POLL / 1.2
    assert place.repo.head() == head
    for resource in ("core", "graphql"):
        assert limits.state("one", resource)["used"] == 0

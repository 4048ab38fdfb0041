"""The simulation: many random schedules, and that it would notice if the program made mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from random import Random

import pytest

from tests.simulation.clock import Clock
from tests.simulation.codec import CheapCipher
from tests.simulation.device import IDENTITY
from tests.simulation.mistakes import MISTAKES, ONE_WAY_MISTAKES, Patch, downloads_over_edits
from tests.simulation.oracle import Ledger, ViolationError
from tests.simulation.reader import VaultReader
from tests.simulation.remote import Repository
from tests.simulation.runner import Failure, run, run_seed, shrink
from tests.simulation.steps import draw

SCHEDULES = 1000
FIRST = 1 + int(os.environ.get("MEMORY_SYNC_SIMULATE_FROM", "0"))
WITHIN = 400
"""Seeds within which a mistake must be noticed."""
TOP = Path(__file__).parents[2]

FLOORS = {
    "deeds": 5000,
    "deeds in a cycle": 100,
    "late writes": 3,
    "hints dropped": 500,
    "cycles": 10_000,
    "merged": 500,
    "new_conflicts": 300,
    "torn": 10,
    "crashes": 300,
    "saves undone": 40,
    "held at rest": 50,
    "confirmed": 40,
    "halt marker-missing": 100,
    "halt root-gone": 20,
    "halt root-emptied": 3,
    "disk kill": 80,
    "disk cut": 40,
    "disk full": 20,
    "disk io": 30,
    "record before": 40,
    "record after": 40,
    "record full": 15,
    "link offline": 50,
    "link race": 60,
    "link stale": 20,
    "link cut-before": 5,
    "link cut-after": 10,
    "link kill-before": 3,
    "link kill-after": 10,
    "link blobs-missing": 15,
    "link blobs-wrong": 15,
    "link thin-listing": 3,
    "link rate-limited": 10,
    "link trouble": 10,
    "error stale-read": 5,
    "old state put back": 5,
    "lose-state": 50,
    "exclude": 50,
    "unmount": 50,
    "power-cut": 150,
    "jump": 150,
    "preview": 100,
    "settle": 50,
    "direction": 300,
}
"""How often each of these must come about in the schedules, at the least."""


@pytest.fixture(scope="module")
def ran() -> tuple[list[Failure], Counter[str]]:
    """Run the schedules, once for all tests of this module."""
    failures, counts = [], Counter[str]()
    for seed in range(FIRST, FIRST + SCHEDULES):
        done = run_seed(seed)
        counts += done.counts
        if done.failure:
            failures.append(done.failure)
    return failures, counts


def test_i4_i17_i33_i34_i40_nothing_is_lost_in_many_schedules(
    ran: tuple[list[Failure], Counter[str]],
) -> None:
    """Whatever happens to several devices, nothing is lost, and in the end all agree and rest."""
    failures, _ = ran
    if failures:
        pytest.fail(
            f"{len(failures)} of {SCHEDULES} schedules fail\n{shrink(failures[0])}", pytrace=False
        )


@pytest.mark.parametrize("name", FLOORS)
def test_the_schedules_reach_what_matters(
    ran: tuple[list[Failure], Counter[str]], name: str
) -> None:
    """Each fault and each outcome comes about often enough to mean something."""
    assert ran[1][name] >= FLOORS[name]


@pytest.mark.parametrize("mistake", ONE_WAY_MISTAKES, ids=lambda mistake: mistake.__name__)
def test_i28_a_mistake_about_one_way_roots_is_noticed(
    mistake: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    """So it does those about roots of one direction, and about turning them."""
    mistake(monkeypatch)
    seeds = (seed for seed in count(1) if draw(seed).setup.one_way)
    assert any(run_seed(seed).failure for seed in islice(seeds, WITHIN))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_noticed(mistake: Callable[[Patch], None], monkeypatch: Patch) -> None:
    """The oracle notices each of several mistakes that the program could make."""
    mistake(monkeypatch)
    assert any(run_seed(seed).failure for seed in range(1, 1 + WITHIN))


def test_a_failing_schedule_is_made_short(monkeypatch: Patch) -> None:
    """A schedule that fails loses the steps that it does not need, and still fails."""
    downloads_over_edits(monkeypatch)
    failure = next(filter(None, (run_seed(seed).failure for seed in count(1))))
    short = shrink(failure)
    assert len(short.schedule.steps) < len(failure.schedule.steps)
    assert {*short.schedule.steps} < {*failure.schedule.steps}
    again = run_seed(short.schedule.setup.seed, [step.number for step in short.schedule.steps])
    assert again.failure == short
    assert f"--seed {short.schedule.setup.seed} --steps " in str(short)


@pytest.mark.parametrize("seed", [7, 10, 23, 30])
def test_a_seed_replays(seed: int) -> None:
    """A schedule goes the same way each time, also with the real cipher (every tenth)."""
    one, other = run_seed(seed), run_seed(seed)
    assert one.log == other.log
    assert one.counts == other.counts


def test_a_seed_replays_in_another_process() -> None:
    """What is shown of a seed does not depend on how a process happens to hash strings."""
    words = [sys.executable, "-m", "tests.simulation", "--seed", "24"]
    told = {
        subprocess.run(
            words,
            cwd=TOP,
            env={**os.environ, "PYTHONHASHSEED": number},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in ("1", "2", "3")
    }
    assert len(told) == 1


def test_schedules_are_of_many_kinds() -> None:
    """Setups of two to five devices, each kind of disk, and both ciphers are drawn."""
    setups = [draw(seed).setup for seed in range(1, 200)]
    assert {len(setup.machines) for setup in setups} == {2, 3, 4, 5}
    machines = [machine for setup in setups for machine in setup.machines]
    assert {machine.ignore_case for machine in machines} == {True, False}
    assert {machine.decompose for machine in machines} == {True, False}
    assert sum(setup.real_cipher for setup in setups) == 19


def test_a_schedule_without_steps_rests() -> None:
    """A world in which nothing happens comes to rest with its first files on every device."""
    schedule = draw(3)
    assert run(replace(schedule, steps=())).failure is None


def test_the_clock_never_goes_back() -> None:
    """The wall time jumps back and forth, the time for waiting only grows."""
    clock = Clock(Random(1))
    seen = [clock.monotonic()]
    for seconds in (-1e9, 5.0, 4e9, -60.0):
        before = clock.now()
        clock.jump(seconds)
        assert (clock.now() > before) is (seconds > 0)
        clock.sleep(1.0)
        seen.append(clock.monotonic())
    assert seen == sorted(set(seen))


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger beside an empty vault."""
    return Ledger(VaultReader(Repository(), CheapCipher(IDENTITY, Random(1))))


def test_a_torn_file_is_noticed(ledger: Ledger) -> None:
    """A content that neither an agent nor an engine wrote whole fails."""
    ledger.agent(0, "m/a", None, b"w000001\nw000002\n")
    with pytest.raises(ViolationError, match="torn"):
        ledger.engine_changed("x", {}, {"m/a": b"w000001\n"}, ["m/a"])


def test_a_line_that_nobody_wrote_is_noticed(ledger: Ledger) -> None:
    """An engine may put lines of agents together and must make up none: no conflict markers."""
    ledger.agent(0, "m/a", None, b"one\n")
    ledger.agent(1, "m/a", None, b"two\n")
    ledger.engine_writes("m/a", b"one\ntwo\n")
    with pytest.raises(ViolationError, match="nobody wrote"):
        ledger.engine_writes("m/a", b"<<<<<<<\none\n")


def test_a_content_lives_on_in_a_merge(ledger: Ledger) -> None:
    """All lines in order are enough, but for those that an agent took out of a file itself."""
    assert ledger.kept(b"a\nc\n", [b"a\nb\nc\n"])
    assert not ledger.kept(b"c\na\n", [b"a\nb\nc\n"])
    assert not ledger.kept(b"a\nx\n", [b"a\nb\nc\n"])
    ledger.agent(0, "m/a", b"a\nx\n", b"a\n")
    assert ledger.kept(b"a\nx\n", [b"a\nb\n", b"x\n"])
    assert not ledger.kept(b"a\nx\n", [b"a\nb\n"])


def test_what_nobody_deleted_must_be_there(ledger: Ledger) -> None:
    """A path that is gone fails, unless an agent deleted it having seen what is in it."""
    ledger.begin({"m/a": b"one\n"}, ())
    with pytest.raises(ViolationError, match="no agent deleted"):
        ledger.at_rest({}, ())
    ledger.agent(0, "m/a", b"one\n", None)
    ledger.at_rest({}, ())
    ledger.agent(1, "m/a", b"one\n", b"one\ntwo\n")
    with pytest.raises(ViolationError, match="gone with what device 1 wrote"):
        ledger.at_rest({}, ())
    ledger.agent(0, "m/a", b"one\ntwo\n", None)
    ledger.at_rest({}, ())


def test_what_one_device_wrote_must_be_as_it_wrote_it(ledger: Ledger) -> None:
    """Where only one device's agents touched a file, it is as they left it, or deleted."""
    ledger.begin({"m/a": b"one\n"}, ())
    ledger.agent(0, "m/a", b"one\n", b"two\n")
    ledger.at_rest({"m/a": b"two\n"}, ())
    with pytest.raises(ViolationError, match="should be"):
        ledger.at_rest({"m/a": b"one\n"}, ())
    ledger.agent(0, "m/a", b"two\n", None)
    with pytest.raises(ViolationError, match="should be None"):
        ledger.at_rest({"m/a": b"two\n"}, ())

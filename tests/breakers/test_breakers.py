"""Each statement is held by code: with a deliberate fault in it, the numbered test fails."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.breakers import crashes, deletes, files, planner
from tests.breakers.fault import Fault

FAULTS = (*planner.FAULTS, *deletes.FAULTS, *crashes.FAULTS, *files.FAULTS)
NUMBERS = {*range(1, 40), 47, 49, 50, *range(56, 70)}
"""The statements that this version holds; docs/invariants.md names the others as open."""
AT_ONCE = 2

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Future[Done]]]:
    """Run the tests against every fault, two at a time: each run takes mostly a start."""
    top = tmp_path_factory.mktemp("breakers")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {fault.number: pool.submit(fault.run, top / str(fault.number)) for fault in FAULTS}


def test_every_statement_has_one_fault() -> None:
    """No number is missing, and none is there twice."""
    assert sorted(fault.number for fault in FAULTS) == sorted(NUMBERS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"i{fault.number}")
def test_the_tests_bear_the_number(fault: Fault) -> None:
    """The tests that notice a fault are those of its statement, and they are there."""
    for test in fault.tests:
        path, _, name = test.partition("::")
        name = name.partition("[")[0]
        assert re.search(rf"_i0*{fault.number}_", name), name
        assert f"def {name}(" in (Path(__file__).parents[2] / path).read_text("utf-8")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"i{fault.number}")
def test_a_fault_is_noticed(fault: Fault, runs: dict[int, Future[Done]]) -> None:
    """The program with the fault fails the numbered test: not an import, not a fixture."""
    done = runs[fault.number].result()
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^FAILED ", done.stdout, re.MULTILINE), done.stdout
    assert not re.search(r"^ERROR ", done.stdout, re.MULTILINE), done.stdout

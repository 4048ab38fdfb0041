"""The adapters of `LocalTree`, each as a bench."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from tests.files.bench import Bench, DiskBench, without_exchange
from tests.simulation.bench import MemoryBench

SYSTEMS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "disk": nullcontext,
    "disk without exchange": without_exchange,
    "disk without exchange and links": partial(without_exchange, links=False),
}

IN_MEMORY: dict[str, Callable[[], MemoryBench]] = {
    "memory": MemoryBench,
    "memory that ignores case": partial(MemoryBench, ignore_case=True),
    "memory that decomposes": partial(MemoryBench, decompose=True),
}


@pytest.fixture(params=[*SYSTEMS, *IN_MEMORY])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Give each adapter in turn."""
    if request.param in IN_MEMORY:
        yield IN_MEMORY[request.param]()
        return
    with SYSTEMS[request.param]():
        yield DiskBench(tmp_path)


@pytest.fixture
def disk(tmp_path: Path) -> DiskBench:
    """Give the adapter to a disk, with all that the system can do."""
    return DiskBench(tmp_path)

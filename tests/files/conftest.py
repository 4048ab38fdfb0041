"""The adapters of `LocalTree`, each as a bench."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from tests.files.bench import Bench, DiskBench, without_exchange

SYSTEMS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "disk": nullcontext,
    "disk without exchange": without_exchange,
    "disk without exchange and links": partial(without_exchange, links=False),
}


@pytest.fixture(params=SYSTEMS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Give each adapter in turn."""
    with SYSTEMS[request.param]():
        yield DiskBench(tmp_path)


@pytest.fixture
def disk(tmp_path: Path) -> DiskBench:
    """Give the adapter to a disk, with all that the system can do."""
    return DiskBench(tmp_path)

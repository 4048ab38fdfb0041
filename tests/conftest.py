"""Fixtures that every test may ask for, and which files begin first."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytest_plugins = ["tests.hub.fixtures", "tests.emulate.fixtures"]

TOP = Path(__file__).parents[1]
LONG = (
    "tests/answers/",
    "tests/service/",
    "tests/outside/test_installed",
    "tests/leaks/",
    "tests/simulation/",
    "tests/breakers/",
    "tests/engine/test_attacks",
    "tests/engine/test_rotation",
    "tests/engine/test_requests",
    "tests/torture/",
    "tests/daemon/test_waking",
    "tests/files/test_swapped",
)
"""Files that take a minute and more: begun last, one of them would run alone in the end."""


def pytest_configure() -> None:
    """Heed Ctrl-C and a closed terminal: whoever starts this in the background has them ignored.

    Programs that tests start inherit that, and many tests are about just these signals.
    """
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            with suppress(ValueError):
                signal.signal(number, usual)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, after all were put in random order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, once for all processes of the tests."""
    top = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        top = top.parent
    folder = top / "wheel"
    with (top / "wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("*.whl")):
            words = ["wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(TOP)]
            subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=300)
    [found] = folder.glob("*.whl")
    return found

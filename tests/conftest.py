"""Fixtures that every test may ask for, and which files begin first."""

from __future__ import annotations

import signal
from contextlib import suppress

import pytest

pytest_plugins = ["tests.hub.fixtures", "tests.emulate.fixtures"]

LONG = (
    "tests/answers/",
    "tests/service/",
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

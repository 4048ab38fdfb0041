"""Fixtures for tests that need a GitHub of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.emulate.standin import StandIn, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    """Serve the stand-in for all tests: each takes a repository and tokens of its own."""
    with serving() as running:
        yield running

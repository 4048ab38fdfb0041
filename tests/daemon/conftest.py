"""Two machines with real daemons on one vault in a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.homes import Home, share_vault


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    """Give two homes that share a vault; no daemon runs yet."""
    one, two = Home(tmp_path, "one"), Home(tmp_path, "two")
    share_vault(one, two, f"file://{tmp_path}/vault.git")
    yield one, two
    for home in (one, two):
        home.close()

"""Two machines with real daemons on one vault in a folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.homes import Home


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    """Give two homes that share a vault; no daemon runs yet."""
    remote = f"file://{tmp_path}/vault.git"
    one, two = Home(tmp_path, "one"), Home(tmp_path, "two")
    one.write("MEMORY.md", "# memory\n")
    one.run("init", str(one.root), "--remote", remote, "--device", "one", "--yes")
    one.run("export-key", str(tmp_path / "key.txt"))
    two.run("import-key", str(tmp_path / "key.txt"))
    two.run("init", str(two.root), "--remote", remote, "--device", "two", "--yes")
    for home in (one, two):
        home.configure()
    yield one, two
    for home in (one, two):
        home.close()

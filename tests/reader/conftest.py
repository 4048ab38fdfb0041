"""What every test of the reader begins with."""

import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from tests.reader.writer import Key, Repository, keygen


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Return the identity of the vault."""
    needs("age", "age-keygen")
    return keygen(tmp_path_factory.mktemp("keys") / "key.txt")


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Return an identity that is not the vault's."""
    needs("age", "age-keygen")
    return keygen(tmp_path_factory.mktemp("keys") / "other.txt")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty bare repository."""
    needs("git")
    path = tmp_path / "vault.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    return Repository(path)

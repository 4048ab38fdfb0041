"""A vault in a folder with two devices on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.devices import Device


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Give the place of the vault's repository."""
    return tmp_path / "vault.git"


@pytest.fixture
def laptop(tmp_path: Path, vault: Path) -> Iterator[Device]:
    """Give the device that founds the vault."""
    device = Device(tmp_path, "laptop", vault)
    device.found()
    yield device
    device.restart()


@pytest.fixture
def desktop(tmp_path: Path, vault: Path, laptop: Device) -> Iterator[Device]:
    """Give a device that joins it."""
    device = Device(tmp_path, "desktop", vault)
    trust = laptop.keystore.trust("v")
    assert trust
    identity = laptop.keystore.find(trust.recipient)
    assert identity
    device.join(identity)
    yield device
    device.restart()

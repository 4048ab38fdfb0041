"""Rounds of torture, short ones; `scripts/torture` has the long ones."""

import secrets
from pathlib import Path

import pytest

from tests.hub import Hub
from tests.needs import needs
from tests.torture.driver import Torture
from tests.torture.machines import FolderVault, HubVault, Vault

SECONDS = 12.0


def _torture(homes: int, vault: Vault, top: Path) -> None:
    needs("age", "git")
    seed = secrets.randbelow(10**6)
    print(
        f"scripts/torture --seed {seed} --homes {homes} --vault {vault.kind} "
        f"--seconds {SECONDS:.0f} --rounds 1"
    )
    done = Torture(seed, homes, vault, SECONDS, top).run()
    print(done)
    assert done.deeds > 20
    assert done.commits > 3
    assert done.kills


@pytest.mark.parametrize("homes", [2, 3])
def test_i33_daemons_that_are_killed_over_a_folder_lose_nothing(homes: int, tmp_path: Path) -> None:
    """Every line, every file whole, every commit once, every database sound: see `oracle`."""
    _torture(homes, FolderVault(tmp_path), tmp_path)


@pytest.mark.parametrize("homes", [2, 3])
def test_i33_daemons_that_are_killed_over_github_lose_nothing(
    homes: int, hub: Hub, tmp_path: Path
) -> None:
    """The same, with answers that are lost, cut or late."""
    _torture(homes, HubVault(hub), tmp_path)

"""What a person is told of conflicts. Imports nothing heavy."""

from __future__ import annotations

from memory_sync.cli.words import many
from memory_sync.config.directories import Directories
from memory_sync.model import Problem

STATUS = 3
"""The exit status where conflicts wait."""


def conflicts_problem(places: Directories, vault: str, count: int) -> Problem:
    """Say that copies wait to be looked at, and where."""
    folder = places.vault_state(vault) / "conflicts"
    message = f"Vault {vault} has {many(count, 'conflict')}; what was not taken lies in {folder}."
    return Problem("conflicts", message, "memory-sync conflicts", STATUS)

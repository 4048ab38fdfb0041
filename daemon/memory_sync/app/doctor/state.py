"""The check of a vault's state database, which a daemon may be using."""

from __future__ import annotations

import sqlite3

from memory_sync.app.doctor.finding import Finding, bad, command, good, skipped, warning, wrong
from memory_sync.app.doctor.patient import Patient
from memory_sync.config.settings import VaultSettings
from memory_sync.errors import DaemonError, StateNewerError, StateUnusableError
from memory_sync.ports.peek import peek
from memory_sync.ports.schema import MIGRATIONS

PATIENCE = 5.0
"""Seconds after which the check of a large database is broken off."""
STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""


def state(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Open the database without disturbing anybody, and look whether it is whole."""
    path = patient.places.vault_state(vault.name) / "state.db"
    if not path.exists():
        return [skipped("there is none yet: the first sync makes it")]
    end = patient.clock.monotonic() + PATIENCE
    try:
        with peek(path) as database:
            database.set_progress_handler(lambda: patient.clock.monotonic() > end, STEPS)
            version: int = database.execute("PRAGMA user_version").fetchone()[0]
            verdict: str = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return [skipped(f"{path} is too large to be looked through in {PATIENCE:.0f} s")]
        unusable = StateUnusableError(path=path, detail=error)
        return [wrong(unusable)]
    except sqlite3.DatabaseError as error:
        return [_corrupt(patient, f"{path} is corrupt: {error}", vault)]
    if verdict != "ok":
        return [_corrupt(patient, f"{path} is corrupt: {verdict}", vault)]
    if version > len(MIGRATIONS):
        return [wrong(StateNewerError(path=path, found=version))]
    aside = sorted(place.name for place in path.parent.glob("state.db.corrupt-*[0-9]"))
    if aside:
        detail = f"whole; {', '.join(aside)} was set aside as corrupt and can go"
        return [warning(detail, command("rm", "--", *(path.parent / name for name in aside)))]
    return [good(f"whole, schema {version}")]


def _corrupt(patient: Patient, detail: str, vault: VaultSettings) -> Finding:
    """Say how it is made anew: whoever opens it sets a corrupt one aside, and nothing is lost."""
    detail = f"{detail}; it is made anew from the vault and the folders"
    try:
        patient.daemon()
    except DaemonError:
        return bad(detail, command("memory-sync", "now", "--vault", vault.name))
    return bad(detail, "memory-sync service restart")

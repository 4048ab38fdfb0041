"""What can be told of the vaults when no daemon answers: from the state on disk."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from memory_sync.app.context import Context
from memory_sync.config.settings import VaultSettings
from memory_sync.daemon.report import VaultReport
from memory_sync.engine.local import problem
from memory_sync.errors import KeyRotatedError, MemorySyncError
from memory_sync.model import About, Phase, Problem
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.peek import peek


def standing(context: Context) -> list[dict[str, Any]]:
    """Return the rows of `status` for all vaults; nothing is locked, changed or asked."""
    return [_row(context, vault) for vault in context.settings.vault]


def remembered(context: Context, vault: VaultSettings) -> VaultReport:
    """Return what is known of a vault since it was served last."""
    return _report(vault, _remembered(context, vault))


def _row(context: Context, vault: VaultSettings) -> dict[str, Any]:
    known = _remembered(context, vault)
    halts = [*_key_problems(context, vault), *_loaded(known.get("halts", "[]"))]
    told = _report(vault, known).data()
    return {**told, "problems": halts, "reason": halts[0] if halts else None}


def _key_problems(context: Context, vault: VaultSettings) -> list[dict[str, Any]]:
    """Tell of a key that was changed elsewhere and is not here: that is written down with it."""
    with suppress(MemorySyncError):
        trust = context.keystore.trust(vault.name)
        if trust and trust.rotated and context.keystore.find(trust.recipient) is None:
            error = KeyRotatedError(vault=vault.name, recipient=trust.recipient)
            return [problem(error).data()]
    return []


def _report(vault: VaultSettings, known: Mapping[str, str]) -> VaultReport:
    return VaultReport(
        name=vault.name,
        remote=vault.remote,
        roots=tuple((root.name, str(root.path)) for root in vault.root),
        state=Phase.STOPPED,
        head=known.get("head", ""),
        last_success=float(known.get("last_success", 0)),
        conflicts=int(known.get("conflicts", 0)),
        about=_about(known.get("about", "{}")),
        warnings=tuple(map(_problem, _loaded(known.get("warnings", "[]")))),
    )


def _problem(data: Mapping[str, Any]) -> Problem:
    """Read a problem that was written down, without what it kept from happening."""
    return Problem(**{name: data[name] for name in Problem._fields if name in data})


def _about(text: str) -> About:
    """Read how the remote was reached when it was last looked at; what was left then is past."""
    try:
        return About(**{**json.loads(text), "budgets": ()})
    except (ValueError, TypeError):
        return About()


def _loaded(text: str) -> list[dict[str, Any]]:
    """Read what was halted when the vault was last looked at."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def remembered_files(context: Context, vault: VaultSettings) -> dict[str, str] | None:
    """Return path and hash of each file that the vault held when it was last asked.

    It needs no lock, so it can be told while a daemon serves the vault. None if nothing is known.
    """
    return _read(context, vault, "SELECT path, digest FROM object") or None


def remembered_writers(context: Context, vault: VaultSettings) -> dict[str, tuple[str, str]]:
    """Return hash and device of each file that the vault held when it was last asked, by path."""
    found = _read(context, vault, "SELECT path, digest || ' ' || device FROM object")
    return {path: (told[:64], told[65:]) for path, told in found.items()}


def remembered_roots(context: Context, vault: VaultSettings) -> dict[str, int]:
    """Return how many files each root of the vault had when it was last asked, by name."""
    files = _read(context, vault, "SELECT path, digest FROM object")
    roots = Counter(path.partition("/")[0] for path in files)
    roots.pop(CONFLICTS, None)
    return dict(sorted(roots.items()))


def remembered_head(context: Context, vault: VaultSettings) -> str:
    """Return the head of the vault that was accepted last, "" if none is known."""
    return _read(context, vault, "SELECT key, value FROM meta WHERE key = 'head'").get("head", "")


def _remembered(context: Context, vault: VaultSettings) -> dict[str, str]:
    return _read(context, vault, "SELECT key, value FROM meta")


def _read(context: Context, vault: VaultSettings, query: str) -> dict[str, str]:
    """Read pairs of what is remembered; a database that cannot be read tells nothing."""
    path = context.directories.vault_state(vault.name) / "state.db"
    if not path.exists():
        return {}
    try:
        with peek(path) as database:
            return dict(database.execute(query))
    except sqlite3.Error:
        return {}

"""`push`, `pull` and `now`: through the daemon where one serves the vault, else in this process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from memory_sync.app.context import Context
from memory_sync.app.vaults import open_vault
from memory_sync.config.settings import VaultSettings
from memory_sync.daemon.client import Client, find_socket
from memory_sync.daemon.report import outcome_data, preview_data
from memory_sync.engine.local import problem
from memory_sync.errors import DaemonError, DaemonSilentError, DaemonVersionError, MemorySyncError

SYNC_TIMEOUT = 30.0
"""Seconds without a sign of life after which the daemon counts as silent; it beats each second."""


@dataclass(frozen=True)
class Wish:
    """Which sides may change, or that none may; `confirm` has plans by vault, then by root."""

    up: bool = True
    down: bool = True
    dry_run: bool = False
    confirm: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def sync(context: Context, vaults: Iterable[VaultSettings], wish: Wish) -> dict[str, Any]:
    """Run a cycle on each vault, and answer with a row for each, by name.

    A row is an outcome's data, `{"plan": …, "halts": …}` for a dry run, or `{"error": …}`.
    """
    names = [vault.name for vault in vaults]
    served = through_daemon(context, names, wish)
    alone = [vault for vault in vaults if vault.name not in served]
    rows = {vault.name: one_shot(context, vault, wish) for vault in alone}
    return {name: {**served, **rows}[name] for name in names}


def through_daemon(context: Context, names: Iterable[str], wish: Wish) -> dict[str, Any]:
    """Let the daemon do it for the vaults that it serves; no rows if none runs."""
    places = context.directories
    try:
        with Client(find_socket(places.daemon_lock, places.socket), SYNC_TIMEOUT) as client:
            serves = {row["name"] for row in client.call("status", {})["vaults"]}
            mine = [name for name in names if name in serves]
            if not mine:
                return {}
            answer: dict[str, Any] = client.call("sync", {"vaults": mine, **asdict(wish)})
            return answer
    except (DaemonSilentError, DaemonVersionError):
        raise
    except DaemonError:
        return {}


def one_shot(context: Context, vault: VaultSettings, wish: Wish) -> Mapping[str, Any]:
    """Run one cycle in this process, under the vault's lock."""
    try:
        with open_vault(context, vault) as engine:
            if wish.dry_run:
                return preview_data(engine.preview())
            plans = wish.confirm.get(vault.name)
            if plans:
                return outcome_data(engine.confirm(plans))
            return outcome_data(engine.cycle(up=wish.up, down=wish.down))
    except MemorySyncError as error:
        return {"error": asdict(problem(error))}

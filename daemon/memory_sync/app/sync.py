"""`push`, `pull` and `now`: through the daemon where one serves the vault, else in this process."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from memory_sync.app.context import Context
from memory_sync.app.projects import refreshed
from memory_sync.app.vaults import open_vault
from memory_sync.config.settings import EnvironmentVault, VaultSettings
from memory_sync.daemon.client import Client, find_socket, locked_by
from memory_sync.daemon.report import outcome_data, preview_data, survey_data
from memory_sync.engine.kit import Report
from memory_sync.engine.local import problem
from memory_sync.errors import (
    DaemonError,
    DaemonSilentError,
    DaemonVersionError,
    MemorySyncError,
    RaceLostError,
    UsageError,
)
from memory_sync.model import Step
from memory_sync.ports.clock import Clock
from memory_sync.ports.spool import Spool

SYNC_TIMEOUT = 30.0
"""Seconds without a sign of life after which the daemon counts as silent; it beats each second."""

IDLE_ROUNDS = 3
"""So many rounds in which nothing goes up, though it was waited for, are enough."""
TRAVELLED = ("up", "down", "merged", "new_conflicts")
"""What of an outcome adds up over several rounds."""


@dataclass(frozen=True)
class Wish:
    """Which sides may change, or that none may; `confirm` has plans by vault, then by root.

    `rekey` says why everything is to be encrypted anew: "rotate", "recovery", or empty for not.
    With `read_only` nothing may write to the remote: no daemon is asked, which does.
    """

    up: bool = True
    down: bool = True
    dry_run: bool = False
    confirm: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rekey: str = ""
    read_only: bool = False

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of `sync`; an older daemon knows no `rekey`."""
        told = {key: value for key, value in asdict(self).items() if key != "read_only"}
        return {key: value for key, value in told.items() if key != "rekey" or value}


def sync(
    context: Context,
    vaults: Collection[VaultSettings],
    wish: Wish,
    report: Report = lambda _: None,
    spool: Spool | None = None,
) -> dict[str, Any]:
    """Run a cycle on each vault, and answer with a row for each, by name.

    A row is an outcome's data, `{"plan": …, "halts": …}` for a dry run, or `{"error": …}`. `report`
    is told how far it is; `spool` may hold contents that were fetched before. Where a remote takes
    only so much at a time, the rest is waited for.
    """
    rows = _round(context, vaults, wish, report, spool)
    due, idle = _resumed(context.clock, rows), dict.fromkeys(rows, 0)
    while due:
        _wait(context.clock, min(due.values()), report)
        now = context.clock.monotonic()
        meant = [vault for vault in vaults if due.get(vault.name, math.inf) <= now]
        later = _round(context, meant, replace(wish, confirm={}, rekey=""), report, None)
        for name, row in later.items():
            moved = "error" in row or row["pending"] < rows[name]["pending"]
            idle[name] = 0 if moved else idle[name] + 1
            rows[name] = _joined(rows[name], row)
            if idle[name] == IDLE_ROUNDS:
                rows[name] = _given_up(name, rows[name])
        due = {name: due[name] for name in due.keys() - later.keys()}
        due |= _resumed(context.clock, {name: rows[name] for name in later})
    return {vault.name: rows[vault.name] for vault in vaults}


def sync_once(
    context: Context, vault: VaultSettings, wish: Wish, report: Report = lambda _: None
) -> dict[str, Any]:
    """Have one thing done to one vault, and answer with its row; nothing is waited for after it."""
    rows = _round(context, (vault,), wish, report, None)
    row: dict[str, Any] = rows[vault.name]
    return row


def _resumed(clock: Clock, rows: Mapping[str, Any]) -> dict[str, float]:
    """Return when the vaults of which something is left may go on, on the monotonic clock."""
    now = clock.monotonic()
    return {name: now + row["resume"] for name, row in rows.items() if row.get("resume")}


def _given_up(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a vault whose remote never takes the rest that it was tried in vain."""
    lost = problem(RaceLostError(vault=name, tries=IDLE_ROUNDS))
    return {**row, "resume": 0.0, "problems": [*row["problems"], lost.data()]}


def _round(
    context: Context,
    vaults: Collection[VaultSettings],
    wish: Wish,
    report: Report,
    spool: Spool | None,
) -> dict[str, Any]:
    names = () if wish.read_only else [vault.name for vault in vaults]
    served = through_daemon(context, names, wish, report) if names else {}
    alone = [vault for vault in vaults if vault.name not in served]
    return {**served, **{v.name: one_shot(context, v, wish, report, spool) for v in alone}}


def _wait(clock: Clock, until: float, report: Report) -> None:
    """Wait until a remote takes more, and show how long that still is."""
    while (left := until - clock.monotonic()) > 0:
        report(Step("wait", 0, 0, left))
        clock.sleep(min(left, 1.0))


def _joined(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Add up what several rounds have done; what went wrong in the last one counts."""
    if "error" in later:
        return {**earlier, "resume": 0.0, "problems": [*earlier["problems"], later["error"]]}
    both = {key: sorted({*earlier[key], *later[key]}) for key in TRAVELLED}
    return {**later, **both, **{key: earlier[key] + later[key] for key in ("sent", "received")}}


def through_daemon(
    context: Context, names: Collection[str], wish: Wish, report: Report = lambda _: None
) -> dict[str, Any]:
    """Let the daemon do it for the vaults that it serves; no rows if none runs."""
    places = context.directories
    try:
        with Client(find_socket(places.daemon_lock, places.socket)) as client:
            serves = {row["name"] for row in client.status()["vaults"]}
            mine = [name for name in names if name in serves]
            if not mine:
                return {}
            params = {"vaults": mine, **wish.parameters()}
            told = partial(_pass_on, report)
            answer: dict[str, Any] = client.call("sync", params, told, SYNC_TIMEOUT)
            return answer
    except DaemonSilentError:
        raise DaemonSilentError(pid=locked_by(places.daemon_lock) or "unknown") from None
    except DaemonVersionError:
        raise
    except DaemonError:
        return {}


def _pass_on(report: Report, told: Mapping[str, Any]) -> None:
    """Show what the daemon says of how far it is."""
    with suppress(TypeError):  # an older daemon says nothing, a newer one perhaps more
        report(Step(**told))


def one_shot(
    context: Context,
    vault: VaultSettings,
    wish: Wish,
    report: Report = lambda _: None,
    spool: Spool | None = None,
) -> dict[str, Any]:
    """Run one cycle in this process, under the vault's lock, or two.

    Projects are looked for before it, and after it: then it is known what the vault has of them.
    """
    if wish.dry_run or wish.rekey or wish.confirm or not vault.projects:
        return _one_cycle(context, vault, wish, report, spool)
    context, vault = refreshed(context, vault)
    row = _one_cycle(context, vault, wish, report, spool)
    again, more = refreshed(context, vault)
    if "error" in row or more.root == vault.root:
        return row
    return _joined(row, _one_cycle(again, more, wish, report, None))


def _one_cycle(
    context: Context, vault: VaultSettings, wish: Wish, report: Report, spool: Spool | None
) -> dict[str, Any]:
    try:
        if wish.rekey == "rotate" and isinstance(vault, EnvironmentVault):
            detail = "A new key would be lost with this machine: rotate it on one that has a home."
            hint = "memory-sync rotate-key  # on a machine that is set up"
            raise UsageError(detail=detail, hint=hint)
        with open_vault(context, vault, report, spool, read_only=wish.read_only) as engine:
            if wish.dry_run and wish.rekey:
                return survey_data(engine.survey())
            if wish.dry_run:
                return preview_data(engine.preview())
            if wish.rekey:
                return outcome_data(engine.rekey(rotate=wish.rekey == "rotate"))
            plans = wish.confirm.get(vault.name)
            if plans:
                return outcome_data(engine.confirm(plans))
            return outcome_data(engine.cycle(up=wish.up, down=wish.down))
    except MemorySyncError as error:
        return {"error": problem(error).data()}

"""Checks of what runs: the service, whether it outlives a login, the daemon, and its vaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory_sync import __version__
from memory_sync.app.doctor.finding import (
    ALWAYS,
    Finding,
    bad,
    command,
    good,
    skipped,
    warning,
)
from memory_sync.app.doctor.later import LateError
from memory_sync.app.doctor.patient import FIRST, Patient
from memory_sync.app.standing import standing
from memory_sync.config.durable import is_held
from memory_sync.config.settings import VaultSettings
from memory_sync.daemon.client import locked_by
from memory_sync.errors import (
    DaemonError,
    DaemonSilentError,
    DaemonVersionError,
    MemorySyncError,
    NoSuccessError,
)
from memory_sync.model import Phase
from memory_sync_service import Standing, start_command

SERVICE = "memory-sync service"
HOUR = 3600.0
LONG = 24 * HOUR
"""Seconds without a success after which a vault that says nothing else is spoken of."""


def service(patient: Patient) -> list[Finding]:
    """Look whether the service is installed, and as it would be installed now."""
    try:
        found = patient.service()
    except MemorySyncError as error:
        return [skipped(error.message)]
    if not found.installed:
        fix = _first(patient, f"{SERVICE} install")
        return [warning("not installed: the daemon ends with the session", fix)]
    told = f" ({found.detail})" if found.detail else ""
    if found.active is None:
        return [warning(f"it is not known whether it runs: {found.detail}", found.hint or ALWAYS)]
    if found.current is False:
        detail = f"{found.path} is not what would be written now{told}"
        return [warning(detail, f"{SERVICE} install")]
    if not found.enabled:
        return [warning(f"it is not started with a login{told}", f"{SERVICE} install")]
    if found.active:
        return [good(_standing_text(found))]
    if (pid := locked_by(patient.places.daemon_lock)) and is_held(patient.places.daemon_lock):
        detail = f"it cannot run: a daemon that was started by hand does (process {pid})"
        return [warning(detail, command("kill", pid))]
    return [warning(f"it does not run{told}", f"{SERVICE} start")]


def _first(patient: Patient, fix: str) -> str:
    """Return a fix that needs a vault, or what has to come first where none is set up."""
    try:
        return fix if patient.context(FIRST).settings.vault else "memory-sync init"
    except (MemorySyncError, LateError):
        return fix


def _standing_text(found: Standing) -> str:
    confined = ", in a sandbox" if found.sandboxed else ""
    current = " is up to date" if found.current else ""
    return f"{found.path}{current}, {found.manager} runs it{confined}"


def linger(patient: Patient) -> list[Finding]:
    """Look whether the service runs without a login."""
    try:
        found = patient.service()
    except MemorySyncError as error:
        return [skipped(error.message)]
    return [lingering(found)]


def lingering(found: Standing) -> Finding:
    """Judge how the service stands."""
    if not found.installed:
        return skipped("no service is installed")
    if found.linger is None:
        return skipped(f"{found.manager} has no such setting, or does not tell")
    if not found.linger:
        detail = "the service runs only while you are logged in"
        return warning(detail, command("loginctl", "enable-linger"))
    return good("the service runs from boot on")


def daemon(patient: Patient) -> list[Finding]:
    """Look whether the daemon answers, and is this version."""
    try:
        spoken = patient.daemon()
    except (DaemonSilentError, LateError):
        error = DaemonSilentError(pid=locked_by(patient.places.daemon_lock) or "unknown")
        return [bad(error.message, _restart(patient), error.status)]
    except DaemonError as error:
        return [warning(error.message, _first(patient, start_command(patient.env)))]
    if spoken.version != __version__:
        old = DaemonVersionError(daemon=spoken.version, command=__version__, pid=spoken.pid)
        return [warning(old.message, old.advice)]
    if config := spoken.daemon.get("config"):
        detail = f"it goes by the configuration it had: {config.get('message')}"
        return [warning(detail, str(config.get("hint") or ALWAYS))]
    return [good(f"process {spoken.pid}, version {spoken.version}")]


def _restart(patient: Patient) -> str:
    """Return the command that gets a daemon going that does not answer."""
    pid = locked_by(patient.places.daemon_lock)
    try:
        if patient.service().active:
            return f"{SERVICE} restart"
    except (MemorySyncError, LateError):
        pass
    return command("kill", "-9", pid) if pid else ALWAYS


def sync(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Tell what `status` knows of a vault: halts, conflicts, other problems, the last success."""
    row = _row(patient, vault)
    if row is None:
        return [warning("the daemon does not serve it yet", command("memory-sync", "now"))]
    found = [_problem(problem) for problem in row.get("problems") or ()]
    if count := int(row.get("conflicts") or 0):
        folder = patient.places.vault_state(vault.name) / "conflicts"
        copies = f"{count} {'copy waits' if count == 1 else 'copies wait'}"
        detail = f"conflicts: {copies} in {folder}"
        found.append(warning(detail, command("memory-sync", "conflicts")))
    return found or [_success(patient, vault, row)]


def _row(patient: Patient, vault: VaultSettings) -> Mapping[str, Any] | None:
    """Return a vault's row of `status`: the daemon's, or what is on the disk."""
    try:
        rows = patient.daemon().rows
    except (DaemonError, LateError):
        rows = tuple(standing(patient.context()))
    return next((row for row in rows if row.get("name") == vault.name), None)


def _problem(problem: Mapping[str, Any]) -> Finding:
    """Say what is wrong, with its own exit status."""
    text, fix = str(problem.get("message")), str(problem.get("hint") or ALWAYS)
    status = problem.get("status")
    return bad(text, fix, status if isinstance(status, int) and status else 1)


def _success(patient: Patient, vault: VaultSettings, row: Mapping[str, Any]) -> Finding:
    last = float(row.get("last_success") or 0)
    ago = patient.clock.now() - last
    if row.get("state") == Phase.PAUSED:
        return warning("paused", command("memory-sync", "resume"))
    if not last:
        now = command("memory-sync", "now", "--vault", vault.name)
        return warning("it was never synced from here", now)
    if ago > LONG:
        error = NoSuccessError(vault=vault.name, hours=int(ago // HOUR))
        fix = command("memory-sync", "now", "--vault", vault.name)
        return warning(error.message, fix)
    return good(f"last success {_span(ago)} ago")


def _span(seconds: float) -> str:
    if seconds < 2 * 60:
        return f"{max(0, int(seconds))} s"
    return f"{int(seconds // 60)} min" if seconds < 2 * HOUR else f"{int(seconds // HOUR)} h"

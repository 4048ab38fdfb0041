"""Checks of a vault's remote: the token, the limits, who can read it, the clock, the way there."""

from __future__ import annotations

import sys

from memory_sync.app.doctor.finding import Finding, bad, command, good, skipped, warning, wrong
from memory_sync.app.doctor.later import LateError
from memory_sync.app.doctor.online import Online
from memory_sync.app.doctor.patient import Patient, on_github
from memory_sync.app.tokens import ELSEWHERE, VARIABLES, renewing
from memory_sync.config.settings import VaultSettings
from memory_sync.engine.found import Finding as Found
from memory_sync.errors import (
    AuthError,
    BranchGoneError,
    FileUnreadableError,
    FolderGoneError,
    KeyFileError,
    MemorySyncError,
    NotAVaultError,
    OfflineError,
    RateLimitedError,
    RepositoryGoneError,
    RepositoryOpenedError,
)
from memory_sync.ports.folder import folder_path

SCARCE = 0.1
"""The part of a limit below which little is left."""
AWRY = 300.0
"""Seconds by which a clock may be wrong before that is told."""
CLOCK_FIX = {"darwin": ("sudo", "sntp", "-sS", "time.apple.com")}
OFFLINE = "--no-network"


def token(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Look whether a token is found, is closed to others, and may do enough and no more."""
    if not on_github(vault):
        return []
    try:
        source = patient.token(vault).source
    except MemorySyncError as error:
        return [wrong(error)]
    anew = renewing(vault.remote)
    try:
        online = patient.online(vault) if patient.network else None
    except LateError:
        online = None
    refused = online and (online.rights or online.error)
    if isinstance(refused, AuthError):
        return [wrong(refused)]
    if source in (*VARIABLES, *ELSEWHERE):
        return [warning(f"it is in {source} only, where no service finds it", anew)]
    if online and online.too_much:
        return [warning(f"from {source}. {' '.join(online.too_much)}", anew)]
    return [good(f"from {source}" + ("" if _tried(online) else "; it was not tried"))]


def _tried(online: Online | None) -> bool:
    return bool(online and not online.error and not online.rights)


def rate_limit(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Look how many requests are left."""
    online = _answered(patient, vault)
    if not isinstance(online, Online):
        return online
    if isinstance(online.error, RateLimitedError):
        return [warning(online.error.message, online.error.advice)]
    if not online.budgets:
        return [good("the server tells of none")]
    text = ", ".join(f"{one.remaining} of {one.limit} {one.resource}" for one in online.budgets)
    if any(one.remaining < SCARCE * one.limit for one in online.budgets):
        fix = command("memory-sync", "status")
        return [warning(f"little is left this hour: {text}; it waits by itself", fix)]
    return [good(f"left this hour: {text}")]


def private(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Look whether only those who may can read the repository."""
    online = _answered(patient, vault)
    if not isinstance(online, Online):
        return online
    if online.condition is None or not online.condition.exists:
        return [skipped("see remote")]
    if not online.condition.public:
        return [good("the repository is private")]
    if vault.allow_public:
        return [good("the repository is public, as allow_public says")]
    error = RepositoryOpenedError(remote=vault.remote)
    name = vault.remote.partition(":")[2]
    words = ("gh", "repo", "edit", name, "--visibility", "private")
    fix = command(*words, "--accept-visibility-change-consequences")
    return [bad(error.message, fix, error.status)]


def clock(patient: Patient) -> list[Finding]:
    """Compare the clock with those of the servers."""
    vaults = [vault for vault in patient.vaults() if on_github(vault)]
    if not vaults:
        return [skipped("no vault on a server tells the time")]
    skews = []
    for vault in vaults:
        online = _answered(patient, vault)
        if isinstance(online, Online) and online.skew is not None:
            skews.append(online.skew)
    if not skews:
        return [skipped(OFFLINE if not patient.network else "no server told the time")]
    skew = max(skews, key=abs)
    if abs(skew) <= AWRY:
        return [good(f"within {AWRY / 60:.0f} minutes of the server's")]
    behind = "behind" if skew > 0 else "ahead"
    fix = command(*CLOCK_FIX.get(sys.platform, ("sudo", "timedatectl", "set-ntp", "true")))
    detail = f"{abs(skew) / 60:.0f} minutes {behind} the server's; the sync does not go by it"
    return [warning(detail, fix)]


def remote(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Look whether the remote can be reached, and whether the vault is there."""
    if not patient.network and on_github(vault):
        return [skipped(OFFLINE)]
    try:
        online = patient.online(vault)
    except AuthError:
        return [skipped("without a token: see token")]
    except LateError:
        why = OfflineError(remote=vault.remote, detail="no answer in time")
        return [wrong(why)]
    if isinstance(online.error, AuthError):
        return [skipped("the token is refused: see token")]
    if online.error:
        return [wrong(online.error)]
    if online.condition is None or not online.condition.exists:
        if on_github(vault):
            return [wrong(RepositoryGoneError(remote=vault.remote))]
        return [wrong(FolderGoneError(path=folder_path(vault.remote)))]
    if online.found is None or online.found.manifest is None:
        return [_no_vault(patient, vault, online.found)]
    if not online.condition.can_write and not online.rights:
        fix = command("gh", "repo", "unarchive", vault.remote.partition(":")[2])
        return [bad(f"{vault.remote} is archived: nothing can be sent", fix)]
    head = (online.found.head or "")[:12]
    return [good(f"{vault.remote} answers, the vault is at {head}")]


def _no_vault(patient: Patient, vault: VaultSettings, found: Found | None) -> Finding:
    """Say that there is no vault, and whether there was one."""
    try:
        trust = patient.context().keystore.trust(vault.name)
    except (KeyFileError, FileUnreadableError):
        trust = None
    if found is None or (trust and trust.commit):
        return wrong(BranchGoneError(vault=vault.name, remote=vault.remote))
    names = ", ".join(found.names[:5]) or "nothing"
    return wrong(NotAVaultError(remote=vault.remote, names=names))


def _answered(patient: Patient, vault: VaultSettings) -> Online | list[Finding]:
    """Return what GitHub answered, or what to say where it was not asked or did not."""
    if not on_github(vault):
        return []
    if not patient.network:
        return [skipped(OFFLINE)]
    try:
        online = patient.online(vault)
    except AuthError:
        return [skipped("without a token: see token")]
    except LateError:
        return [skipped("see remote")]
    refused = isinstance(online.error, AuthError)
    reached = online.condition or online.budgets or online.skew is not None
    if online.error and not reached and not isinstance(online.error, RateLimitedError):
        return [skipped("the token is refused: see token" if refused else "see remote")]
    return online

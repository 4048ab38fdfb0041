"""Checks of what a person has set up: the configuration, and the keys."""

from __future__ import annotations

from memory_sync.app.doctor.finding import Finding, command, good, skipped, warning, wrong
from memory_sync.app.doctor.later import LateError
from memory_sync.app.doctor.patient import FIRST, Patient
from memory_sync.config.settings import VaultSettings
from memory_sync.errors import KeyMissingError, KeyWrongError, MemorySyncError, NotConfiguredError
from memory_sync.vault.judge import Trust


def configuration(patient: Patient) -> list[Finding]:
    """Look whether the configuration can be read, and sets up anything."""
    path = patient.places.config_file
    try:
        settings = patient.context().settings
    except MemorySyncError as error:
        return [wrong(error)]
    if not settings.vault:
        return [wrong(NotConfiguredError(path=path))]
    roots = sum(len(vault.root) for vault in settings.vault)
    return [good(f"{path}: vaults {len(settings.vault)}, roots {roots}")]


def key(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Look whether the key of a vault is here, fits, and was kept somewhere else as well."""
    try:
        context = patient.context()
        keystore = context.keystore
        trust = keystore.trust(vault.name)
        if trust is None:
            now = command("memory-sync", "now", "--vault", vault.name)
            return [warning("the vault was never opened here", now)]
        identity = keystore.find(trust.recipient)
    except MemorySyncError as error:
        return [wrong(error)]
    if identity is None:
        return [wrong(KeyMissingError(vault=vault.name, recipient=trust.recipient))]
    if identity.recipient != trust.recipient or _another(patient, vault, trust):
        return [wrong(KeyWrongError(vault=vault.name, recipient=trust.recipient))]
    if not keystore.stored(trust.recipient):
        fix = "printenv MEMORY_SYNC_IDENTITY | memory-sync import-key"
        return [warning("it is in MEMORY_SYNC_IDENTITY only, where no service finds it", fix)]
    if not keystore.was_exported(trust.recipient):
        file = f"~/memory-sync-key-{vault.name}.txt"
        fix = f"memory-sync export-key {file} --vault {vault.name}"
        return [warning("it was never exported: with this machine it would be lost", fix)]
    return [good(f"{trust.recipient[:12]}... is here and was exported")]


def _another(patient: Patient, vault: VaultSettings, trust: Trust) -> bool:
    """Tell whether the vault that lies there now names another key."""
    if not patient.network:
        return False
    try:
        found = patient.online(vault).found
    except (MemorySyncError, LateError):
        return False
    manifest = found.manifest if found else None
    return manifest is not None and trust.recipient != manifest.recipients[0]


def none_known(patient: Patient) -> Finding:
    """Say why nothing of any vault is looked at."""
    try:
        patient.context(FIRST)
    except (MemorySyncError, LateError):
        return skipped("the configuration cannot be read")
    return skipped("no vault is set up")

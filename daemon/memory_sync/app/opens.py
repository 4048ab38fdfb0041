"""Which of the configured vaults a key opens."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from functools import partial

from memory_sync.app.context import Context
from memory_sync.app.doctor.later import Deadline, LateError, Later
from memory_sync.app.sync import Wish, through_daemon
from memory_sync.app.vaults import make_remote
from memory_sync.config.settings import VaultSettings
from memory_sync.engine.found import look_into
from memory_sync.errors import DaemonError, MemorySyncError
from memory_sync.vault.keys import Identity

PATIENCE = 30.0
"""Seconds that all vaults have together that must be asked which key they want."""


def wanted(context: Context, vaults: Iterable[VaultSettings]) -> dict[str, str]:
    """Return the recipient of the key that each vault wants, "" where that cannot be told now.

    It is the one that is trusted. A vault that was never opened here, or that another device gave a
    new key, is asked; what it says is believed no further.
    """
    deadline, found = Deadline(context.clock, PATIENCE), dict[str, str]()
    asked: dict[str, Later[str]] = {}
    for vault in vaults:
        trust = context.keystore.trust(vault.name)
        known = trust is not None and not trust.rotated
        found[vault.name] = trust.recipient if trust and known else ""
        if not known:
            asked[vault.name] = Later(partial(_ask, context, vault))
            asked[vault.name].begin()
    for name, later in asked.items():
        with suppress(MemorySyncError, LateError):
            found[name] = later.get(deadline.left())
    return found


def _ask(context: Context, vault: VaultSettings) -> str:
    with closing(make_remote(context, vault)) as remote:
        manifest = look_into(remote).manifest
    return manifest.recipients[0] if manifest else ""


def opens(identity: Identity, recipient: str) -> bool:
    """Tell whether an identity is the one that a vault wants, or came after it."""
    return bool(recipient) and identity.since(recipient) is not None


def wake(context: Context) -> None:
    """Let a daemon try again at once: one that lacks a key waits long."""
    with suppress(DaemonError):
        through_daemon(context, [vault.name for vault in context.settings.vault], Wish())

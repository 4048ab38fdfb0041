"""Wiring for `join` and `pair`: the two sides of how a key goes from machine to machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from memory_sync.app.context import Context
from memory_sync.app.vaults import make_remote
from memory_sync.config.settings import VaultSettings
from memory_sync.engine.pairing import Host, Joiner, Porch
from memory_sync.errors import KeyMissingError
from memory_sync.ports.remote import Remote
from memory_sync.ports.visits import Visits
from memory_sync.vault.manifest import Manifest


@contextmanager
def open_host(context: Context, vault: VaultSettings) -> Iterator[Host]:
    """Give what lets other machines join a vault; a daemon may be at work on it meanwhile.

    Raises KeyMissingError.
    """
    trust = context.keystore.trust(vault.name)
    identity = context.keystore.find(trust.recipient) if trust else None
    if trust is None or identity is None:
        recipient = trust.recipient if trust else "not known before the first sync"
        raise KeyMissingError(vault=vault.name, recipient=recipient)
    visits = Visits(context.directories.vault_state(vault.name), context.clock)
    with closing(make_remote(context, vault)) as remote:
        porch = Porch(vault.name, remote, context.clock)
        yield Host(porch, visits, identity, trust.vault_id)


def make_joiner(
    context: Context, vault: VaultSettings, remote: Remote, manifest: Manifest
) -> Joiner:
    """Make what asks for the key of the vault that was found in a remote."""
    porch = Porch(vault.name, remote, context.clock)
    return Joiner(porch, manifest.id, manifest.recipients[0])

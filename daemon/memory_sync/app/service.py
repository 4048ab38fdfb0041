"""The daemon's service on this machine, with the folders that it writes to."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from memory_sync.app.context import Context
from memory_sync.config.durable import make_private_folder
from memory_sync_service import Service, service_for

FOLDER = "file://"


def writable(context: Context) -> tuple[Path, ...]:
    """Return every folder that the daemon writes to: its own, the roots, vaults in a folder."""
    places = context.directories
    own = (places.config, places.keys, places.state, places.logs, places.run)
    vaults = context.settings.vault
    roots = tuple(root.path for vault in vaults for root in vault.root)
    folders = tuple(
        Path(unquote(vault.remote.removeprefix(FOLDER)))
        for vault in vaults
        if vault.remote.startswith(FOLDER)
    )
    return (*own, *roots, *folders)


def service_here(context: Context) -> Service:
    """Return the service as the configuration wants it. Raises ServiceManagerMissingError."""
    return service_for(context.env, writable=writable(context))


def install(context: Context, *, sandbox: bool = True) -> bool:
    """Install the service, or renew it; False where nothing had to be changed.

    Raises NotConfiguredError before anything is written, ServiceError and its kin.
    """
    service = service_here(context)
    context.vaults()
    places = context.directories
    for folder in (places.config, places.keys, places.state, places.logs):
        # A folder that is missing when a confined daemon starts cannot be made by it.
        make_private_folder(folder)
    return service.install(sandbox=sandbox)


def renew(context: Context) -> bool:
    """Renew a confined service whose roots have changed; False where there is nothing to renew."""
    service = service_here(context)
    standing = service.standing()
    if not (standing.installed and standing.sandboxed and not standing.current):
        return False
    return service.install()

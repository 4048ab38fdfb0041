"""The daemon's service on this machine, with the folders that it writes to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from memory_sync.app.context import Context, load_context
from memory_sync.config.directories import APP, directories
from memory_sync.config.durable import make_private_folder
from memory_sync.daemon.client import Client, find_socket, locked_by
from memory_sync.errors import MemorySyncError, ServiceError, UsageError
from memory_sync_service import Service, Standing, service_for

FOLDER = "file://"


def writable(context: Context) -> tuple[Path, ...]:
    """Return every folder that the daemon writes to: its own, the roots, vaults in a folder.

    Of the projects it is the folder above them all, for those that come later too.
    """
    places = context.directories
    own = (places.config, places.keys, places.state, places.logs, _run_folder(context))
    vaults = context.settings.vault
    tops = {settings.path for vault in vaults for settings in vault.projects}
    alone = (root.path for vault in vaults for root in vault.root)
    roots = (*tops, *(path for path in alone if tops.isdisjoint(path.parents)))
    folders = tuple(
        Path(unquote(vault.remote.removeprefix(FOLDER)))
        for vault in vaults
        if vault.remote.startswith(FOLDER)
    )
    return (*own, *roots, *folders)


def _run_folder(context: Context) -> Path:
    """Return the folder of the service's socket: a service has a runtime folder, `su` need not."""
    places = context.directories
    if places.run != places.state / "run" or sys.platform == "darwin":
        return places.run
    return Path(f"/run/user/{os.getuid()}", APP)


def service_here(context: Context) -> Service:
    """Return the service as the configuration wants it. Raises ServiceManagerMissingError."""
    return service_for(context.env, writable=writable(context))


def look(env: Mapping[str, str]) -> Standing:
    """Return how the service stands, also where the configuration cannot be used.

    Raises ServiceManagerMissingError.
    """
    try:
        return service_here(load_context(env)).standing()
    except UsageError as error:
        # What would be written now depends on the roots, and nobody knows those.
        standing = service_for(env).standing()
        detail = " ".join(filter(None, (standing.detail, error.message)))
        hint = standing.hint or error.advice
        return replace(standing, current=None, detail=detail, hint=hint)


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
    with other_named(context.env):
        changed = service.install(sandbox=sandbox)
    if not changed and _is_of_another_version(context):
        service.restart()
        return True
    return changed


def _is_of_another_version(context: Context) -> bool:
    """Tell whether the daemon that runs was started before an upgrade."""
    places = context.directories
    try:
        with Client(find_socket(places.daemon_lock, places.socket)) as client:
            return client.differs is not None
    except MemorySyncError:
        return False


@contextmanager
def other_named(env: Mapping[str, str]) -> Iterator[None]:
    """Name the daemon that keeps the service from starting, and how it is ended."""
    try:
        yield
    except ServiceError as error:
        pid = locked_by(directories(env).daemon_lock)
        if not (error.facts.get("taken") and pid):
            raise
        detail = f"it does not start: another daemon runs already (process {pid}): end it first"
        raise ServiceError(detail=detail, hint=f"kill {pid}") from None


def renew(context: Context) -> bool:
    """Renew a confined service whose roots have changed; False where there is nothing to renew."""
    service = service_here(context)
    standing = service.standing()
    if not (standing.installed and standing.sandboxed and not standing.current):
        return False
    return service.install()

"""The daemon as a service of its user: unit files (systemd, launchd) and what installs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from memory_sync_service.names import BOOTED, left_behind, plist_path, unit_path
from memory_sync_service.standing import Service, Standing

__all__ = ["Service", "Standing", "left_behind", "service_for", "start_command"]


def service_for(
    env: Mapping[str, str], platform: str = sys.platform, writable: Sequence[Path] = ()
) -> Service:
    """Return the service of this user, whether it is installed or not.

    `writable` are the folders that a confined daemon may write to: its own and those it syncs.
    Raises ServiceManagerMissingError where nothing can run it.
    """
    # Imported here: `start_command` is asked for by commands that must be quick.
    import shutil

    from memory_sync.errors import ServiceManagerMissingError

    if platform == "darwin":
        from memory_sync_service.launchd import Launchd

        return Launchd(env)
    if not os.path.isdir(BOOTED) or shutil.which("systemctl", path=env.get("PATH")) is None:
        raise ServiceManagerMissingError
    from memory_sync_service.systemd import Systemd

    return Systemd(env, writable)


def start_command(env: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the command that gets the daemon to run on this machine."""
    if platform != "darwin" and not os.path.isdir(BOOTED):
        return "memory-sync daemon"
    path = plist_path(env) if platform == "darwin" else unit_path(env)
    return f"memory-sync service {'start' if path.exists() else 'install'}"

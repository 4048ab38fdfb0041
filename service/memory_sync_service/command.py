"""What the service starts: a command that is still there after a reboot and an upgrade."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping

from memory_sync.errors import ServiceTemporaryError
from memory_sync_service.names import NAME, own_home

PASSING = ("/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "/private/var/folders")  # noqa: S108 - only compared
"""Folders that are emptied by themselves."""


def start_words(
    env: Mapping[str, str], prefix: str = sys.prefix, python: str = sys.executable
) -> list[str]:
    """Return the words that start the daemon.

    The launcher that pipx and `uv tool` keep in place across upgrades, as a link and never what it
    leads to; else the Python of the environment. `-P`: a folder `memory_sync` that lies where the
    service starts is not the program. Raises ServiceTemporaryError.
    """
    for folder in _passing(env):
        if _lies_in(prefix, folder):
            raise ServiceTemporaryError(path=prefix)
    script = os.path.realpath(os.path.join(prefix, "bin", NAME))
    for launcher in _launchers(env):
        inside = _lies_in(os.path.dirname(launcher), prefix)
        if not inside and os.path.realpath(launcher) == script and os.access(launcher, os.X_OK):
            return [launcher, "daemon"]
    return [os.path.abspath(python), "-P", "-m", "memory_sync", "daemon"]


def _launchers(env: Mapping[str, str]) -> Iterator[str]:
    """Name the places of a launcher, those of the installers first."""
    folders = [env.get(name, "") for name in ("PIPX_BIN_DIR", "UV_TOOL_BIN_DIR", "XDG_BIN_HOME")]
    folders.append(str(own_home(env) / ".local" / "bin"))
    for folder in folders:
        if os.path.isabs(folder):
            yield os.path.join(folder, NAME)
    found = shutil.which(NAME, path=env.get("PATH", ""))
    if found and os.path.isabs(found):
        yield found


def _passing(env: Mapping[str, str]) -> Iterator[str]:
    """Name the folders whose content does not last: those of uvx and `pipx run`, and of /tmp."""
    yield from PASSING
    home = own_home(env)
    caches = env.get("XDG_CACHE_HOME") or str(home / ".cache")
    yield env.get("UV_CACHE_DIR") or os.path.join(caches, "uv")
    yield os.path.join(caches, "pipx")
    data = env.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    yield os.path.join(env.get("PIPX_HOME") or os.path.join(data, "pipx"), ".cache")
    yield str(home / "Library" / "Caches")
    if env.get("TMPDIR"):
        yield env["TMPDIR"]


def _lies_in(path: str, folder: str) -> bool:
    """Tell whether a path is a folder or lies below it, whatever links lead there."""
    inner, outer = os.path.realpath(path), os.path.realpath(folder)
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")

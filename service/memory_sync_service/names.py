"""What the service is called, where its files lie and what it takes from the environment.

Nothing heavy is imported and no process is started: `start_command` goes through here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOME = "MEMORY_SYNC_HOME"
NAME = "memory-sync"
PLACES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
"""Variables that move the program's folders; a service manager need not have those of a shell."""
BOOTED = "/run/systemd/system"
"""The folder that is there if the machine was booted with systemd."""


def home_of(env: Mapping[str, str]) -> str:
    """Return the folder that MEMORY_SYNC_HOME names, absolute; "" if it is not set."""
    named = env.get(HOME, "")
    return os.path.abspath(os.path.expanduser(named)) if named else ""


def service_name(env: Mapping[str, str]) -> str:
    """Return the name of the service: one of its own for each MEMORY_SYNC_HOME."""
    home = home_of(env)
    if not home:
        return NAME
    # Imported here because one's own home needs none of it.
    from hashlib import sha256

    return f"{NAME}-{sha256(os.fsencode(home)).hexdigest()[:8]}"


def carried(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the service needs to find the same folders. Never a secret."""
    home = home_of(env)
    if home:
        return {HOME: home}
    return {name: env[name] for name in PLACES if os.path.isabs(env.get(name, ""))}


def left_behind(env: Mapping[str, str]) -> list[str]:
    """Return the names of the program's variables that a service will not have."""
    return sorted(name for name in env if name.startswith("MEMORY_SYNC_") and name != HOME)


def own_home(env: Mapping[str, str]) -> Path:
    """Return the person's home folder."""
    return Path(env.get("HOME") or os.path.expanduser("~"))


def unit_path(env: Mapping[str, str]) -> Path:
    """Return where the systemd unit lies.

    Always below the home folder: a shell's XDG_CONFIG_HOME is not that of the user's systemd.
    """
    return own_home(env) / ".config" / "systemd" / "user" / f"{service_name(env)}.service"


def plist_path(env: Mapping[str, str]) -> Path:
    """Return where the launchd agent lies."""
    return own_home(env) / "Library" / "LaunchAgents" / f"{service_name(env)}.plist"

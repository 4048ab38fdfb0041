"""Lingering: a user's services run from boot on, and go on after the last logout."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from memory_sync.errors import ServiceError
from memory_sync_service.running import run

FOLDER = "/var/lib/systemd/linger"
"""Where logind keeps an empty file for each user who lingers."""
COMMAND = "loginctl enable-linger"


def lingers(folder: str = FOLDER) -> bool | None:
    """Tell whether this user lingers; None where that is not known."""
    try:
        return os.path.exists(os.path.join(folder, _user()))
    except KeyError:
        return None


def enable(env: Mapping[str, str]) -> None:
    """Let this user linger. Raises ServiceError."""
    done = run(env, "loginctl", "enable-linger", _user())
    if done.status != 0:
        raise ServiceError(detail=f"{COMMAND}: {done.said}", hint=f"sudo {COMMAND} {_user()}")


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name

"""The system's keyring (macOS Keychain, GNOME Keyring, KWallet), by the extra `keyring`.

It is asked in a process of its own: what opens a keyring can wait for a person for ever, and takes
memory that a daemon would keep. A secret goes through a pipe and never stands in `ps`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from memory_sync.errors import KeyringError

IDENTITY = "MEMORY_SYNC_IDENTITY"
"""The variable that may hold the vault's key."""
SERVICE = "memory-sync"
"""Under what the keyring has what is ours."""
PATIENCE = 5.0
"""Seconds after which a keyring that nobody is asked to open is taken to be locked."""
FOR_A_PERSON = 60.0
"""Seconds that a person has to open it, where one is there."""
REASONS = {
    "NoKeyringError": "there is none here; a service has none before somebody logs in",
    "KeyringLocked": "it is locked",
    "InitError": "it is locked, or cannot be reached",
}


class Ring:
    """The keyring that a process with these variables has."""

    def __init__(self, env: Mapping[str, str], patience: float = PATIENCE) -> None:
        self._env = without_identity(env)
        self._patience = patience

    def patient(self) -> Ring:
        """Return the same one, for a command of a person who may have to open it."""
        return Ring(self._env, FOR_A_PERSON)

    def get(self, user: str) -> str | None:
        """Return the secret under a name, None if there is none. Raises KeyringError."""
        done = self._run("get", user)
        if done.returncode == 0:
            return done.stdout.strip()
        if not done.stderr.strip():
            return None
        raise KeyringError(detail=_reason(done.stderr))

    def put(self, user: str, secret: str) -> None:
        """Store a secret under a name. Raises KeyringError."""
        done = self._run("set", user, secret)
        if done.returncode:
            raise KeyringError(detail=_reason(done.stderr))

    def drop(self, user: str) -> None:
        """Remove what is stored under a name. Raises KeyringError."""
        done = self._run("del", user)
        if done.returncode:
            raise KeyringError(detail=_reason(done.stderr))

    def _run(self, verb: str, user: str, secret: str = "") -> subprocess.CompletedProcess[str]:
        if find_spec("keyring") is None:
            detail = "the Python package keyring is not installed"
            raise KeyringError(detail=detail, hint=installing(sys.prefix, sys.executable))
        try:
            return subprocess.run(
                # -P: no module of that name in the current folder is meant.
                [sys.executable, "-P", "-m", "keyring", verb, SERVICE, user],
                env=self._env,
                input=secret,
                capture_output=True,
                text=True,
                timeout=self._patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise KeyringError(detail="it waits for somebody to open it") from None
        except (OSError, UnicodeDecodeError):
            raise KeyringError(detail="it cannot be asked") from None


def installing(prefix: str, python: str) -> str:
    """Return the command that puts the package keyring into an environment, as it was made."""
    if Path(prefix, "pipx_metadata.json").exists():
        return "pipx inject memory-sync keyring"
    try:
        made = Path(prefix, "pyvenv.cfg").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        made = ""
    # What uv makes, for `uv tool` too, has no pip in it.
    by_uv = any(line.partition("=")[0].strip() == "uv" for line in made.splitlines())
    words = (
        ["uv", "pip", "install", "--python", python] if by_uv else [python, "-m", "pip", "install"]
    )
    return shlex.join([*words, "keyring"])


def _reason(said: str) -> str:
    """Tell why a keyring failed, from the kind of its error alone: the rest could be anything."""
    last = said.strip().splitlines()[-1] if said.strip() else ""
    kind = last.partition(":")[0].rpartition(".")[2]
    if not (kind.isidentifier() and kind.isascii()):
        kind = "no reason"
    return REASONS.get(kind, f"it refuses ({kind})")


def without_identity(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that another program may see: all but the key."""
    return {name: value for name, value in env.items() if name != IDENTITY}

"""Where everything lies: one folder that the person names, or the platform's own places.

The quick way of `memory-sync status` goes through here: nothing heavy is imported before it must.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from memory_sync.errors import UsageError

APP = "memory-sync"
HOME = "MEMORY_SYNC_HOME"
SOCKET = "control.sock"
SOCKET_LIMITS = {"darwin": 103, "linux": 107}
"""How many bytes the path of a Unix socket may have, by `sys.platform`."""


class Directories(NamedTuple):
    """The folders of one installation. None is made here.

    `run` holds the control socket and must be private (0700). It can lie in a place where others
    may write (see `run_folder`), so who makes or uses it checks that its owner is oneself.
    """

    config: Path
    keys: Path
    state: Path
    logs: Path
    run: Path

    @property
    def config_file(self) -> Path:
        """The configuration."""
        return self.config / "config.toml"

    @property
    def socket(self) -> Path:
        """The daemon's control socket."""
        return self.run / SOCKET

    @property
    def pause_file(self) -> Path:
        """Where it is kept that everything is paused."""
        return self.state / "pause.json"

    @property
    def notices_file(self) -> Path:
        """Where it is kept which notifications were shown."""
        return self.state / "notices.json"

    @property
    def silence_file(self) -> Path:
        """Where it is kept for how long vaults had no success."""
        return self.state / "silence.json"

    @property
    def projects_file(self) -> Path:
        """Where it is kept which projects were found."""
        return self.state / "projects.json"

    @property
    def daemon_lock(self) -> Path:
        """The lock that a daemon holds; in the state, which is one place whatever `run` is."""
        return self.state / "daemon.lock"

    @property
    def log_file(self) -> Path:
        """The daemon's log."""
        return self.logs / "daemon.log"

    @property
    def trash(self) -> Path:
        """Where replaced and removed files are kept."""
        return self.state / "trash"

    @property
    def left(self) -> Path:
        """Where state and trash of vaults lie that this device has left."""
        return self.state / "left"

    @property
    def own(self) -> tuple[Path, ...]:
        """All that is the program's: never synced, whatever root it lies in.

        The configuration and a token by themselves too: their folder can be a root.
        """
        files = (self.config_file, self.config / "token")
        return (self.config, *self._closed, *files)

    def closes(self, folder: Path) -> bool:
        """Tell whether a folder can be no root, as all in it is the program's."""
        place = Path(os.path.realpath(folder))
        return any(place.is_relative_to(os.path.realpath(one)) for one in self._closed)

    @property
    def _closed(self) -> tuple[Path, ...]:
        return (self.keys, self.state, self.logs, self.run)

    def vault_state(self, name: str) -> Path:
        """Return the folder of a vault's `state.db`, `conflicts/` and `vault.lock`."""
        return self.state / "vaults" / name


def directories(env: Mapping[str, str]) -> Directories:
    """Find the folders: all under MEMORY_SYNC_HOME if it is set, else where the platform has them.

    platformdirs looks at the process's own environment, whatever `env` says. Raises UsageError if
    the person's home folder cannot be found.
    """
    if env.get(HOME):
        top = Path(os.path.abspath(os.path.expanduser(env[HOME])))
        run = short_enough(top / "run")
        return Directories(top, top / "keys", top / "state", top / "logs", run)
    # Imported here because one's own home needs none of it.
    from platformdirs import PlatformDirs

    places = PlatformDirs(APP, appauthor=False)
    try:
        config, state = places.user_config_path, places.user_state_path
        logs, cache = places.user_log_path, places.user_cache_path
    except RuntimeError:
        raise UsageError(detail=f"Your home folder cannot be found: set HOME or {HOME}.") from None
    if not all(place.is_absolute() for place in (config, state, logs, cache)):
        raise UsageError(detail=f"Your home folder cannot be found: set HOME or {HOME}.")
    run = short_enough(run_folder(env, state, cache))
    return Directories(config, config / "keys", state, logs, run)


def run_folder(
    env: Mapping[str, str], state: Path, cache: Path, platform: str = sys.platform
) -> Path:
    """Return the folder of the control socket.

    macOS has the caches for it, as TMPDIR is another for each kind of session. Elsewhere it is the
    session's runtime folder; one that belongs to somebody else (kept by `su`) is passed over.
    """
    if platform == "darwin":
        return cache
    runtime = env.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and _is_mine(runtime):
        return Path(runtime, APP)
    return state / "run"


def short_enough(run: Path, platform: str = sys.platform) -> Path:
    """Return the folder, or a short stand-in if its socket's path is longer than the system takes.

    The stand-in lies in /tmp and not in TMPDIR, which differs between a service and a terminal:
    both have to come to the same place. Its name follows from the folder's alone.
    """
    limit = SOCKET_LIMITS.get(platform, min(SOCKET_LIMITS.values()))
    if len(os.fsencode(run / SOCKET)) <= limit:
        return run
    from hashlib import sha256

    mark = sha256(os.fsencode(run)).hexdigest()[:8]
    return Path(f"/tmp/{APP}-{os.getuid()}-{mark}")  # noqa: S108 - the owner is checked on use


def _is_mine(folder: str) -> bool:
    try:
        return os.stat(folder).st_uid == os.getuid()
    except OSError:
        return False

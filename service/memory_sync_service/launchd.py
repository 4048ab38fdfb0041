"""The daemon as an agent of the user's launchd. Written from its documentation: not tried yet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from memory_sync.errors import ServiceError, ServiceMissingError, ServiceUnreachableError
from memory_sync_service import files
from memory_sync_service.command import start_words
from memory_sync_service.names import carried, own_home, plist_path, service_name
from memory_sync_service.quoting import string
from memory_sync_service.running import Ran, run
from memory_sync_service.standing import Standing

PLIST = "memory-sync.plist"
PATH = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
PATIENCE = 30.0
"""Seconds that a start or an end may take: launchctl does not wait for either."""
PAUSE = 0.2


class Launchd:
    """A property list in ~/Library/LaunchAgents."""

    def __init__(self, env: Mapping[str, str], pause: float = PAUSE) -> None:
        self._env = env
        self._pause = pause
        self._path = plist_path(env)
        self._logs = own_home(env) / "Library" / "Logs" / "memory-sync"
        self._domain = f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{service_name(env)}"

    def texts(self) -> Mapping[Path, str]:
        """Return the property list as it is to be."""
        variables = {"PATH": PATH, "PYTHONUTF8": "1", **carried(self._env)}
        facts = {
            "LABEL": service_name(self._env),
            "EXEC": "\n".join(f"        {string(word)}" for word in start_words(self._env)),
            "LOGS": string(str(self._logs)).removeprefix("<string>").removesuffix("</string>"),
            "ENVIRONMENT": "\n".join(
                f"        <key>{name}</key>\n        {string(value)}"
                for name, value in variables.items()
            ),
        }
        return {self._path: files.filled(PLIST, facts)}

    def install(self, *, sandbox: bool = True) -> bool:  # noqa: ARG002 - launchd has none to offer
        """Write the property list, load it, and wait until it runs."""
        [(path, text)] = self.texts().items()
        self._reach()
        changed = files.write(path, text)
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        shown = self._shown()
        if not changed and _runs(shown):
            return False
        if shown.status == 0:
            self._unload()
        self._load()
        return True

    def uninstall(self) -> bool:
        """Unload the agent and remove its property list."""
        loaded = self._shown().status == 0
        if loaded:
            self._unload()
        return files.remove(self._path) or loaded

    def start(self) -> None:
        """Start the agent and wait until it runs."""
        self._present()
        if self._shown().status == 0:
            self._ask("kickstart", self._target)
            self._await_run()
        else:
            self._load()

    def stop(self) -> None:
        """End the daemon; after a clean end launchd does not start it before the next login."""
        self._present()
        if _runs(self._shown()):
            self._ask("kill", "SIGTERM", self._target)
            self._await(lambda shown: not _runs(shown), "it does not end")

    def restart(self) -> None:
        """End the daemon if it runs, and start it."""
        self._present()
        if self._shown().status == 0:
            self._ask("kickstart", "-k", self._target)
            self._await_run()
        else:
            self._load()

    def standing(self) -> Standing:
        """Return how the agent stands."""
        found, problem, current = files.content(self._path), "", False
        try:
            current = found == self.texts()[self._path]
        except ServiceError as error:
            problem = error.message
        shown = self._shown()
        return Standing(
            installed=found is not None,
            current=current,
            enabled=found is not None,
            active=_runs(shown),
            linger=None,
            manager="launchd",
            path=str(self._path),
            detail=problem,
            sandboxed=False,
        )

    def _present(self) -> None:
        if not self._path.exists():
            raise ServiceMissingError
        self._reach()

    def _reach(self) -> None:
        shown = run(self._env, "launchctl", "print", self._domain)
        if shown.status != 0:
            detail = f"{self._domain} is there only while you are logged in at the screen"
            raise ServiceUnreachableError(detail=detail, hint=f"launchctl print {self._domain}")

    def _shown(self) -> Ran:
        return run(self._env, "launchctl", "print", self._target)

    def _load(self) -> None:
        self._ask("enable", self._target)
        self._ask("bootstrap", self._domain, str(self._path))
        self._await_run()

    def _unload(self) -> None:
        self._ask("bootout", self._target)
        self._await(lambda shown: shown.status != 0, "it does not end")

    def _ask(self, *words: str) -> None:
        done = run(self._env, "launchctl", *words)
        if done.status != 0:
            raise ServiceError(detail=f"launchctl {' '.join(words)}: {done.said}")

    def _await_run(self) -> None:
        self._await(_runs, "it does not start")

    def _await(self, holds: Callable[[Ran], bool], failure: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds(self._shown()):
            if time.monotonic() > deadline:
                raise ServiceError(detail=failure, hint=f"launchctl print {self._target}")
            time.sleep(self._pause)


def _runs(shown: Ran) -> bool:
    """Tell from what launchctl prints whether the daemon runs."""
    return shown.status == 0 and "state = running" in (
        line.strip() for line in shown.out.splitlines()
    )

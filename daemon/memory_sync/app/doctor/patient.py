"""What is looked at: one installation, and what several checks have to know of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from memory_sync.app.context import Context, load_context
from memory_sync.app.doctor.later import Deadline, LateError, Later
from memory_sync.app.doctor.online import Online, ask
from memory_sync.app.service import service_here
from memory_sync.app.tokens import find_token, supplying, variables_of
from memory_sync.config.directories import Directories, directories
from memory_sync.config.settings import VaultSettings
from memory_sync.daemon.client import Client, find_socket
from memory_sync.errors import MemorySyncError, TokenMissingError
from memory_sync.ports.clock import Clock, SystemClock
from memory_sync.ports.token import Token
from memory_sync_service import Standing, service_for

T = TypeVar("T")

MOST = 0.9
"""The part of the time that is left after which a check gives up that waits for another's work."""
FIRST = 0.25
"""The part of it after which the vaults are taken for unknown: all others wait for them."""
DAEMON_WAIT = 2.0
"""Seconds for each answer of the daemon."""


@dataclass(frozen=True)
class Spoken:
    """What the daemon said of itself and of all vaults."""

    pid: int
    version: str
    daemon: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]


class Patient:
    """One installation; each fact is found out once, when the first check wants to know it."""

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        network: bool = True,
        seconds: float = 20.0,
        clock: Clock | None = None,
    ) -> None:
        self.env = env
        self.places: Directories = directories(env)
        self.network = network
        self.clock: Clock = clock or SystemClock()
        self.deadline = Deadline(self.clock, seconds)
        self._lock = threading.Lock()
        self._facts: dict[tuple[str, str], Later[Any]] = {}

    def _fact(self, kind: str, of: str, work: Callable[[], T], part: float = MOST) -> T:
        """Return a fact, or raise what came of looking for it, or LateError."""
        with self._lock:
            later = self._facts.setdefault((kind, of), Later(work))
        return cast("T", later.get(self.deadline.left() * part))

    def context(self, part: float = MOST) -> Context:
        """Return what the configuration says. Raises what is wrong with it."""
        return self._fact("context", "", lambda: load_context(self.env), part)

    def vaults(self) -> tuple[VaultSettings, ...]:
        """Return the vaults of the configuration, none if it cannot be read."""
        try:
            return self.context(FIRST).settings.vault
        except (MemorySyncError, LateError):
            return ()

    def token(self, vault: VaultSettings) -> Token:
        """Return the token of a vault on GitHub. Raises AuthError."""
        return self._fact("token", vault.name, lambda: self._find_token(vault))

    def _find_token(self, vault: VaultSettings) -> Token:
        settings = self.context().settings
        github, variables = settings.github_of(vault), variables_of(settings, vault)
        try:
            return find_token(github, self.env, vault.remote, variables)
        except TokenMissingError as error:
            hint = supplying(settings, vault)
            raise TokenMissingError(**error.facts, hint=hint) from None

    def online(self, vault: VaultSettings) -> Online:
        """Return what the remote of a vault has answered."""
        return self._fact("online", vault.name, lambda: self._ask(vault))

    def _ask(self, vault: VaultSettings) -> Online:
        token = self.token(vault) if on_github(vault) else None
        return ask(self.context(), vault, token)

    def service(self) -> Standing:
        """Return how the service stands. Raises where no service manager is."""
        return self._fact("service", "", self._look_at_service)

    def _look_at_service(self) -> Standing:
        try:
            context = self.context(FIRST)
        except (MemorySyncError, LateError):
            # What would be written now depends on the roots, and nobody knows those.
            return replace(service_for(self.env).standing(), current=None)
        return service_here(context).standing()

    def daemon(self) -> Spoken:
        """Ask the daemon how it is. Raises DaemonError and its kin."""
        return self._fact("daemon", "", self._ask_daemon)

    def _ask_daemon(self) -> Spoken:
        where = find_socket(self.places.daemon_lock, self.places.socket)
        with Client(where, DAEMON_WAIT) as client:
            answer = client.call("status", {})
            daemon = answer.get("daemon") or {}
            rows = tuple(answer.get("vaults") or ())
            return Spoken(client.pid, client.version, daemon, rows)


def on_github(vault: VaultSettings) -> bool:
    """Tell whether a vault lies on GitHub."""
    return vault.remote.startswith("github:")

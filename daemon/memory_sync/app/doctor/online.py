"""One conversation with the remote of a vault, of which several checks want to know.

Nothing is changed by it, and nothing that was learned is noted on the disk.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from memory_sync.app.context import Context
from memory_sync.config.settings import GitHubSettings, VaultSettings
from memory_sync.engine.found import Finding as Found
from memory_sync.engine.found import look_into
from memory_sync.errors import MemorySyncError
from memory_sync.model import Budget
from memory_sync.ports.remote import Condition, Remote
from memory_sync.ports.token import Token

PATIENCE = 5.0
"""Seconds for each wait on the network, if the configuration does not say less."""


@dataclass
class Online:
    """What was answered, as far as it got.

    `error` is why it got no further; `skew` is by how many seconds the server's clock is ahead;
    `rights` is what is wrong with what the token may do, `too_much` what it may do besides.
    """

    error: MemorySyncError | None = None
    skew: float | None = None
    budgets: tuple[Budget, ...] = ()
    condition: Condition | None = None
    found: Found | None = None
    rights: MemorySyncError | None = None
    too_much: tuple[str, ...] = ()


def ask(context: Context, vault: VaultSettings, token: Token | None) -> Online:
    """Ask a vault's remote all that is of interest; `token` is None for a folder."""
    online = Online()
    try:
        if token:
            _ask_github(online, context, vault, token)
        else:
            from memory_sync.ports.folder import FolderRemote

            _look(online, FolderRemote(vault.remote))
    except MemorySyncError as error:
        online.error = error
    return online


def _look(online: Online, remote: Remote) -> None:
    """Ask whether there is a vault."""
    online.condition = remote.condition()
    if online.condition.exists:
        online.found = look_into(remote)


def _ask_github(online: Online, context: Context, vault: VaultSettings, token: Token) -> None:
    from memory_sync.ports.github import GitHubRemote

    settings = context.settings.github_of(vault)
    place = vault.remote.partition(":")[2]
    timeout = min(settings.timeout, PATIENCE)
    _ask_limits(online, settings, place, token)
    remote = GitHubRemote(
        place,
        token,
        settings.base_url,
        timeout,
        proxy=settings.proxy,
        ca_file=settings.ca_file,
    )
    with closing(remote):
        _look(online, remote)
        if online.condition and online.condition.exists:
            try:
                head = online.found.head if online.found else None
                online.too_much = remote.vet(online.condition, head)
            except MemorySyncError as error:
                online.rights = error


def _ask_limits(online: Online, settings: GitHubSettings, place: str, token: Token) -> None:
    """Ask what is left of the limits, which costs nothing of them, and what time it is there."""
    from memory_sync.ports.clock import SystemClock
    from memory_sync.ports.github.answers import Answer
    from memory_sync.ports.github.memory import Memory
    from memory_sync.ports.github.transport import Link
    from memory_sync.ports.github.wire import Wire
    from memory_sync.ports.pace import Pace

    timeout = min(settings.timeout, PATIENCE)
    link = Link(settings.base_url, timeout, settings.proxy, settings.ca_file)
    pace = Pace(SystemClock())
    with closing(Wire(place, token, link, pace, Memory(pace.clock))) as wire:
        before = pace.clock.now()
        # A server of one's own may have no limits: 404.
        answer: Answer = wire.ask("GET", "/rate_limit", allow=(404,))
        now = (before + pace.clock.now()) / 2
    with suppress(ValueError, TypeError, OverflowError):
        there = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        online.skew = there - now
    online.budgets = budgets(answer.data)


def budgets(data: Any) -> tuple[Budget, ...]:
    """Read what is left of the limits that we use; what makes no sense is left out."""
    found = []
    for name in ("core", "graphql"):
        with suppress(LookupError, TypeError, ValueError):
            told = data["resources"][name]
            limit, left, reset = (int(told[key]) for key in ("limit", "remaining", "reset"))
            if limit > 0:
                found.append(Budget(name, limit, left, float(reset)))
    return tuple(found)

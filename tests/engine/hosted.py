"""Real engines over the GitHub adapter and its double."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.engine.devices import Device
from tests.hub import Hub

REPOSITORY = "ada/vault"


@contextmanager
def hosted(hub: Hub, top: Path, *names: str) -> Iterator[tuple[Device, ...]]:
    """Give devices, each with a client of its own for one repository that is not there yet."""
    token = Token(hub.add_user("ada"), "a test")
    with ExitStack() as clients:
        devices = []
        for name in names:
            made = GitHubRemote(REPOSITORY, token, hub.base_url, timeout=10.0)
            devices.append(Device(top, name, clients.enter_context(closing(made))))
        yield tuple(devices)
        for device in devices:
            device.restart()

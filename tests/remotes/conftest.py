"""The adapters on which the one suite for remotes runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.hub import Hub
from tests.needs import needs
from tests.remotes.case import RemoteCase
from tests.remotes.desk import Desk
from tests.remotes.memory import memory_case


def folder(request: pytest.FixtureRequest) -> RemoteCase:
    """Make a case of a folder that is not there yet."""
    git_dir = request.getfixturevalue("tmp_path") / "disk" / "vault.git"
    return RemoteCase(lambda: FolderRemote(f"file://{git_dir}"), git_dir)


def github(request: pytest.FixtureRequest) -> RemoteCase:
    """Make a case of a repository on a GitHub of our own that is not there yet."""
    hub = request.getfixturevalue("hub")
    token = Token(hub.add_user("ada"), "a test")
    clients = ExitStack()
    request.addfinalizer(clients.close)

    def connect() -> GitHubRemote:
        return clients.enter_context(
            closing(GitHubRemote("ada/vault", token, hub.base_url, timeout=10.0))
        )

    return RemoteCase(connect, hub.path_of_repo(0), lands_first=True)


def memory(request: pytest.FixtureRequest) -> RemoteCase:
    """Make a case of the simulation's repository in memory."""
    return memory_case(request.getfixturevalue("tmp_path") / "mirror.git")


ADAPTERS: dict[str, Callable[[pytest.FixtureRequest], RemoteCase]] = {
    "folder": folder,
    "github": github,
    "memory": memory,
}


@pytest.fixture(params=ADAPTERS)
def remote_case(request: pytest.FixtureRequest) -> RemoteCase:
    """Return an adapter whose repository has not been created yet."""
    needs("git")
    return ADAPTERS[request.param](request)


@pytest.fixture
def folder_case(request: pytest.FixtureRequest) -> RemoteCase:
    """Return the folder adapter alone."""
    needs("git")
    return folder(request)


@pytest.fixture
def desk(hub: Hub) -> Iterator[Desk]:
    """Return a GitHub with a user, whose repository has not been created yet."""
    with ExitStack() as clients:
        yield Desk(hub, hub.add_user("ada"), clients)

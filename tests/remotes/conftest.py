"""The adapters on which the one suite for remotes runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing

import pytest

from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.emulate.case import LACKS, emulate_case
from tests.hub import Hub
from tests.needs import needs
from tests.remotes.case import CHOSEN, Adapter, RemoteCase
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


def emulate(request: pytest.FixtureRequest) -> RemoteCase:
    """Make a case of a repository on a GitHub of others, without GraphQL, not there yet."""
    clients = ExitStack()
    request.addfinalizer(clients.close)
    stand_in = request.getfixturevalue("stand_in")
    return emulate_case(stand_in, request.getfixturevalue("tmp_path") / "mirror.git", clients)


ADAPTERS: Mapping[str, Adapter] = {
    "folder": folder,
    "github": github,
    "memory": memory,
    "emulate": emulate,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let each test of the suite run on each adapter, but for what the stand-in lacks.

    A plugin may bring other adapters in their place.
    """
    if "remote_case" in metafunc.fixturenames:
        lacks = {"emulate"} if metafunc.function.__name__ in LACKS else set()
        chosen = metafunc.config.stash.get(CHOSEN, ADAPTERS)
        adapters = [name for name in chosen if name not in lacks]
        metafunc.parametrize("remote_case", adapters, indirect=True)


@pytest.fixture
def remote_case(request: pytest.FixtureRequest) -> RemoteCase:
    """Return an adapter whose repository has not been created yet."""
    needs("git")
    return request.config.stash.get(CHOSEN, ADAPTERS)[request.param](request)


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

"""The adapters on which the one suite for remotes runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memory_sync.ports.folder import FolderRemote
from tests.needs import needs
from tests.remotes.case import RemoteCase


def folder(request: pytest.FixtureRequest) -> RemoteCase:
    """Make a case of a folder that is not there yet."""
    git_dir = request.getfixturevalue("tmp_path") / "disk" / "vault.git"
    return RemoteCase(lambda: FolderRemote(f"file://{git_dir}"), git_dir)


ADAPTERS: dict[str, Callable[[pytest.FixtureRequest], RemoteCase]] = {"folder": folder}


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

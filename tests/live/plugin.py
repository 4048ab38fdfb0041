"""Lets pytest run the suite for remotes on a real GitHub, each test in a throwaway repository."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

import pytest

from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.live.mirror import GitMirror
from tests.live.patient import Ledger, PatientRemote
from tests.live.talk import TIMEOUT, RefusedError, web
from tests.live.throwaway import Throwaways
from tests.remotes.case import CHOSEN, RemoteCase


@dataclass(frozen=True)
class LiveCase(RemoteCase):
    """A case whose repository git sees through a mirror."""

    mirror: GitMirror | None = None

    def raw(self, *words: str, given: bytes = b"") -> str:
        assert self.mirror
        self.mirror.pull()
        return super().raw(*words, given=given)

    def write_as_another_program(self, stream: bytes) -> str:
        assert self.mirror
        self.raw("fast-import", "--quiet", "--force", given=stream)
        return self.mirror.push()


class Live:
    """The plugin; no report that leaves pytest through it has the token."""

    def __init__(self, throwaways: Throwaways, token: Token) -> None:
        self._throwaways = throwaways
        self._talk = throwaways.talk
        self._token = token

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[CHOSEN] = {"live": self.case}

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the tests of single adapters."""
        mine = [item for item in items if "remote_case" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in mine])
        items[:] = mine

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Take the token out of a traceback, which can show variables, and of what was printed."""
        report = yield
        secret = self._token.value
        if secret in str(report.longrepr):
            report.longrepr = str(report.longrepr).replace(secret, "(token)")
        report.sections = [
            (name, text.replace(secret, "(token)")) for name, text in report.sections
        ]
        return report

    def case(self, request: pytest.FixtureRequest) -> RemoteCase:
        """Make a case of a repository that is not there yet, and is deleted whatever happens."""
        throwaways, talk, ledger = self._throwaways, self._talk, Ledger()
        name = throwaways.fresh()
        check = partial(throwaways.ready, name)
        clients = ExitStack()

        def connect() -> PatientRemote:
            made = GitHubRemote(name, self._token, talk.base_url, TIMEOUT, pace=talk.pace)
            clients.enter_context(closing(made))
            return PatientRemote(made, ledger, talk.patience, check)

        def end() -> None:
            clients.close()
            try:
                throwaways.delete(name, made=ledger.created)
            except RefusedError as error:
                # No more of them are made if they cannot be deleted.
                request.session.shouldstop = str(error)
                raise

        request.addfinalizer(end)
        git_dir = request.getfixturevalue("tmp_path") / "mirror.git"
        server = web(talk.base_url)
        mirror = GitMirror(git_dir, server, name, self._token, ledger, talk, check)
        return LiveCase(connect, git_dir, lands_first=True, mirror=mirror)

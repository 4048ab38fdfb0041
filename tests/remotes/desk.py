"""What the tests of the GitHub adapter alone work with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from memory_sync.model import Commit
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.github import GitHubRemote
from memory_sync.ports.token import Token
from tests.hub import Fault, Hub, Repository
from tests.hub.faults import Kind
from tests.remotes.case import Vault

NAME = "ada/vault"
SOURCE = "the test's pocket"


class Clock(SystemClock):
    """A clock that is ahead by as much as it slept."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += seconds


@dataclass
class Desk:
    """A GitHub, a user with a token, and clients of the adapter for her repository `ada/vault`."""

    hub: Hub
    token: str
    clients: ExitStack
    remote: GitHubRemote = field(init=False)

    def __post_init__(self) -> None:
        """Make the first client."""
        self.remote = self.connect()

    def connect(
        self, *, name: str = NAME, token: str = "", base_url: str = "", timeout: float = 10.0
    ) -> GitHubRemote:
        """Make a client, like another device's."""
        secret = Token(token or self.token, SOURCE)
        made = GitHubRemote(name, secret, base_url or self.hub.base_url, timeout)
        return self.clients.enter_context(closing(made))

    @property
    def repo(self) -> Repository:
        """The repository, once it is there."""
        return self.hub.repo(NAME)

    def begin(self) -> Vault:
        """Make the repository and its first commit, and let the client learn of the branch."""
        self.remote.create()
        vault = Vault(self.remote)
        vault.commit({"vault.json": "{}\n"})
        self.remote.condition()
        return vault

    def fault(self, match: str, kind: Kind, times: int | None = 1, body: str = "") -> None:
        """Let a fault strike."""
        self.hub.faults.add(Fault(match, kind, times, body))

    def asked(self, action: Callable[[], object]) -> list[str]:
        """Carry something out and return the requests that it took, each in a few words."""
        before = len(self.hub.requests)
        action()
        return [
            f"{done.method} {done.path.removeprefix(f'/repos/{NAME}')}"
            if done.kind == "rest"
            else done.kind
            for done in self.hub.requests[before:]
        ]

    def newest(self) -> Commit:
        """Return the head's commit."""
        return next(iter(self.remote.history(self.remote.head() or "")))

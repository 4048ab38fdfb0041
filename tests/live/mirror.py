"""A mirror clone of a throwaway repository, kept by git over HTTPS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from memory_sync.ports.token import Token
from tests.live.patient import Ledger
from tests.live.talk import Talk
from tests.remotes.case import BRANCH, git_output

ALL = "+refs/heads/*:refs/heads/*"
VARIABLE = "MEMORY_SYNC_LIVE_PASSWORD"
HELPER = (
    '!f() { test "$1" = get && printf "username=x-access-token\\npassword=%s\\n" "$'
    + VARIABLE
    + '"; }; f'
)


def git_settings(server: str, token: Token) -> dict[str, str]:
    """Return an environment in which git has a token for one server, and asks for none.

    The token lies in a variable, which a helper inside git's own shell reads: it is in no
    program's arguments and in no file.
    """
    settings = {
        "credential.helper": "",
        f"credential.{server}.helper": HELPER,
        "http.followRedirects": "false",
        # A large push goes out in one piece, which every server takes.
        "http.postBuffer": str(64 << 20),
        "gc.auto": "0",
    }
    env = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, text) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": text}
    return env | {VARIABLE: token.value}


@dataclass(frozen=True)
class GitMirror:
    """The mirror of one repository; `before_push` raises if that must not be written to."""

    git_dir: Path
    server: str
    name: str
    token: Token
    ledger: Ledger
    talk: Talk
    before_push: Callable[[], None]

    def pull(self) -> None:
        """Fetch until the branch is where it was put last."""
        if not self.git_dir.exists():
            git_output(self.git_dir, "init", "--quiet", "--bare", "--initial-branch=main")
        self.talk.patience.until(
            "git fetch", self._fetch, lambda head: not self.ledger.is_past(head)
        )

    def push(self) -> str:
        """Push every branch, as another program does that rewrites them, and return the head."""
        self.before_push()
        self.talk.wait_for()
        self._git("push", "--quiet", self._url, ALL)
        head = self._head()
        assert head
        self.ledger.pushed(head)
        return head

    def _fetch(self) -> str | None:
        self._git("fetch", "--quiet", "--prune", self._url, ALL)
        return self._head()

    def _head(self) -> str | None:
        return (
            git_output(self.git_dir, "for-each-ref", "--format=%(objectname)", BRANCH).strip()
            or None
        )

    def _git(self, *words: str) -> None:
        settings = git_settings(self.server, self.token)
        git_output(self.git_dir, *words, settings=settings)

    @property
    def _url(self) -> str:
        return f"{self.server}/{self.name}.git"

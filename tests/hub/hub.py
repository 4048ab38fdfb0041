"""The double itself: what tests set up, look at and break."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from tests.hub.accounts import Accounts, Level
from tests.hub.archives import Archives
from tests.hub.fetch import OPENAPI
from tests.hub.limits import Limits
from tests.hub.openapi import load_description
from tests.hub.repository import Repository
from tests.hub.server import Server
from tests.hub.striking import Faults
from tests.hub.wire import Answer, Recorded, RefusedError, Request, json_answer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

    from graphql import GraphQLSchema


class Hub:
    """A GitHub on 127.0.0.1, with real git repositories in a temporary folder.

    Leaving the context raises if the client asked for anything that the double cannot answer
    honestly, or if a request or an answer was not as GitHub's OpenAPI description has it;
    `violations` says what. All windows, limits and times follow the clock `now`. With
    `tls` it speaks HTTPS.

    These may be set at any time: `graphql` (whether there is GraphQL at all),
    `graph_follows_renames` (whether it knows a repository by a former name), `blob_limit` (bytes
    above which GraphQL cuts a text), `tree_limit` (entries above which a tree is cut), `shows_role`
    (whether a repository's `permissions` are the user's, whatever the token may do), and
    `date_skew` and `reset_skew` (seconds by which these headers lie).
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.schema = schema
        self.description = load_description(OPENAPI) if OPENAPI.exists() else None
        self.now = now
        self.accounts = Accounts()
        self.limits = Limits(now)
        self.faults = Faults()
        self.archives = Archives()
        self.requests: list[Recorded] = []
        self.violations: list[str] = []
        self.tree_limit = 100_000
        self.blob_limit = 512_000
        self.graphql = True
        self.shows_role = False
        self.graph_follows_renames = True
        self.date_skew = self.reset_skew = 0.0
        self._repos: dict[str, Repository] = {}
        self._former: dict[str, Repository] = {}
        self._made: list[Repository] = []
        self._lock = threading.RLock()
        self._folder = Path(tempfile.mkdtemp(prefix="hub-"))
        self._server = Server(self, tls)
        scheme = "https" if tls else "http"
        self.base_url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self.enterprise_url = f"{self.base_url}/api/v3"

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        for repo in self._made:
            repo.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self.violations:
            raise AssertionError("the double was misused:\n" + "\n".join(self.violations))

    def add_user(self, login: str) -> str:
        """Make a user, and a classic token that may do all that the user may."""
        self.accounts.add(login, "User", {login})
        return self.accounts.issue(login)

    def add_org(self, login: str, members: tuple[str, ...]) -> None:
        """Make an organisation whose members own what it has."""
        self.accounts.add(login, "Organization", set(members))

    def add_token(
        self,
        login: str,
        *,
        read_only: bool = False,
        repos: tuple[str, ...] | None = None,
        contents: Level = "write",
        administration: Level = "none",
        scopes: tuple[str, ...] | None = None,
        expires: float | None = None,
    ) -> str:
        """Make a fine-grained token, for contents of these repositories or of all.

        With `scopes`, also with none, it is a classic one. `expires` is by the hub's clock.
        """
        return self.accounts.issue(
            login,
            classic=scopes is not None,
            scopes=frozenset(scopes or ()),
            repos=None if repos is None else frozenset(name.lower() for name in repos),
            contents="read" if read_only else contents,
            administration=administration,
            expires=expires,
        )

    def revoke(self, token: str) -> None:
        """Make a token worthless."""
        del self.accounts.tokens[token]

    def add_repo(
        self, full_name: str, *, private: bool = True, init: Literal["readme"] | None = None
    ) -> Repository:
        """Make a repository for an owner who exists, empty or with a README."""
        owner = self.accounts.find(full_name.partition("/")[0])
        with self._lock:
            if full_name.lower() in self._repos:
                raise FileExistsError(full_name)
            made = len(self._made)
            repo = Repository(
                full_name, 5000 + made, self.path_of_repo(made), private, now=self.now
            )
            self._made.append(repo)
            self._repos[full_name.lower()] = repo
            self._former.pop(full_name.lower(), None)
        if init == "readme":
            readme = f"# {repo.name}\n".encode()
            repo.change({"README.md": readme}, "Initial commit", (owner.login, owner.email))
        return repo

    def path_of_repo(self, number: int) -> Path:
        """Tell where the first (0), second, … repository lies, before it is made as well."""
        return self._folder / f"{5000 + number}.git"

    def repo(self, full_name: str) -> Repository:
        """Give a repository that exists."""
        return self._repos[full_name.lower()]

    def find_repo(self, full_name: str) -> Repository | None:
        """Give a repository, if it exists."""
        return self._repos.get(full_name.lower())

    def repos_of(self, owner: str) -> list[Repository]:
        """List what an owner has, the newest last."""
        with self._lock:
            return [repo for repo in self._repos.values() if repo.owner.lower() == owner.lower()]

    def all_repos(self) -> list[Repository]:
        """List what there is, the newest last."""
        with self._lock:
            return list(self._repos.values())

    def find_former(self, full_name: str) -> Repository | None:
        """Give the repository that had this name before it was renamed, if there is one."""
        return self._former.get(full_name.lower())

    def rename(self, repo: Repository, new_full_name: str) -> None:
        """Give a repository another name or owner; what asks for the old one is redirected."""
        self.accounts.find(new_full_name.partition("/")[0])
        old, new = repo.full_name.lower(), new_full_name.lower()
        with self._lock:
            if self._repos.get(new, repo) is not repo:
                raise FileExistsError(new_full_name)
            del self._repos[old]
            self._former[old] = repo
            self._former.pop(new, None)
            self._repos[new] = repo
            repo.full_name = new_full_name

    def rename_branch(self, repo: Repository, new: str) -> None:
        """Rename the default branch, as can be done on the web."""
        repo.rename_branch(new)

    def repo_by_id(self, number: str) -> Repository | None:
        """Give a repository by its number, if it exists."""
        return next((repo for repo in self._repos.values() if str(repo.id) == number), None)

    def remove_repo(self, repo: Repository) -> None:
        """Take a repository away."""
        with self._lock:
            del self._repos[repo.full_name.lower()]
            self._former = {name: one for name, one in self._former.items() if one is not repo}

    def record(self, recorded: Recorded) -> None:
        """Note a request; it is noted before its answer goes out."""
        with self._lock:
            self.requests.append(recorded)

    def note(self, what: str) -> None:
        """Note what is not as GitHub has it, by the client's fault or by the double's."""
        with self._lock:
            self.violations.append(what)

    def violated(self, what: str) -> Answer:
        """Note that the double cannot answer honestly, and say so."""
        self.note(what)
        return json_answer({"message": f"The double does not do this: {what}"}, 501)

    def login_of(self, request: Request) -> str | None:
        """Tell whose token a request carries."""
        try:
            return self.accounts.authenticate(
                request.headers.get("authorization"), self.now()
            ).login
        except RefusedError:
            return None

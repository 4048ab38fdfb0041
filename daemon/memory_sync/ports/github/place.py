"""One repository on GitHub: whether it is there, its branch, and where that stands."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from memory_sync.errors import RemoteInvalidError
from memory_sync.ports.github.answers import dig
from memory_sync.ports.github.wire import NAME, Wire
from memory_sync.ports.remote import Condition

LOGIN = re.compile(r"[A-Za-z0-9_.-]+")
DESCRIPTION = "An encrypted vault of memory-sync"
FIRST_PAGE = 10
"""Commits that are asked for first: mostly these few decide."""


class Place:
    """The repository and its default branch."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.seen: str | None = None
        """The head that was seen last."""
        self.newest: list[Any] = []
        """The commits that came along with a first look at the head."""
        self.scopes: str | None = None
        """What a classic token may do, as GitHub writes it; None for a token of another kind."""
        self.may_push = True
        self.archived = False
        self.tree: tuple[str, str] = ("", "")
        """The newest commit of which the tree is known, and that tree."""
        self._branch: str | None = None
        self._tag = ""
        self._known = Condition(exists=False)

    @property
    def name(self) -> str:
        """What the repository is called now."""
        return self._wire.name

    @property
    def path(self) -> str:
        """Where the repository lies below the API's address."""
        return f"/repos/{self.name}"

    def condition(self) -> Condition:
        """Ask whether the repository exists, who can read it, and what its branch is.

        It costs no quota if nothing about the repository has changed since it was asked last.
        """
        headers = {"If-None-Match": self._tag} if self._tag else None
        answer = self._wire.ask("GET", self.path, headers=headers, allow=(304, 404))
        self.scopes = answer.headers.get("x-oauth-scopes")
        if answer.status == 304 and self._tag:
            return self._known
        self._tag = ""
        if answer.status == 404 and self._wire.renamed:
            # What it was renamed to is gone; perhaps it has its old name back.
            self._wire.rename(None)
            return self.condition()
        if answer.status == 404:
            return Condition(exists=False)
        if answer.status == 304:
            raise self._wire.explain.answer(answer)
        name, branch = dig(answer.data, "full_name"), dig(answer.data, "default_branch")
        private = dig(answer.data, "private")
        if not (isinstance(name, str) and isinstance(branch, str) and isinstance(private, bool)):
            raise self._wire.explain.senseless("a repository without name, branch or privacy")
        if not branch.isprintable() or not NAME.fullmatch(name):
            raise self._wire.explain.senseless("a branch or a name that cannot be written")
        if name.casefold() != self.name.casefold():
            self._wire.rename(name)
        self._branch = branch
        self.may_push = dig(answer.data, "permissions", "push") is not False
        self.archived = dig(answer.data, "archived") is True
        self._known = Condition(
            exists=True, public=not private, can_write=self.may_push and not self.archived
        )
        self._tag = answer.headers.get("etag", "")
        return self._known

    def require(self) -> None:
        """Raise RepositoryGoneError unless the repository is there."""
        if not self.condition().exists:
            raise self._wire.explain.gone()

    def create(self, *, public: bool) -> None:
        """Make the repository, empty, for the token's user or for an organisation."""
        if self.condition().exists:
            return
        wire = self._wire
        owner, _, short = self.name.partition("/")
        mine = login_of(wire).casefold() == owner.casefold()
        answer = wire.ask(
            "POST",
            "/user/repos" if mine else f"/orgs/{owner}/repos",
            body={
                "name": short,
                "private": not public,
                "auto_init": False,
                "description": DESCRIPTION,
            },
            allow=(403, 404, 422),
        )
        if answer.status in {403, 404}:
            raise wire.explain.uncreated(answer, owner)
        # Another device may have been quicker.
        if answer.status == 422 and not self.condition().exists:
            raise wire.explain.answer(answer)

    def branch(self) -> str:
        """Return the default branch's name; raises RepositoryGoneError."""
        if self._branch is None:
            self.require()
        return self._branch or ""

    def ref(self) -> str:
        """Return the branch as a part of a URL; no tag of the same name is meant."""
        return f"heads/{quote(self.branch())}"

    def head(self, known: str | None = None) -> str | None:
        """Return the branch's head, None if there is none; it costs no quota if it is `known`."""
        self.newest = []
        if known is None and self._branch is None:
            return self._first_look()
        headers = {"Accept": "application/vnd.github.sha"}
        if known:
            headers["If-None-Match"] = f'"{known}"'
        self.seen = None
        for _ in range(2):
            where = self.name, self.branch()
            answer = self._wire.ask(
                "GET",
                f"{self.path}/commits/{self.ref()}",
                headers=headers,
                allow=(304, 404, 409, 422),
                plain=True,
            )
            if answer.status == 304 and known:
                self.seen = known
            elif answer.status < 300:
                # A server that cannot answer with the id alone answers with the commit.
                self.seen = self._wire.oid(dig(answer.data, "sha") or answer.text.strip())
            elif answer.status == 304:
                raise self._wire.explain.answer(answer)
            elif answer.status != 409:
                # The branch is gone, the repository is, or another branch is the default now.
                self.require()
                if where != (self.name, self.branch()):
                    continue
            break
        return self.seen

    def _first_look(self) -> str | None:
        """Ask for the newest commits of the default branch, whatever it is called."""
        self.seen = None
        for _ in range(2):
            name = self.name
            query = {"per_page": FIRST_PAGE}
            answer = self._wire.ask(
                "GET", f"{self.path}/commits", query=query, allow=(404, 409, 422)
            )
            if answer.status < 300 and isinstance(answer.data, list):
                self.newest = answer.data
                self.seen = self._wire.oid(answer.data, 0, "sha") if answer.data else None
            elif answer.status != 409:
                self.require()
                if self.name != name:
                    continue
            break
        return self.seen


def login_of(wire: Wire) -> str:
    """Ask whose token it is."""
    login = dig(wire.ask("GET", "/user").data, "login")
    if not isinstance(login, str) or not LOGIN.fullmatch(login):
        raise wire.explain.senseless("a user without a name")
    return login


def repository_name(name: str) -> str:
    """Check a name OWNER/REPO; raises RemoteInvalidError."""
    if not NAME.fullmatch(name) or name.rpartition("/")[2] in {".", ".."}:
        raise RemoteInvalidError(remote=f"github:{name}")
    return name

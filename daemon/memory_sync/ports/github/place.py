"""One repository on GitHub: whether it is there, its branch, and where that stands."""

from __future__ import annotations

import re
from urllib.parse import quote

from memory_sync.errors import RemoteInvalidError
from memory_sync.ports.github.trouble import dig
from memory_sync.ports.github.wire import Wire
from memory_sync.ports.remote import Condition

NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
LOGIN = re.compile(r"[A-Za-z0-9_.-]+")
DESCRIPTION = "An encrypted vault of memory-sync"


class Place:
    """A repository `OWNER/REPO` and its default branch."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire = wire
        self.name = name
        self.path = f"/repos/{name}"
        self.seen: str | None = None
        """The head that was seen last."""
        self._branch: str | None = None

    def condition(self) -> Condition:
        """Ask whether the repository exists, who can read it, and what its branch is."""
        answer = self._wire.ask("GET", self.path, allow=(404,))
        if answer.status == 404:
            return Condition(exists=False)
        name, branch = dig(answer.data, "full_name"), dig(answer.data, "default_branch")
        private = dig(answer.data, "private")
        if not (isinstance(name, str) and isinstance(branch, str) and isinstance(private, bool)):
            raise self._wire.explain.senseless("a repository without name, branch or privacy")
        if name.casefold() != self.name.casefold():
            raise self._wire.explain.trouble(f"the repository was renamed to {name}")
        if not branch.isprintable():
            raise self._wire.explain.senseless("a branch whose name cannot be written")
        self._branch = branch
        may_push = dig(answer.data, "permissions", "push") is not False
        archived = dig(answer.data, "archived") is True
        return Condition(exists=True, public=not private, can_write=may_push and not archived)

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
            allow=(404, 422),
        )
        if answer.status == 404:
            raise wire.explain.forbidden(f"it cannot create repositories for {owner}")
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
        headers = {"Accept": "application/vnd.github.sha"}
        if known:
            headers["If-None-Match"] = f'"{known}"'
        self.seen = None
        for _ in range(2):
            branch = self.branch()
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
                self.seen = self._wire.oid(answer.text.strip())
            elif answer.status == 304:
                raise self._wire.explain.answer(answer)
            elif answer.status != 409:
                # The branch is gone, the repository is, or another branch is the default now.
                self.require()
                if self.branch() != branch:
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

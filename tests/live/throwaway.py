"""Repositories that live as long as a test; the suite touches no other ones."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tests.live.talk import RefusedError, Reply, Talk

NAME = re.compile(r"memory-sync-live-[0-9a-f]{16}")
OLD = 3600
"""Seconds after which nobody is at work with one any more."""
PAGE = 100
NEEDED = "a classic token with the scopes repo and delete_repo"


class Throwaways:
    """The throwaway repositories of the token's user."""

    def __init__(self, talk: Talk, login: str) -> None:
        self.talk = talk
        self.login = login
        self.left: list[str] = []
        """Those that could not be deleted."""

    def fresh(self) -> str:
        """Return a name OWNER/REPO that nobody has used."""
        return f"{self.login}/memory-sync-live-{secrets.token_hex(8)}"

    def check(self, name: str) -> bool:
        """Raise RefusedError unless this is a private throwaway; False if it is not there."""
        owner, _, short = name.partition("/")
        if owner != self.login or not NAME.fullmatch(short):
            raise RefusedError(f"{name} is no throwaway repository: not touched")
        found = self.talk("GET", f"/repos/{name}")
        if found.status == 404:
            return False
        self._judge(name, found)
        return True

    def check_made(self, name: str) -> None:
        """Raise RefusedError unless this is a private throwaway that can be seen by now."""
        if not self.talk.patience.until("a new repository", lambda: self.check(name), bool):
            raise RefusedError(f"{name} does not appear: not touched")

    def ready(self, name: str) -> None:
        """Raise RefusedError unless this is one just made, with the branch of the suite."""
        self.check_made(name)
        branch = self.talk("GET", f"/repos/{name}").data["default_branch"]
        if branch != "main":
            raise RefusedError(f"new repositories of {self.login} have {branch}, not main")

    def delete(self, name: str, *, made: bool = True) -> None:
        """Delete a throwaway; `made` says that there is one, however long it takes to appear."""
        self.left.append(name)
        if made:
            self.check_made(name)
        if made or self.check(name):
            gone = self.talk("DELETE", f"/repos/{name}")
            if gone.status != 204:
                raise RefusedError(f"{name} cannot be deleted ({gone.status}): {NEEDED} is needed")
        self.left.remove(name)

    def sweep(self) -> list[str]:
        """Delete what earlier runs have left and return the names."""
        old = self._old()
        for name in old:
            self.delete(name)
        return old

    def _old(self) -> list[str]:
        """Return the names of old throwaways, by the server's own clock."""
        old: list[str] = []
        page, full = 1, True
        while full:
            where = f"/user/repos?affiliation=owner&per_page={PAGE}&page={page}"
            found = self.talk("GET", where)
            repos = found.data
            if found.status != 200 or not isinstance(repos, list):
                raise RefusedError(f"the list of repositories was answered with {found.status}")
            now = parsedate_to_datetime(found.headers["date"]).timestamp()
            old += [repo["full_name"] for repo in repos if self._is_old(repo, now)]
            page, full = page + 1, len(repos) == PAGE
        return old

    def _is_old(self, repo: Any, now: float) -> bool:
        made = datetime.fromisoformat(repo["created_at"]).timestamp()
        mine = repo["owner"]["login"] == self.login and NAME.fullmatch(repo["name"])
        return bool(mine and repo["private"] is True and now - made > OLD)

    def _judge(self, name: str, found: Reply) -> None:
        data = found.data
        if found.status != 200 or not isinstance(data, dict) or data.get("full_name") != name:
            raise RefusedError(f"{name} is answered with {found.status}: not touched")
        if data.get("private") is not True:
            raise RefusedError(f"{name} is not private: not touched")


def enter(talk: Talk) -> Throwaways:
    """Ask whose token it is and whether it is enough; raises RefusedError."""
    found = talk("GET", "/user")
    if found.status != 200 or not isinstance(found.data, dict):
        raise RefusedError(f"the token in MEMORY_SYNC_LIVE_TOKEN is answered with {found.status}")
    scopes = found.headers.get("x-oauth-scopes")
    if scopes is not None and not {"repo", "delete_repo"} <= set(scopes.split(", ")):
        raise RefusedError(f"the token in MEMORY_SYNC_LIVE_TOKEN may do too little: {NEEDED}")
    return Throwaways(talk, str(found.data["login"]))

"""What the exchanges are made with: a throwaway repository, and the answers so far."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from tests.live.shape import Masks, Shape, shape_of
from tests.live.talk import RefusedError, Reply
from tests.live.throwaway import Throwaways

COMMIT = """mutation Commit($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid tree { oid } } } }"""


class Stage:
    """One side of the comparison."""

    def __init__(self, throwaways: Throwaways) -> None:
        self.talk = throwaways.talk
        self.login = throwaways.login
        self.name = throwaways.fresh()
        self.short = self.name.partition("/")[2]
        self.none = f"{self.short}-none"
        """The name of a repository that is not there."""
        self.repo = f"/repos/{self.name}"
        self.shapes: dict[str, Shape] = {}
        self._masks = Masks({self.none: "NONE", self.short: "REPO", self.login: "LOGIN"})

    def note(self, exchange: str, reply: Reply) -> Reply:
        """Keep what can be compared of an answer."""
        if exchange in self.shapes:
            raise RefusedError(f"two exchanges are called: {exchange}")
        self.shapes[exchange] = shape_of(reply, self._masks)
        return reply

    def send(self, exchange: str, method: str, path: str, body: object = None) -> Reply:
        """Send a write, below the repository unless the path begins with a slash."""
        return self.note(exchange, self.talk(method, self._path(path), body))

    def get(
        self,
        exchange: str,
        path: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Read; a refusal in place of an answer may be a lag, and so may the opposite."""
        found = self.talk.patience.until(
            exchange,
            lambda: self.talk("GET", self._path(path), headers=headers),
            lambda reply: (reply.status < 400) is (status < 400),
        )
        return self.note(exchange, found)

    def settle(self, head: str) -> None:
        """Wait until the branch is seen where a write has put it."""
        self.talk.patience.until(
            "head",
            lambda: self.talk("GET", f"{self.repo}/git/ref/heads/main").data,
            lambda data: found(data, "object", "sha") == head,
        )

    def graph(self, exchange: str, query: str, **variables: object) -> Any:
        """Send a GraphQL query and return the whole answer's JSON."""
        return self.note(exchange, self.talk.graph(query, **variables)).data

    def commit(
        self,
        exchange: str,
        head: str,
        files: Mapping[str, bytes] | None = None,
        deletes: Iterable[str] = (),
        **more: object,
    ) -> str:
        """Send `createCommitOnBranch` and return the new commit's id, "" if there is none."""
        additions = [
            {"path": path, "contents": b64encode(data).decode()}
            for path, data in (files or {}).items()
        ]
        given = {
            "branch": {"repositoryNameWithOwner": self.name, "branchName": "main"},
            "expectedHeadOid": head,
            "message": {"headline": "sync", "body": "A line.\n"},
            "fileChanges": {"additions": additions, "deletions": [{"path": p} for p in deletes]},
        }
        data = self.graph(exchange, COMMIT, input=given | more)
        return str(found(data, "data", "createCommitOnBranch", "commit", "oid") or "")

    def _path(self, path: str) -> str:
        if path.startswith("/"):
            return path
        return f"{self.repo}/{path}" if path else self.repo


def found(data: Any, *keys: str | int) -> Any:
    """Return what lies below these keys of a JSON value, None if it is not there."""
    for key in keys:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return None
    return data


def oid(reply: Reply, *keys: str | int) -> str:
    """Return the id in an answer without which the exchanges cannot go on."""
    value = found(reply.data, *keys)
    if not isinstance(value, str):
        place = ".".join(map(str, keys))
        raise RefusedError(f"the comparison ends early: {reply.status} without {place}")
    return value

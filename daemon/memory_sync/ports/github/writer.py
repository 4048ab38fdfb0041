"""Making commits on GitHub: each is one change of the branch, and only from where it is expected.

Nothing here is sent twice: an answer that got lost may belong to a commit that landed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from memory_sync.errors import MemorySyncError, Moved
from memory_sync.model import Change
from memory_sync.model.remote import FILE_MODE, TREE_MODE
from memory_sync.ports.github.answers import Answer, dig
from memory_sync.ports.github.crowd import STALE, Crowd
from memory_sync.ports.github.place import Place
from memory_sync.ports.github.wire import NoGraphError, Wire

SMALL_WRITES = 110
SMALL_BYTES = 9 * 1024 * 1024
"""What goes in one request: an engine's batch (100 blobs, 8 MiB), and a README beside it."""
SLICE_ENTRIES = 100
SLICE_BYTES = 4 * 1024 * 1024

MUTATION = (
    "mutation Commit($input: CreateCommitOnBranchInput!)"
    " { createCommitOnBranch(input: $input) { commit { oid tree { oid } } } }"
)
MOVED = re.compile(
    r"fast.?forward|reference does not exist|expected branch to point|sha\W* wasn't supplied",
    re.IGNORECASE,
)
REFUSED = (404, 409, 422)


class Writer:
    """Makes commits on one repository's branch."""

    def __init__(self, wire: Wire, place: Place, crowd: Crowd) -> None:
        self._wire = wire
        self._place = place
        self._crowd = crowd

    def commit(self, parent: str | None, change: Change) -> str:
        """Make one commit on `parent`; raises Moved if the branch is elsewhere."""
        commit = self._first(change) if parent is None else self._next(parent, change)
        self._place.tree = commit, change.tree
        return commit

    def _next(self, parent: str, change: Change) -> str:
        """Make a commit, and tell what came of it to who watches over the turns."""
        asked = self._crowd.wary
        try:
            if asked:
                self._take_turn(parent)
            made = self._on(parent, change)
        except Moved:
            self._crowd.lost(asked=asked and self._place.seen == parent)
            raise
        self._crowd.won()
        return made

    def _take_turn(self, parent: str) -> None:
        """Wait for one's turn, and see that nobody was quicker."""
        if seconds := self._crowd.wait():
            # Who did not ask before how long it takes waits no longer than can be waited here.
            self._wire.pace.clock.sleep(min(seconds, STALE))
        if self._place.head(parent) != parent:
            raise Moved

    def _on(self, parent: str, change: Change) -> str:
        """Make a commit in one request if that can be, else in several, one change all the same."""
        size = sum(map(len, change.writes.values()))
        if len(change.writes) <= SMALL_WRITES and size <= SMALL_BYTES and not change.base:
            try:
                return self._at_once(parent, change)
            except NoGraphError:
                pass
        return self._in_slices(parent, change)

    def _first(self, change: Change) -> str:
        """Make the first commit, for which there is only the Contents API: one file."""
        if len(change.writes) != 1 or change.deletes:
            raise self._wire.explain.senseless("a first commit can hold one file only")
        [(path, content)] = change.writes.items()
        body = {"message": change.message, "content": b64encode(content).decode()}
        made = dig(self._send(None, "PUT", f"/contents/{quote(path)}", body), "commit")
        commit = self._wire.oid(made, "sha")
        if dig(made, "parents"):
            raise self._wire.explain.senseless(f"commit {commit} is not the first one")
        self._check_tree(commit, self._wire.oid(made, "tree", "sha"), change)
        return commit

    def _at_once(self, parent: str, change: Change) -> str:
        """Make the commit with one request, which is refused if the head is not `parent`."""
        headline, _, text = change.message.partition("\n\n")
        given = {
            "branch": {
                "repositoryNameWithOwner": self._place.name,
                "branchName": self._place.branch(),
            },
            "expectedHeadOid": parent,
            "message": {"headline": headline, **({"body": text} if text else {})},
            "fileChanges": {
                "additions": [
                    {"path": path, "contents": b64encode(content).decode()}
                    for path, content in change.writes.items()
                ],
                "deletions": [{"path": path} for path in change.deletes],
            },
        }
        data, errors = self._wire.graph(MUTATION, {"input": given})
        made = dig(data, "createCommitOnBranch", "commit")
        # An error beside a commit's id is about the answer: the commit has landed.
        if errors and dig(made, "oid") is None:
            raise self._refusal(parent, errors)
        commit = self._wire.oid(made, "oid")
        self._check_tree(commit, self._wire.oid(made, "tree", "oid"), change)
        return commit

    def _refusal(self, parent: str, errors: list[Any]) -> MemorySyncError | Moved | NoGraphError:
        """Say what the errors of a refused commit mean."""
        message = str(dig(errors, 0, "message"))
        if any(dig(error, "type") == "STALE_DATA" for error in errors) or MOVED.search(message):
            return Moved()
        if any(dig(error, "type") is None for error in errors):
            return self._wire.explain.trouble(message)
        before = self._place.name, self._place.branch()
        if self._place.head(parent) != parent:
            return Moved()
        if before != (self._place.name, self._place.branch()):
            # The repository or its branch has another name now: it is the same place to go on from.
            return Moved()
        if any(dig(error, "type") == "NOT_FOUND" for error in errors):
            # REST has just found repository and branch, so the commit can be made there.
            self._wire.unknown()
            return NoGraphError()
        return self._wire.explain.senseless(message)

    def _in_slices(self, parent: str, change: Change) -> str:
        """Put the tree together in slices, then make one commit and move the branch to it."""
        # A move that is a fast-forward would also be taken from an older commit than this.
        if self._place.head(parent) != parent:
            raise Moved
        known, tree = self._place.tree
        if change.base:
            tree = change.base
        elif known != parent:
            tree = self._tree_of(parent)
        for entries in self._slices(parent, change):
            body = {"base_tree": tree, "tree": entries}
            tree = self._wire.oid(self._send(parent, "POST", "/git/trees", body), "sha")
        if tree != change.tree and change.deletes:
            tree = self._without_empty_folders(parent, tree)
        if tree != change.tree:
            raise self._wire.explain.senseless(f"the change makes tree {tree}, not {change.tree}")
        body = {"message": change.message, "tree": tree, "parents": [parent]}
        commit = self._wire.oid(self._send(parent, "POST", "/git/commits", body), "sha")
        place = f"/git/refs/{self._place.ref()}"
        moved = self._send(parent, "PATCH", place, {"sha": commit, "force": False})
        if self._wire.oid(moved, "object", "sha") != commit:
            raise self._wire.explain.senseless("the branch went to another commit")
        return commit

    def _tree_of(self, commit: str) -> str:
        """Ask for the tree of a commit that the branch was just seen at."""
        place = f"{self._place.path}/git/commits/{commit}"
        answer = self._wire.ask("GET", place, allow=REFUSED)
        if answer.status >= 300:
            # A replica that lags has the branch and not the commit.
            self._place.require()
            raise self._wire.explain.trouble(f"commit {commit} is not to be found")
        return self._wire.oid(answer.data, "tree", "sha")

    def _without_empty_folders(self, parent: str, tree: str) -> str:
        """Take the folders without a file out of a tree: some servers leave them there."""
        place = f"{self._place.path}/git/trees/{tree}"
        answer = self._wire.ask("GET", place, query={"recursive": "1"}, allow=REFUSED)
        items = dig(answer.data, "tree")
        if not isinstance(items, list):
            return tree
        paths = {str(dig(item, "path")): dig(item, "type") for item in items}
        kept = {""}
        for path, kind in paths.items():
            if kind != "tree":
                kept.update(map(str, PurePosixPath(path).parents))
        entries = [
            {"path": path, "mode": TREE_MODE, "type": "tree", "sha": None}
            for path, kind in paths.items()
            if kind == "tree" and path not in kept and path.rpartition("/")[0] in kept
        ]
        if not entries:
            return tree
        body = {"base_tree": tree, "tree": entries}
        return self._wire.oid(self._send(parent, "POST", "/git/trees", body), "sha")

    def _slices(self, parent: str, change: Change) -> Iterator[list[dict[str, Any]]]:
        """Cut the entries of a changed tree into what one request takes."""
        entries: list[dict[str, Any]] = []
        size = 0
        for path, content in change.writes.items():
            if entries and (len(entries) == SLICE_ENTRIES or size + len(content) > SLICE_BYTES):
                yield entries
                entries, size = [], 0
            entries.append(_entry(path, **self._inline(parent, content)))
            size += len(content)
        for path in change.deletes:
            if len(entries) == SLICE_ENTRIES:
                yield entries
                entries = []
            entries.append(_entry(path, sha=None))
        if entries:
            yield entries

    def _inline(self, parent: str, content: bytes) -> dict[str, str]:
        """Give a file as text; one that is none is stored as a blob first."""
        try:
            return {"content": content.decode()}
        except UnicodeDecodeError:
            body = {"content": b64encode(content).decode(), "encoding": "base64"}
        return {"sha": self._wire.oid(self._send(parent, "POST", "/git/blobs", body), "sha")}

    def _send(self, parent: str | None, verb: str, path: str, body: dict[str, Any]) -> Any:
        """Send a write and return its answer's JSON; a refusal may mean that the head moved."""
        answer = self._wire.ask(verb, self._place.path + path, body=body, allow=REFUSED)
        if answer.status >= 300:
            raise self._refused(parent, answer)
        return answer.data

    def _refused(self, parent: str | None, answer: Answer) -> MemorySyncError | Moved:
        if answer.status == 409 or MOVED.search(str(dig(answer.data, "message"))):
            return Moved()
        if self._place.head() != parent:
            return Moved()
        # A repository that can be read and not written to is also answered with 404.
        if answer.status == 404:
            return self._wire.explain.forbidden("it may read the repository and not write to it")
        return self._wire.explain.answer(answer)

    def _check_tree(self, commit: str, tree: str, change: Change) -> None:
        if tree != change.tree:
            raise self._wire.explain.senseless(
                f"commit {commit} was made with tree {tree}, not {change.tree}; its seal is void"
            )


def _entry(path: str, **what: str | None) -> dict[str, Any]:
    return {"path": path, "mode": FILE_MODE, "type": "blob", **what}

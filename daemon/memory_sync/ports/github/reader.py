"""Reading a vault's history and trees from GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory_sync.errors import RemoteTroubleError
from memory_sync.model import Commit, Entry, Listing
from memory_sync.model.remote import FILE_MODE, TREE_MODE
from memory_sync.ports.github.answers import dig
from memory_sync.ports.github.crowd import Crowd
from memory_sync.ports.github.place import FIRST_PAGE, Place
from memory_sync.ports.github.wire import OBJECT_ID, Wire
from memory_sync.vault.trees import EMPTY_TREE

PAGE = 100
"""Commits a request, where the first few have not decided."""
MODE = re.compile(r"[0-7]{5,6}")
NOTICED = 5000
"""So many commits are remembered as noticed."""
MAX_FILES = 300
"""So many changed files are all that a comparison tells."""


@dataclass(frozen=True, slots=True)
class _Compared:
    """What changed between two commits, the second built on the first."""

    base: str
    head: str
    files: Sequence[Any]


class Reader:
    """Reads commits and trees; remembers the last comparison."""

    def __init__(self, wire: Wire, place: Place, crowd: Crowd) -> None:
        self._wire = wire
        self._place = place
        self._crowd = crowd
        self._compared: _Compared | None = None
        self._noticed: set[str] = set()

    # --- commits ----------------------------------------------------------------------------

    def history(self, head: str, since: str | None) -> Iterator[Commit]:
        """Follow first parents from `head`, newest first; nothing comes of an unknown commit."""
        known: dict[str, Commit] = {}
        if since and since != head:
            known = self._compare(since, head)
        elif head == self._place.seen and self._place.newest:
            known = self._commits(self._place.newest)
        size = PAGE if known else FIRST_PAGE
        wanted = head
        while wanted:
            if wanted not in known:
                known = self._page(wanted, size)
                size = PAGE
            if wanted not in known:
                self._explain_missing(wanted, head)
                return
            commit = known[wanted]
            if commit.id == head:
                self._place.tree = commit.id, commit.tree
            yield commit
            wanted = next(iter(commit.parents), "")

    def _page(self, head: str, size: int) -> dict[str, Commit]:
        """Fetch a commit and some before it; side lines of merges are among them."""
        answer = self._wire.ask(
            "GET",
            f"{self._place.path}/commits",
            query={"sha": head, "per_page": size},
            allow=(404, 409, 422),
        )
        return self._commits(answer.data if answer.status < 300 else [])

    def _explain_missing(self, commit: str, head: str) -> None:
        """Raise what a missing commit means, unless it is only one that nobody has any more."""
        self._place.require()
        if commit != head or head == self._place.seen:
            # A replica that lags: what was there a moment ago will be there again.
            raise self._wire.explain.trouble(f"commit {commit} is not to be found")

    def _compare(self, base: str, head: str) -> dict[str, Commit]:
        """Fetch the commits between two, the older one too, and keep what they changed."""
        self._compared = None
        try:
            answer = self._wire.ask(
                "GET",
                f"{self._place.path}/compare/{base}...{head}",
                allow=(404, 406, 409, 422),
            )
        except RemoteTroubleError:
            # Also said of a difference that takes too long to compute; there is another way.
            return {}
        if answer.status >= 300:
            return {}
        data = answer.data
        ends = [dig(data, name) for name in ("base_commit", "merge_base_commit")]
        files = dig(data, "files")
        # Built on it: only then is what changed since the fork what changed since the base.
        built_on = [dig(end, "sha") for end in ends] == [base] * 2
        if built_on and isinstance(files, list) and len(files) < MAX_FILES:
            self._compared = _Compared(base, head, [_essence(file) for file in files])
        self._notice(self._commits(dig(data, "commits") or []))
        return self._commits([*(dig(data, "commits") or []), *filter(None, ends)])

    def _notice(self, commits: Mapping[str, Commit]) -> None:
        """Take note of what others wrote; what is not accepted is seen again and counts once."""
        fresh = commits.keys() - self._noticed
        self._noticed = {*(self._noticed if len(self._noticed) < NOTICED else ()), *fresh}
        self._crowd.saw(len(fresh))
        now = self._wire.pace.clock.now()
        self._wire.pace.saw(max(0.0, now - commits[oid].time) for oid in fresh)

    def _commits(self, items: Any) -> dict[str, Commit]:
        if not isinstance(items, list):
            raise self._wire.explain.senseless("commits that are no list")
        return {commit.id: commit for commit in map(self._commit, items)}

    def _commit(self, item: Any) -> Commit:
        parents = dig(item, "parents")
        message = dig(item, "commit", "message")
        if not isinstance(parents, list) or not isinstance(message, str):
            raise self._wire.explain.senseless("a commit without parents or message")
        return Commit(
            id=self._wire.oid(item, "sha"),
            parents=tuple(self._wire.oid(parent, "sha") for parent in parents),
            tree=self._wire.oid(item, "commit", "tree", "sha"),
            message=message,
            time=_seconds(dig(item, "commit", "committer", "date")),
        )

    # --- trees ------------------------------------------------------------------------------

    def listing(self, commit: Commit, since: tuple[str, Listing] | None) -> Listing:
        """Return a commit's whole tree, without a request if the last comparison tells it."""
        compared = self._compared
        if since and compared and (compared.base, compared.head) == (since[0], commit.id):
            made = _apply(compared.files, since[1])
            if made is not None:
                return made
        return dict(self._walk(commit.tree, ""))

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the direct entries of a commit's root tree."""
        return dict(self._whole(commit.tree, ""))

    def _walk(self, tree: str, prefix: str) -> Iterator[tuple[str, Entry]]:
        """List the files of a tree: at once if GitHub can, else folder by folder."""
        found, truncated = self._tree(tree, deep=True)
        if not truncated:
            yield from ((prefix + path, entry) for path, entry in found if _is_file(entry))
            return
        for name, entry in self._whole(tree, prefix):
            if _is_file(entry):
                yield prefix + name, entry
            else:
                yield from self._walk(entry.id, f"{prefix}{name}/")

    def _whole(self, tree: str, prefix: str) -> list[tuple[str, Entry]]:
        found, truncated = self._tree(tree, deep=False)
        if truncated:
            raise self._wire.explain.senseless(f"the folder /{prefix} is cut short")
        return found

    def _tree(self, tree: str, *, deep: bool) -> tuple[list[tuple[str, Entry]], bool]:
        """Fetch a tree's entries, and whether some are left out."""
        if tree == EMPTY_TREE:
            return [], False
        query = {"recursive": "1"} if deep else None
        path = f"{self._place.path}/git/trees/{tree}"
        answer = self._wire.ask("GET", path, query=query, allow=(404, 409, 422))
        if answer.status >= 300:
            self._place.require()
            raise self._wire.explain.trouble(f"tree {tree} is not to be found")
        items = dig(answer.data, "tree")
        if not isinstance(items, list) or dig(answer.data, "sha") != tree:
            raise self._wire.explain.senseless("another tree than the one that was asked for")
        return [self._entry(item) for item in items], dig(answer.data, "truncated") is True

    def _entry(self, item: Any) -> tuple[str, Entry]:
        path, mode = dig(item, "path"), dig(item, "mode")
        if not _is_path(path) or not isinstance(mode, str) or not MODE.fullmatch(mode):
            raise self._wire.explain.senseless("a tree's entry without path or mode")
        return path, Entry(mode.zfill(6), self._wire.oid(item, "sha"))


def _is_path(path: Any) -> bool:
    """Tell whether this is text that git can hold; JSON can also carry half a character."""
    if not isinstance(path, str):
        return False
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_file(entry: Entry) -> bool:
    return entry.mode != TREE_MODE


def _essence(file: Any) -> dict[str, Any]:
    """Keep of a changed file what says how the tree changed, without the lines."""
    return {name: dig(file, name) for name in ("status", "filename", "previous_filename", "sha")}


def _apply(files: Sequence[Any], old: Listing) -> dict[str, Entry] | None:
    """Make up a listing from an older one; None if that does not do.

    A comparison tells no modes: a file keeps the one it had. The caller checks the tree's id.
    """
    new = dict(old)
    put: dict[str, Entry] = {}
    for file in files:
        path, before, oid = file["filename"], file["previous_filename"], file["sha"]
        if not _is_path(path) or not isinstance(oid, str) or not OBJECT_ID.fullmatch(oid):
            return None
        match file["status"]:
            case "removed":
                new.pop(path, None)
            case "renamed":
                new.pop(before, None)
                put[path] = Entry(_mode(old, before), oid)
            case "added" | "modified" | "copied":
                put[path] = Entry(_mode(old, path), oid)
            case "unchanged":
                pass
            case _:
                return None
    return new | put


def _mode(old: Listing, path: str) -> str:
    entry = old.get(path)
    return entry.mode if entry else FILE_MODE


def _seconds(date: Any) -> int:
    try:
        return int(datetime.fromisoformat(date).timestamp())
    except (TypeError, ValueError):
        return 0

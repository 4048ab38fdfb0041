"""What each commit of a vault's past changed: which files, by how much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from memory_sync.engine.history import Held, NotCountingError, Past, Point, Version
from memory_sync.sync.unified import same_lines
from memory_sync.vault.objects import Decoded
from memory_sync.vault.seals import read_rotation, read_seal

LIMIT = 300
"""Commits after which a search for more changes ends: the next page goes on there."""
SPAN = 100
"""Commits among which the changes of one file are looked for by halves, at most."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of one file in a commit.

    `kind` is added, changed, removed or unreadable; of what is unreadable `path` is the object's
    name where nothing tells the file's. Sizes are in bytes; lines are None where the file is no
    text. `device` wrote it, "" where nothing tells.
    """

    path: str
    kind: str
    before: int | None = None
    after: int | None = None
    lines_added: int | None = None
    lines_removed: int | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit changed. `rekeyed` says that it encrypted everything anew, nothing else.

    `first` says that nothing older is known.
    """

    commit: str
    time: int
    edits: tuple[Edit, ...]
    rekeyed: bool = False
    first: bool = False

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that wrote what it has, in order; none where it only removed."""
        return tuple(sorted({edit.device for edit in self.edits if edit.device}))


Pair = tuple[Held | None, Held]
"""The state below (None where there is none) and the state of a commit."""
Both = tuple[Version | None, Version | None]
"""A file before and after."""


class Changes:
    """Gives the changes of a past, newest first, read as they are consumed.

    `path` is a file, a root or (`folder`) a folder; "" is everything. `before` is the id of a
    commit: only what is older is given. So many commits are read at once as a page has (`size`); of
    one file twice as many each time that nothing was found, as it may change in few or in most.
    """

    def __init__(
        self, past: Past, path: str = "", *, folder: bool = True, before: str = "", size: int = 10
    ) -> None:
        self._past = past
        self._path = path
        self._file = bool(path) and not folder
        self._before = before
        self._size = size
        self._states: dict[str, Held] = {}
        self.reached = ""
        """Where it was given up to look further, for a page of little; else empty."""

    def __iter__(self) -> Iterator[Change]:
        """Give the changes."""
        points = self._past.points()
        for point in points if self._before else ():
            if point.commit.id == self._before:
                break
        span: list[Point] = []
        ended, looked, told = False, 0, ""
        while not ended:
            if looked >= LIMIT:
                self.reached = told
                return
            size = min(self._size, LIMIT - looked)
            span += islice(points, size + 1 - len(span))
            ended = len(span) <= size
            try:
                pairs = self._pairs(span, ended=ended)
            except NotCountingError as error:
                # Its seal is right, and yet it does not count: as if it were not there.
                span.remove(error.point)
                self._past.left_out += 1
                ended = False
                continue
            boths = [(pair, self._boths(pair)) for pair in pairs]
            self._past.fetch(one for _, found in boths for both in found for one in both if one)
            if self._file and not any(found for _, found in boths):
                self._size = min(2 * self._size, SPAN)
            for pair, found in boths:
                change = self._change(pair, found)
                if change.edits or (change.rekeyed and not self._path):
                    yield change
            looked += len(span) - 1
            # What the last of them changed is told with the next ones: it takes what lies below.
            told = span[-2].commit.id if len(span) > 1 else told
            last = span = span[-1:]
            self._states = {key: it for key, it in self._states.items() if it.point in last}

    # --- which commits ---

    def _pairs(self, span: list[Point], *, ended: bool) -> list[Pair]:
        """Read the states of some commits, newest first, and pair those that may differ."""
        if not span:
            return []
        bottom: list[Pair] = [(None, self._state(span[-1]))] if ended else []
        if self._file:
            return [*self._halved(span), *bottom]
        # From the oldest on, because what a newer one changed takes less to tell than all it has.
        below: Held | None = None
        states = [below := self._state(point, below) for point in reversed(span)]
        return [*reversed(list(pairwise(states))), *bottom]

    def _halved(self, span: list[Point]) -> list[Pair]:
        """Find where a file changed: a half whose ends have the same blobs of it has none."""
        newer, older = self._state(span[0]), self._state(span[-1])
        after, before = newer.named(self._path), older.named(self._path)
        # What is at neither end may have come and gone between them.
        if len(span) < 2 or (after and before and _same(before, after)):
            return []
        if len(span) == 2:
            return [(older, newer)]
        middle = len(span) // 2
        return [*self._halved(span[: middle + 1]), *self._halved(span[middle:])]

    def _state(self, point: Point, since: Held | None = None) -> Held:
        if point.commit.id not in self._states:
            held = self._past.state(point, since)
            # Of one file little is kept: so many listings at once would be large.
            self._states[point.commit.id] = held.only(self._path) if self._file else held
        return self._states[point.commit.id]

    # --- what they changed ---

    def _boths(self, pair: Pair) -> list[Both]:
        """Return the objects that differ, before and after."""
        older, newer = pair
        if self._file:
            both = older.named(self._path) if older else None, newer.named(self._path)
            return [] if _same(*both) else [both]
        if _rekeyed(pair):
            return []
        names = {*newer.objects, *(older.objects if older else ())}
        boths = [(older.version(name) if older else None, newer.version(name)) for name in names]
        return [both for both in boths if not _same(*both)]

    def _change(self, pair: Pair, boths: list[Both]) -> Change:
        found = [(both, self._edit(*both)) for both in boths]
        edits = [edit for both, edit in found if edit and self._means(edit.path, both)]
        commit = pair[1].point.commit
        edits.sort(key=lambda edit: edit.path)
        return Change(commit.id, commit.time, tuple(edits), _rekeyed(pair), first=_is_first(pair))

    def _edit(self, before: Version | None, after: Version | None) -> Edit | None:
        """Say what became of a file; None where only its encryption is another."""
        old = self._past.read(before) if before else None
        new = self._past.read(after) if after else None
        told = next((found for found in (new, old) if isinstance(found, Decoded)), None)
        if told is None or isinstance(old, str) or isinstance(new, str):
            one = after or before
            return Edit(told.path if told else self._named(one), "unreadable") if one else None
        if old and new and old.content == new.content:
            return None
        added, removed = _lines(old.content if old else b"", new.content if new else b"")
        return Edit(
            told.path,
            "changed" if old and new else "added" if new else "removed",
            len(old.content) if old else None,
            len(new.content) if new else None,
            added,
            removed,
            new.file.device if new else "",
        )

    def _named(self, version: Version) -> str:
        """Name a file that cannot be read."""
        return self._path if self._file else self._past.known_path(version) or version.name

    def _means(self, path: str, both: Both) -> bool:
        """Tell whether a file lies in what is asked for, or may: nothing tells where it lies."""
        if not self._path or f"{path}/".startswith(f"{self._path}/"):
            return True
        return path in {one.name for one in both if one}


def _same(one: Version | None, other: Version | None) -> bool:
    """Tell whether two versions are the same bytes of the vault."""
    if one is None or other is None:
        return one is other
    return (one.name, one.blobs) == (other.name, other.blobs)


def _is_first(pair: Pair) -> bool:
    """Tell whether nothing lies below: what a vault is founded with is no change of a file."""
    below = pair[0]
    if below is None:
        return True
    seal = read_seal(below.point.commit.message)
    return not below.objects and seal is not None and seal.n == 1


def _rekeyed(pair: Pair) -> bool:
    """Tell whether a commit encrypted everything anew: it changes the recipients, and no file."""
    older, newer = pair
    if older is None:
        return read_rotation(newer.point.commit.message) is not None
    return (
        older.manifest is None
        or newer.manifest is None
        or (older.manifest.recipients != newer.manifest.recipients)
    )


def _lines(old: bytes, new: bytes) -> tuple[int | None, int | None]:
    """Count the lines that came and went; None where either is no text."""
    if not (is_text(old) and is_text(new)):
        return None, None
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    same = len(same_lines(before, after))
    return len(after) - same, len(before) - same


def is_text(content: bytes) -> bool:
    """Tell whether this is text in UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content

"""A remote for the suite on a real GitHub, whose reads may lag behind its writes.

The suite reads at once what it wrote; the engine does not, it looks again later. So what a read
shows is held against what was written: an older state is asked for again, and told in the end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TypeVar

from memory_sync.errors import (
    MemorySyncError,
    Moved,
    RateLimitedError,
    RemoteError,
    RemoteTroubleError,
    RepositoryGoneError,
)
from memory_sync.model import About, Change, Commit, Entry, Listing
from memory_sync.ports.remote import Condition, Remote
from memory_sync.vault.trees import blob_id
from tests.live.talk import Patience

T = TypeVar("T")


@dataclass
class Ledger:
    """What one repository is known to hold; for any number of threads."""

    created: bool = False
    commits: set[str] = field(default_factory=set)
    blobs: set[str] = field(default_factory=set)
    _past: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrote(self, parent: str | None, commit: str, change: Change) -> None:
        """Note a commit that landed."""
        with self._lock:
            self.commits.add(commit)
            self.blobs.update(map(blob_id, change.writes.values()))
            if parent:
                self._past.add(parent)

    def pushed(self, head: str) -> None:
        """Note where another program has put the branch."""
        with self._lock:
            self._past |= self.commits - {head}
            self.commits.add(head)

    def is_past(self, head: str | None) -> bool:
        """Tell whether the branch was there once and has moved on since."""
        with self._lock:
            return head in self._past or (head is None and bool(self.commits))


class PatientRemote:
    """Hands everything to a remote, and repeats what a lagging replica has answered.

    `check` raises unless the repository is one that may be written to.
    """

    def __init__(
        self, inner: Remote, ledger: Ledger, patience: Patience, check: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._patience = patience
        self._check = check

    @property
    def url(self) -> str:
        return self._inner.url

    def close(self) -> None:
        self._inner.close()

    def condition(self) -> Condition:
        ledger = self._ledger
        return self._read(
            "whether it exists", self._inner.condition, lambda c: not c.exists and ledger.created
        )

    def create(self, *, public: bool = False) -> None:
        def lags(error: Exception) -> bool:
            # It is there already and does not show itself yet.
            return isinstance(error, RemoteError)

        self._asked("creating", lambda: self._inner.create(public=public), lags)
        self._check()
        self._ledger.created = True

    def head(self, known: str | None = None) -> str | None:
        return self._read("head", lambda: self._inner.head(known), self._ledger.is_past)

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        def begin() -> tuple[list[Commit], Iterator[Commit]]:
            rest = iter(self._inner.history(head, since))
            return list(islice(rest, 1)), rest

        known = head in self._ledger.commits
        first, rest = self._read("history", begin, lambda found: known and not found[0])
        yield from chain(first, rest)

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        return self._read("listing", lambda: self._inner.listing(commit, since))

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        return self._read("top", lambda: self._inner.top(commit))

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        self._inner.announce(commit, ids, total)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = list(ids)
        there = self._ledger.blobs & set(wanted)
        found = self._read(
            "blobs", lambda: dict(self._inner.blobs(wanted)), lambda found: bool(there - set(found))
        )
        yield from found.items()

    def commit(self, parent: str | None, change: Change) -> str:
        """Commit; a repository that is not to be seen yet, or a head that is not, is no refusal."""
        ledger = self._ledger
        if not ledger.created:
            self._check()

        def lags(error: Exception) -> bool:
            if isinstance(error, Moved):
                return parent in ledger.commits and not ledger.is_past(parent)
            return isinstance(error, RepositoryGoneError) and ledger.created

        made = self._asked("committing", lambda: self._inner.commit(parent, change), lags)
        ledger.wrote(parent, made, change)
        return made

    def pause(self, requests: int = 1) -> float:
        return self._inner.pause(requests)

    def rest(self, commits: int) -> float:
        """Tell what it tells."""
        return self._inner.rest(commits)

    def about(self) -> About:
        return self._inner.about()

    def _read(
        self, what: str, action: Callable[[], T], is_old: Callable[[T], bool] | None = None
    ) -> T:
        """Carry out what may be repeated."""

        def lags(error: Exception) -> bool:
            missing = (RepositoryGoneError, RemoteTroubleError, RemoteError)
            return isinstance(error, missing) and self._ledger.created

        return self._asked(what, action, lags, is_old)

    def _asked(
        self,
        what: str,
        action: Callable[[], T],
        lags: Callable[[Exception], bool],
        is_old: Callable[[T], bool] | None = None,
    ) -> T:
        """Repeat an action while what it returns is old, or what it raises is due to a lag."""
        done: list[T] = []

        def attempt() -> Exception | None:
            done.clear()
            try:
                done.append(self._within_limits(action))
            except (MemorySyncError, Moved) as error:
                return error
            return None

        def good(error: Exception | None) -> bool:
            if error:
                return not lags(error)
            return not (is_old and is_old(done[0]))

        # To lose a race is no lag, however long it took to tell the one from the other.
        error = self._patience.until(what, attempt, good, lambda e: not isinstance(e, Moved))
        if error:
            raise error
        return done[0]

    def _within_limits(self, action: Callable[[], T]) -> T:
        """Wait as long as GitHub asks; what it turns away is not carried out."""
        while True:
            try:
                return action()
            except RateLimitedError as error:
                seconds = float(str(error.facts["seconds"]))
            self._patience.clock.sleep(seconds)

"""One device's way to the vault, and all that goes wrong on it for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from memory_sync.errors import OfflineError, RateLimitedError, RemoteTroubleError
from memory_sync.model import Change, Commit, Entry, Listing
from memory_sync.ports.remote import Condition
from tests.simulation.disk import Crash
from tests.simulation.remote import MemoryRemote

REFUSALS: Mapping[str, Callable[[str], OfflineError]] = {
    "offline": lambda url: OfflineError(remote=url, detail="no route"),
    "rate-limited": lambda url: RateLimitedError(remote=url, seconds=60),
    "trouble": lambda url: RemoteTroubleError(remote=url, detail="502"),
}


class Link(MemoryRemote):
    """A client that is troubled for some requests.

    `trouble` (one of LINK_FAULTS) strikes `left` times, after `after` more requests of the kind
    that it is about; `back` is how many commits a stale answer is behind. `rival` is called
    right before a commit that another device is to be quicker than. `struck` counts what happened.
    """

    def __init__(self, remote: MemoryRemote) -> None:
        super().__init__(remote.repository)
        self.rival: Callable[[], None] | None = None
        self.struck: Counter[str] = Counter()
        self.clear()

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.trouble = ""
        self.after = 0
        self.left = 0
        self.back = 0

    def arm(self, trouble: str, *, after: int = 0, times: int = 1, back: int = 1) -> None:
        """Let something go wrong from now on."""
        self.trouble, self.after, self.left, self.back = trouble, after, times, back

    def _strikes(self, *troubles: str) -> bool:
        if self.left <= 0 or self.trouble not in troubles:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.left -= 1
        self.struck[self.trouble] += 1
        return True

    def _pass(self) -> None:
        """Let one request through, or refuse it."""
        if self._strikes("offline", "rate-limited", "trouble"):
            raise REFUSALS[self.trouble](self.url)

    def condition(self) -> Condition:
        self._pass()
        return super().condition()

    def head(self, known: str | None = None) -> str | None:
        self._pass()
        head = super().head(known)
        if self.trouble == "stale" and self.left > 0:
            older = next(islice(self.repository.follow(head), self.back, None), None)
            # The first commit alone is founded and not yet joined by anybody: no read is so old.
            if older and older.parents and self._strikes("stale"):
                return older.id
        return head

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        self._pass()
        return super().history(head, since)

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        self._pass()
        listing = dict(super().listing(commit, since))
        if listing and self._strikes("thin-listing"):
            del listing[max(listing)]
        return listing

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        self._pass()
        return super().top(commit)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        self._pass()
        wanted = list(ids)
        if not self._strikes("blobs-missing", "blobs-wrong"):
            return super().blobs(wanted)
        if self.trouble == "blobs-missing":
            return iter(())
        return ((oid, content[:-1] + b"?") for oid, content in super().blobs(wanted))

    def commit(self, parent: str | None, change: Change) -> str:
        self._pass()
        if self._strikes("cut-before"):
            raise OfflineError(remote=self.url, detail="the connection was cut")
        if self._strikes("kill-before"):
            raise Crash("before a commit")
        if self.rival and self._strikes("race"):
            self.rival()
        made = super().commit(parent, change)
        if self._strikes("cut-after"):
            raise OfflineError(remote=self.url, detail="the answer was lost")
        if self._strikes("kill-after"):
            raise Crash("after a commit")
        return made

"""A remote that is only read, whatever is asked of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from memory_sync.errors import RemoteReadOnlyError
from memory_sync.model import About, Change, Commit, Entry, Listing
from memory_sync.ports.remote import Condition, Remote


class ReadOnly:
    """Another remote, without what writes to it: that raises RemoteReadOnlyError.

    Each method that may be called is named, so that one which writes and is new is not let through.
    """

    def __init__(self, inner: Remote) -> None:
        self._inner = inner

    @property
    def url(self) -> str:
        """The remote as the configuration writes it."""
        return self._inner.url

    def close(self) -> None:
        """Let go of connections."""
        self._inner.close()

    def condition(self) -> Condition:
        """Ask whether the repository exists and who can read it."""
        return self._inner.condition()

    def create(self, *, public: bool = False) -> None:  # noqa: ARG002 - however it is asked
        """Refuse."""
        raise RemoteReadOnlyError(remote=self.url)

    def head(self, known: str | None = None) -> str | None:
        """Return the branch's head."""
        return self._inner.head(known)

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        """Follow first parents from `head`."""
        return self._inner.history(head, since)

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        """Return the commit's whole tree."""
        return self._inner.listing(commit, since)

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the direct entries of the commit's root tree."""
        return self._inner.top(commit)

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        """Say which blobs are about to be asked for."""
        self._inner.announce(commit, ids, total)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Fetch blobs."""
        return self._inner.blobs(ids)

    def commit(self, parent: str | None, change: Change) -> str:  # noqa: ARG002 - whatever it is
        """Refuse."""
        raise RemoteReadOnlyError(remote=self.url)

    def pause(self, requests: int = 1) -> float:
        """Return in how many seconds a commit could begin."""
        return self._inner.pause(requests)

    def rest(self, commits: int) -> float:
        """Return in how many seconds the last of so many commits would go out."""
        return self._inner.rest(commits)

    def about(self) -> About:
        """Tell how the remote is reached."""
        return self._inner.about()

"""The port to where a vault lies. It knows git objects and nothing of keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from memory_sync.model import About, Change, Commit, Entry, Listing


@dataclass(frozen=True, slots=True)
class Condition:
    """What a repository is at the moment.

    `public` is None where the question makes no sense (a folder).
    """

    exists: bool
    public: bool | None = None
    can_write: bool = True


class AtHand:
    """What a remote says that has all at hand and sets no limits."""

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        """Nothing is to be made ready."""

    def pause(self, requests: int = 1) -> float:  # noqa: ARG002 - however many
        """Return 0: at once."""
        return 0.0

    def rest(self, commits: int) -> float:  # noqa: ARG002 - however many
        """Return 0: as quickly as it can be sent."""
        return 0.0

    def about(self) -> About:
        """Tell nothing."""
        return About()


class Remote(Protocol):
    """A repository with one branch that matters.

    Errors are those of `memory_sync.errors`: OfflineError and its kin (time mends it), AuthError,
    RepositoryGoneError, RemoteError. No method repeats a request that may have been carried out.
    """

    @property
    def url(self) -> str:
        """The remote as the configuration writes it."""
        ...

    def close(self) -> None:
        """Let go of connections; a later request makes new ones."""
        ...

    def condition(self) -> Condition:
        """Ask whether the repository exists and who can read it."""
        ...

    def create(self, *, public: bool = False) -> None:
        """Create the repository, empty. One that exists by now is no error."""
        ...

    def head(self, known: str | None = None) -> str | None:
        """Return the branch's head, None if there is no commit yet; cheap if it is `known`."""
        ...

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        """Follow first parents from `head` (included), newest first, fetched as it is consumed.

        `since` is only a hint that the caller expects to stop there; the history goes on below it.
        """
        ...

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        """Return the commit's whole tree, recursively.

        `since` is a commit id with its listing from which the answer may be made up. The caller
        recomputes the tree's id, and asks again without `since` if it does not fit.
        """
        ...

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the direct entries of the commit's root tree."""
        ...

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        """Say which blobs of a commit, of `total` files, are about to be asked for.

        A remote that can hand over a commit as a whole may do so. It is only a hint.
        """
        ...

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Fetch blobs, many at a time, in any order; one that the remote lacks is left out."""
        ...

    def commit(self, parent: str | None, change: Change) -> str:
        """Make one commit on `parent` and move the branch to it, if the branch is at `parent`.

        `parent` None makes the first commit of an empty repository. Returns the new commit's id.
        Raises Moved if the branch is elsewhere, and leaves the branch as it was.
        """
        ...

    def pause(self, requests: int = 1) -> float:
        """Return in how many seconds a commit of so many requests may begin; 0 is now."""
        ...

    def rest(self, commits: int) -> float:
        """Return in how many seconds, at the earliest, the last of so many commits goes out."""
        ...

    def about(self) -> About:
        """Tell how the remote is reached; asks nothing."""
        ...

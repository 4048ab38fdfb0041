"""A vault on GitHub: the port's methods, each handed to the part that knows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing

from memory_sync.model import Change, Commit, Entry, Listing
from memory_sync.ports.github.blobs import Blobs
from memory_sync.ports.github.place import Place, login_of, repository_name
from memory_sync.ports.github.reader import Reader
from memory_sync.ports.github.wire import Wire
from memory_sync.ports.github.writer import Writer
from memory_sync.ports.remote import Condition
from memory_sync.ports.token import Token


def login(token: Token, base_url: str, timeout: float) -> str:
    """Ask GitHub whose token it is, before there is a repository."""
    with closing(Wire("github:OWNER/REPO", token, base_url, timeout)) as wire:
        return login_of(wire)


class GitHubRemote:
    """A remote `github:OWNER/REPO`; one for each thread.

    `timeout` is in seconds and counts for each wait on the network. Raises RemoteInvalidError, and
    TokenRejectedError for a token that cannot even be sent.
    """

    def __init__(self, owner_repo: str, token: Token, base_url: str, timeout: float) -> None:
        name = repository_name(owner_repo)
        self._url = f"github:{name}"
        self._wire = Wire(self._url, token, base_url, timeout)
        self._place = Place(self._wire, name)
        self._reader = Reader(self._wire, self._place)
        self._blobs = Blobs(self._wire, self._place)
        self._writer = Writer(self._wire, self._place)

    @property
    def url(self) -> str:
        """The remote as the configuration writes it."""
        return self._url

    def close(self) -> None:
        """Let go of the connection; the next request makes a new one."""
        self._wire.close()

    def condition(self) -> Condition:
        """Ask whether the repository exists and who can read it."""
        return self._place.condition()

    def create(self, *, public: bool = False) -> None:
        """Create the repository, empty. One that exists by now is no error."""
        self._place.create(public=public)

    def head(self, known: str | None = None) -> str | None:
        """Return the branch's head, None if there is no commit; free of quota if it is `known`."""
        return self._place.head(known)

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        """Follow first parents from `head` (included), newest first, fetched as it is consumed.

        With `since` one request tells all commits down to it, it included, and what they changed.
        """
        return self._reader.history(head, since)

    def listing(self, commit: Commit, since: tuple[str, Listing] | None = None) -> Listing:
        """Return the commit's whole tree, recursively.

        It takes no request if `history` was just asked for this commit with this `since`.
        """
        return self._reader.listing(commit, since)

    def top(self, commit: Commit) -> Mapping[str, Entry]:
        """Return the direct entries of the commit's root tree."""
        return self._reader.top(commit)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Fetch blobs, a hundred a request; one that GitHub lacks is left out."""
        return self._blobs.fetch(ids)

    def commit(self, parent: str | None, change: Change) -> str:
        """Make one commit on `parent` and move the branch to it, if the branch is at `parent`.

        Raises Moved. A small change is one request, and GitHub tells its tree only when it has
        landed: RemoteError then names the commit, whose seal does not count.
        """
        return self._writer.commit(parent, change)

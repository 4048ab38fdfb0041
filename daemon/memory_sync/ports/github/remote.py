"""A vault on GitHub: the port's methods, each handed to the part that knows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from memory_sync.model import About, Change, Commit, Entry, Listing
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.github.blobs import Blobs
from memory_sync.ports.github.crowd import Crowd
from memory_sync.ports.github.memory import Memory
from memory_sync.ports.github.place import Place, login_of, repository_name
from memory_sync.ports.github.reader import Reader
from memory_sync.ports.github.rights import require_enough, too_much
from memory_sync.ports.github.transport import Link, proxy_for, without_password
from memory_sync.ports.github.wire import Wire
from memory_sync.ports.github.writer import Writer
from memory_sync.ports.pace import UNLIMITED, Pace
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.ports.remote import Condition
from memory_sync.ports.token import Token


def login(
    token: Token,
    base_url: str,
    timeout: float,
    *,
    proxy: str | None = None,
    ca_file: Path | None = None,
) -> str:
    """Ask GitHub whose token it is, before there is a repository."""
    link, pace = Link(base_url, timeout, proxy, ca_file), Pace(SystemClock())
    with closing(Wire("OWNER/REPO", token, link, pace, Memory(pace.clock))) as wire:
        return login_of(wire)


class GitHubRemote:
    """A remote `github:OWNER/REPO`; one for each thread.

    `timeout` is in seconds and counts for each wait on the network; `proxy` and `ca_file` are as
    in `transport.Link`. `pace` is shared by all that use the token; without one there are no
    limits, and no waiting for others. `folder` is a private one, for notes and downloads;
    `beat` is called for each request. Raises
    RemoteInvalidError, and TokenRejectedError for a token that cannot even be sent.
    """

    def __init__(
        self,
        owner_repo: str,
        token: Token,
        base_url: str,
        timeout: float,
        *,
        proxy: str | None = None,
        ca_file: Path | None = None,
        pace: Pace | None = None,
        folder: Path | None = None,
        beat: Beat = no_beat,
    ) -> None:
        link = Link(base_url, timeout, proxy, ca_file)
        patient = pace is not None
        pace = pace or Pace(SystemClock(), UNLIMITED)
        name = repository_name(owner_repo)
        self._url = f"github:{name}"
        self._token = token
        memory = Memory(pace.clock, folder / "github.json" if folder else None, base_url)
        self._wire = Wire(name, token, link, pace, memory, beat=beat)
        self._place = Place(self._wire)
        self._crowd = Crowd(pace.clock, patient=patient)
        self._reader = Reader(self._wire, self._place, self._crowd)
        self._blobs = Blobs(self._wire, self._place, folder)
        self._writer = Writer(self._wire, self._place, self._crowd)

    @property
    def url(self) -> str:
        """The remote as the configuration writes it."""
        return self._url

    def close(self) -> None:
        """Let go of the connection and of what was downloaded; the next request makes a new one."""
        self._blobs.forget()
        self._wire.close()

    def condition(self) -> Condition:
        """Ask whether the repository exists and who can read it."""
        return self._place.condition()

    def vet(self, condition: Condition, head: str | None) -> tuple[str, ...]:
        """Try what the token may do to the repository that was found, and tell what is too much.

        Nothing is changed. Raises TokenForbiddenError for a token that may do too little.
        """
        require_enough(self._wire, self._place, condition, head)
        return too_much(self._wire, self._place)

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

    def announce(self, commit: str, ids: Collection[str], total: int) -> None:
        """Say which blobs are about to be asked for: very many come as one archive."""
        self._blobs.announce(commit, ids, total)

    def blobs(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Fetch blobs, a hundred a request; one that GitHub lacks is left out."""
        return self._blobs.fetch(ids)

    def commit(self, parent: str | None, change: Change) -> str:
        """Make one commit on `parent` and move the branch to it, if the branch is at `parent`.

        Raises Moved. A small change is one request, and GitHub tells its tree only when it has
        landed: RemoteError then names the commit, whose seal does not count.
        """
        return self._writer.commit(parent, change)

    def pause(self, requests: int = 1) -> float:
        """Return in how many seconds GitHub's limits, and others who write, let a commit begin."""
        return max(self._wire.pace.pause(requests), self._crowd.wait())

    def rest(self, commits: int) -> float:
        """Return in how many seconds GitHub's limits let the last of so many commits go."""
        return self._wire.pace.rest(commits)

    def about(self) -> About:
        """Tell how GitHub is reached and what is left of its limits."""
        link = self._wire.link
        return About(
            path="graphql" if self._wire.graph_available else "rest",
            token=self._token.source,
            server=link.base_url,
            proxy=without_password(proxy_for(link, link.base_url) or ""),
            ca_file=str(link.ca_file or ""),
            renamed=f"github:{self._wire.name}" if self._wire.renamed else "",
            budgets=self._wire.pace.budgets(),
        )

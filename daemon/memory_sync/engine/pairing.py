"""How a device gets the key through `pairing/` of the vault, and how another gives it.

What is committed here carries no seal. It changes nothing but `pairing/`, so it is harmless to
whoever has the key, and needs neither the vault's lock nor its state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from memory_sync.errors import (
    AnswerForeignError,
    BranchGoneError,
    Moved,
    OfflineError,
    RaceLostError,
    RemoteLiedError,
    RemoteTroubleError,
    RequestExpiredError,
    RequestGoneError,
    RequestsCrowdedError,
)
from memory_sync.model import Change, Entry, Listing
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.clock import Clock
from memory_sync.ports.remote import Remote
from memory_sync.ports.visits import Visits
from memory_sync.vault.keys import AgeCipher, Identity, generate_identity
from memory_sync.vault.pairing import (
    FOLDER,
    PairingError,
    Request,
    answer_path,
    dump_answer,
    dump_request,
    ids_in,
    read_answer,
    read_request,
    request_id,
    request_path,
    six_words,
)
from memory_sync.vault.trees import blob_id, root_tree

PATIENCE = 15 * 60.0
"""Seconds for which a request is good, and for which its answer is waited for."""
PACE = 2.0
"""Seconds between two looks for the answer."""
MISSES = 3
"""So many looks in a row have to miss a request before it counts as gone: replicas may lag."""
MOST = 10
"""Requests and answers that are dealt with at once: each costs a download and half a second."""
BATCH = 100
"""Files that one commit takes away."""
LONGEST = 60.0
"""Seconds that are waited at most where the remote wants a pause between two commits."""
TRIES = 8
BELOW = f"{FOLDER}/"
MESSAGE = "pairing\n"


@dataclass(frozen=True, slots=True)
class Room:
    """A head with its whole listing."""

    head: str
    listing: Listing

    @property
    def files(self) -> dict[str, Entry]:
        """What is directly in `pairing/` and an ordinary file, by its name there."""
        inside = ((path.removeprefix(BELOW), it) for path, it in self.listing.items() if _in(path))
        return {name: it for name, it in inside if it.mode == FILE_MODE and "/" not in name}

    @property
    def everything(self) -> list[str]:
        """The paths of all that is in `pairing/`, or stands in its place."""
        return sorted(path for path in self.listing if _in(path) or path == FOLDER)

    def has(self, path: str) -> bool:
        """Tell whether there is an ordinary file with this path."""
        return path in self.listing and self.listing[path].mode == FILE_MODE


def _in(path: str) -> bool:
    return path.startswith(BELOW)


@dataclass(frozen=True)
class Edit:
    """A change in `pairing/`: whole paths."""

    writes: Mapping[str, bytes] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()


class Porch:
    """Reads and changes `pairing/` of a vault; whoever can write to the repository can."""

    def __init__(self, vault: str, remote: Remote, clock: Clock) -> None:
        self.vault = vault
        self.remote = remote
        self.clock = clock
        self._room: Room | None = None

    def look(self) -> Room:
        """Look what lies there now; cheap if the head has not moved."""
        head = self.remote.head(self._room.head if self._room else None)
        if head is None:
            raise BranchGoneError(vault=self.vault, remote=self.remote.url)
        if self._room is None or self._room.head != head:
            self._room = self._enter(head, self._room)
        return self._room

    def _enter(self, head: str, last: Room | None) -> Room:
        since = (last.head, last.listing) if last else None
        commit = next(iter(self.remote.history(head, since[0] if since else None)), None)
        if commit is None:
            detail = f"commit {head} is not there yet"
            raise RemoteTroubleError(remote=self.remote.url, detail=detail)
        for hint in (since, None) if since else (None,):
            listing = self.remote.listing(commit, hint)
            if root_tree(listing) == commit.tree:
                return Room(head, listing)
        detail = "its listing has another tree id"
        raise RemoteLiedError(remote=self.remote.url, commit=head, detail=detail)

    def read(self, room: Room, path: str) -> bytes | None:
        """Fetch a file; None if it is not there, or not yet."""
        if not room.has(path):
            return None
        wanted = room.listing[path].id
        content = dict(self.remote.blobs([wanted])).get(wanted)
        return content if content is not None and blob_id(content) == wanted else None

    def change(self, decide: Callable[[Room], Edit | None]) -> None:
        """Make one commit with what `decide` wants, which is asked anew if others are quicker."""
        for attempt in range(TRIES):
            room = self.look()
            edit = decide(room)
            if edit is None:
                return
            deletes = (*edit.deletes, *({FOLDER} & room.listing.keys()))
            after = {path: it for path, it in room.listing.items() if path not in deletes}
            after |= {path: Entry(FILE_MODE, blob_id(it)) for path, it in edit.writes.items()}
            tree = root_tree(after)
            try:
                self.remote.commit(room.head, Change(MESSAGE, tree, edit.writes, deletes))
            except Moved:
                pause = 0.05 * 2**attempt
                self.clock.sleep(pause * (0.5 + self.clock.jitter()))
            else:
                return
        raise RaceLostError(vault=self.vault, tries=TRIES)

    def remove(self, paths: Iterable[str]) -> None:
        """Take files away, those of them that are there."""
        wanted = tuple(paths)

        def decide(room: Room) -> Edit | None:
            there = tuple(path for path in wanted if room.has(path))
            return Edit(deletes=there) if there else None

        self.change(decide)


class Joiner:
    """A device without the key. Its one-time key is in memory only.

    `vault_id` and `recipient` are of the vault that it was shown first: the words are about that
    one, and no other key is ever taken.
    """

    def __init__(self, porch: Porch, vault_id: str, recipient: str) -> None:
        self._porch = porch
        self._recipient = recipient
        self._one_time = generate_identity()
        self._id = request_id(self._one_time.recipient)
        self.words = six_words(self._one_time.recipient, vault_id, recipient)

    def ask(self, device: str) -> None:
        """Leave the request in the vault."""
        request = Request(self._one_time.recipient, device)
        content = dump_request(request, self._recipient)
        self._porch.change(lambda _: Edit({request_path(self._id): content}))

    def wait(self) -> Identity:
        """Wait for the answer. A network that fails for a while is waited for, too.

        Raises AnswerForeignError, RequestGoneError, RequestExpiredError.
        """
        clock, url = self._porch.clock, self._porch.remote.url
        deadline, misses = clock.monotonic() + PATIENCE, 0
        while True:
            with suppress(OfflineError):
                room = self._porch.look()
                content = self._porch.read(room, answer_path(self._id))
                if content is not None:
                    return self._open(content)
                there = room.has(request_path(self._id)) or room.has(answer_path(self._id))
                misses = 0 if there else misses + 1
            if misses == MISSES:
                raise RequestGoneError(remote=url, detail="it was refused or taken away")
            if clock.monotonic() >= deadline:
                raise RequestExpiredError(remote=url, minutes=int(PATIENCE // 60))
            clock.sleep(PACE)

    def _open(self, content: bytes) -> Identity:
        try:
            return read_answer(content, self._one_time, self._recipient)
        except PairingError as error:
            url = self._porch.remote.url
            raise AnswerForeignError(remote=url, detail=str(error)) from None

    def withdraw(self) -> None:
        """Take request and answer out of the vault."""
        self._porch.remove((request_path(self._id), answer_path(self._id)))


@dataclass(frozen=True, slots=True)
class Visitor:
    """A request that is good at the moment, and its words as this side computes them."""

    request: Request
    words: str


class Host:
    """A device that has the key, and may give it to others."""

    def __init__(self, porch: Porch, visits: Visits, identity: Identity, vault_id: str) -> None:
        self._porch = porch
        self._visits = visits
        self._identity = identity
        self._vault_id = vault_id

    def visitors(self) -> list[Visitor]:
        """Return the requests that are good, and take all others out of the vault.

        Raises RequestsCrowdedError where more lies there than anybody's own machines leave.
        """
        room = self._porch.look()
        requests, answers = ids_in(room.files, "request"), ids_in(room.files, "answer")
        if len(requests) + len(answers) > MOST:
            count, url = len(requests) + len(answers), self._porch.remote.url
            raise RequestsCrowdedError(remote=url, count=count)
        known = self._visits.note({*requests, *answers})
        over = {name for name, visit in known.items() if self._is_over(self._visits.age(visit))}
        useless = [answer_path(name) for name in answers if name in over]
        good: list[Request] = []
        for name in requests:
            if name in over or known[name].spent:
                useless.append(request_path(name))
                continue
            content = self._porch.read(room, request_path(name))
            try:
                if content is not None:
                    good.append(read_request(name, content, self._cipher))
            except PairingError:
                useless.append(request_path(name))
        self._porch.remove(useless)
        return [Visitor(request, self._words(request)) for request in good]

    def answer(self, visitor: Visitor) -> None:
        """Give the key to one who asked, in place of the request: it is good for one use.

        Raises RequestGoneError, RequestExpiredError.
        """
        name, url = visitor.request.id, self._porch.remote.url
        visit = self._visits.note([name])[name]
        if visit.spent or self._is_over(self._visits.age(visit)):
            self._porch.remove([request_path(name)])
            raise RequestExpiredError(remote=url, minutes=int(PATIENCE // 60))
        content = dump_answer(self._identity, visitor.request.recipient)
        self._visits.spend([name])

        def decide(room: Room) -> Edit:
            if not room.has(request_path(name)):
                raise RequestGoneError(remote=url, detail="it was withdrawn, or taken away")
            return Edit({answer_path(name): content}, (request_path(name),))

        self._porch.change(decide)

    def refuse(self, visitors: Collection[Visitor]) -> None:
        """Take requests away; they are not good any more, wherever they turn up again."""
        names = [visitor.request.id for visitor in visitors]
        self._visits.spend(names)
        self._porch.remove(map(request_path, names))

    def clear(self) -> int:
        """Take every file out of `pairing/`, whatever it is, and return how many there were."""
        count = 0
        while taken := self._clear_some():
            count += taken
        return count

    def _clear_some(self) -> int:
        """Take away what one commit can, and return how much that was."""
        self._porch.clock.sleep(min(self._porch.remote.pause(), LONGEST))
        taken = 0

        def decide(room: Room) -> Edit | None:
            nonlocal taken
            paths = room.everything[:BATCH]
            taken = len(paths)
            return Edit(deletes=tuple(path for path in paths if path != FOLDER)) if paths else None

        self._porch.change(decide)
        return taken

    @property
    def _cipher(self) -> AgeCipher:
        return AgeCipher(self._identity, [self._identity.recipient])

    def _words(self, request: Request) -> str:
        return six_words(request.recipient, self._vault_id, self._identity.recipient)

    def _is_over(self, age: float) -> bool:
        return not 0 <= age < PATIENCE

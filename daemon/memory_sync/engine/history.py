"""The past of a vault: the commits whose seal counts, what each changed, and what it held.

It reads and changes nothing, so that a daemon may serve the vault meanwhile. Each listing is
checked against its commit's tree, each blob against its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count

from memory_sync.engine.kit import Kit
from memory_sync.engine.look import RemoteLook
from memory_sync.errors import (
    BranchGoneError,
    ForcedBackError,
    KeyMissingError,
    KeyRotatedError,
    RevisionUnknownError,
)
from memory_sync.model import Commit, Listing
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.ports.remote import Remote
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import Snapshot, State
from memory_sync.vault.archive import bounded_time
from memory_sync.vault.judge import Court, Standing, Trust
from memory_sync.vault.keys import AgeCipher, DerivedKeys, Identity
from memory_sync.vault.manifest import Manifest
from memory_sync.vault.objects import Decoded, ObjectError, decode, object_name, objects_in
from memory_sync.vault.seals import read_rotation, rotation_of, seal_of
from memory_sync.vault.trees import blob_id

HEAD = "head"
SURE = 10
"""Hex digits of a commit's id after which it is not looked whether another begins so too."""


@dataclass(frozen=True, eq=False)
class Opener:
    """The vault's key of a time: what opens and names its objects, and the keys before it."""

    identity: Identity
    cipher: AgeCipher
    derived: DerivedKeys

    @classmethod
    def of(cls, identity: Identity, vault_id: str) -> Opener:
        """Derive what is needed of an identity."""
        cipher = AgeCipher(identity, (identity.recipient,))
        return cls(identity, cipher, identity.derive(vault_id))


@dataclass(frozen=True, eq=False)
class Point:
    """A commit whose seal is right, with the key of its time.

    So many commits without one were `skipped` between it and the one above.
    """

    commit: Commit
    opener: Opener
    skipped: int = 0


@dataclass(frozen=True)
class Version:
    """What a commit has of one object: its name, the blobs of its parts, and what opens it."""

    opener: Opener
    name: str
    blobs: tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """What a point held: its objects by name, and its `vault.json`."""

    point: Point
    listing: Listing
    objects: Mapping[str, tuple[str, ...]]
    manifest: Manifest | None

    def version(self, name: str) -> Version | None:
        """Return what it has of an object."""
        blobs = self.objects.get(name)
        return Version(self.point.opener, name, blobs) if blobs else None

    def named(self, path: str) -> Version | None:
        """Return what it has of a path."""
        return self.version(object_name(self.point.opener.derived.names, path))

    def only(self, path: str) -> Held:
        """Return it with one file alone."""
        version = self.named(path)
        return replace(self, listing={}, objects={version.name: version.blobs} if version else {})


class NotCountingError(Exception):
    """A point whose `vault.json` is not one that its seal can count with."""

    def __init__(self, point: Point) -> None:
        super().__init__(point.commit.id)
        self.point = point


@dataclass(frozen=True)
class Source:
    """What the past is read from; `snapshot` is what this device knows of the present, if it does.

    `vault` is its name in the configuration.
    """

    vault: str
    remote: Remote
    keystore: Keystore
    trust: Trust
    spool: Spool = field(default_factory=Spool)
    snapshot: Snapshot = field(default_factory=Snapshot)
    beat: Beat = no_beat

    def kit(self, state: State) -> Kit:
        """Return what the judge looks things up with."""
        return Kit(
            vault=self.vault,
            device="",
            remote=self.remote,
            state=state,
            keystore=self.keystore,
            roots={},
            spool=self.spool,
            clock=SystemClock(),
        )


class Past:
    """One vault's past, from the head that is accepted now."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._remote = source.remote
        self.vault_id = source.trust.vault_id
        self.left_out = 0
        """Commits without a seal that counts above one with such a seal, among those read."""
        self.turned = False
        """Whether the branch cannot be accepted, so that the past is that of the commit before."""
        self.unread: dict[str, str] = {}
        """Objects of which not even the path can be told, with the reason."""
        self._read: list[Commit] = []
        self._paths: dict[Opener, Mapping[str, str]] = {}
        # The judge asks what was accepted: nothing of the device's own state is touched for that.
        with closing(State.open(None)) as state:
            state.note_accepted(source.trust.commit, source.trust.n)
            self._look = RemoteLook(source.kit(state))
            self._chain, self._opener = self._begin()

    # --- which commits --------------------------------------------------------------------------

    def _begin(self) -> tuple[Iterator[Commit], Opener]:
        """Judge the head as a sync does; return the chain to read, and with which key.

        Raises KeyMissingError, KeyRotatedError, BranchGoneError or ForcedBackError.
        """
        source, trust = self._source, self._source.trust
        head = self._remote.head()
        if head is None:
            raise BranchGoneError(vault=source.vault, remote=self._remote.url)
        chain = self._remote.history(head)
        while True:
            opener = self._unlock(trust)
            court = Court(trust, self._look, opener.derived.seal)
            verdict = court.judge(self._commits(chain))
            if verdict.standing is not Standing.ROTATED:
                break
            # Each rotation has a higher number, so that a ring of them comes to an end.
            n = max(trust.n, verdict.n - 1)
            trust = replace(trust, recipient=verdict.successor, n=n, rotated=True)
        if verdict.standing in (Standing.ACCEPTED, Standing.FOREIGN):
            return chain, opener
        self.turned = True
        self._read.clear()
        chain = self._remote.history(trust.commit)
        if not trust.commit or trust.rotated or next(self._commits(chain), None) is None:
            raise ForcedBackError(vault=source.vault, commit=verdict.blamed or head)
        return chain, opener

    def _commits(self, chain: Iterator[Commit]) -> Iterator[Commit]:
        """Give a chain from its top, without asking again for what was read of it."""
        for number in count():
            if number == len(self._read):
                commit = next(chain, None)
                if commit is None:
                    return
                # No seal speaks for the time, so it may be whatever.
                self._read.append(replace(commit, time=bounded_time(commit.time)))
            yield self._read[number]

    def _unlock(self, trust: Trust) -> Opener:
        keystore = self._source.keystore
        identity = keystore.find(trust.recipient) or keystore.older(trust.recipient)
        if identity is None:
            missing = KeyRotatedError if trust.rotated else KeyMissingError
            raise missing(vault=self._source.vault, recipient=trust.recipient)
        return Opener.of(identity, self.vault_id)

    def points(self) -> Iterator[Point]:
        """Give the commits whose seal is right, newest first; what has none is counted.

        Below a rotation that is the seal of the key that was given up in it. What lies below all
        seals was there before the vault, and is not counted.
        """
        opener, skipped = self._opener, 0
        self.left_out = 0
        for commit in self._commits(self._chain):
            if seal_of(opener.derived.seal, self.vault_id, commit) is None:
                skipped += 1
                continue
            self.left_out += skipped
            yield Point(commit, opener, skipped)
            skipped = 0
            opener = self._below(commit, opener)

    def _below(self, commit: Commit, opener: Opener) -> Opener:
        """Return the key that counts below a commit: another one if that one has rotated."""
        secrets = opener.identity.secrets if read_rotation(commit.message) else ()
        for index in range(1, len(secrets)):
            older = Identity(secrets[index:])
            seal_key = older.derive(self.vault_id).seal
            if rotation_of(seal_key, self.vault_id, commit, opener.identity.recipient):
                return Opener.of(older, self.vault_id)
        return opener

    def state(self, point: Point, since: Held | None = None) -> Held:
        """Read what a point held; `since` is an older one, from which it is told in less.

        Raises NotCountingError, or RemoteLiedError for what does not fit its ids.
        """
        self._source.beat()
        hint = None
        if since and since.point.commit.id != point.commit.id:
            hint = since.point.commit.id, since.listing
            next(iter(self._remote.history(point.commit.id, hint[0])), None)
        listing = self._look.listing(point.commit, hint)
        manifest = self._look.manifest(point.commit)
        fits = (
            manifest is not None
            and manifest.id == self.vault_id
            and manifest.recipients[0] == point.opener.identity.recipient
        )
        if not fits:
            raise NotCountingError(point)
        return Held(point, listing, objects_in(listing)[0], manifest)

    def revision(self, text: str) -> Held:
        """Find a commit by the beginning of its id, or the newest one (`head`), in any case.

        Raises RevisionUnknownError where there is none that counts, or where there are several.
        """
        text = text.lower()
        found: list[Point] = []
        for point in self.points():
            if text != HEAD and not point.commit.id.startswith(text):
                continue
            found.append(point)
            if text == HEAD or len(text) >= SURE:
                break
        if len(found) > 1:
            raise self._unknown(f"{len(found)} of its commits begin with {text}")
        for point in found:
            try:
                return self.state(point)
            except NotCountingError:
                break
        raise self._unknown(f"it has no commit {text} with a seal that counts")

    def newer(self, versions: Mapping[str, Version]) -> list[str]:
        """Name the files with a newest version that is none of these, and not fetched here yet.

        What is put in the place of such a file looks like an edit of an old version, and gives way.
        """
        snapshot = self._source.snapshot
        newest = next(self.points(), None)
        if newest is None or newest.commit.id == snapshot.head:
            return []
        held = self.revision(HEAD)
        known = {
            name: tuple(part.blob for part in file.parts)
            for name, (_, file) in snapshot.objects.items()
        }
        there = {path: held.named(path) for path in versions}
        return [
            path
            for path, one in there.items()
            if one and one.blobs not in (known.get(one.name), versions[path].blobs)
        ]

    def by_time(self, when: float, said: str) -> Held:
        """Find the newest commit that is not younger (seconds since the epoch); `said` for people.

        Raises RevisionUnknownError.
        """
        for point in self.points():
            if point.commit.time <= when:
                try:
                    return self.state(point)
                except NotCountingError:
                    self.left_out += 1
        raise self._unknown(f"it has no commit from {said} or before")

    def _unknown(self, detail: str) -> RevisionUnknownError:
        return RevisionUnknownError(vault=self._source.vault, detail=detail)

    # --- what is in them ------------------------------------------------------------------------

    def fetch(self, versions: Iterable[Version], state: Held | None = None) -> None:
        """Fetch the blobs of versions, those that are not here yet; many of one state at once."""
        wanted = {blob for version in versions for blob in version.blobs}
        spool = self._source.spool
        for _ in range(2):
            missing = sorted(blob for blob in wanted if spool.get(blob) is None)
            if not missing:
                return
            if state:
                self._remote.announce(state.point.commit.id, missing, len(state.listing))
            for blob, content in self._remote.blobs(missing):
                self._source.beat()
                if blob_id(content) == blob:
                    spool.put(blob, content)

    def read(self, version: Version) -> Decoded | str:
        """Open a version that was fetched, or say why it cannot be read."""
        parts = [self._source.spool.get(blob) for blob in version.blobs]
        whole = [part for part in parts if part is not None]
        if len(whole) < len(parts):
            return "a part of it is missing, or not what it should be"
        opener = version.opener
        try:
            return decode(opener.derived.names, opener.cipher, version.name, whole)
        except ObjectError as error:
            return str(error)

    def files(self, state: Held, path: str) -> dict[str, Version]:
        """Return what a state had of a file, or of what lies in a folder or root, by path.

        Which path an object is of is known from the present; only objects that are not are fetched.
        """
        if version := state.named(path):
            return {path: version}
        told = dict(self._told(state.point.opener))
        unknown = [
            one for name in state.objects if name not in told and (one := state.version(name))
        ]
        self.fetch(unknown, state)
        for version in unknown:
            decoded = self.read(version)
            if isinstance(decoded, Decoded):
                told[version.name] = decoded.path
            else:
                self.unread[version.name] = decoded
        return {
            told[name]: version
            for name in state.objects
            if told.get(name, "").startswith(f"{path}/") and (version := state.version(name))
        }

    def known_path(self, version: Version) -> str | None:
        """Return the path of an object that cannot be read, if the present has it."""
        return self._told(version.opener).get(version.name)

    def _told(self, opener: Opener) -> Mapping[str, str]:
        """Return the paths of the present by the names that their objects have with a key."""
        if opener not in self._paths:
            names = opener.derived.names
            self._paths[opener] = {object_name(names, known): known for known in self._known()}
        return self._paths[opener]

    def _known(self) -> Iterator[str]:
        return (path for path, _ in self._source.snapshot.objects.values())

    def known_digest(self, version: Version) -> str | None:
        """Return the digest of a version if it is the present one, which needs no fetching."""
        known = self._source.snapshot.objects.get(version.name)
        if known and tuple(part.blob for part in known[1].parts) == version.blobs:
            return known[1].version.digest
        return None

    def holds(self, path: str) -> bool:
        """Tell whether the present has this file, or something in this folder, as far as known."""
        folder = f"{path.rstrip('/')}/"
        return any(one == path or one.startswith(folder) for one in self._known())

    def later(self, path: str, than: Mapping[str, Version]) -> list[str]:
        """Name what is in a folder now and was not then, as far as known."""
        return sorted(
            one for one in self._known() if one.startswith(f"{path}/") and one not in than
        )

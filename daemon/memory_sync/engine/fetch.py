"""The remote side of a cycle: poll, judge, and read what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from shlex import quote
from types import MappingProxyType

from memory_sync.engine.found import Finding
from memory_sync.engine.kit import Keys, Kit, unlock
from memory_sync.engine.look import RemoteLook
from memory_sync.engine.progress import Progress
from memory_sync.errors import (
    BranchGoneError,
    ForcedBackError,
    ForeignContentError,
    ForkedError,
    FormatUnknownError,
    HaltError,
    OrphanError,
    RekeyBlockedError,
    RemoteChangedError,
    RemoteLiedError,
    StaleReadError,
)
from memory_sync.model import BaseFile, Commit, Listing, Would
from memory_sync.ports.state import Broken, Snapshot
from memory_sync.vault.judge import Court, Standing, Trust, Verdict
from memory_sync.vault.keys import Identity
from memory_sync.vault.manifest import FORMAT, MANIFEST, Manifest, read_manifest
from memory_sync.vault.objects import Decoded, ObjectError, decode, object_name, objects_in
from memory_sync.vault.seals import seal_of
from memory_sync.vault.trees import blob_id, top_entries

SLICE = 300
"""Blobs that are held in memory at once: of at most 48 KiB each, so 14 MiB."""
PATIENCE = 60.0
"""Seconds for which an older head counts as a stale read and not as an attack."""
NO_HEAD = "none"
"""What stands for a head in the plan of a repair where the branch is gone."""
PLACE = "remote"
"""Where the state has the remote in which the vault was accepted last."""
BROKEN_EVERY = 300.0
"""Seconds after which objects that could not be read are asked for again."""


Wanted = tuple[str, tuple[str, ...]]
"""A version of an object: its name and the blobs of its parts."""


@dataclass(frozen=True)
class Fetched:
    """The remote side of a cycle. `halt` is set if something above the snapshot is not accepted."""

    snapshot: Snapshot
    keys: Keys
    changed: bool = False
    received: int = 0
    halt: HaltError | None = None


@dataclass(frozen=True)
class Judged:
    """A head that was judged: its commit, tree, how it stands, and what was read of its chain.

    `steps` go on below what was `passed`, and note what they pass there. Where the head's own tree
    cannot be what it says, `listing` is that of the newest commit that counts, and `base` its tree.
    """

    top: Commit
    listing: Listing
    look: RemoteLook
    verdict: Verdict
    passed: list[Commit]
    steps: Iterator[Commit]
    base: str = ""

    def read_down(self, commit: str) -> bool:
        """Read the chain on to a commit; tell whether it is on it."""
        return any(one.id == commit for one in self.passed) or any(
            one.id == commit for one in self.steps
        )


class Fetcher:
    """Follows one vault's branch; keeps the snapshot of the head that was accepted last."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.snapshot = kit.state.snapshot()
        self._keys: Keys | None = None
        self._received = 0
        self._broken_due = 0.0

    def keys(self, trust: Trust) -> Keys:
        """Return what opens the vault; made anew when what is trusted has changed hands."""
        if self._keys is None or self._keys.trust.recipient != trust.recipient:
            text = self._kit.state.get(MANIFEST)
            known = read_manifest(text.encode()).recipients if text else ()
            fits = trust.recipient in known[:1]
            self._keys = unlock(self._kit, trust, known if fits else (trust.recipient,))
        self._keys = Keys(trust, self._keys.cipher, self._keys.derived)
        return self._keys

    def nothing_left(self) -> Would:
        """Tell what would become of the files if the vault were empty now."""
        return _would(self.snapshot, {}, NO_HEAD)

    def refresh(self, trust: Trust) -> Fetched:
        """Ask for the head; if it moved, judge it, take it over and read what changed.

        Raises a HaltError where nothing may be taken over, StaleReadError for a head that is older.
        """
        kit, self._received = self._kit, 0
        head = kit.remote.head(self.snapshot.head or None)
        if head is None:
            raise self._elsewhere(None, {}, self.nothing_left())
        keys = self.keys(trust)
        self._notice_old_state(trust)
        # A crash can leave a snapshot that is older than the trust, a backup a trust that is older
        # than the snapshot: then its head is judged anew. So is one of a key that was given up.
        stands = kit.state.was_accepted(trust.commit) and trust.n >= kit.state.highest()
        stands = stands and not trust.rotated
        if head == self.snapshot.head and stands:
            kit.state.put("stale", None)
            kit.state.put(PLACE, kit.remote.url)
            return self._read_broken(trust, keys)
        judged = self.judge(head, keys)
        if judged.verdict.standing is Standing.ROTATED:
            successor, n = judged.verdict.successor, judged.verdict.n - 1
            return self.refresh(self._hand_over(trust, successor, max(trust.n, n)))
        if judged.verdict.standing is not Standing.ACCEPTED and (
            newer := self._successor(head, trust)
        ):
            # What this device has sealed with the old key may be missing there: no delete of that.
            for root in kit.roots:
                kit.forget(root)
            kit.state.forget_history()
            return self.refresh(self._hand_over(newer, newer.recipient, 0))
        self.refuse(judged)
        if kit.state.sent() and self.snapshot.head:
            # After a crash the trust may be ahead of the snapshot: what was sent lies below it.
            judged.read_down(self.snapshot.head)
        made_with = self._seal_keys(trust)
        rows = self._landed(judged.passed, trust, made_with)
        fetched = self._take_over(judged, keys, rows=rows)
        self._note_chain(judged.passed, judged.verdict.newest, trust, made_with)
        return fetched

    def judge(self, head: str, keys: Keys) -> Judged:
        """Read the chain of a head as far as it takes to judge it. Raises BranchGoneError."""
        kit = self._kit
        since = (self.snapshot.head, self.snapshot.listing) if self.snapshot.head else None
        chain = kit.remote.history(head, self.snapshot.head or None)
        top = next(iter(chain), None)
        if top is None:
            raise BranchGoneError(vault=kit.vault, remote=kit.remote.url)
        look = RemoteLook(kit)
        lie: RemoteLiedError | None = None
        try:
            listing = look.listing(top, since)
        except RemoteLiedError as error:
            listing, lie = {}, error
        fresh = {entry.id for entry in listing.values()}
        fresh -= {entry.id for entry in self.snapshot.listing.values()}
        kit.remote.announce(top.id, fresh, len(listing))
        passed: list[Commit] = []
        steps = _noted(_again(top, chain), passed)
        verdict = Court(keys.trust, look, keys.derived.seal).judge(steps)
        if lie and verdict.standing is not Standing.ROTATED:
            return _above(Judged(top, listing, look, verdict, passed, steps), lie)
        return Judged(top, listing, look, verdict, passed, steps)

    def _successor(self, head: str, trust: Trust) -> Trust | None:
        """Return what is to be trusted with a newer key that is here, if the head is made with it.

        A history that was repaired or compacted since may have lost the commit that rotated. That
        the one key came after the other is what the identity file says, which a person has brought.
        """
        for newer in self._kit.keystore.newer(trust.recipient):
            # The numbers of the two keys have nothing to do with each other.
            to = replace(trust, recipient=newer.recipient, n=0, rotated=True)
            judged = self.judge(head, unlock(self._kit, to, (to.recipient,)))
            if judged.verdict.standing is Standing.ACCEPTED:
                return to
            if judged.verdict.standing is Standing.FORKED:
                # Under names of two keys no trees can be united: this device's files are.
                return replace(to, commit="")
        return None

    def _hand_over(self, trust: Trust, successor: str, n: int) -> Trust:
        """Give up the key, durably, before anything of the next one is read.

        The number rises with each rotation, so that a ring of them comes to an end.
        """
        kit = self._kit
        trust = Trust(trust.vault_id, successor, trust.commit, n, rotated=True)
        # Which key the vault has now is certain: one that was drawn here is that one, or is none.
        kit.keystore.drop_drawn(kit.vault, trust.recipient)
        kit.keystore.set_trust(kit.vault, trust)
        self._keys = None
        return trust

    def _seal_keys(self, trust: Trust) -> list[bytes]:
        """Return the seal keys of this key and of those before it, as far as they are here."""
        identity = self._kit.keystore.find(trust.recipient)
        secrets = identity.secrets if identity else ()
        return [Identity((secret,)).derive(trust.vault_id).seal for secret in secrets]

    def _landed(
        self, passed: list[Commit], trust: Trust, made_with: list[bytes]
    ) -> dict[str, BaseFile | None]:
        """Return the base rows of commits of one's own whose answers were lost, if they did land.

        Without them, what was edited or deleted since would meet its own former version as
        another's.
        """
        sent = self._kit.state.sent()
        # Whoever copies a seal into a message of theirs has not made what it vouches for.
        seals = {
            seal.mac
            for commit in (passed if sent else ())
            for key in made_with
            if (seal := seal_of(key, trust.vault_id, commit))
        }
        landed = (rows for mac, rows in sent.items() if mac in seals)
        return {path: row for rows in landed for path, row in rows.items()}

    def _notice_old_state(self, trust: Trust) -> None:
        """Notice a database that is of an earlier time than what is trusted, and forget its base.

        It knows nothing of what was deleted and made anew since. Crashes can leave the trust ahead
        by steps that were noted, and by no others.
        """
        state = self._kit.state
        if state.belongs_to(trust.vault_id):
            self.snapshot = Snapshot()
        noted = (state.get("next") or "").split()
        if trust.commit and not (state.was_accepted(trust.commit) or trust.commit in noted):
            for root in self._kit.roots:
                self._kit.forget(root)
            state.put("next", trust.commit)

    def trust_next(self, trust: Trust) -> None:
        """Store what is trusted from now on, noted before in the database.

        What was noted before stays noted until a commit is accepted: a crash on the way from one to
        the next leaves any of them trusted.
        """
        noted = (self._kit.state.get("next") or "").split()
        self._kit.state.put("next", " ".join([*noted, trust.commit]))
        self._kit.keystore.set_trust(self._kit.vault, trust)

    def _note_chain(
        self,
        passed: list[Commit],
        newest: Commit | None,
        trust: Trust,
        made_with: list[bytes],
    ) -> None:
        """Remember what lies between two accepted commits: a stale read may show any of it."""
        ids = [commit.id for commit in passed]
        if newest is None or trust.commit not in ids:
            return
        with self._kit.state.transaction():
            for commit in passed[ids.index(newest.id) : ids.index(trust.commit)]:
                # A number that no key vouches for would be the highest one for ever.
                seals = (seal_of(key, trust.vault_id, commit) for key in made_with)
                if seal := next(filter(None, seals), None):
                    self._kit.state.note_accepted(commit.id, seal.n)

    def _read_broken(self, trust: Trust, keys: Keys) -> Fetched:
        """Ask now and then for objects that could not be read: a replica may have lagged."""
        old, now = self.snapshot, self._kit.clock.monotonic()
        if old.broken and now >= self._broken_due:
            self._broken_due = now + BROKEN_EVERY
            new = self._read(old.head, old.listing, keys)
            if new.broken != old.broken:
                self.accept(new, trust.commit, trust.n, moved=False)
                return Fetched(new, keys, True, self._received)
        return Fetched(old, keys)

    def refuse(self, judged: Judged) -> None:
        """Raise what halts the vault, unless a part of the head's chain may be taken over.

        Raises a HaltError, StaleReadError.
        """
        kit, verdict, head = self._kit, judged.verdict, judged.top.id
        would = _would(self.snapshot, judged.listing, head)
        if verdict.standing is Standing.ORPHAN:
            orphan = OrphanError(vault=kit.vault, commit=head, would=would)
            raise self._elsewhere(orphan, judged.listing, would)
        if verdict.standing is Standing.FORKED:
            raise ForkedError(vault=kit.vault, commit=verdict.blamed, would=would)
        if verdict.standing is not Standing.STALE:
            kit.state.put("stale", None)
            return
        # The first sight is written down, so that one-shot commands come to the same end.
        seen, _, when = (kit.state.get("stale") or "").partition(" ")
        age = kit.clock.now() - float(when or 0)
        if seen != head:
            kit.state.put("stale", f"{head} {kit.clock.now()}")
        elif not 0 <= age < PATIENCE:
            raise ForcedBackError(vault=kit.vault, commit=verdict.blamed, would=would)
        raise StaleReadError(remote=kit.remote.url, commit=verdict.blamed)

    def moved_from(self) -> str:
        """Return where the vault was accepted last, if the remote is another one by now."""
        before = self._kit.state.get(PLACE) or ""
        return before if before != self._kit.remote.url else ""

    def _elsewhere(self, error: HaltError | None, listing: Listing, would: Would) -> HaltError:
        """Say of a vault that is not there that it was never there, where that is so.

        Else it is the `error`; without one the branch is gone.
        """
        kit, before = self._kit, self.moved_from()
        if not before:
            return error or BranchGoneError(vault=kit.vault, remote=kit.remote.url)
        names = tuple(sorted(top_entries(listing)))
        fill = MANIFEST not in names and Finding(names=names).adoptable
        found = "no vault yet" if fill else "another vault" if MANIFEST in names else "other files"
        url = kit.remote.url if fill else before
        return RemoteChangedError(
            vault=kit.vault,
            remote=kit.remote.url,
            before=before,
            found=found,
            fill=fill,
            would=would,
            hint=f"memory-sync move-remote {quote(url)} --vault {kit.vault}",
        )

    def _take_over(
        self, judged: Judged, keys: Keys, *, rows: Mapping[str, BaseFile | None]
    ) -> Fetched:
        kit, verdict, top = self._kit, judged.verdict, judged.top
        newest, look, listing = verdict.newest, judged.look, judged.listing
        if newest is None:
            raise OrphanError(vault=kit.vault, commit=top.id)
        above, head = None, top.id
        if verdict.standing is Standing.FOREIGN:
            # What was sealed below it is applied all the same; only then the vault halts.
            above, listing, head = listing, look.listing(newest, None), newest.id
        manifest = look.manifest(newest)
        if manifest is None or manifest.format != FORMAT:
            number = manifest.format if manifest else "unknown"
            raise FormatUnknownError(vault=kit.vault, format=number)
        before = kit.state.get(MANIFEST)
        kit.state.put(MANIFEST, manifest.text)
        self._keys = unlock(kit, keys.trust, manifest.recipients)
        new = self._read(head, listing, self._keys)
        trust = Trust(
            keys.trust.vault_id, keys.trust.recipient, newest.id, max(verdict.n, keys.trust.n)
        )
        self._forget_replaced(judged, keys.trust, new)
        self.trust_next(trust)
        anew = self.moved_rows(new) if manifest.text != before else {}
        self.accept(new, newest.id, verdict.n, {**anew, **rows})
        halt = None
        if above is not None:
            would = _would(new, above, top.id)
            halt = ForeignContentError(vault=kit.vault, commit=verdict.blamed, would=would)
        return Fetched(new, self.keys(trust), True, self._received, halt)

    def _forget_replaced(self, judged: Judged, trust: Trust, new: Snapshot) -> None:
        """Forget the base of what a repair has replaced or left out: nobody has deleted that.

        That is so where a head is accepted in the place of the one before, and not above it.
        """
        if not trust.commit or trust.commit in {commit.id for commit in judged.passed}:
            return
        there = {path: file.version.digest for path, file in new.objects.values()}
        base = self._kit.state.base()
        begun = self._begun(judged, trust) if self.moved_from() else {}
        names = self.keys(trust).derived.names
        changed = [
            path
            for path, row in base.items()
            if there.get(path) != row.digest and begun.get(object_name(names, path)) != row.blobs
        ]
        self._kit.state.forget_paths(changed)
        if self.moved_from():
            # The commits that had what was there once have stayed where the vault was.
            self._kit.state.forget_history()

    def _begun(self, judged: Judged, trust: Trust) -> Mapping[str, tuple[str, ...]]:
        """Return the objects with which a vault began anew in the place of what was accepted."""
        judged.read_down("")  # to the bottom: the vault began there
        key = self.keys(trust).derived.seal
        for commit in reversed(judged.passed):
            counts = seal_of(key, trust.vault_id, commit)
            if counts and trust.commit in judged.look.superseded(commit.id):
                return objects_in(judged.look.listing(commit, None))[0]
        return {}

    def accept(
        self,
        new: Snapshot,
        commit: str,
        n: int,
        rows: Mapping[str, BaseFile | None] = MappingProxyType({}),
        *,
        moved: bool = True,
    ) -> None:
        """Take a snapshot over as the one that was accepted last, with new rows of the base.

        Where the head has `moved`, no commit on the old one can land any more.

        Not inside another transaction: only what differs is stored, so this snapshot may count as
        stored once it is.
        """
        state = self._kit.state
        with state.transaction():
            state.save_snapshot(self.snapshot, new)
            state.note_accepted(commit, n)
            state.save_base(rows)
            state.put("next", None)
            state.put(PLACE, self._kit.remote.url)
            if moved:
                state.forget_sent()
        self.snapshot = new

    def _read(self, head: str, listing: Listing, keys: Keys) -> Snapshot:
        """Read the objects that changed; the contents go to the spool."""
        old = self.snapshot
        whole, broken = objects_in(listing)
        new = Snapshot(head, dict(listing))
        for name in broken:
            new.broken[name] = Broken((), "its parts are not complete")
        wanted: dict[str, tuple[str, ...]] = {}
        for name, blobs in whole.items():
            known = old.objects.get(name)
            if known and tuple(part.blob for part in known[1].parts) == blobs:
                new.objects[name] = known
            else:
                wanted[name] = blobs
        progress = Progress(self._kit, "down", len(wanted))
        if wanted:
            # The first of them may come with all others, in one archive that takes its time.
            progress.start()
        for name, _, answer in self._decode_all(wanted.items(), keys):
            progress.moved_on(1)
            if isinstance(answer, Decoded):
                new.objects[name] = (answer.path, answer.file)
                self._kit.spool.put(answer.file.version.digest, answer.content)
            else:
                new.broken[name] = Broken(wanted[name], answer)
        return new

    def moved_rows(self, new: Snapshot) -> dict[str, BaseFile | None]:
        """Return new rows of the base for what is the same in other blobs, encrypted anew."""
        base = self._kit.state.base()
        there, unsure = dict(new.objects.values()), self._kit.state.includes()
        return {
            path: BaseFile(row.digest, blobs)
            for path, row in base.items()
            if path not in unsure
            and (file := there.get(path))
            and file.version.digest == row.digest
            and (blobs := tuple(part.blob for part in file.parts)) != row.blobs
        }

    def prefetch(self, wanted: Iterable[Wanted], keys: Keys) -> dict[Wanted, Decoded | str]:
        """Read versions of objects, many at a time; their contents go to the spool.

        Answers for each with the object (without its content) or the reason why it cannot be read.
        """
        found: dict[Wanted, Decoded | str] = {}
        several = dict.fromkeys(wanted)
        ids = {blob for _, blobs in several for blob in blobs}
        self._kit.remote.announce(self.snapshot.head, ids, len(self.snapshot.listing))
        for name, blobs, answer in self._decode_all(several, keys):
            found[name, blobs] = answer
            if isinstance(answer, Decoded):
                self._kit.spool.put(answer.file.version.digest, answer.content)
                found[name, blobs] = replace(answer, content=b"")
        return found

    def every_object(self, keys: Keys) -> Iterator[Decoded]:
        """Read every object of the snapshot again. Raises RekeyBlockedError for one that fails."""
        objects = self.snapshot.objects
        wanted = {
            name: tuple(part.blob for part in file.parts) for name, (_, file) in objects.items()
        }
        ids = {blob for blobs in wanted.values() for blob in blobs}
        self._kit.remote.announce(self.snapshot.head, ids, len(self.snapshot.listing))
        for name, _, answer in self._decode_all(wanted.items(), keys):
            if not isinstance(answer, Decoded):
                raise RekeyBlockedError(path=objects[name][0], detail=answer)
            yield answer

    def hand_on(self, trust: Trust, manifest: Manifest, new: Snapshot) -> None:
        """Take over a commit of one's own that has encrypted everything anew."""
        kit = self._kit
        kit.keystore.drop_drawn(kit.vault, trust.recipient)
        self.trust_next(trust)
        kit.state.put(MANIFEST, manifest.dump().decode())
        self._keys = unlock(kit, trust, manifest.recipients)
        self.accept(new, trust.commit, trust.n, self.moved_rows(new))

    def _decode_all(
        self, wanted: Iterable[Wanted], keys: Keys
    ) -> Iterator[tuple[str, tuple[str, ...], Decoded | str]]:
        for part in _slices(wanted):
            found = self.fetch({blob for _, blobs in part for blob in blobs})
            for name, blobs in part:
                self._kit.beat()
                if any(blob not in found for blob in blobs):
                    yield name, blobs, "a part of it is missing, or not what it should be"
                    continue
                try:
                    parts = [found[blob] for blob in blobs]
                    yield name, blobs, decode(keys.derived.names, keys.cipher, name, parts)
                except ObjectError as error:
                    yield name, blobs, str(error)

    def fetch(self, ids: set[str]) -> dict[str, bytes]:
        """Fetch blobs and check each against its id; one that does not fit is asked for again."""
        found: dict[str, bytes] = {}
        for _ in range(2):
            missing = sorted(ids - found.keys())
            if not missing:
                break
            for blob, content in self._kit.remote.blobs(missing):
                self._received += len(content)
                if blob_id(content) == blob:
                    found[blob] = content
        return found


def _above(judged: Judged, lie: RemoteLiedError) -> Judged:
    """Judge a head whose tree cannot be read: it is foreign if what lies below it is accepted.

    Raises the `lie` where it is not, or where the key has vouched for that very tree.
    """
    newest, standing = judged.verdict.newest, judged.verdict.standing
    fine = standing in (Standing.ACCEPTED, Standing.FOREIGN)
    if newest is None or not fine or newest.id == judged.top.id:
        raise lie
    blamed = judged.verdict.blamed if standing is Standing.FOREIGN else judged.top.id
    verdict = replace(judged.verdict, standing=Standing.FOREIGN, blamed=blamed)
    listing = judged.look.listing(newest, None)
    return replace(judged, verdict=verdict, listing=listing, base=newest.tree)


def _would(accepted: Snapshot, listing: Listing, head: str) -> Would:
    """Tell what a listing that is not accepted would have done to the files, as far as one sees.

    An object of which no path is known is named as it is. A repair is confirmed by the `head`.
    """
    whole, broken = objects_in(listing)
    after = {**whole, **dict.fromkeys(broken, ())}
    before = {
        name: tuple(part.blob for part in file.parts)
        for name, (_, file) in accepted.objects.items()
    }
    counts = {
        "removed": before.keys() - after.keys(),
        "changed": {name for name in before.keys() & after.keys() if before[name] != after[name]},
        "added": after.keys() - before.keys(),
    }
    told = {name: path for name, (path, _) in accepted.objects.items()}
    paths = [path for found in counts.values() for path in sorted(told.get(n, n) for n in found)]
    seen = {word: len(found) for word, found in counts.items() if found}
    return Would(seen, tuple(paths[:5]), head)


def _slices(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Group objects so that no more blobs than a slice are in memory, or one object alone."""
    group: list[Wanted] = []
    size = 0
    for name, blobs in wanted:
        if group and size + len(blobs) > SLICE:
            yield group
            group, size = [], 0
        group.append((name, blobs))
        size += len(blobs)
    if group:
        yield group


def _noted(chain: Iterable[Commit], passed: list[Commit]) -> Iterator[Commit]:
    for commit in chain:
        passed.append(commit)
        yield commit


def _again(first: Commit, rest: Iterable[Commit]) -> Iterator[Commit]:
    yield first
    yield from rest

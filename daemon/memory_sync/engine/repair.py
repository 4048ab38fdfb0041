"""Repair: one sealed commit on a head that is not accepted, with what was last accepted in it.

What is on the branch stays in its history. Nothing is noted here: the next look accepts the commit
as any other device does, so a crash leaves either the halt or the repair.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from memory_sync.engine.fetch import NO_HEAD, Fetcher, Judged
from memory_sync.engine.kit import Keys, Kit
from memory_sync.engine.unite import Union, groups, read_here
from memory_sync.errors import (
    BranchGoneError,
    ForcedBackError,
    ForeignContentError,
    ForkedError,
    MemorySyncError,
    OrphanError,
    RemoteChangedError,
    RepairChangedError,
    RepairLosesError,
    RepairUnknownError,
)
from memory_sync.model import Change, Commit, Entry, Listing, Would
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.remote import Remote
from memory_sync.vault.judge import SEALED_ENTRIES, Standing, Trust, read_superseded
from memory_sync.vault.manifest import MANIFEST, README, README_TEXT, SUPERSEDED, Manifest
from memory_sync.vault.objects import Encoded, encode, objects_in, part_path
from memory_sync.vault.seals import HEADLINE, seal_message, seal_of
from memory_sync.vault.trees import blob_id, root_tree

MENDED = (ForeignContentError, ForcedBackError, ForkedError, OrphanError, BranchGoneError)
"""The halts that a repair ends."""
CHAIN = 1000
"""Commits of a replaced chain that are looked up at the remote, besides those noted here."""


@dataclass
class _Goal:
    """The tree that is to be: entries, contents that were made anew, and what nobody has."""

    listing: dict[str, Entry]
    writes: dict[str, bytes] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def put(self, path: str, content: bytes) -> None:
        """Put a file of known content into the tree, also where a folder of that name is."""
        for below in [one for one in self.listing if one.startswith(f"{path}/")]:
            del self.listing[below]
        self.listing[path] = Entry(FILE_MODE, blob_id(content))
        self.writes[path] = content

    def replace(self, name: str, encoded: Encoded) -> None:
        """Put an object that was encrypted anew into the tree, in the place of its other form."""
        for path in groups(self.listing).get(name, {}):
            del self.listing[path]
        for index, part in enumerate(encoded.file.parts):
            self.put(part_path(name, index), encoded.new_blobs[part.blob])


class Repairer:
    """Mends one vault. Not for use by several threads at once.

    `before` is the remote in which the vault was, where it is to be put into another one.
    """

    def __init__(self, kit: Kit, fetcher: Fetcher, before: Remote | None = None) -> None:
        self._kit = kit
        self._fetcher = fetcher
        self._before = before

    def run(self, plan: str, trust: Trust) -> None:
        """Make the commit that ends a halt, on the very head that `plan` names.

        Does nothing if the vault is not halted. Raises RepairChangedError, RepairLosesError (whose
        plan is to be confirmed once more), RepairUnknownError, Moved, and halts of other kinds.
        """
        kit = self._kit
        try:
            if self._fetcher.refresh(trust).halt is None:
                return
        except MENDED:
            pass
        except RemoteChangedError as error:
            if not error.facts["fill"]:
                raise
        trust = kit.keystore.trust(kit.vault) or trust
        keys = self._fetcher.keys(trust)
        head = kit.remote.head()
        if plan.partition(" ")[0] != (head or NO_HEAD):
            raise RepairChangedError(vault=kit.vault, commit=head or NO_HEAD)
        judged = self._fetcher.judge(head, keys) if head else None
        goal = self._goal(judged, keys)
        self._gather(goal, judged.listing if judged else {}, keys)
        self._check_loss(goal, head or NO_HEAD, plan)
        self._commit(goal, judged, keys)

    # --- what is to be there ---

    def _goal(self, judged: Judged | None, keys: Keys) -> _Goal:
        """Put the tree together: what was accepted, and what others keep beside it."""
        forked = bool(judged and judged.verdict.standing is Standing.FORKED)
        mine = _sealed(self._mine(keys, needed=not forked))
        others = {p: e for p, e in (judged.listing if judged else {}).items() if not _is_sealed(p)}
        goal = _Goal(others | mine)
        goal.put(README, README_TEXT.encode())
        if judged and judged.verdict.standing is Standing.FOREIGN:
            return goal
        replaced = self._replaced(judged, keys)
        replaced |= self._superseded(mine)
        if judged and judged.verdict.newest and judged.verdict.standing is Standing.FORKED:
            theirs = _sealed(judged.look.listing(judged.verdict.newest, None))
            replaced |= self._superseded(theirs)
            union = Union(self._kit, self._fetcher, keys)
            union.unite(mine, theirs, self._common(judged, self._superseded(theirs)))
            goal = _Goal(others | {MANIFEST: theirs[MANIFEST]} | union.listing)
            goal.put(README, README_TEXT.encode())
            goal.writes |= union.writes
            goal.lost |= union.lost
        goal.put(SUPERSEDED, "".join(f"{one}\n" for one in sorted(replaced)).encode())
        return goal

    def _mine(self, keys: Keys, *, needed: bool) -> Listing:
        """Return the tree that was accepted last, as the database or the remote still has it.

        Where it is not `needed`, because this device's files are united anyway, there may be none.
        """
        kit, trust = self._kit, keys.trust
        # A crash or a full disk can leave a snapshot that is older than what is trusted.
        if self._fetcher.snapshot.head and kit.state.was_accepted(trust.commit):
            return self._fetcher.snapshot.listing
        for commit in self._chain(keys, limit=1):
            with suppress(MemorySyncError):
                listing = (self._before or kit.remote).listing(commit)
                if root_tree(listing) == commit.tree:
                    return listing
        if not needed:
            return {}
        raise RepairUnknownError(vault=kit.vault, commit=trust.commit or NO_HEAD)

    def _superseded(self, listing: Listing) -> frozenset[str]:
        """Return what a tree says that it replaces."""
        entry = listing.get(SUPERSEDED)
        if entry is None:
            return frozenset()
        content = self._fetch({entry.id}).get(entry.id)
        # Who is at a head that was named there alone finds a fork, and a repair ends that too.
        return read_superseded(content) if content is not None else frozenset()

    def _replaced(self, judged: Judged | None, keys: Keys) -> frozenset[str]:
        """Return the commits of the accepted chain that the head's chain does not have."""
        common = self._fork(judged)
        ids = set(self._kit.state.accepted_since(common.id if common else ""))
        ids.add(keys.trust.commit)
        for commit in self._chain(keys, CHAIN):
            if common and commit.id == common.id:
                break
            ids.add(commit.id)
        passed = {commit.id for commit in judged.passed} if judged else set()
        return frozenset(ids - passed - {""})

    def _chain(self, keys: Keys, limit: int) -> Iterable[Commit]:
        """Follow the accepted chain, if the remote still has it, as far as its seals count.

        A seal vouches for the parent, so the ids are the ones that were sealed.
        """
        trust, wanted = keys.trust, keys.trust.commit
        if not wanted:
            return
        with suppress(MemorySyncError):
            history = (self._before or self._kit.remote).history(wanted)
            for number, commit in enumerate(history):
                counts = seal_of(keys.derived.seal, trust.vault_id, commit)
                if number == limit or commit.id != wanted or not counts:
                    return
                yield commit
                wanted = commit.parents[0] if commit.parents else ""

    def _fork(self, judged: Judged | None) -> Commit | None:
        """Return the newest commit of the head's chain that was accepted once."""
        if judged is None:
            return None
        state = self._kit.state
        for commit in judged.passed:
            if state.was_accepted(commit.id):
                return commit
        return next((one for one in judged.steps if state.was_accepted(one.id)), None)

    def _common(self, judged: Judged, replaced: Collection[str]) -> Listing:
        """Return the tree from which both sides of a fork came, empty where nobody has it.

        That is the last one accepted here which theirs is built on, or has taken the place of.
        """
        self._fork(judged)  # reads their chain as far as it is needed
        theirs = {commit.id for commit in judged.passed} | set(replaced)
        ours = [one for one in self._kit.state.accepted_since("") if one in theirs]
        with suppress(MemorySyncError):
            for commit in self._kit.remote.history(ours[-1]) if ours else ():
                return _sealed(judged.look.listing(commit, None))
        return {}

    # --- with which contents ---

    def _gather(self, goal: _Goal, there: Listing, keys: Keys) -> None:
        """Fetch what the head's tree has not; what the remote has lost is encrypted anew."""
        needed = {
            path: entry
            for path, entry in goal.listing.items()
            if there.get(path) != entry and path not in goal.writes
        }
        found = self._fetch({entry.id for entry in needed.values()})
        for path, entry in needed.items():
            if entry.id in found:
                goal.writes[path] = found[entry.id]
        short = {path: entry for path, entry in needed.items() if entry.id not in found}
        if SUPERSEDED in short:
            ids = self._kit.state.accepted_since("")
            goal.put(SUPERSEDED, "".join(f"{one}\n" for one in sorted(ids)).encode())
        if MANIFEST in short:
            goal.put(MANIFEST, self._manifest(keys))
        whole = objects_in(goal.listing)[0]
        for name, parts in groups(short).items():
            encoded = self._from_disk(name, whole.get(name, ()), keys)
            if encoded:
                goal.replace(name, encoded)
                continue
            known = self._fetcher.snapshot.objects.get(name)
            goal.lost.add(known[0] if known else name)
            for path in (*parts, *groups(goal.listing).get(name, ())):
                goal.listing.pop(path, None)
                goal.writes.pop(path, None)

    def _fetch(self, ids: set[str]) -> dict[str, bytes]:
        """Fetch blobs, also from where the vault was."""
        found = self._fetcher.fetch(ids)
        if self._before and (missing := sorted(ids - found.keys())):
            with suppress(MemorySyncError):
                for blob, content in self._before.blobs(missing):
                    if blob_id(content) == blob:
                        found[blob] = content
        return found

    def _manifest(self, keys: Keys) -> bytes:
        text = self._kit.state.get(MANIFEST)
        return (
            text.encode() if text else Manifest(keys.trust.vault_id, (keys.trust.recipient,)).dump()
        )

    def _from_disk(self, name: str, blobs: tuple[str, ...], keys: Keys) -> Encoded | None:
        """Encrypt an object anew from this device's file, if that is still this version of it.

        What the database knows may be older than what was accepted last.
        """
        path, file = self._fetcher.snapshot.objects.get(name, ("", None))
        known = file and tuple(part.blob for part in file.parts) == blobs
        content = read_here(self._kit, path, file) if file and known else None
        if file is None or content is None:
            return None
        return encode(
            keys.derived.names,
            keys.cipher,
            path,
            content,
            mode=file.version.mode,
            mtime=file.version.mtime,
            device=file.device,
        )

    # --- and the commit ---

    def _check_loss(self, goal: _Goal, head: str, plan: str) -> None:
        if not goal.lost:
            return
        mark = sha256("\n".join(sorted(goal.lost)).encode()).hexdigest()
        agreed = f"{head} {mark}"
        if plan != agreed:
            would = Would({"removed": len(goal.lost)}, tuple(sorted(goal.lost)[:5]), agreed)
            raise RepairLosesError(vault=self._kit.vault, count=len(goal.lost), would=would)

    def _commit(self, goal: _Goal, judged: Judged | None, keys: Keys) -> None:
        kit, trust = self._kit, keys.trust
        head = judged.top.id if judged else None
        there = dict(judged.listing) if judged else {}
        if head is None:
            # A remote's first commit may hold one file only. A crash leaves a history that is
            # foreign, and a repair mends that too.
            first = {README: README_TEXT.encode()}
            there = {README: Entry(FILE_MODE, blob_id(first[README]))}
            head = kit.remote.commit(None, Change(HEADLINE, root_tree(there), first))
        seen = judged.verdict.n if judged else 0
        n = max(trust.n, kit.state.highest(), seen) + 1
        tree = root_tree(goal.listing)
        message = seal_message(keys.derived.seal, n, trust.vault_id, head, tree)
        writes = {
            path: content
            for path, content in goal.writes.items()
            if path in goal.listing and there.get(path) != goal.listing[path]
        }
        gone = tuple(sorted(there.keys() - goal.listing.keys()))
        base = judged.base if judged else ""
        kit.remote.commit(head, Change(message, tree, writes, gone, base))


def _is_sealed(path: str) -> bool:
    return path.partition("/")[0] in SEALED_ENTRIES


def _sealed(listing: Mapping[str, Entry]) -> dict[str, Entry]:
    return {path: entry for path, entry in listing.items() if _is_sealed(path)}

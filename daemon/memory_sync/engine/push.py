"""The actions that change the vault: encode, seal, commit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from memory_sync.engine.apply import base_of
from memory_sync.engine.fetch import Fetcher
from memory_sync.engine.kit import Keys, Kit
from memory_sync.engine.local import flush
from memory_sync.engine.progress import Progress
from memory_sync.engine.secrets import Findings
from memory_sync.errors import (
    DiskFullError,
    FileChangedError,
    FileError,
    FileTooLargeError,
    FileUnwritableError,
    HaltError,
    MemorySyncError,
    RecipientPluginError,
    RootBusyError,
)
from memory_sync.model import BaseFile, Change, Entry, FileVersion, split_root
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.state import Snapshot
from memory_sync.vault.keys import CipherError
from memory_sync.vault.manifest import README, README_TEXT
from memory_sync.vault.objects import (
    MAX_PARTS,
    PART_SIZE,
    Encoded,
    ObjectError,
    encode,
    object_name,
    part_path,
)
from memory_sync.vault.seals import read_seal, seal_message
from memory_sync.vault.trees import blob_id, root_tree

BATCH_BLOBS = 100
BATCH_BYTES = 8 * 1024 * 1024
"""What one commit carries at most, unless one file alone is more: what GitHub takes at once."""
SHORT = 5.0
"""Seconds that are waited for on the spot where the remote wants a pause between two commits."""


@dataclass
class Pushed:
    """What went up, in paths of the vault; `sent` is in bytes of ciphertext.

    `unsure` went up and could not be made durable here: it has no base row yet.
    """

    up: list[str] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    errors: dict[str, MemorySyncError] = field(default_factory=dict)
    sent: int = 0
    commits: int = 0
    again: bool = False
    resume: float = 0.0

    def after(self, earlier: Pushed) -> Pushed:
        """Add what went up before this."""
        return Pushed(
            up=[*earlier.up, *self.up],
            unsure=earlier.unsure | self.unsure,
            errors={**earlier.errors, **self.errors},
            sent=earlier.sent + self.sent,
            commits=earlier.commits + self.commits,
            again=earlier.again or self.again,
            resume=max(earlier.resume, self.resume),
        )


@dataclass
class Batch:
    """The files of one commit."""

    encoded: dict[str, Encoded] = field(default_factory=dict)
    deletes: list[str] = field(default_factory=list)
    blobs: int = 0
    size: int = 0

    @property
    def requests(self) -> int:
        """How many requests the commit may take: what is too large for one goes in many."""
        if self.blobs <= BATCH_BLOBS and self.size <= BATCH_BYTES:
            return 1
        return 4 + self.blobs // BATCH_BLOBS + 2 * self.size // BATCH_BYTES

    def takes(self, blobs: int, size: int) -> bool:
        """Tell whether so many more blobs, of so many bytes, still go into the commit."""
        empty = not self.encoded and not self.deletes
        return empty or (self.blobs + blobs <= BATCH_BLOBS and self.size + size <= BATCH_BYTES)


class Pusher:
    """Carries local changes into the vault."""

    deletes_at_once = False

    def __init__(self, kit: Kit, fetcher: Fetcher, keys: Keys, findings: Findings) -> None:
        self._kit = kit
        self._findings = findings
        self._blocked: set[str] = set()
        self._fetcher = fetcher
        self._keys = keys
        self._names = keys.derived.names
        self.done = Pushed()

    def run(self, uploads: Mapping[str, FileVersion], deletes: Collection[str]) -> Pushed:
        """Commit the changes in as many batches as they need, each leaving a whole vault.

        Deletes come in the last one: what was renamed is never missing in between. Where the remote
        wants a longer pause the rest is left for later. Raises Moved if another device was quicker;
        what was committed before is recorded.
        """
        progress = Progress(self._kit, "up", len(uploads) + len(deletes))
        if progress.left:
            progress.start()
            self.done.resume = self._pause(1)
        for batch in () if self.done.resume else self._batches(uploads, deletes):
            pause = self._pause(batch.requests)
            if pause or (self.done.resume and batch.deletes):
                # What takes fewer requests may go before it.
                self.done.resume = max(self.done.resume, pause)
                if batch.requests == 1:
                    break
                continue
            self._commit(batch)
            progress.moved_on(len(batch.encoded) + len(batch.deletes), commits=1)
        return self.done

    def _pause(self, requests: int) -> float:
        """Return how long the remote wants to be left alone, if that is too long to wait for."""
        seconds = self._kit.remote.pause(requests)
        return seconds if seconds > SHORT else 0.0

    def _batches(
        self, uploads: Mapping[str, FileVersion], deletes: Iterable[str]
    ) -> Iterator[Batch]:
        batch = Batch()
        skipped: set[str] = set()
        for path, version in sorted(uploads.items()):
            encoded = self._encode(path, version)
            if encoded is None:
                skipped.add(version.digest)
                continue
            size = sum(map(len, encoded.new_blobs.values()))
            if not batch.takes(len(encoded.new_blobs), size):
                yield batch
                batch = Batch()
            batch.encoded[path] = encoded
            batch.blobs += len(encoded.new_blobs)
            batch.size += size
        # Where an upload had to wait, deletes do too: it may be what was renamed.
        ready = () if self.done.resume else self._ready(deletes, skipped)
        for path in sorted(ready):
            if not (self.deletes_at_once or batch.takes(1, 0)):
                yield batch
                batch = Batch()
            batch.deletes.append(path)
            batch.blobs += 1
        if batch.encoded or batch.deletes or self._readme_missing():
            yield batch

    def _ready(self, deletes: Iterable[str], skipped: set[str]) -> list[str]:
        """Hold deletes back whose content could not go up now: it was renamed, most likely."""
        ready = []
        for path in deletes:
            known = self._fetcher.snapshot.objects.get(object_name(self._names, path))
            if known and known[1].version.digest in self._blocked:
                continue  # a person has to decide: no further look helps
            if known and known[1].version.digest in skipped:
                self.done.again = True
            else:
                ready.append(path)
        return ready

    def _readme_missing(self) -> bool:
        return README not in self._fetcher.snapshot.listing

    def _encode(self, path: str, version: FileVersion) -> Encoded | None:
        """Read and encrypt one file; a torn or vanished one waits for the next look."""
        self._kit.beat()
        root, relative = split_root(path)
        known = self._fetcher.snapshot.objects.get(object_name(self._names, path))
        try:
            content = self._kit.roots[root].files.read(relative, version.digest)
            if self._findings.blocks(path, version.digest, content):
                self._blocked.add(version.digest)
                return None
            return encode(
                self._names,
                self._keys.cipher,
                path,
                content,
                mode=version.mode,
                mtime=version.mtime,
                device=self._kit.device,
                known=known[1].parts if known else (),
            )
        except FileChangedError:
            self.done.again = True
            self._kit.state.drop_glance(path)
        except CipherError as error:
            raise RecipientPluginError(vault=self._kit.vault, detail=error) from None
        except ObjectError:
            limit = (MAX_PARTS - 1) * PART_SIZE
            self.done.errors[path] = FileTooLargeError(path=path, size=version.size, limit=limit)
        except (FileError, HaltError, RootBusyError) as error:
            self.done.errors[path] = error
        return None

    def _commit(self, batch: Batch) -> None:
        """Make one sealed commit on the accepted head and record it."""
        kit, old, trust = self._kit, self._fetcher.snapshot, self._keys.trust
        new = Snapshot("", dict(old.listing), dict(old.objects), dict(old.broken))
        writes: dict[str, bytes] = {}
        for path, encoded in batch.encoded.items():
            self._place(path, encoded, new, writes)
        for path in batch.deletes:
            name = object_name(self._names, path)
            _remove_object(name, new)
        place_readme(new.listing, writes)
        rows, unsure = self._rows(batch)
        tree = root_tree(new.listing)
        n = max(trust.n, kit.state.highest()) + 1
        message = seal_message(self._keys.derived.seal, n, trust.vault_id, old.head, tree)
        gone = tuple(sorted(old.listing.keys() - new.listing.keys()))
        with suppress(DiskFullError):  # only a note: a full disk here does not keep from sending
            kit.state.note_sent(_mac(message), rows)
        new.head = kit.remote.commit(old.head, Change(message, tree, writes, gone))
        trust = replace(trust, commit=new.head, n=n)
        self._keys = replace(self._keys, trust=trust)
        self._fetcher.trust_next(trust)
        self._fetcher.accept(new, new.head, n, rows)
        self.done.up += [*batch.encoded, *batch.deletes]
        self.done.unsure |= unsure
        for path in unsure:
            self.done.errors[path] = FileUnwritableError(path=path, detail="it is not durable yet")
        self.done.sent += sum(map(len, writes.values()))
        self.done.commits += 1

    def _rows(self, batch: Batch) -> tuple[dict[str, BaseFile | None], set[str]]:
        """Return the base rows of a commit, and the paths that could not be made durable here."""
        # What a program has just saved is no base until a power cut cannot take it away again.
        unsure = set(flush(self._kit, batch.encoded))
        sure = {path: made.file for path, made in batch.encoded.items() if path not in unsure}
        rows: dict[str, BaseFile | None] = {path: base_of(file) for path, file in sure.items()}
        return rows | dict.fromkeys(batch.deletes), unsure

    def _place(self, path: str, encoded: Encoded, new: Snapshot, writes: dict[str, bytes]) -> None:
        """Put an object's parts into the listing, and the new ones among them into the writes."""
        _remove_object(encoded.name, new)
        for index, part in enumerate(encoded.file.parts):
            place = part_path(encoded.name, index)
            new.listing[place] = Entry(FILE_MODE, part.blob)
            if part.blob in encoded.new_blobs:
                writes[place] = encoded.new_blobs[part.blob]
        new.objects[encoded.name] = (path, encoded.file)


def place_readme(listing: dict[str, Entry], writes: dict[str, bytes]) -> None:
    """Put the README back where it is missing or differs."""
    readme = README_TEXT.encode()
    entry = Entry(FILE_MODE, blob_id(readme))
    if listing.get(README) == entry:
        return
    for path in [path for path in listing if path.startswith(f"{README}/")]:
        del listing[path]  # a folder of that name, which others made
    listing[README] = entry
    writes[README] = readme


def _mac(message: str) -> str:
    seal = read_seal(message)
    return seal.mac if seal else ""


def _remove_object(name: str, snapshot: Snapshot) -> None:
    """Take an object and all its parts out of a snapshot."""
    known = snapshot.objects.pop(name, None)
    snapshot.broken.pop(name, None)
    for index in range(len(known[1].parts) if known else 0):
        snapshot.listing.pop(part_path(name, index), None)

"""Everything encrypted anew, as one commit: under a new key, or for other recovery keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from memory_sync.engine.fetch import Fetched, Fetcher
from memory_sync.engine.kit import Keys, Kit
from memory_sync.engine.progress import Progress
from memory_sync.engine.push import SHORT, place_readme
from memory_sync.errors import (
    KeyMissingError,
    RateLimitedError,
    RecoveryDiffersError,
    RecoveryInvalidError,
    RekeyBlockedError,
)
from memory_sync.model import Change, Entry
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import Snapshot
from memory_sync.vault.keys import (
    CipherError,
    Identity,
    PluginError,
    generate_identity,
    parse_recipient,
)
from memory_sync.vault.manifest import MANIFEST, Manifest, read_manifest
from memory_sync.vault.objects import Decoded, encode, object_name, part_path
from memory_sync.vault.seals import rotation_line, seal_message
from memory_sync.vault.trees import blob_id, root_tree

ENTRIES = 100
"""Entries of a tree that go in one request where there are many."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What would be encrypted anew: files, and bytes of them; and for which recovery keys.

    `present` are the vault's now, `recovery` those that it would have.
    """

    files: int
    size: int
    present: tuple[str, ...]
    recovery: tuple[str, ...]


class Spooled(Mapping[str, bytes]):
    """The contents of one commit by path, which need not be in memory all at once."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._blobs: dict[str, str] = {}

    def add(self, path: str, blob: str, content: bytes) -> None:
        """Take in the content of a path, with the id of its blob."""
        self._spool.put(blob, content)
        self._blobs[path] = blob

    def __getitem__(self, path: str) -> bytes:
        """Return the content of a path."""
        content = self._spool.get(self._blobs[path])
        if content is None:
            raise KeyError(path)
        return content

    def __iter__(self) -> Iterator[str]:
        """Give the paths."""
        return iter(self._blobs)

    def __len__(self) -> int:
        """Count the paths."""
        return len(self._blobs)


def recovery_of(kit: Kit) -> tuple[str, ...]:
    """Return the recovery recipients that the vault has, as it was accepted last."""
    text = kit.state.get(MANIFEST)
    return read_manifest(text.encode()).recipients[1:] if text else ()


def recovery_problem(kit: Kit) -> RecoveryDiffersError | None:
    """Tell where the configuration names other recovery recipients than the vault has."""
    here = kit.recovery
    if here is None or not kit.state.get(MANIFEST):
        return None
    there = recovery_of(kit)
    if set(here) == set(there):
        return None
    return RecoveryDiffersError(
        vault=kit.vault, there=", ".join(there) or "none", here=", ".join(here) or "none"
    )


class Rekeyer:
    """Encrypts one vault anew. Changes nothing before its one commit, and nothing if that fails."""

    def __init__(self, kit: Kit, fetcher: Fetcher, fetched: Fetched) -> None:
        self._kit = kit
        self._fetcher = fetcher
        self._old = fetched.snapshot
        self._keys = fetched.keys

    def survey(self) -> Survey:
        """Tell what there is to do. Raises RekeyBlockedError where an object cannot be read."""
        for name, item in sorted(self._old.broken.items()):
            raise RekeyBlockedError(path=self._path_of(name), detail=item.detail)
        sizes = [file.version.size for _, file in self._old.objects.values()]
        return Survey(len(sizes), sum(sizes), recovery_of(self._kit), self._recovery())

    def rotate(self) -> int:
        """Hand the vault to a new key; return the bytes that were sent.

        The new identity is durable before anything of it is sent. Raises Moved.
        """
        recovery = self._ready()
        kit, current = self._kit, self._identity()
        drawn = kit.keystore.drawn(kit.vault)
        # One that was drawn before may still land: it is used again, and no second one beside it.
        if drawn is None or drawn.secrets[1:] != current.secrets:
            drawn = Identity((generate_identity().secrets[0], *current.secrets))
            kit.keystore.keep_drawn(kit.vault, drawn)
        return self._run(drawn, recovery)

    def keep_key(self) -> int:
        """Encrypt for the recovery keys of the configuration; return the bytes that were sent."""
        return self._run(self._identity(), self._ready())

    def _identity(self) -> Identity:
        """Return the vault's key, with all older ones that are known."""
        kit, recipient = self._kit, self._keys.trust.recipient
        identity = kit.keystore.find(recipient)
        if identity is None:
            raise KeyMissingError(vault=kit.vault, recipient=recipient)
        return identity

    def _recovery(self) -> tuple[str, ...]:
        """Return the recovery recipients that the vault is to have. Raises RecoveryInvalidError."""
        wanted = self._kit.recovery
        if wanted is None:
            return recovery_of(self._kit)
        for recipient in wanted:
            try:
                parse_recipient(recipient)
            except PluginError as error:
                detail = f"age-plugin-{error} is not to be found"
                raise RecoveryInvalidError(recipient=recipient, detail=detail) from None
            except CipherError as error:
                raise RecoveryInvalidError(recipient=recipient, detail=error) from None
        return tuple(dict.fromkeys(wanted))

    def _ready(self) -> tuple[str, ...]:
        """Look whether it can be done, and return the recovery recipients for it.

        Raises RekeyBlockedError, RecoveryInvalidError, or RateLimitedError where the remote does
        not take it all now.
        """
        recovery = self.survey().recovery
        count = len(self._old.listing)
        requests = 1 if 2 * count < ENTRIES else 4 + 2 * count // ENTRIES
        pause = self._kit.remote.pause(requests)
        if pause > SHORT:
            raise RateLimitedError(remote=self._kit.remote.url, seconds=round(pause))
        return recovery

    def _run(self, identity: Identity, recovery: tuple[str, ...]) -> int:
        """Make the one commit, then trust it."""
        kit, trust = self._kit, self._keys.trust
        manifest = Manifest(
            trust.vault_id,
            (identity.recipient, *(one for one in recovery if one != identity.recipient)),
        )
        to = replace(trust, recipient=identity.recipient, rotated=False)
        keys = Keys(
            to, kit.make_cipher(identity, manifest.recipients), identity.derive(trust.vault_id)
        )
        new, writes = self._encrypted(keys)
        self._place_rest(new, writes, manifest)
        n = max(trust.n, kit.state.highest()) + 1
        message = self._message(keys, n, root_tree(new.listing))
        gone = tuple(sorted(self._old.listing.keys() - new.listing.keys()))
        change = Change(message, root_tree(new.listing), writes, gone)
        new.head = kit.remote.commit(self._old.head, change)
        self._fetcher.hand_on(replace(to, commit=new.head, n=n), manifest, new)
        return sum(len(content) for content in writes.values())

    def _message(self, keys: Keys, n: int, tree: str) -> str:
        """Seal the commit; where the key changes, the old one says so."""
        vault, parent, to = keys.trust.vault_id, self._old.head, keys.trust.recipient
        message = seal_message(keys.derived.seal, n, vault, parent, tree)
        if to == self._keys.trust.recipient:
            return message
        return message + rotation_line(
            self._keys.derived.seal, n, vault, parent, tree, recipient=to
        )

    def _encrypted(self, keys: Keys) -> tuple[Snapshot, Spooled]:
        """Read every object of the vault and encrypt it anew, under the names of these keys."""
        kit, writes = self._kit, Spooled(self._kit.spool)
        parts = {
            part_path(name, index)
            for name, (_, file) in self._old.objects.items()
            for index in range(len(file.parts))
        }
        kept = {path: entry for path, entry in self._old.listing.items() if path not in parts}
        new = Snapshot("", kept)
        progress = Progress(kit, "up", len(self._old.objects))
        progress.start()
        for decoded in self._fetcher.every_object(self._keys):
            self._encrypt(decoded, keys, new, writes)
            progress.moved_on(1)
        return new, writes

    def _encrypt(self, decoded: Decoded, keys: Keys, new: Snapshot, writes: Spooled) -> None:
        version = decoded.file.version
        try:
            encoded = encode(
                keys.derived.names,
                keys.cipher,
                decoded.path,
                decoded.content,
                mode=version.mode,
                mtime=version.mtime,
                device=decoded.file.device,
            )
        except CipherError as error:
            raise RecoveryInvalidError(recipient="the plugin", detail=error) from None
        for index, part in enumerate(encoded.file.parts):
            place = part_path(encoded.name, index)
            new.listing[place] = Entry(FILE_MODE, part.blob)
            writes.add(place, part.blob, encoded.new_blobs[part.blob])
        new.objects[encoded.name] = (decoded.path, encoded.file)

    def _place_rest(self, new: Snapshot, writes: Spooled, manifest: Manifest) -> None:
        """Put what is not an object into the tree."""
        rest = {MANIFEST: manifest.dump()}
        new.listing[MANIFEST] = Entry(FILE_MODE, blob_id(rest[MANIFEST]))
        place_readme(new.listing, rest)
        for path, content in rest.items():
            writes.add(path, blob_id(content), content)

    def _path_of(self, name: str) -> str:
        """Return the path of an object that cannot be read, if it is known here."""
        for path in self._kit.state.base():
            if object_name(self._keys.derived.names, path) == name:
                return path
        return name

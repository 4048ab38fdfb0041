"""First contact: what lies in a repository, founding a vault in it, or joining the one there."""

from __future__ import annotations

from dataclasses import dataclass

from memory_sync.errors import (
    BranchGoneError,
    ForcedBackError,
    KeyMissingError,
    Moved,
    NotAVaultError,
)
from memory_sync.model import Change, Entry
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.clock import Clock
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.remote import Remote
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity, generate_identity
from memory_sync.vault.manifest import MANIFEST, Manifest, ManifestError, read_manifest
from memory_sync.vault.seals import seal_message
from memory_sync.vault.trees import blob_id, root_tree

ADOPTABLE = ("readme", "license", "licence", "copying", ".gitignore")


@dataclass(frozen=True, slots=True)
class Finding:
    """What lies at the head of a repository.

    `manifest` is None if there is no vault; `names` are the top-level entries then.
    """

    head: str | None = None
    manifest: Manifest | None = None
    names: tuple[str, ...] = ()

    @property
    def adoptable(self) -> bool:
        """Tell whether a vault may be founded here: nothing there, or only a README or licence."""
        return all(name.lower().startswith(ADOPTABLE) for name in self.names)


def look_into(remote: Remote) -> Finding:
    """Look what a repository holds, without believing it: nothing here is verified yet."""
    head = remote.head()
    if head is None:
        return Finding()
    commit = next(iter(remote.history(head)))
    top = remote.top(commit)
    entry = top.get(MANIFEST)
    if entry is None:
        return Finding(head, names=tuple(sorted(top)))
    for _, content in remote.blobs([entry.id]):
        try:
            return Finding(head, read_manifest(content), tuple(sorted(top)))
        except ManifestError:
            break
    raise NotAVaultError(remote=remote.url, names=MANIFEST)


def trust_for(finding: Finding, vault: str, remote: Remote, keystore: Keystore) -> Trust:
    """Find the key of the vault that lies there, or refuse before anything is written.

    What the manifest says besides is believed only once its seal was judged. Raises NotAVaultError,
    KeyMissingError, or ForcedBackError for a key that is known to be given up.
    """
    manifest = finding.manifest
    if manifest is None:
        names = ", ".join(finding.names[:5]) or "nothing"
        raise NotAVaultError(remote=remote.url, names=names)
    recipient = manifest.recipients[0]
    if keystore.older(recipient) is not None:
        # A newer key is here: who shows a vault of the older one has turned it back.
        raise ForcedBackError(vault=vault, commit=finding.head)
    if keystore.find(recipient) is None:
        raise KeyMissingError(vault=vault, recipient=recipient)
    return Trust(manifest.id, recipient)


def found(finding: Finding, vault: str, remote: Remote, keystore: Keystore, clock: Clock) -> Trust:
    """Found a vault: draw key and id, make them durable, then make the first commit.

    The first commit holds `vault.json` alone (beside what was there), so that of two devices which
    begin at once one fails and joins the other. Raises Moved for the one that fails, and
    BranchGoneError if this device knows a vault under this name that should be there.
    """
    known = keystore.trust(vault)
    if known and known.commit:
        raise BranchGoneError(vault=vault, remote=remote.url)
    identity, trust = _drawn(vault, keystore, clock)
    manifest = Manifest(trust.vault_id, (identity.recipient,)).dump()
    listing = {MANIFEST: Entry(FILE_MODE, blob_id(manifest))}
    if finding.head is not None:
        commit = next(iter(remote.history(finding.head)))
        listing = {**remote.listing(commit), **listing}
    tree = root_tree(listing)
    seal_key = identity.derive(trust.vault_id).seal
    message = seal_message(seal_key, 1, trust.vault_id, finding.head, tree)
    try:
        head = remote.commit(finding.head, Change(message, tree, {MANIFEST: manifest}))
    except Moved:
        if known is None:
            # Drawn just now. One that was here before may be the key of something.
            keystore.discard(vault, identity)
        else:
            keystore.drop_trust(vault)
        raise
    trust = Trust(trust.vault_id, trust.recipient, head, 1)
    keystore.set_trust(vault, trust)
    return trust


def _drawn(vault: str, keystore: Keystore, clock: Clock) -> tuple[Identity, Trust]:
    """Draw key and id; those of an attempt that was cut short are taken up again."""
    trust = keystore.trust(vault)
    identity = keystore.find(trust.recipient) if trust and not trust.commit else None
    if trust and identity:
        return identity, trust
    identity = generate_identity()
    trust = Trust(clock.random_bytes(16).hex(), identity.recipient)
    keystore.add(identity)
    keystore.set_trust(vault, trust)
    return identity, trust

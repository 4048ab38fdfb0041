"""Seals: the keyed MAC in a commit that shows that a key holder made it.

A rotation line is such a MAC under the key that a commit gives up: it hands the vault to the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac

from memory_sync.model.remote import Commit

HEADLINE = "sync"
NO_PARENT = "0" * 40
SEAL_LINE = re.compile(r"Memory-Sync-Seal: 1 ([1-9][0-9]{0,17}) ([0-9a-f]{64})")


ROTATION_LINE = re.compile(r"Memory-Sync-Rotation: 1 ([1-9][0-9]{0,17}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal, or a rotation, as it stands in a message: the sequence number and the MAC in hex."""

    n: int
    mac: str


def seal_mac(seal_key: bytes, n: int, vault_id: str, parent: str | None, tree: str) -> str:
    """Compute the MAC over sequence number, vault, parent and root tree."""
    return _mac(seal_key, "memory-sync seal 1", str(n), vault_id, parent or NO_PARENT, tree)


def rotation_mac(
    old_key: bytes, n: int, vault_id: str, parent: str | None, tree: str, *, recipient: str
) -> str:
    """Compute the MAC with which the old seal key hands the vault to a new recipient."""
    first, place = "memory-sync rotation 1", parent or NO_PARENT
    return _mac(old_key, first, str(n), vault_id, place, tree, recipient)


def _mac(key: bytes, *lines: str) -> str:
    # What a remote says can hold what UTF-8 has no bytes for; no MAC is right for that.
    text = "".join(f"{line}\n" for line in lines)
    return hmac(key, text.encode("utf-8", "surrogatepass"), sha256).hex()


def seal_message(seal_key: bytes, n: int, vault_id: str, parent: str | None, tree: str) -> str:
    """Write the whole message of a sealed commit."""
    mac = seal_mac(seal_key, n, vault_id, parent, tree)
    return f"{HEADLINE}\n\nMemory-Sync-Seal: 1 {n} {mac}\n"


def rotation_line(
    old_key: bytes, n: int, vault_id: str, parent: str | None, tree: str, *, recipient: str
) -> str:
    """Write the line that a commit bears besides its seal where it changes the vault's key."""
    mac = rotation_mac(old_key, n, vault_id, parent, tree, recipient=recipient)
    return f"Memory-Sync-Rotation: 1 {n} {mac}\n"


def read_seal(message: str) -> Seal | None:
    """Find the seal of a message: exactly one seal line, or none at all."""
    return _only(SEAL_LINE, message)


def read_rotation(message: str) -> Seal | None:
    """Find the rotation of a message: exactly one rotation line, or none at all."""
    return _only(ROTATION_LINE, message)


def _only(form: re.Pattern[str], message: str) -> Seal | None:
    lines = [line.removesuffix("\r") for line in message.split("\n")]
    found = [match for line in lines if (match := form.fullmatch(line))]
    return Seal(int(found[0][1]), found[0][2]) if len(found) == 1 else None


def seal_of(seal_key: bytes, vault_id: str, commit: Commit) -> Seal | None:
    """Return the commit's seal if it was made with this key for this vault, else None."""
    seal = read_seal(commit.message)
    if seal is None or len(commit.parents) > 1:
        return None
    parent = commit.parents[0] if commit.parents else None
    mac = seal_mac(seal_key, seal.n, vault_id, parent, commit.tree)
    return seal if compare_digest(mac, seal.mac) else None


def rotation_of(old_key: bytes, vault_id: str, commit: Commit, recipient: str) -> Seal | None:
    """Return the commit's rotation if this key hands the vault to `recipient` in it, else None.

    Its seal is under the key of `recipient`, so that only the number is compared with it here.
    """
    rotation, seal = read_rotation(commit.message), read_seal(commit.message)
    if rotation is None or seal is None or seal.n != rotation.n or len(commit.parents) > 1:
        return None
    parent = commit.parents[0] if commit.parents else None
    mac = rotation_mac(old_key, rotation.n, vault_id, parent, commit.tree, recipient=recipient)
    return rotation if compare_digest(mac, rotation.mac) else None

"""Seals: the keyed MAC in a commit that shows that a key holder made it."""

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


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal as it stands in a message: the sequence number and the MAC in hex."""

    n: int
    mac: str


def seal_mac(seal_key: bytes, n: int, vault_id: str, parent: str | None, tree: str) -> str:
    """Compute the MAC over sequence number, vault, parent and root tree."""
    lines = ("memory-sync seal 1", str(n), vault_id, parent or NO_PARENT, tree)
    return hmac(seal_key, "".join(f"{line}\n" for line in lines).encode(), sha256).hex()


def seal_message(seal_key: bytes, n: int, vault_id: str, parent: str | None, tree: str) -> str:
    """Write the whole message of a sealed commit."""
    mac = seal_mac(seal_key, n, vault_id, parent, tree)
    return f"{HEADLINE}\n\nMemory-Sync-Seal: 1 {n} {mac}\n"


def read_seal(message: str) -> Seal | None:
    """Find the seal of a message: exactly one seal line, or none at all."""
    lines = [line.removesuffix("\r") for line in message.split("\n")]
    found = [match for line in lines if (match := SEAL_LINE.fullmatch(line))]
    return Seal(int(found[0][1]), found[0][2]) if len(found) == 1 else None


def seal_of(seal_key: bytes, vault_id: str, commit: Commit) -> Seal | None:
    """Return the commit's seal if it was made with this key for this vault, else None."""
    seal = read_seal(commit.message)
    if seal is None or len(commit.parents) > 1:
        return None
    parent = commit.parents[0] if commit.parents else None
    mac = seal_mac(seal_key, seal.n, vault_id, parent, commit.tree)
    return seal if compare_digest(mac, seal.mac) else None

"""What travels through `pairing/` of a vault, and the words that two machines show."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import scrypt, sha256

from memory_sync.vault.keys import (
    AgeCipher,
    Cipher,
    CipherError,
    Identity,
    format_identity,
    is_recipient,
    parse_identity,
)

FOLDER = "pairing"
FORMAT = 1
MAX_REQUEST = 4096
MAX_ANSWER = 65536
"""Bytes that a request and an answer have at most."""
MAX_DEVICE = 64
"""Characters of a device's name that are shown."""
RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
"""An age X25519 recipient in lower case, which is how the words are computed over it."""
NAME = re.compile(r"([0-9a-f]{32})\.(request|answer)")
WORDS = 6
WORD_BITS = 11
N, R, P = 2**17, 8, 1
"""What scrypt costs: 128 MiB and about half a second."""


class PairingError(Exception):
    """A request or an answer that is none; its text says why, and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a device asks with; `device` is what it says of itself, and may be anything."""

    recipient: str
    device: str

    @property
    def id(self) -> str:
        """What the request is called in `pairing/`."""
        return request_id(self.recipient)


def request_id(recipient: str) -> str:
    """Return the id of the request of a one-time recipient: 32 hex digits."""
    return sha256(recipient.encode("ascii")).hexdigest()[:32]


def request_path(request: str) -> str:
    """Return where the request with this id lies in the vault."""
    return f"{FOLDER}/{request}.request"


def answer_path(request: str) -> str:
    """Return where the answer to the request with this id lies in the vault."""
    return f"{FOLDER}/{request}.answer"


def ids_in(names: Collection[str], kind: str) -> tuple[str, ...]:
    """Return the ids of the requests or answers (`kind`) among the names in `pairing/`."""
    found = (NAME.fullmatch(name) for name in names)
    return tuple(sorted(name[1] for name in found if name and name[2] == kind))


def dump_request(request: Request, recipient: str) -> bytes:
    """Write a request to a vault with this `recipients[0]`, who alone can read the name in it."""
    sealed = _cipher_to(recipient).encrypt(request.device.encode())
    data = {"device": sealed.decode("ascii"), "format": FORMAT, "recipient": request.recipient}
    return (json.dumps(data, sort_keys=True) + "\n").encode()


def read_request(request: str, content: bytes, cipher: Cipher) -> Request:
    """Read what lies under the name of a request. Raises PairingError for what is none."""
    if len(content) > MAX_REQUEST:
        raise PairingError("it is too large")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise PairingError("it is no JSON") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise PairingError("it is of no format that is known")
    recipient, device = data.get("recipient"), data.get("device")
    if not isinstance(recipient, str) or not RECIPIENT.fullmatch(recipient):
        raise PairingError("it names no recipient")
    if not is_recipient(recipient) or request_id(recipient) != request:
        raise PairingError("it is of another recipient")
    if not isinstance(device, str):
        raise PairingError("it names no device")
    try:
        name = cipher.decrypt(device.encode("utf-8", "replace")).decode("utf-8", "replace")
    except CipherError:
        raise PairingError("its device's name does not decrypt") from None
    return Request(recipient, name[:MAX_DEVICE])


def dump_answer(identity: Identity, recipient: str) -> bytes:
    """Write the identity, as an identity file, for a one-time recipient and nobody else."""
    return _cipher_to(recipient).encrypt(format_identity(identity).encode())


def read_answer(content: bytes, one_time: Identity, recipient: str) -> Identity:
    """Read the answer to a one-time identity: the identity with this `recipient`, and no other.

    Raises PairingError.
    """
    if len(content) > MAX_ANSWER:
        raise PairingError("it is too large")
    try:
        text = AgeCipher(one_time, [one_time.recipient]).decrypt(content).decode("ascii")
        identity = parse_identity(text)
    except (CipherError, UnicodeDecodeError):
        raise PairingError("it cannot be opened") from None
    if identity.recipient != recipient:
        raise PairingError("it is another key")
    return identity


def six_words(one_time: str, vault_id: str, recipient: str) -> str:
    """Compute the words for a one-time recipient, a vault's id and its `recipients[0]`.

    66 bits, so slow to compute that nobody finds another recipient with the same words in time.
    """
    # Imported here because only these two commands need it.
    from mnemonic import Mnemonic

    lines = ("memory-sync pairing 1", one_time, vault_id, recipient)
    secret = "".join(f"{line}\n" for line in lines).encode()
    salt = bytes.fromhex(vault_id)
    made = scrypt(secret, salt=salt, n=N, r=R, p=P, maxmem=2 * 128 * N * R, dklen=9)
    number = int.from_bytes(made) >> (8 * 9 - WORDS * WORD_BITS)
    known = Mnemonic("english").wordlist
    places = range((WORDS - 1) * WORD_BITS, -1, -WORD_BITS)
    return " ".join(known[number >> place & (2**WORD_BITS - 1)] for place in places)


def same_words(first: str, second: str) -> bool:
    """Tell whether two texts are the same words, whatever is between them."""
    return first.lower().split() == second.lower().split()


def _cipher_to(recipient: str) -> AgeCipher:
    """Return what encrypts to one recipient. Raises PairingError."""
    try:
        return AgeCipher(Identity(()), [recipient])
    except CipherError:
        raise PairingError("no recipient") from None

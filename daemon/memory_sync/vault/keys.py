"""The vault's identity, the keys derived from it, and the one place that knows pyrage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from hmac import digest as hmac
from typing import Protocol

import pyrage

IDENTITY_LINE = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]+")


class CipherError(Exception):
    """Bytes that the identity does not open, or a key that is none. Its text holds no secret."""


class Cipher(Protocol):
    """Encrypts parts and decrypts them again."""

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt to all recipients of the vault."""
        ...

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt, or raise CipherError."""
        ...


@dataclass(frozen=True)
class Identity:
    """An age X25519 identity: the current one first, those that were rotated away below it.

    The secrets stay out of `repr` and so out of logs and tracebacks.
    """

    secrets: tuple[str, ...] = field(repr=False)

    @cached_property
    def recipient(self) -> str:
        """The public half of the current secret."""
        return str(_parse(self.secrets[0]).to_public())

    def derive(self, vault_id: str) -> DerivedKeys:
        """Derive the keys for names and seals of the vault with this id (32 hex digits)."""
        salt = bytes.fromhex(vault_id)
        ikm = self.secrets[0].encode("ascii")
        return DerivedKeys(
            names=hkdf(ikm, salt, b"memory-sync/1/names"),
            seal=hkdf(ikm, salt, b"memory-sync/1/seal"),
        )


@dataclass(frozen=True)
class DerivedKeys:
    """The two keys that names and seals are made with, 32 bytes each."""

    names: bytes = field(repr=False)
    seal: bytes = field(repr=False)


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) for 32 bytes of output: one extract and one expand step."""
    return hmac(hmac(salt, ikm, sha256), info + b"\x01", sha256)


def _parse(secret: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(secret)
    except pyrage.IdentityError:
        raise CipherError("no age identity") from None


def generate_identity() -> Identity:
    """Draw a new identity from the operating system's randomness."""
    return Identity((str(pyrage.x25519.Identity.generate()),))


def parse_identity(text: str) -> Identity:
    """Read an age identity file: comments, blank lines, one secret a line, the current one first.

    Raises CipherError if there is none, or one that age would not take.
    """
    lines = [line.strip() for line in text.splitlines()]
    secrets = tuple(line for line in lines if line and not line.startswith("#"))
    if not secrets or not all(IDENTITY_LINE.fullmatch(secret) for secret in secrets):
        raise CipherError("no age identity")
    for secret in secrets:
        _parse(secret)
    return Identity(secrets)


def format_identity(identity: Identity, note: str = "") -> str:
    """Write an age identity file, as the age command reads it."""
    head = [f"# {note}"] if note else []
    return "\n".join([*head, f"# public key: {identity.recipient}", *identity.secrets, ""])


def is_recipient(text: str) -> bool:
    """Tell whether this is an age X25519 recipient."""
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


class AgeCipher:
    """age v1, ASCII-armoured: armour because GitHub gives text blobs many at a time."""

    def __init__(self, identity: Identity, recipients: Sequence[str]) -> None:
        self._identities = [_parse(secret) for secret in identity.secrets]
        try:
            self._recipients = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
        except pyrage.RecipientError:
            raise CipherError("a recipient of a kind that is not known") from None

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt to all recipients of the vault."""
        return bytes(pyrage.encrypt(plaintext, self._recipients, armored=True))

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt, or raise CipherError."""
        try:
            return bytes(pyrage.decrypt(ciphertext, self._identities))
        except pyrage.DecryptError:
            raise CipherError("it does not decrypt with this key") from None


def encrypt_with_passphrase(plaintext: bytes, passphrase: str) -> bytes:
    """Make an age passphrase file (scrypt), ASCII-armoured."""
    return bytes(pyrage.passphrase.encrypt(plaintext, passphrase, armored=True))


def decrypt_with_passphrase(ciphertext: bytes, passphrase: str) -> bytes:
    """Open an age passphrase file, or raise CipherError."""
    try:
        return bytes(pyrage.passphrase.decrypt(ciphertext, passphrase))
    except pyrage.DecryptError:
        raise CipherError("the passphrase does not open it") from None

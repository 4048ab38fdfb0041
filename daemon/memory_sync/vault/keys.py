"""The vault's identity, the keys derived from it, and the one place that knows pyrage."""

from __future__ import annotations

import contextlib
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


class PluginError(CipherError):
    """A recipient of an age plugin that is not on this machine; its text is the plugin's name."""


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

    def since(self, recipient: str) -> Identity | None:
        """Return the identity as it was while this recipient was current, None if it never was."""
        for index, secret in enumerate(self.secrets):
            if str(_parse(secret).to_public()) == recipient:
                return Identity(self.secrets[index:])
        return None

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


class _Silent:
    """What an age plugin may ask a person for: nothing, as nobody may be there."""

    def display_message(self, message: str) -> None:
        """Show nothing."""

    def confirm(self, message: str, yes: str, no: str | None) -> None:
        """Confirm nothing."""

    def request_public_string(self, description: str) -> None:
        """Give nothing."""

    def request_passphrase(self, description: str) -> None:
        """Give nothing."""


def parse_recipient(text: str) -> pyrage.Recipient:
    """Read whom something is encrypted to: age X25519, ssh-ed25519, or that of an age plugin.

    Raises PluginError where the plugin is not here, CipherError for any other kind.
    """
    if text.startswith("ssh-ed25519 "):
        with contextlib.suppress(pyrage.RecipientError):
            return pyrage.ssh.Recipient.from_str(text)
    elif is_recipient(text):
        return pyrage.x25519.Recipient.from_str(text)
    else:
        with contextlib.suppress(pyrage.RecipientError):
            return _plugin(pyrage.plugin.Recipient.from_str(text))
    raise CipherError("a recipient of a kind that is not known")


def _plugin(recipient: pyrage.plugin.Recipient) -> pyrage.Recipient:
    name = recipient.plugin()
    try:
        return pyrage.plugin.RecipientPluginV1(name, [recipient], [], _Silent())
    except pyrage.EncryptError:
        raise PluginError(name) from None


class AgeCipher:
    """age v1, ASCII-armoured: armour because GitHub gives text blobs many at a time."""

    def __init__(self, identity: Identity, recipients: Sequence[str]) -> None:
        self._identities = [_parse(secret) for secret in identity.secrets]
        self._recipients = [parse_recipient(text) for text in recipients]

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt to all recipients of the vault. Raises CipherError where a plugin fails."""
        try:
            return bytes(pyrage.encrypt(plaintext, self._recipients, armored=True))
        except pyrage.EncryptError as error:
            raise CipherError(str(error)) from None

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

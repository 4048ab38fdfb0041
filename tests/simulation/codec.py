"""A cheap cipher behind the port: another ciphertext each time, and none that can be changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b, shake_128
from random import Random

from memory_sync.vault.keys import AgeCipher, Cipher, CipherError, Identity

MAGIC = b"simulated cipher 1\n"
NONCE = 12
TAG = 16

CipherMaker = Callable[[Identity, Sequence[str]], Cipher]


class CheapCipher:
    """Encrypts with a stream of SHAKE-128 and a keyed BLAKE2b; never for anything real."""

    def __init__(self, identity: Identity, random: Random) -> None:
        self._key = identity.secrets[0].encode()[-32:]
        self._random = random

    def encrypt(self, plaintext: bytes) -> bytes:
        nonce = self._random.randbytes(NONCE)
        body = self._mask(nonce, plaintext)
        return MAGIC + nonce + self._tag(nonce + body) + body

    def decrypt(self, ciphertext: bytes) -> bytes:
        begin = len(MAGIC)
        nonce = ciphertext[begin : begin + NONCE]
        tag = ciphertext[begin + NONCE : begin + NONCE + TAG]
        body = ciphertext[begin + NONCE + TAG :]
        if not ciphertext.startswith(MAGIC) or self._tag(nonce + body) != tag:
            raise CipherError("it does not decrypt with this key")
        return self._mask(nonce, body)

    def _mask(self, nonce: bytes, text: bytes) -> bytes:
        stream = shake_128(self._key + nonce).digest(len(text))
        mixed = int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(len(text), "big")

    def _tag(self, content: bytes) -> bytes:
        return blake2b(content, digest_size=TAG, key=self._key).digest()


def cheap(random: Random) -> CipherMaker:
    """Return a maker of cheap ciphers with a randomness of their own."""
    return lambda identity, recipients: CheapCipher(identity, random)


def real(identity: Identity, recipients: Sequence[str]) -> Cipher:
    """Make the cipher that the program uses."""
    return AgeCipher(identity, recipients)

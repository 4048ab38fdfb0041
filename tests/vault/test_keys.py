"""The identity, what is derived from it, and age."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from memory_sync.vault.keys import (
    AgeCipher,
    CipherError,
    Identity,
    decrypt_with_passphrase,
    encrypt_with_passphrase,
    format_identity,
    generate_identity,
    hkdf,
    is_recipient,
    parse_identity,
)

VECTORS = json.loads((Path(__file__).parents[1] / "reader" / "vectors.json").read_text())


@given(st.binary(min_size=1, max_size=100), st.binary(min_size=1, max_size=64), st.binary())
def test_hkdf_is_that_of_rfc_5869(ikm: bytes, salt: bytes, info: bytes) -> None:
    """The derivation equals that of a well-kept library."""
    assert hkdf(ikm, salt, info) == HKDF(SHA256(), 32, salt, info).derive(ikm)


def test_an_identity_file_goes_round_with_rotated_keys() -> None:
    """The current secret stays first; comments and blank lines do no harm."""
    both = Identity((*generate_identity().secrets, *generate_identity().secrets))
    text = format_identity(both, "a note")
    assert parse_identity(f"\n# more\n{text}\n") == both
    assert f"# public key: {both.recipient}" in text


@pytest.mark.parametrize(
    "text", ["", "# only a comment", "hello", "AGE-SECRET-KEY-1QQQ", "age1abc", "\0"]
)
def test_what_is_no_identity_is_refused(text: str) -> None:
    """Nothing but whole age identities is taken."""
    with pytest.raises(CipherError):
        parse_identity(text)


def test_the_secret_does_not_show_itself() -> None:
    """Neither repr nor an error's text holds a secret or a derived key."""
    identity = generate_identity()
    shown = repr(identity) + repr(identity.derive("00" * 16))
    assert identity.secrets[0] not in shown
    assert identity.derive("00" * 16).seal.hex() not in shown
    with pytest.raises(CipherError) as caught:
        parse_identity(identity.secrets[0][:-1])
    assert identity.secrets[0][:30] not in str(caught.value)


def test_only_a_recipient_decrypts() -> None:
    """Another identity opens nothing; all identities of the file open what was for any of them."""
    old, new, stranger = generate_identity(), generate_identity(), generate_identity()
    sealed = AgeCipher(old, [old.recipient]).encrypt(b"memory")
    both = Identity((*new.secrets, *old.secrets))
    assert sealed.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----")
    assert AgeCipher(both, [both.recipient]).decrypt(sealed) == b"memory"
    with pytest.raises(CipherError):
        AgeCipher(stranger, [stranger.recipient]).decrypt(sealed)


def test_a_passphrase_file_opens_with_its_passphrase_only() -> None:
    """An exported key can be kept under a passphrase."""
    sealed = encrypt_with_passphrase(b"key", "open sesame")
    assert decrypt_with_passphrase(sealed, "open sesame") == b"key"
    with pytest.raises(CipherError):
        decrypt_with_passphrase(sealed, "open barley")


def test_a_recipient_is_recognised() -> None:
    """Only age X25519 recipients are."""
    assert is_recipient(generate_identity().recipient)
    assert not is_recipient("age1nonsense")


def test_the_vectors_hold() -> None:
    """The keys are those of the vectors, which the independent reader is held to as well."""
    identity = parse_identity(VECTORS["identity"])
    keys = identity.derive(VECTORS["id"])
    assert identity.recipient == VECTORS["recipient"]
    assert keys.names.hex() == VECTORS["keys"]["names"]
    assert keys.seal.hex() == VECTORS["keys"]["seal"]

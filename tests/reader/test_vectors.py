"""The reader on fixed test vectors; the project's documents carry the same ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs
from tests.reader import age, keys

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
IDENTITY, VAULT_ID = VECTORS["identity"], VECTORS["id"]


def test_hkdf_is_that_of_the_rfc() -> None:
    """The derivation gives the first test case of RFC 5869."""
    okm = keys.hkdf(
        bytes.fromhex("0b" * 22),
        bytes.fromhex("000102030405060708090a0b0c"),
        bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"),
        42,
    )
    assert okm.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


@pytest.mark.parametrize("purpose", VECTORS["keys"])
def test_the_derived_keys_are_the_fixed_ones(purpose: str) -> None:
    """Each derived key of the test identity is the recorded one."""
    assert keys.derive(IDENTITY, VAULT_ID, purpose).hex() == VECTORS["keys"][purpose]


@pytest.mark.parametrize("vector", VECTORS["objects"])
def test_the_object_names_are_the_fixed_ones(vector: dict[str, str]) -> None:
    """Each path of the test vectors has the recorded object name."""
    assert keys.object_name(IDENTITY, VAULT_ID, vector["path"]) == vector["name"]


@pytest.mark.parametrize("vector", VECTORS["seals"])
def test_the_seals_are_the_fixed_ones(vector: dict[str, Any]) -> None:
    """Each commit of the test vectors has the recorded seal."""
    found = keys.seal(IDENTITY, VAULT_ID, vector["n"], vector["parent"], vector["tree"])
    assert found == vector["seal"]


@pytest.mark.parametrize("vector", VECTORS["rotations"])
def test_the_rotations_are_the_fixed_ones(vector: dict[str, Any]) -> None:
    """Each rotation of the test vectors has the recorded MAC."""
    commit = (vector["n"], vector["parent"], vector["tree"], vector["recipient"])
    assert keys.rotation(IDENTITY, VAULT_ID, *commit) == vector["rotation"]


def test_the_recipient_is_the_fixed_one() -> None:
    """The public half of the test identity is the recorded one."""
    needs("age-keygen")
    assert age.recipient_of(IDENTITY) == VECTORS["recipient"]


def test_an_identity_in_lower_case_is_no_key() -> None:
    """An identity in any other spelling would give other names, and is refused."""
    with pytest.raises(ValueError, match="upper case"):
        keys.object_name(IDENTITY.lower(), VAULT_ID, "notes/a")

"""Requests, answers and words: what goes through `pairing/` of a vault."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from memory_sync.vault.keys import AgeCipher, Identity, format_identity, generate_identity
from memory_sync.vault.pairing import (
    MAX_ANSWER,
    MAX_DEVICE,
    MAX_REQUEST,
    PairingError,
    Request,
    dump_answer,
    dump_request,
    ids_in,
    read_answer,
    read_request,
    request_path,
    same_words,
    six_words,
)
from tests.vault.samples import CIPHER, IDENTITY

ONE_TIME = generate_identity()
ASKED = Request(ONE_TIME.recipient, "desktop")
PAGE = (Path(__file__).parents[2] / "docs" / "vault-format.md").read_text("utf-8")


def vector() -> dict[str, Any]:
    """Return the vector of docs/vault-format.md."""
    section = PAGE.split("\n## Pairing\n")[1].split("\n## ")[0]
    [block] = re.findall(r"^```json\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = json.loads(block)
    return found


# --- words --------------------------------------------------------------------------------------


def test_the_words_are_those_of_the_page() -> None:
    """The vector in docs/vault-format.md holds for the program."""
    given = vector()
    words = six_words(given["one_time"], given["id"], given["recipient"])
    assert words == given["words"]
    assert request_path(Request(given["one_time"], "").id) == f"pairing/{given['request']}.request"


def test_the_words_are_what_the_page_says_in_other_hands() -> None:
    """Another scrypt, and bits that are cut in another way, make the words of the vector."""
    given = vector()
    text = f"memory-sync pairing 1\n{given['one_time']}\n{given['id']}\n{given['recipient']}\n"
    made = Scrypt(salt=bytes.fromhex(given["id"]), length=9, n=131072, r=8, p=1)
    bits = "".join(f"{byte:08b}" for byte in made.derive(text.encode()))
    known = Mnemonic("english").wordlist
    words = [known[int(bits[place : place + 11], 2)] for place in range(0, 66, 11)]
    assert " ".join(words) == given["words"]


def test_the_words_are_about_all_three() -> None:
    """Another one-time recipient, another id, or another recipient makes other words."""
    given = vector()
    other = generate_identity().recipient
    variants = {
        given["words"],
        six_words(other, given["id"], given["recipient"]),
        six_words(given["one_time"], "f" * 32, given["recipient"]),
        six_words(given["one_time"], given["id"], other),
    }
    assert len(variants) == 4


def test_words_are_compared_as_words() -> None:
    """Spaces, line ends and capitals do not matter; a word more, less or other does."""
    assert same_words(" Ocean  army\nlegal ", "ocean army legal")
    assert not same_words("ocean army", "ocean army legal")
    assert not same_words("", "ocean army legal")
    assert not same_words("ocean legal army", "ocean army legal")


# --- requests -----------------------------------------------------------------------------------


def test_i53_a_request_tells_its_device_to_the_vault_alone() -> None:
    """The name in a request is read with the vault's key, and by nobody without it."""
    content = dump_request(ASKED, IDENTITY.recipient)
    assert read_request(ASKED.id, content, CIPHER) == ASKED
    assert b"desktop" not in content
    stranger = generate_identity()
    with pytest.raises(PairingError):
        read_request(ASKED.id, content, AgeCipher(stranger, [stranger.recipient]))


def _changed(**changes: object) -> bytes:
    data = json.loads(dump_request(ASKED, IDENTITY.recipient))
    return json.dumps({**data, **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b"[" * 4000,
        b"9" * 4096,
        _changed(format=2),
        _changed(format=None),
        _changed(recipient=None),
        _changed(recipient=ONE_TIME.recipient.upper()),
        _changed(recipient=generate_identity().recipient),
        _changed(recipient="age1" + "q" * 58),
        _changed(recipient=ONE_TIME.recipient + "\n"),
        _changed(device=5),
        _changed(device=""),
        _changed(device="\ud800"),
        _changed(device="-----BEGIN AGE ENCRYPTED FILE-----"),
        _changed(padding="x" * MAX_REQUEST),
    ],
)
def test_garbage_is_no_request(content: bytes) -> None:
    """What is too large, no JSON, of another format, or of another recipient is refused."""
    with pytest.raises(PairingError):
        read_request(ASKED.id, content, CIPHER)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_i53_no_bytes_make_a_request_fail_otherwise(content: bytes) -> None:
    """Whatever lies there is refused by a named error that holds nothing of it."""
    with pytest.raises(PairingError):
        read_request(ASKED.id, content, CIPHER)
    with pytest.raises(PairingError):
        read_answer(content, ONE_TIME, IDENTITY.recipient)


def test_a_long_name_is_cut() -> None:
    """A device can call itself anything: no more than 64 characters of it are taken."""
    content = dump_request(Request(ONE_TIME.recipient, "é" * 500), IDENTITY.recipient)
    assert read_request(ASKED.id, content, CIPHER).device == "é" * MAX_DEVICE


def test_only_files_with_the_right_names_are_looked_at() -> None:
    """The ids of requests and answers come from names of exactly their form."""
    good = "0123456789abcdef" * 2
    names = (
        f"{good}.request", f"{good}.answer", f"{good.upper()}.request", f"{good}.request\n",
        f"{good}.request.1", f"{good[1:]}.request", "x.request", f"{good}.REQUEST", "",
    )  # fmt: skip
    assert ids_in(names, "request") == (good,)
    assert ids_in(names, "answer") == (good,)


# --- answers ------------------------------------------------------------------------------------


def test_an_answer_brings_the_key_with_its_past() -> None:
    """Identities that were rotated away come along: the history stays readable."""
    identity = Identity((*IDENTITY.secrets, *generate_identity().secrets))
    content = dump_answer(identity, ONE_TIME.recipient)
    assert read_answer(content, ONE_TIME, IDENTITY.recipient) == identity
    assert b"AGE-SECRET-KEY" not in content


def _to_one_time(text: str) -> bytes:
    return AgeCipher(ONE_TIME, [ONE_TIME.recipient]).encrypt(text.encode())


@pytest.mark.parametrize(
    "content",
    [
        dump_answer(generate_identity(), ONE_TIME.recipient),
        dump_answer(IDENTITY, generate_identity().recipient),
        _to_one_time(""),
        _to_one_time("no key"),
        _to_one_time("größe"),
        _to_one_time(format_identity(generate_identity()) + IDENTITY.secrets[0]),
        b"",
        b"x" * (MAX_ANSWER + 1),
        dump_answer(IDENTITY, ONE_TIME.recipient) + b" " * MAX_ANSWER,
    ],
)
def test_i51_no_other_key_is_taken(content: bytes) -> None:
    """An answer that is another key, for another, none at all or too large is refused."""
    with pytest.raises(PairingError):
        read_answer(content, ONE_TIME, IDENTITY.recipient)

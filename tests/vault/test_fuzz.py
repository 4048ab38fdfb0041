"""Whatever lies in a vault: reading it gives a value that keeps the rules, or a named error."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_sync.model import Commit, Entry
from memory_sync.vault.archive import ArchiveError, pack, unpack
from memory_sync.vault.judge import read_superseded
from memory_sync.vault.keys import (
    AgeCipher,
    CipherError,
    decrypt_with_passphrase,
    encrypt_with_passphrase,
    generate_identity,
    parse_identity,
)
from memory_sync.vault.manifest import Manifest, ManifestError, read_manifest
from memory_sync.vault.objects import ObjectError, decode, object_name, objects_in
from memory_sync.vault.paths import MAX_PATH, PathError, check
from memory_sync.vault.seals import (
    read_rotation,
    read_seal,
    rotation_line,
    rotation_of,
    seal_message,
    seal_of,
)
from tests.mutating import nearly
from tests.vault.samples import CIPHER, IDENTITY, KEYS, VAULT_ID

PATH = "notes/memory/day one.md"
LONG = "notes/" + "long/" * 50 + "é.md"
TREE, PARENT = "a" * 40, "b" * 40

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
anything = st.text(st.characters(exclude_categories=()), max_size=60)
"""Text with everything that Python can hold, lone surrogates too."""


class Clear:
    """A cipher that hides nothing, so that what it would hide can be changed."""

    def encrypt(self, plaintext: bytes) -> bytes:
        return plaintext

    def decrypt(self, ciphertext: bytes) -> bytes:
        return ciphertext


def whole(path: str, content: bytes) -> bytes:
    """Return an archive as the program writes it."""
    return b"".join(pack(path, content, mode=0o640, mtime=1_700_000_000, device="lap"))


ARCHIVES = (whole(PATH, b"text\n" * 30), whole(PATH, b""), whole(LONG, b"x" * 700))
STREAMS = tuple(gzip.compress(one, mtime=0) for one in ARCHIVES)
OBJECTS = tuple(CIPHER.encrypt(one) for one in STREAMS)
MANIFESTS = (
    Manifest(VAULT_ID, (IDENTITY.recipient,)).dump(),
    Manifest(VAULT_ID, (IDENTITY.recipient, generate_identity().recipient), 2).dump(),
)
MESSAGES = tuple(
    (
        seal_message(KEYS.seal, n, VAULT_ID, PARENT, TREE)
        + rotation_line(KEYS.seal, n, VAULT_ID, PARENT, TREE, recipient=IDENTITY.recipient)
    ).encode()
    for n in (1, 10**17)
)


@many
@given(nearly(ARCHIVES))
def test_i66_any_archive_is_one_plain_file_or_an_error(data: bytes) -> None:
    """What is read has the size that it says, a mode of permission bits and a time to show."""
    with contextlib.suppress(ArchiveError):
        member = unpack(data)
        assert len(member.content) <= len(data)
        assert member.content in data
        assert 0 <= member.mode <= 0o777
        assert 0 <= member.mtime <= 253402300799


@many
@given(nearly(ARCHIVES), st.sampled_from((PATH, LONG)))
def test_i66_any_object_keeps_the_rules_or_is_an_error(data: bytes, path: str) -> None:
    """It has an allowed path, the one of its place, and can be stored in a database."""
    name = object_name(KEYS.names, path)
    with contextlib.suppress(ObjectError):
        read = decode(KEYS.names, Clear(), name, [gzip.compress(data, 1, mtime=0)])
        assert check(read.path) == path
        assert len(read.content) == read.file.version.size
        assert read.file.device.encode("ascii")[:64].decode() == read.file.device


@settings(few, max_examples=300)
@given(st.lists(nearly(STREAMS), max_size=4))
def test_i50_any_streams_are_an_object_or_an_error(parts: list[bytes]) -> None:
    """Parts that are cut, doubled or no gzip end in an ObjectError and in nothing else."""
    with contextlib.suppress(ObjectError):
        decode(KEYS.names, Clear(), object_name(KEYS.names, PATH), parts)


@few
@given(nearly(OBJECTS))
def test_i50_any_ciphertext_is_an_object_or_an_error(blob: bytes) -> None:
    """Nor does an age file that is nearly right do anything else."""
    with contextlib.suppress(ObjectError):
        read = decode(KEYS.names, CIPHER, object_name(KEYS.names, PATH), [blob])
        assert read.path == PATH


@many
@given(anything)
def test_i66_any_path_is_allowed_or_named(path: str) -> None:
    """What is allowed stays below its root, whatever it is joined to."""
    with contextlib.suppress(PathError):
        parts = check(path).split("/")
        assert len(path.encode()) <= MAX_PATH + 200
        assert not {"", ".", ".."} & set(parts)
        assert not any(sign in path for sign in "\0\\\n\x1b")


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)
manifests = st.fixed_dictionaries(
    {},
    optional={
        "format": st.sampled_from((1, 2, True, 10**30)) | json_values,
        "id": st.just(VAULT_ID) | json_values,
        "recipients": st.lists(st.just(IDENTITY.recipient) | json_values, max_size=3) | json_values,
    },
)


@many
@given(nearly(MANIFESTS) | manifests.map(lambda data: json.dumps(data).encode()))
def test_i42_any_manifest_is_one_or_an_error(content: bytes) -> None:
    """What is read has an id, a format and recipients that a cipher takes or refuses by name."""
    with contextlib.suppress(ManifestError):
        found = read_manifest(content)
        assert found.format >= 1
        assert len(bytes.fromhex(found.id)) == 16
        with contextlib.suppress(CipherError):
            AgeCipher(IDENTITY, found.recipients)


@many
@given(nearly(MESSAGES), anything, st.sampled_from(((), (PARENT,), (PARENT, PARENT), ("\ud800",))))
def test_i52_no_message_makes_a_seal_of_another(
    message: bytes, tree: str, parents: tuple[str, ...]
) -> None:
    """A seal counts for the number, parent and tree that it was made for, and for no other."""
    text = message.decode("utf-8", "surrogateescape")
    read_superseded(message)
    for commit in (Commit("c" * 40, parents, tree, text), Commit("c" * 40, (PARENT,), TREE, text)):
        seal = seal_of(KEYS.seal, VAULT_ID, commit)
        rotation = rotation_of(KEYS.seal, VAULT_ID, commit, IDENTITY.recipient)
        for found, read in ((seal, read_seal(text)), (rotation, read_rotation(text))):
            assert found in (None, read)
            assert found is None or found.n in (1, 10**17)
            assert found is None or (commit.tree, commit.parents) == (TREE, (PARENT,))


KEY_FILES = (f"# a note\n{IDENTITY.secrets[0]}\n".encode(), IDENTITY.secrets[0].encode() * 2)


@many
@given(nearly(KEY_FILES))
def test_any_key_file_is_an_identity_or_an_error(content: bytes) -> None:
    """And what is read has a recipient."""
    with contextlib.suppress(CipherError, UnicodeDecodeError):
        assert parse_identity(content.decode()).recipient.startswith("age1")


LOCKED = encrypt_with_passphrase(KEY_FILES[0], "correct horse")


@settings(max_examples=8, deadline=None)
@given(nearly((LOCKED[:200], LOCKED[60:])))
def test_any_passphrase_file_is_opened_or_an_error(content: bytes) -> None:
    """A damaged one is no more than a passphrase that is wrong."""
    with contextlib.suppress(CipherError):
        decrypt_with_passphrase(content, "correct horse")


names = st.text("0123456789abcdef./age", max_size=50) | st.builds(
    "objects/{}/{}.age{}".format,
    st.sampled_from(("ab", "AB", "..", "a")),
    st.sampled_from(("c" * 30, "d" * 30, "c" * 29)),
    st.sampled_from(("", ".0001", ".0000", ".0002", ".9999", ".1", "./x")),
)


@settings(few, max_examples=200)
@given(
    st.dictionaries(
        names | anything,
        st.builds(Entry, st.sampled_from(("100644", "120000", "040000")), anything),
    )
)
def test_any_listing_has_whole_objects_or_broken_ones(listing: dict[str, Entry]) -> None:
    """None is both, and a whole one has each of its parts."""
    whole_ones, broken = objects_in(listing)
    assert not whole_ones.keys() & set(broken)
    for name, blobs in whole_ones.items():
        assert [listing[f"{name}.{index:04d}" if index else name].id for index in range(len(blobs))]

"""The reader on vaults that break the format outside of their objects, each in one way."""

import json
from collections.abc import Callable

import pytest

from tests.reader import FormatError, read_vault
from tests.reader.refusal import refused
from tests.reader.writer import VAULT_ID, Key, Repository, plain


def about(key: Key, **changes: object) -> bytes:
    """Return a vault.json with something changed."""
    values = {"format": 1, "id": VAULT_ID, "recipients": [key.public]} | changes
    return json.dumps(values, sort_keys=True).encode()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda key: about(key).replace(b", ", b",\n"), "not one line"),
        (lambda key: about(key) + b"\n\n", "not one line"),
        (lambda key: b"{" + about(key)[14:-1] + b', "format": 1}', "not sorted"),
        (lambda key: about(key)[:-1], "not JSON"),
        (lambda _: b"[1]", "not an object"),
        (lambda key: about(key, id=VAULT_ID.upper()), "id is not"),
        (lambda key: about(key, id=VAULT_ID[1:]), "id is not"),
        (lambda key: about(key, recipients=[]), "recipients is not"),
        (lambda key: about(key, recipients=key.public), "recipients is not"),
        (lambda key: about(key, recipients=[key.public, "ssh-rsa x"]), "no public key"),
        (lambda key: about(key, recipients=["age1x"]), "not an X25519"),
        (lambda key: about(key, format="1"), "format is not a number"),
        (lambda key: about(key, more=1), "its keys are"),
        (lambda key: about(key, format=2, more=1), "format 2 is unknown"),
    ],
)
def test_a_wrong_vault_json_is_refused(
    repository: Repository, key: Key, wrong: Callable[[Key], bytes], match: str
) -> None:
    """A vault.json of another shape is refused, and an unknown format by its number."""
    refused(repository, key, plain(key) | {"vault.json": wrong(key)}, match)


def test_a_repository_without_a_vault_is_refused(repository: Repository, key: Key) -> None:
    """A repository without vault.json, or without any commit, is no vault."""
    with pytest.raises(FormatError, match="rev-parse"):
        read_vault(repository.path, key.secret, key.file)
    refused(repository, key, {"README.md": b"hello"}, "vault.json is missing")


def test_a_foreign_vault_is_refused(repository: Repository, key: Key) -> None:
    """A vault with another id than the expected one is foreign, whatever its key."""
    repository.sealed(key, 1, plain(key))
    with pytest.raises(FormatError, match="foreign vault"):
        read_vault(repository.path, key.secret, key.file, vault_id="0" * 32)


def test_a_vault_without_its_readme_is_refused(repository: Repository, key: Key) -> None:
    """A sealed commit upon another must have the README with its commands."""
    tree = plain(key)
    tree["README.md"] = b"nothing"
    refused(repository, key, tree, "lacks the recovery commands")
    first = repository.sealed(key, 1, plain(key))
    del tree["README.md"]
    repository.sealed(key, 2, tree, first)
    with pytest.raises(FormatError, match=r"README\.md is missing"):
        read_vault(repository.path, key.secret, key.file)


@pytest.mark.parametrize("data", [b"", b"abc\n", b"1" * 40 + b"\n\n", b"A" * 40 + b"\n"])
def test_a_wrong_superseded_is_refused(repository: Repository, key: Key, data: bytes) -> None:
    """A file superseded that is empty or has another line than a commit id is refused."""
    refused(repository, key, plain(key) | {"superseded": data}, "not a commit id")

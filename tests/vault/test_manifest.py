"""`vault.json`."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_sync.vault.manifest import README_TEXT, Manifest, ManifestError, read_manifest
from tests.vault.samples import IDENTITY, VAULT_ID


def test_it_is_one_line_of_sorted_json() -> None:
    """The file is exact to the byte, so that every device writes the same."""
    text = Manifest(VAULT_ID, (IDENTITY.recipient,)).dump()
    assert text == (
        f'{{"format": 1, "id": "{VAULT_ID}", "recipients": ["{IDENTITY.recipient}"]}}\n'.encode()
    )
    assert read_manifest(text) == Manifest(VAULT_ID, (IDENTITY.recipient,))


@pytest.mark.parametrize(
    "change",
    [{"id": "xyz"}, {"id": 5}, {"id": VAULT_ID.upper()}, {"recipients": []}, {"recipients": "age1"},
     {"recipients": ["age1nonsense"]}, {"recipients": [5]}, {"format": "1"}, {"format": True},
     {"format": 0}, {"format": None}],
)  # fmt: skip
def test_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    """Nothing is guessed about a vault."""
    good = {"format": 1, "id": VAULT_ID, "recipients": [IDENTITY.recipient]}
    with pytest.raises(ManifestError):
        read_manifest(json.dumps(good | change).encode())


def test_a_later_format_is_read_so_that_it_can_be_named() -> None:
    """The number is told, for a clear error; what else stands there is left alone."""
    later = {"format": 2, "id": VAULT_ID, "recipients": [IDENTITY.recipient], "more": 1}
    assert read_manifest(json.dumps(later).encode()).format == 2


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_bytes_make_the_reader_fall_over(content: bytes) -> None:
    """Any bytes are a manifest or a ManifestError."""
    with contextlib.suppress(ManifestError):
        read_manifest(content)


def test_the_readme_has_the_recovery_commands() -> None:
    """What stands there is what a person in need will type."""
    assert 'do age -d -i ../key.txt "$part"; done | tar -xz -C ../recovered' in README_TEXT

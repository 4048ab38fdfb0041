"""The identity that a vault is about to be handed to, and those that came before it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from memory_sync.ports.keystore import Keystore
from memory_sync.vault.judge import Trust
from memory_sync.vault.keys import Identity, generate_identity

OLD, MIDDLE, NEW = (generate_identity() for _ in range(3))
WHOLE = Identity((NEW.secrets[0], MIDDLE.secrets[0], OLD.secrets[0]))


@pytest.fixture
def store(tmp_path: Path) -> Keystore:
    """Give a keystore in a folder that is not there yet."""
    return Keystore(tmp_path / "keys")


def test_an_identity_that_was_drawn_is_not_one_that_is_in_force(store: Keystore) -> None:
    """It is private and durable, and found under no recipient until the vault was handed to it."""
    store.keep_drawn("v", WHOLE)
    assert store.drawn("v") == WHOLE
    assert store.drawn("w") is None
    assert store.find(NEW.recipient) is None
    assert store.recipients() == ()
    assert store.newer(OLD.recipient) == ()
    [place] = store.folder.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    store.drop_drawn("v", NEW.recipient)
    assert store.drawn("v") is None
    assert store.find(NEW.recipient) == WHOLE


def test_one_that_lost_is_forgotten(store: Keystore) -> None:
    """The vault was handed to another: this one opens nothing, and is not filed."""
    store.keep_drawn("v", WHOLE)
    store.drop_drawn("v", generate_identity().recipient)
    assert store.drawn("v") is None
    assert list(store.folder.iterdir()) == []
    store.drop_drawn("v", NEW.recipient)


def test_older_identities_are_found_in_the_newest_file(store: Keystore) -> None:
    """As they were when they were current; the current one is not older than itself."""
    store.add(WHOLE)
    assert store.older(MIDDLE.recipient) == Identity(WHOLE.secrets[1:])
    assert store.older(OLD.recipient) == OLD
    assert store.older(NEW.recipient) is None
    assert store.newer(OLD.recipient) == (WHOLE,)
    assert store.newer(NEW.recipient) == ()
    assert store.find(OLD.recipient) is None


def test_a_broken_file_of_another_key_hides_none(store: Keystore) -> None:
    """What cannot be read beside it is another matter."""
    store.add(WHOLE)
    other = store.add(generate_identity())
    other.write_text("garbage")
    assert store.older(OLD.recipient) == OLD


def test_that_the_key_was_given_up_outlives_everything_else(store: Keystore) -> None:
    """It stands in the record of trust; a record from before there were rotations is of none."""
    trust = Trust("a" * 32, NEW.recipient, "b" * 40, 7, rotated=True)
    store.set_trust("v", trust)
    assert Keystore(store.folder).trust("v") == trust
    place = store.folder / "v.trust.json"
    place.write_text(place.read_text().replace(', "rotated": true', ""))
    found = store.trust("v")
    assert found
    assert not found.rotated

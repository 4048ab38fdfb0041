"""Founding a vault: once, whoever is first, and never a second key."""

import shutil
from pathlib import Path

import pytest

from memory_sync.engine.found import Finding, found, look_into, trust_for
from memory_sync.errors import BranchGoneError, KeyMissingError, Moved, OfflineError
from tests.engine.devices import Device, settle


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Device, Device]:
    """Give two devices and one empty repository."""
    one, two = (Device(tmp_path, name, tmp_path / "vault.git") for name in ("one", "two"))
    one.remote.create()
    return one, two


def test_of_two_that_begin_at_once_one_founds_and_the_other_has_no_key_left(
    pair: tuple[Device, Device],
) -> None:
    """The slower one drops the key it drew, finds the other's vault, and wants its key."""
    one, two = pair
    finding = look_into(one.remote)
    one.remote.before_commit = two.found
    with pytest.raises(Moved):
        found(finding, "v", one.remote, one.keystore, one.clock)
    assert one.keystore.recipients() == ()
    assert one.keystore.trust("v") is None
    with pytest.raises(KeyMissingError):
        trust_for(look_into(one.remote), "v", one.remote, one.keystore)


def test_key_and_id_are_durable_before_the_first_commit(pair: tuple[Device, Device]) -> None:
    """Cut short just before it: the next attempt takes the same key and id."""
    one, _ = pair
    seen: list[object] = []

    def cut() -> None:
        trust = one.keystore.trust("v")
        assert trust
        seen.append((trust.vault_id, one.keystore.find(trust.recipient)))
        raise OfflineError(remote="x", detail="cut short")

    one.remote.before_commit = cut
    with pytest.raises(OfflineError):
        found(look_into(one.remote), "v", one.remote, one.keystore, one.clock)
    identity = one.found()
    trust = one.keystore.trust("v")
    assert trust
    assert seen == [(trust.vault_id, identity)]


def test_a_first_commit_whose_answer_was_lost_is_ones_own_vault(
    pair: tuple[Device, Device],
) -> None:
    """It landed: looking again finds the vault, whose key is here."""
    one, two = pair
    one.remote.lose_answer = True
    with pytest.raises(OfflineError):
        found(look_into(one.remote), "v", one.remote, one.keystore, one.clock)
    trust = trust_for(look_into(one.remote), "v", one.remote, one.keystore)
    identity = one.keystore.find(trust.recipient)
    assert identity
    one.join(identity)
    two.join(identity)
    one.write("MEMORY.md", "x\n")
    settle(one, two)
    assert two.read("MEMORY.md") == "x\n"


def test_a_vault_that_should_be_there_is_not_founded_anew(pair: tuple[Device, Device]) -> None:
    """An empty repository in the place of a known vault is a halt, not a new beginning."""
    one, _ = pair
    one.found()
    with pytest.raises(BranchGoneError):
        found(Finding(), "v", one.remote, one.keystore, one.clock)


def test_i51_a_vault_that_is_begun_anew_costs_no_key_that_was_here_before(
    pair: tuple[Device, Device],
) -> None:
    """Somebody is quicker again: the key that this device had joined with stays."""
    one, two = pair
    first = two.found()
    one.join(first)
    trust = trust_for(look_into(one.remote), "v", one.remote, one.keystore)
    one.keystore.set_trust("v", trust)
    shutil.rmtree(one.remote.inner.url.removeprefix("file://"))
    one.remote.create()
    quick = Device(one.home.parent, "quick", one.home.parent / "vault.git")
    finding = look_into(one.remote)
    one.remote.before_commit = quick.found
    with pytest.raises(Moved):
        found(finding, "v", one.remote, one.keystore, one.clock)
    assert one.keystore.find(first.recipient) == first

"""Requests to join and their answers, on every remote."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_sync.engine.pairing import Host, Joiner, Porch
from memory_sync.errors import RequestExpiredError
from memory_sync.ports.clock import SystemClock
from memory_sync.ports.visits import Visits
from memory_sync.vault.keys import generate_identity
from memory_sync.vault.pairing import request_path
from tests.engine.devices import Clock
from tests.remotes.case import RemoteCase, Vault, begin, object_name
from tests.remotes.desk import Desk

IDENTITY = generate_identity()
VAULT_ID = "0123456789abcdef" * 2


def _porch(case: RemoteCase) -> Porch:
    return Porch("v", case.connect(), SystemClock())


def _host(case: RemoteCase, folder: Path) -> Host:
    return Host(_porch(case), Visits(folder, SystemClock()), IDENTITY, VAULT_ID)


def _begin(case: RemoteCase) -> Vault:
    """Begin a vault with two objects, and folders whose names lie around `pairing`."""
    vault = begin(case)
    files = {object_name(number): f"{number}\n" for number in range(2)}
    vault.commit({**files, "pairing-notes/a": "a\n", "pair/b": "b\n"})
    return vault


def test_a_key_goes_through(remote_case: RemoteCase, tmp_path: Path) -> None:
    """Request, words, answer and clearing away: afterwards the vault is as it was before."""
    vault = _begin(remote_case)
    before = remote_case.top(vault.head or "")
    joiner = Joiner(_porch(remote_case), VAULT_ID, IDENTITY.recipient)
    joiner.ask("desktop")
    host = _host(remote_case, tmp_path)
    [visitor] = host.visitors()
    assert visitor.words == joiner.words
    host.answer(visitor)
    assert joiner.wait() == IDENTITY
    joiner.withdraw()
    head = remote_case.head()
    assert head
    assert remote_case.top(head) == before
    assert len(remote_case.chain()) == 5
    remote_case.check()


def test_what_others_put_there_is_cleared(remote_case: RemoteCase, tmp_path: Path) -> None:
    """Files in the folder go in a few commits; one in the folder's place goes, too."""
    vault = _begin(remote_case)
    flood = {f"pairing/{number:032x}.request": f"{number}\n" for number in range(99)}
    vault.commit(flood)
    vault.commit({"pairing/x": "x\n", "pairing/y": "y\n", "pairing/deep/er": "z\n"})
    assert _host(remote_case, tmp_path).clear() == 102
    head = remote_case.head()
    assert head
    assert "pairing" not in remote_case.top(head)
    assert "pairing-notes" in remote_case.top(head)
    assert len(remote_case.chain()) == 6
    remote_case.check()


def test_a_file_in_the_place_of_the_folder(remote_case: RemoteCase, tmp_path: Path) -> None:
    """A file called `pairing` makes room for a request."""
    vault = _begin(remote_case)
    vault.commit({"pairing": "a file\n"})
    joiner = Joiner(_porch(remote_case), VAULT_ID, IDENTITY.recipient)
    joiner.ask("desktop")
    [visitor] = _host(remote_case, tmp_path).visitors()
    assert visitor.words == joiner.words
    vault.catch_up()
    vault.commit({}, [request_path(visitor.request.id)])
    vault.commit({"pairing": "again\n"})
    assert _host(remote_case, tmp_path).clear() == 1
    head = remote_case.head()
    assert head
    assert "pairing" not in remote_case.top(head)
    remote_case.check()


def test_i43_waiting_costs_no_quota(desk: Desk, tmp_path: Path) -> None:
    """A machine that waits a quarter of an hour for its answer asks only what is answered 304."""
    vault = Vault(desk.connect())
    vault.remote.create()
    vault.commit({"vault.json": "{}\n"})
    joiner = Joiner(Porch("v", vault.remote, Clock()), VAULT_ID, IDENTITY.recipient)
    joiner.ask("desktop")
    before = len(desk.hub.requests)
    with pytest.raises(RequestExpiredError):
        joiner.wait()
    asked = desk.hub.requests[before:]
    assert len(asked) > 400
    # The first look reads what the machine has written itself.
    assert sum(done.status != 304 for done in asked) <= 3

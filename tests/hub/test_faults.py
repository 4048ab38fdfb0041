"""What goes wrong on demand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from tests.hub import Fault, faults

if TYPE_CHECKING:
    from tests.hub import Repository
    from tests.hub.conftest import Client

MUTATION = "POST /graphql"
VAULT = "/repos/ada/vault"


def test_a_request_is_lost_on_its_way(vault: Repository, ada: Client) -> None:
    """With `close_before` the connection ends and nothing was done; the next try works."""
    head = vault.head()
    ada.hub.faults.add(Fault(MUTATION, faults.close_before))
    with pytest.raises(requests.ConnectionError):
        ada.commit(head, {"a": b"a"})
    assert vault.head() == head
    assert ada.hub.requests[-1].status == 0
    assert "errors" not in ada.commit(head, {"a": b"a"})


def test_an_answer_is_lost_on_its_way(vault: Repository, ada: Client) -> None:
    """With `close_after` the commit landed although no answer came."""
    ada.hub.faults.add(Fault(MUTATION, faults.close_after, body="createCommitOnBranch"))
    assert ada.graph("{ viewer { login } }")["data"]
    with pytest.raises(requests.ConnectionError):
        ada.commit(vault.head(), {"a": b"a"})
    assert "a" in vault.files()
    assert ada.hub.faults.pending() == 0


def test_an_answer_breaks_off(vault: Repository, ada: Client) -> None:
    """With `half` the body ends before its announced length."""
    assert vault.head()
    ada.hub.faults.add(Fault("GET .*/trees/", faults.half))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ada("GET", f"{VAULT}/git/trees/main")


@pytest.mark.usefixtures("vault")
def test_a_server_fails_for_some_time(ada: Client) -> None:
    """A status comes as often as asked for, with its body and headers."""
    kind = faults.status(503, b"busy", {"Retry-After": "7", "Content-Type": "text/plain"})
    ada.hub.faults.add(Fault("GET", kind, times=2))
    answers = [ada("GET", VAULT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (answers[0].text, answers[0].headers["Retry-After"]) == ("busy", "7")


def test_a_gateway_gives_up_on_what_landed(vault: Repository, ada: Client) -> None:
    """A status can also stand for a request that was carried out all the same."""
    ada.hub.faults.add(Fault("PUT", faults.status(502, applied=True)))
    body = {"message": "m", "content": "eA=="}
    assert ada("PUT", f"{VAULT}/contents/a", body).status_code == 502
    assert vault.files()["a"] == b"x"


@pytest.mark.usefixtures("vault")
def test_answers_make_no_sense(ada: Client) -> None:
    """A page of HTML or nothing at all comes with status 200."""
    ada.hub.faults.add(Fault("GET", faults.html))
    page = ada("GET", VAULT)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    ada.hub.faults.add(Fault("GET", faults.empty_200))
    assert (ada("GET", VAULT).content, ada("GET", VAULT).status_code) == (b"", 200)


@pytest.mark.usefixtures("vault")
def test_an_answer_is_late(ada: Client) -> None:
    """With `delay` the answer takes at least that long."""
    ada.hub.faults.add(Fault("GET", faults.delay(0.2)))
    begin = time.monotonic()
    ada("GET", VAULT)
    assert time.monotonic() - begin >= 0.2


def test_reads_lag_behind_writes(vault: Repository, ada: Client) -> None:
    """With `stale` reads show the former head for a while, and writes the true one."""
    time.sleep(0.6)
    former = vault.head()
    ada.hub.faults.add(Fault("", faults.stale(0.5), times=None))
    made = ada.commit(former, {"a": b"a"})["data"]["createCommitOnBranch"]["commit"]["oid"]
    read = f"{VAULT}/git/ref/heads/main"
    query = '{ repository(owner: "ada", name: "vault") { defaultBranchRef { target { oid } } } }'
    assert ada("GET", read).json()["object"]["sha"] == former
    found = ada.graph(query)["data"]["repository"]["defaultBranchRef"]["target"]["oid"]
    assert (found, vault.head()) == (former, made)
    time.sleep(0.6)
    assert ada("GET", read).json()["object"]["sha"] == made
    ada.hub.faults.clear()
    assert ada.hub.faults.pending() == 0

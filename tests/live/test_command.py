"""`scripts/live` as a person runs it, with a double in the place of GitHub."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync.ports.token import Token
from tests.hub import Fault, Hub
from tests.hub.faults import stale, status
from tests.live.__main__ import main
from tests.live.front import Front, Passing

TOP = Path(__file__).parents[2]
OLD = "ada/memory-sync-live-0123456789abcdef"
FEW = "test_first_commit or readme or lost_race or merge_shows or one_head_one_wins"
"""Tests that read and write by the adapter and by git, alone and in threads."""


def live(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it, without what this process may have for a token."""
    mine = {k: v for k, v in os.environ.items() if not k.startswith("MEMORY_SYNC_LIVE_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.live", *words],
        cwd=TOP,
        env=mine | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def at(front: Front, token: Token) -> dict[str, str]:
    """Return the variables that lead to a double."""
    return {"MEMORY_SYNC_LIVE_TOKEN": token.value, "MEMORY_SYNC_LIVE_URL": front.base_url}


def test_without_a_token_it_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 2, names the variable and the scopes, and asks nobody."""
    assert main([], {"MEMORY_SYNC_LIVE_TOKEN": " "}) == 2
    assert main(["compare"], {}) == 2
    told = capsys.readouterr().err
    assert "MEMORY_SYNC_LIVE_TOKEN" in told
    assert "delete_repo" in told


def test_what_cannot_be_done_is_a_line(
    hub: Hub, front: Front, token: Token, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong token, an unsafe server and one that is down end with 2 and one line."""
    for wrong in (
        {"MEMORY_SYNC_LIVE_TOKEN": "ghp_wrong"},
        {"MEMORY_SYNC_LIVE_URL": "http://ghe.example/api/v3"},
        {"MEMORY_SYNC_LIVE_URL": "http://127.0.0.1:9"},
    ):
        assert main([], at(front, token) | wrong) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert len(told.err.splitlines()) == 1
        assert "ghp_" not in told.err
    assert [one.method for one in hub.requests] == ["GET"]


def test_without_the_schema_nothing_is_begun(
    hub: Hub,
    front: Front,
    token: Token,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where npm could not fetch GitHub's schema, there is no double to compare with."""
    monkeypatch.setattr("tests.live.__main__.SCHEMA", tmp_path / "none")
    assert main(["compare"], at(front, token)) == 2
    assert "npm" in capsys.readouterr().err
    assert hub.requests == []


def test_all_of_it_on_the_double(hub: Hub, front: Front, token: Token) -> None:
    """The suite passes in repositories of its own, over HTTP alone; nothing differs, none is left.

    Before, what an earlier run left behind is swept away.
    """
    leftover = hub.add_repo(OLD)
    leftover.created -= 7200
    done = live("-k", FEW, **at(front, token))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
    assert f"deleted, left by an earlier run: {OLD}" in done.stdout
    assert "exchanges compared: 0 differences\n" in done.stdout
    assert "lagged" not in done.stdout
    assert hub.repos_of("ada") == []
    made = [one for one in hub.requests if (one.method, one.path) == ("POST", "/user/repos")]
    assert len(made) == 5 + 2
    assert front.pushes
    assert token.value not in done.stdout + done.stderr


def test_reads_that_lag_are_told(hub: Hub, front: Front, token: Token) -> None:
    """Where a head is shown as it was before, the suite passes all the same, and says so."""
    hub.faults.add(Fault("^GET .*/commits/heads", stale(3600), 2))
    done = live("replay", "-k", "another_devices", **at(front, token))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lagged behind a write for" in done.stdout


def test_a_failure_shows_no_token(hub: Hub, front: Front, token: Token) -> None:
    """Even with variables in tracebacks the token is not among them; what was made is gone."""

    def no_git(target: str, _body: bytes, answer: Passing) -> Passing:
        return Passing(500, {}, b"") if ".git/" in target else answer

    front.alter = no_git
    done = live("replay", "-k", "test_first_commit", "--showlocals", "-vvv", **at(front, token))
    assert done.returncode == 1
    assert "MEMORY_SYNC_LIVE_PASSWORD" in done.stdout
    assert "(token)" in done.stdout
    assert token.value not in done.stdout + done.stderr
    assert hub.repos_of("ada") == []


def test_it_stops_where_it_cannot_delete(hub: Hub, front: Front, token: Token) -> None:
    """After the first repository that stays no other one is made; its name is told."""
    hub.faults.add(Fault("^DELETE", status(403, b'{"message": "no"}'), None))
    done = live("replay", "-k", "test_first_commit or readme", **at(front, token))
    [left] = hub.repos_of("ada")
    assert done.returncode == 1
    assert f"NOT DELETED: {left.full_name}" in done.stdout


def test_a_difference_is_printed(
    front: Front, token: Token, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that is otherwise in one place is told so, and the status is 1."""

    def altered(_target: str, _body: bytes, answer: Passing) -> Passing:
        return replace(answer, body=answer.body.replace(b'"STALE_DATA"', b'"STALE"'))

    front.alter = altered
    assert main(["compare"], at(front, token)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "commit: stale",
        "    body.errors[].type",
        "        double: 'STALE_DATA'",
        "        live:   'STALE'",
    ]
    assert lines[-1].endswith("exchanges compared: 3 differences")


def test_an_ordinary_run_has_no_live_tests() -> None:
    """Where the command does not ask for it, pytest has no live test, not even with a token."""
    words = ["-m", "pytest", "--co", "-q", "-p", "no:cacheprovider", "tests/remotes/test_racing.py"]
    env = os.environ | {"MEMORY_SYNC_LIVE_TOKEN": "ghp_x"}
    done = subprocess.run(
        [sys.executable, *words], cwd=TOP, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[github]" in done.stdout
    assert "live" not in done.stdout

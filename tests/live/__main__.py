"""Holds the adapter and the double against a real GitHub: `python -m tests.live`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import requests

from memory_sync.ports.token import Token
from tests.hub import Hub, load_schema
from tests.hub.fetch import SCHEMA
from tests.live import exchanges
from tests.live.compare import differences, report
from tests.live.plugin import Live
from tests.live.talk import RefusedError, Talk
from tests.live.throwaway import NEEDED, Throwaways, enter

SUITE = Path(__file__).parents[1] / "remotes"
PARTS = ("replay", "compare")
VARIABLE = "MEMORY_SYNC_LIVE_TOKEN"
NO_TOKEN = f"""\
scripts/live needs {VARIABLE}: {NEEDED}. It makes
private repositories named memory-sync-live-…, works in them, and deletes them again.
MEMORY_SYNC_LIVE_URL names another server than https://api.github.com."""


def main(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Sweep, replay and compare; 0 if all is well, 1 if not, 2 if it cannot be done."""
    what, rest = (words[0], words[1:]) if words and words[0] in PARTS else ("", words)
    value = environment.get(VARIABLE, "").strip()
    if not value:
        print(NO_TOKEN, file=sys.stderr)
        return 2
    base_url = environment.get("MEMORY_SYNC_LIVE_URL") or "https://api.github.com"
    token = Token(value, VARIABLE)
    try:
        _check_schema(what)
        with closing(Talk(base_url, token)) as talk:
            return _work(enter(talk), token, what, rest)
    except RefusedError as error:
        print(f"scripts/live: {error}", file=sys.stderr)
    except requests.RequestException as error:
        # What it says could repeat a proxy's password.
        print(f"scripts/live: {base_url}: {type(error).__name__}", file=sys.stderr)
    return 2


def _check_schema(what: str) -> None:
    """Raise RefusedError if there is to be a double, and can be none."""
    if what != "replay" and not SCHEMA.exists():
        raise RefusedError("comparing needs GitHub's schema, which is fetched where npm is")


def _work(throwaways: Throwaways, token: Token, what: str, words: Sequence[str]) -> int:
    wrong = False
    for name in throwaways.sweep():
        print(f"deleted, left by an earlier run: {name}")
    try:
        if what != "compare":
            wrong |= _replay(throwaways, token, words)
        if what != "replay" and not throwaways.left:
            wrong |= _compare(throwaways)
    finally:
        _tell(throwaways)
    return int(wrong or bool(throwaways.left))


def _replay(throwaways: Throwaways, token: Token, words: Sequence[str]) -> bool:
    """Pass the suite for remotes; whatever comes after the command's own words is for pytest."""
    live = Live(throwaways, token)
    return pytest.main([str(SUITE), "-p", "no:cacheprovider", *words], plugins=[live]) != 0


def _compare(throwaways: Throwaways) -> bool:
    """Make the exchanges on both sides and print where they differ."""
    live = exchanges.run(throwaways)
    with Hub(load_schema(SCHEMA)) as hub:
        token = Token(hub.add_user("ada"), "the double")
        with closing(Talk(hub.base_url, token)) as talk:
            double = exchanges.run(enter(talk))
    found = differences(double, live)
    print(report(found, len(live)))
    return bool(found)


def _tell(throwaways: Throwaways) -> None:
    """Say which reads lagged, and what could not be deleted."""
    for lag in throwaways.talk.patience.lags:
        end = "" if lag.came else ", and did not catch up"
        print(f"lagged behind a write for {lag.seconds:.1f} s{end}: {lag.what}")
    for name in throwaways.left:
        print(f"NOT DELETED: {name}")


if __name__ == "__main__":
    given = dict(os.environ)
    # Programs that are started from here do not inherit it.
    os.environ.pop(VARIABLE, None)
    sys.exit(main(sys.argv[1:], given))

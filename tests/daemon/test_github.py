"""Real daemons with a vault on GitHub: the double, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.homes import DEBOUNCE, POLL, Home, edits_to_and_fro, share_vault, wait
from tests.hub import Hub, faults
from tests.hub.faults import Fault

Pair = tuple[Home, Home]
REMOTE = "github:ada/vault"


@pytest.fixture
def token(hub: Hub) -> str:
    """Give a user's token."""
    return hub.add_user("ada")


@pytest.fixture
def pair(tmp_path: Path, hub: Hub, token: str) -> Iterator[Pair]:
    """Give two homes that share a vault on GitHub."""
    one, two = (Home(tmp_path, name) for name in ("one", "two"))
    for home in (one, two):
        home.top.mkdir(parents=True)
        (home.top / "token").write_text(token)
        (home.top / "token").chmod(0o600)
        (home.top / "config.toml").write_text(
            f'[github]\nbase_url = "{hub.base_url}"\ntoken_file = "{home.top}/token"\n'
        )
    share_vault(one, two, REMOTE)
    yield one, two
    for home in (one, two):
        home.close()


def test_an_edit_is_on_the_other_device_within_debounce_poll_and_a_second(pair: Pair) -> None:
    """From a save here to the file there; the middle one of five, as machines stall."""
    for home in pair:
        home.start()
        home.idle()
    assert sorted(edits_to_and_fro(*pair))[2] < DEBOUNCE + POLL + 1.0


def test_the_repository_is_private_and_holds_the_vault(pair: Pair, hub: Hub) -> None:
    """`init` made it so, and what lies in it says nothing."""
    repository = hub.repo("ada/vault")
    assert repository.private
    files = repository.files()
    assert {"README.md", "vault.json"} < set(files)
    assert not any(b"# memory\n" in content for path, content in files.items() if ".age" in path)


def test_i43_idle_daemons_ask_only_what_costs_nothing(pair: Pair, hub: Hub) -> None:
    """While nothing happens there is no commit and every answer is a 304."""
    for home in pair:
        home.start()
        home.idle()
    before, head = len(hub.requests), hub.repo("ada/vault").head()
    wait(lambda: len(hub.requests) > before + 10, "ten polls")
    assert {done.status for done in hub.requests[before:]} == {304}
    assert hub.repo("ada/vault").head() == head


def test_i45_a_revoked_token_is_a_state_with_the_command_that_mends_it(
    pair: Pair, hub: Hub, token: str
) -> None:
    """No hot loop; what changes meanwhile is counted, and goes up with a new token."""
    one, _ = pair
    one.start()
    one.idle()
    hub.revoke(token)
    one.write("memory/new.md", "new\n")
    wait(lambda: one.row()["state"] == "needs-attention", "it says so")
    one.write("memory/newer.md", "newer\n")
    wait(lambda: one.row()["pending"] == 2, "what waits is counted")
    row = one.row()
    assert row["reason"]["code"] == "token-rejected"
    assert row["reason"]["hint"].startswith("memory-sync init --remote github:ada/vault")
    assert token not in str(row)
    before = len(hub.requests)
    one.run("status")
    assert len(hub.requests) <= before + 1
    (one.top / "token").write_text(hub.add_token("ada"))
    one.run("now")
    assert one.row()["state"] == "idle"


def test_i44_trouble_at_github_loses_nothing(pair: Pair, hub: Hub) -> None:
    """Errors, resets and half answers: offline, the next try shown, and on by itself."""
    one, two = pair
    for home in pair:
        home.start()
        home.idle()
    for kind in (faults.status(502), faults.close_after, faults.html, faults.half):
        hub.faults.add(Fault("/graphql", kind))
    one.write("memory/a.md", "a\n")
    wait(lambda: one.row()["state"] == "offline", "it says so")
    assert one.row()["next_poll"] > 0
    hub.faults.clear()
    one.run("now")
    wait(lambda: two.read("memory/a.md") == "a\n", "it is there")


def test_a_repository_that_becomes_public_is_a_halt(pair: Pair, hub: Hub) -> None:
    """Nothing more is sent, until the person allows it."""
    one, _ = pair
    hub.repo("ada/vault").private = False
    one.write("memory/a.md", "a\n")
    head = hub.repo("ada/vault").head()
    assert "public" in one.run("now", status=7)
    one.start()
    wait(lambda: one.row()["state"] == "halted", "a daemon that starts sees it")
    assert hub.repo("ada/vault").head() == head

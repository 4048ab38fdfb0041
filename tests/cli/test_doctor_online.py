"""`doctor` and a vault on GitHub: token, limits, privacy, clock, and the way there."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest
from graphql import GraphQLSchema

from tests.cli.clinic import Row, does, result, row, rows, status
from tests.cli.person import Person
from tests.hub import Fault, Hub, faults
from tests.hub.tls import make_ca

REMOTE = "github:ada/notes"
ONLINE = ("token", "rate-limit", "private", "clock", "remote")


@pytest.fixture
def online(ada: Person, hub: Hub) -> Person:
    """Return a machine with a vault on GitHub, and a token that may do what it has to, no more."""
    hub.add_user("ada")
    hub.add_repo("ada/notes")
    ada.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    token = hub.add_token("ada", repos=("ada/notes",))
    words = ("init", str(ada.agent), "--remote", REMOTE, "--yes")
    assert ada.types(*words, env={"GITHUB_TOKEN": token}).status == 0
    assert ada.types("export-key", str(ada.home.parent / "key.txt")).status == 0
    return ada


def _token_file(person: Person) -> Path:
    return person.places.config / "token"


def _answers(person: Person, *words: str) -> dict[str, Row]:
    """Return the rows about the remote; none of all rows shows the token."""
    found = rows(person, *words)
    assert _token_file(person).read_text().strip() not in str(found)
    return {one["name"]: one for one in found if one["name"] in ONLINE}


def _results(person: Person, *words: str) -> dict[str, str]:
    return {name: one["result"] for name, one in _answers(person, *words).items()}


def test_a_vault_on_github_that_is_well(online: Person, hub: Hub) -> None:
    """All is ok; what is asked is little, costs little, and moves nothing."""
    head = hub.repo("ada/notes").head() or ""
    before = len(hub.requests)
    found = _answers(online)
    assert {name: one["result"] for name, one in found.items()} == dict.fromkeys(ONLINE, "ok")
    assert found["rate-limit"]["detail"].startswith("left this hour: ")
    assert head[:12] in found["remote"]["detail"]
    assert len(hub.requests) - before <= 10
    assert hub.repo("ada/notes").head() == head
    assert status(online) == 0


def test_without_network_no_server_is_asked(online: Person, hub: Hub) -> None:
    """What asks a server is skipped and says so; the token's file is looked at all the same."""
    before = len(hub.requests)
    found = _results(online, "--no-network")
    assert found == {**dict.fromkeys(ONLINE, "skipped"), "token": "ok"}
    assert len(hub.requests) == before


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_token_file_that_others_can_read(online: Person, mode: int) -> None:
    """Exit status 4, and a chmod that mends it."""
    _token_file(online).chmod(mode)
    found = row(online, "token")
    assert found["result"] == "error"
    assert status(online) == 4
    assert result(online, "remote") == "skipped"
    does(online, found["fix"])
    assert _results(online) == dict.fromkeys(ONLINE, "ok")


def _renew(person: Person, fix: str, token: str) -> None:
    """Run the fix with a better token at hand."""
    does(person, fix, env={"GITHUB_TOKEN": token})


def test_a_token_that_is_revoked(online: Person, hub: Hub) -> None:
    """The token is one error, and the rest follows from it; the fix stores a new one."""
    hub.revoke(_token_file(online).read_text().strip())
    found = _answers(online)
    assert {name: one["result"] for name, one in found.items()} == {
        **dict.fromkeys(ONLINE, "skipped"),
        "token": "error",
    }
    assert status(online) == 4
    _renew(online, found["token"]["fix"], hub.add_token("ada", repos=("ada/notes",)))
    assert _results(online) == dict.fromkeys(ONLINE, "ok")


def test_a_token_that_may_only_read(online: Person, hub: Hub) -> None:
    """It is told before a sync fails over it; the rest is as it is."""
    right = _token_file(online).read_text().strip()
    _token_file(online).write_text(hub.add_token("ada", repos=("ada/notes",), read_only=True))
    found = _answers(online)
    assert found["token"]["result"] == "error"
    assert "Contents: read and write" in found["token"]["detail"]
    assert found["remote"]["result"] == found["private"]["result"] == "ok"
    assert status(online) == 4
    _renew(online, found["token"]["fix"], right)
    assert _results(online)["token"] == "ok"


def test_a_token_that_may_do_too_much(online: Person, hub: Hub) -> None:
    """A warning names what it reaches besides; with a narrower one it is gone."""
    right = _token_file(online).read_text().strip()
    hub.add_repo("ada/diary")
    _token_file(online).write_text(hub.add_token("ada"))
    found = row(online, "token")
    assert found["result"] == "warning"
    assert "ada/diary" in found["detail"]
    _token_file(online).write_text(hub.accounts.issue("ada"))
    assert "classic" in row(online, "token")["detail"]
    _renew(online, found["fix"], right)
    assert result(online, "token") == "ok"


def test_a_token_of_this_shell_only(online: Person, hub: Hub) -> None:
    """A service would not find it: a warning, and the fix stores it."""
    token = _token_file(online).read_text().strip()
    path = online.places.config_file
    lines = [line for line in path.read_text().splitlines() if "token_file" not in line]
    path.write_text("\n".join([*lines, ""]))
    _token_file(online).unlink()
    found = row(online, "token", env={"GITHUB_TOKEN": token})
    assert found["result"] == "warning"
    assert "GITHUB_TOKEN" in found["detail"]
    assert (result(online, "token"), result(online, "remote")) == ("error", "skipped")
    _renew(online, row(online, "token")["fix"], token)
    assert result(online, "token") == "ok"


def test_little_is_left_of_the_limit(online: Person, hub: Hub) -> None:
    """Below a tenth is a warning; with nothing left at all too, and the remote is offline."""
    allowed = hub.limits.allowed["core"]
    hub.limits.charge("ada", "core", allowed - 100)
    found = row(online, "rate-limit")
    assert found["result"] == "warning"
    does(online, found["fix"])
    hub.limits.charge("ada", "core", 200)
    assert _results(online)["rate-limit"] == "warning"
    assert status(online) == 5
    hub.limits.charge("ada", "core", -allowed)
    assert _results(online) == dict.fromkeys(ONLINE, "ok")


def test_a_repository_that_became_public(online: Person, hub: Hub) -> None:
    """Exit status 7; what makes it private is a command of GitHub's own."""
    hub.repo("ada/notes").private = False
    found = row(online, "private")
    assert found["result"] == "error"
    assert shlex.split(found["fix"])[:4] == ["gh", "repo", "edit", "ada/notes"]
    assert status(online) == 7
    online.places.config_file.write_text(
        online.places.config_file.read_text().replace(
            f'remote = "{REMOTE}"', f'remote = "{REMOTE}"\nallow_public = true'
        )
    )
    assert result(online, "private") == "ok"


@pytest.mark.parametrize(("skew", "word"), [(-3600.0, "ahead"), (3600.0, "behind")])
def test_a_clock_that_is_wrong(online: Person, hub: Hub, skew: float, word: str) -> None:
    """More than five minutes are a warning that says which way, and that the sync is not hurt."""
    hub.date_skew = skew
    found = row(online, "clock")
    assert found["result"] == "warning"
    assert f"60 minutes {word}" in found["detail"]
    assert status(online) == 0
    hub.date_skew = skew / 20
    assert result(online, "clock") == "ok"


def test_a_repository_that_is_gone(online: Person, hub: Hub) -> None:
    """Exit status 7, as `status` has it; one that has another name now is found."""
    _token_file(online).write_text(hub.accounts.issue("ada"))
    hub.rename(hub.repo("ada/notes"), "ada/renamed")
    assert result(online, "remote") == "ok"
    hub.remove_repo(hub.repo("ada/renamed"))
    assert row(online, "remote")["result"] == "error"
    assert status(online) == 7


@pytest.mark.parametrize(
    ("base_url", "told"),
    [
        ("http://127.0.0.1:9", "the connection failed"),
        ("https://nowhere.invalid", "DNS"),
    ],
)
def test_the_way_to_the_server(online: Person, hub: Hub, base_url: str, told: str) -> None:
    """Exit status 5; a name that is not known and a server that is not there are told apart."""
    path = online.places.config_file
    before = path.read_text()
    path.write_text(before.replace(hub.base_url, base_url))
    found = _answers(online)
    assert found["remote"]["result"] == "error"
    assert told in found["remote"]["detail"]
    assert found["token"]["result"] == "ok"
    assert {found[name]["result"] for name in ("rate-limit", "private", "clock")} == {"skipped"}
    assert status(online) == 5
    path.write_text(before)
    assert _results(online) == dict.fromkeys(ONLINE, "ok")


def test_a_server_in_trouble(online: Person, hub: Hub) -> None:
    """A 502 is the server's, and is named; a moment later all is well."""
    hub.faults.add(Fault("/rate_limit", faults.bad_gateway))
    found = _answers(online)
    assert (found["remote"]["result"], "502" in found["remote"]["detail"]) == ("error", True)
    assert _results(online) == dict.fromkeys(ONLINE, "ok")


def test_a_certificate_that_nobody_vouches_for(
    ada: Person, tmp_path: Path, github_schema: GraphQLSchema
) -> None:
    """It is named apart from a server that is not there; with its authority all is well."""
    ca_file, context = make_ca(tmp_path)
    with Hub(github_schema, tls=context) as hub:
        hub.add_user("ada")
        hub.add_repo("ada/notes")
        token = hub.add_token("ada", repos=("ada/notes",))
        trusting = f'[github]\nbase_url = "{hub.base_url}"\nca_file = "{ca_file}"\n'
        ada.configure(trusting)
        words = ("init", str(ada.agent), "--remote", REMOTE, "--yes")
        assert ada.types(*words, env={"GITHUB_TOKEN": token}).status == 0
        path = ada.places.config_file
        before = path.read_text()
        path.write_text(before.replace("ca_file", "# ca_file"))
        found = _answers(ada)["remote"]
        assert found["result"] == "error"
        assert "certificate" in found["detail"]
        assert status(ada) == 5
        path.write_text(before)
        assert result(ada, "remote") == "ok"


def test_i74_a_server_that_says_nothing(online: Person, hub: Hub) -> None:
    """A question that gets no answer costs seconds, and leaves what needs no server as it is."""
    hub.faults.add(Fault("/rate_limit", faults.timeout))
    began = time.monotonic()
    found = {one["name"]: one for one in rows(online)}
    assert time.monotonic() - began < 15
    assert (found["remote"]["result"], found["state"]["result"]) == ("error", "ok")
    assert "no answer in time" in found["remote"]["detail"]
    assert found["clock"]["result"] == "skipped"


def test_an_archived_repository(online: Person, hub: Hub) -> None:
    """Nothing can be sent to it, whatever the token may do: exit status 1."""
    hub.repo("ada/notes").archived = True
    found = row(online, "remote")
    assert (found["result"], found["fix"]) == ("error", "gh repo unarchive ada/notes")
    assert result(online, "token") == "ok"
    assert status(online) == 1
    hub.repo("ada/notes").archived = False
    assert result(online, "remote") == "ok"

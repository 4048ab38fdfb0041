"""`memory-sync init` and what a GitHub token may do: too little is refused, too much is told."""

from __future__ import annotations

import pytest

from tests.cli.person import Person, Ran
from tests.hub import Fault, Hub, faults
from tests.hub.faults import Kind

REMOTE = "github:ada/notes"
NEEDED = "Contents: read and write"


@pytest.fixture
def online(ada: Person, hub: Hub) -> Person:
    """Return a machine that takes the hub for GitHub."""
    hub.add_user("ada")
    ada.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    return ada


def begin(person: Person, token: str, *more: str) -> Ran:
    """Set up the agent's folder with a token."""
    words = ("init", str(person.agent), "--remote", REMOTE, "--yes", *more)
    ran = person.types(*words, env={"GITHUB_TOKEN": token})
    assert token not in ran.out + ran.err
    return ran


def refused(person: Person, token: str) -> tuple[str, str, str]:
    """Set up in vain: nothing is written; return the message, the hint and what was explained."""
    ran = begin(person, token, "--json")
    assert (ran.status, ran.codes) == (4, ["token-forbidden"])
    assert not (person.agent / ".memory-sync").exists()
    assert not (person.places.config / "token").exists()
    assert "[[vault]]" not in person.places.config_file.read_text()
    error = ran.answer["errors"][0]
    return error["message"], error["hint"], ran.err


def vault_of_another(hub: Hub, ada: Person, bob: Person) -> None:
    """Have a vault in the repository, made on another machine, and its key here."""
    bob.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    assert begin(bob, hub.accounts.issue("ada")).status == 0
    bob.key_to(ada)


def test_a_token_that_fits_is_not_spoken_of(online: Person, hub: Hub) -> None:
    """Fine-grained, contents alone, this repository alone: there is nothing to say."""
    hub.add_repo("ada/notes")
    hub.add_repo("ada/other")
    ran = begin(online, hub.add_token("ada", repos=("ada/notes",)))
    assert ran.status == 0
    assert "The token may" not in ran.err


def test_a_classic_token_can_do_too_much(online: Person, hub: Hub) -> None:
    """It is told that it reaches everything, with the scopes that are not needed; and it works."""
    ran = begin(online, hub.accounts.issue("ada"))
    assert ran.status == 0
    note = "The token is a classic one: it reaches all repositories of the account, and may do more"
    assert f"{note}: delete_repo." in ran.err


def test_a_token_that_reaches_other_repositories(online: Person, hub: Hub) -> None:
    """They are counted, and the first are named; the vault itself and public ones do not count."""
    for name in ("notes", "one", "two", "three", "four"):
        hub.add_repo(f"ada/{name}")
    hub.add_repo("ada/open", private=False)
    ran = begin(online, hub.add_token("ada"))
    assert ran.status == 0
    told = "The token reaches 4 other private repositories: ada/one, ada/two, ada/three, …."
    assert told in ran.err


def test_a_token_that_may_not_ask_what_it_reaches(online: Person, hub: Hub) -> None:
    """No answer to that question is no reason to stop."""
    hub.add_repo("ada/notes")
    hub.faults.add(Fault("GET /user/repos", faults.missing_permission))
    ran = begin(online, hub.add_token("ada"))
    assert ran.status == 0
    assert "The token may" not in ran.err


@pytest.mark.parametrize("begun", [False, True])
def test_a_token_that_may_only_read(online: Person, bob: Person, hub: Hub, begun: bool) -> None:
    """Before anything is written: the missing permission, how to get it, the same command."""
    if begun:
        vault_of_another(hub, online, bob)
    else:
        hub.add_repo("ada/notes")
    message, hint, explained = refused(online, hub.add_token("ada", read_only=True))
    assert NEEDED in message
    assert hint == f"memory-sync init {online.agent} --remote {REMOTE}"
    assert NEEDED in explained
    assert "https://127.0.0.1/settings/personal-access-tokens/new" in explained
    assert begun or not list(online.places.keys.glob("*"))


@pytest.mark.parametrize(
    ("kind", "needed"),
    [(faults.missing_permission, "Contents: write"), (faults.not_found, NEEDED)],
)
def test_what_a_token_may_do_is_tried(
    online: Person, bob: Person, hub: Hub, kind: Kind, needed: str
) -> None:
    """Where GitHub tells what the user may do and not what the token may, a try shows it."""
    vault_of_another(hub, online, bob)
    head = hub.repo("ada/notes").head("main")
    hub.faults.add(Fault("PATCH .*/git/refs/heads/main", kind))
    message, _, _ = refused(online, hub.add_token("ada"))
    assert needed in message
    assert hub.repo("ada/notes").head("main") == head
    assert begin(online, hub.add_token("ada")).status == 0


def test_a_token_without_contents(online: Person, hub: Hub) -> None:
    """A repository that can be seen and not read: GitHub's own name of the permission is told."""
    hub.add_repo("ada/notes")
    hub.faults.add(Fault("GET /repos/ada/notes/commits", faults.missing_permission))
    message, _, _ = refused(online, hub.add_token("ada"))
    assert "it needs Contents: write" in message


def test_a_token_that_cannot_create_the_repository(online: Person, hub: Hub) -> None:
    """What it would take is named, and the way round it."""
    message, hint, explained = refused(online, hub.add_token("ada"))
    assert "it cannot create repositories for ada" in message
    assert "Administration: write" in message
    assert hint == f"memory-sync init {online.agent} --remote {REMOTE}"
    assert "https://127.0.0.1/new" in explained
    hub.add_repo("ada/notes")
    assert begin(online, hub.add_token("ada")).status == 0


def test_an_organisation_with_single_sign_on(online: Person, hub: Hub) -> None:
    """The page on which the token is authorised is told whole; then it works."""
    hub.add_repo("ada/notes")
    hub.faults.add(Fault("GET /repos/ada/notes", faults.sso))
    token = hub.add_token("ada")
    ran = begin(online, token, "--json")
    assert (ran.status, ran.codes) == (4, ["token-sign-on"])
    message = ran.answer["errors"][0]["message"]
    hint = f"memory-sync init {online.agent} --remote {REMOTE}"
    assert ran.answer["errors"][0]["hint"] == hint
    assert message.endswith(": https://github.com/orgs/acme/sso?authorization_request=A1B2")
    assert begin(online, token).status == 0


def test_a_new_token_is_tried_before_it_is_stored(online: Person, hub: Hub) -> None:
    """--new-token with one that may only read leaves the old one in place."""
    old = hub.accounts.issue("ada")
    assert begin(online, old).status == 0
    weak = hub.add_token("ada", read_only=True)
    ran = online.types("init", "--new-token", "--json", env={"GITHUB_TOKEN": weak})
    assert (ran.status, ran.codes) == (4, ["token-forbidden"])
    assert ran.answer["errors"][0]["hint"] == f"memory-sync init --remote {REMOTE} --new-token"
    assert (online.places.config / "token").read_text() == f"{old}\n"


def test_a_repository_that_is_an_archive_is_no_fault(online: Person, hub: Hub) -> None:
    """The refusal has a hint of its own; the one of the command that was given takes its place."""
    hub.add_repo("ada/notes").archived = True
    message, hint, _ = refused(online, hub.add_token("ada", repos=("ada/notes",)))
    assert "archived" in message
    assert hint.startswith("memory-sync init ")

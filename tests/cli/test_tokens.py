"""`memory-sync init` with GitHub: where the token comes from, and where it goes."""

from pathlib import Path

import pytest

from tests.cli.person import QUICK, Person, until
from tests.cli.terminal import terminal
from tests.hub import Hub

REMOTE = "github:ada/notes"
NOBODY = "http://127.0.0.1:9"
"""An address at which nobody answers."""


@pytest.fixture
def online(ada: Person, hub: Hub) -> Person:
    """Return a machine that takes the hub for GitHub."""
    ada.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    return ada


def _secrets(person: Person) -> str:
    """Return all that lies in a home but the token file and the keys."""
    files = (file for file in person.home.rglob("*") if file.is_file())
    kept = (file for file in files if file.name != "token" and file.parent.name != "keys")
    return "".join(file.read_bytes().decode("latin-1") for file in kept)


def test_a_token_is_asked_for_without_echo_and_stored(online: Person, hub: Hub) -> None:
    """The person pastes a token; it lies in a private file, and nowhere else."""
    token = hub.add_user("ada")
    words = ("init", str(online.agent), "--remote", REMOTE)
    with terminal(*words, env=online.env) as screen:
        screen.expect("GitHub token: ")
        screen.until_silent()
        screen.type(token)
        screen.expect("Create the private repository github:ada/notes and sync these 2 files?")
        screen.type("y")
        screen.expect("Store the token from your answer in ")
        screen.type("")
        assert screen.ends() == 0
    assert "notes: 2 up" in screen.shown
    assert hub.repo("ada/notes").private
    stored = online.places.config / "token"
    assert stored.read_text() == f"{token}\n"
    assert stored.stat().st_mode & 0o777 == 0o600
    assert token not in screen.shown + _secrets(online)
    assert online.types("now").out == "notes: nothing to do\n"


def test_a_token_in_the_shell_is_stored_where_a_service_finds_it(online: Person, hub: Hub) -> None:
    """GITHUB_TOKEN does for now; without it the next command finds the token all the same."""
    token = hub.add_user("ada")
    words = ("init", str(online.agent), "--remote", REMOTE, "--yes")
    ran = online.types(*words, env={"GITHUB_TOKEN": token})
    assert ran.status == 0
    assert online.types("now").status == 0


def test_a_token_that_is_not_to_be_stored_is_not(online: Person, hub: Hub) -> None:
    """Somebody who says no to it has no token file."""
    env = {**online.env, "GH_TOKEN": hub.add_user("ada")}
    with terminal("init", str(online.agent), "--remote", REMOTE, env=env) as screen:
        screen.expect("sync these 2 files?")
        screen.type("y")
        screen.expect("Store the token from GH_TOKEN")
        screen.type("n")
        assert screen.ends() == 0
    assert not (online.places.config / "token").exists()
    now = online.types("now", "--json")
    assert now.codes == ["token-missing"]
    # Plain `init` would be about the folder that the person happens to stand in.
    assert now.answer["errors"][0]["hint"] == f"memory-sync init --remote {REMOTE} --new-token"


def test_the_usual_repository_belongs_to_the_tokens_owner(online: Person, hub: Hub) -> None:
    """Without --remote it is memory-sync-vault of whoever the token belongs to."""
    token = hub.add_user("ada")
    ran = online.types("init", str(online.agent), "--yes", env={"GITHUB_TOKEN": token})
    assert ran.status == 0
    assert ran.out.startswith("memory-sync-vault: 2 up")
    assert hub.repo("ada/memory-sync-vault").private


def test_without_a_token_and_without_a_terminal_it_is_an_error(online: Person) -> None:
    """Exit status 4; the places that were looked at are named, and nothing is changed."""
    ran = online.types("init", str(online.agent), "--remote", REMOTE, "--yes", "--json")
    assert (ran.status, ran.codes) == (4, ["token-missing"])
    assert not list(online.places.keys.glob("*"))
    assert not (online.agent / ".memory-sync").exists()


def test_a_wrong_token_is_not_stored(online: Person, hub: Hub) -> None:
    """GitHub refuses it: exit status 4, and it is not kept."""
    hub.add_user("ada")
    words = ("init", str(online.agent), "--remote", REMOTE, "--yes", "--json")
    ran = online.types(*words, env={"GITHUB_TOKEN": "ghp_" + "0" * 36})
    assert (ran.status, ran.codes) == (4, ["token-rejected"])
    assert not (online.places.config / "token").exists()


@pytest.mark.parametrize("command", ["init", "join"])
@pytest.mark.parametrize("remote", [(), ("--remote", REMOTE)])
def test_before_a_vault_is_set_up_the_hint_is_the_same_command(
    ada: Person, hub: Hub, command: str, remote: tuple[str, ...]
) -> None:
    """Offline, without a token and with a wrong one: no other command would do anything yet."""
    token = hub.add_user("ada")
    place = f'[github]\nbase_url = "{hub.base_url}"\n'
    words = (command, str(ada.agent), *remote)
    again = " ".join(("memory-sync", *words))

    def told(code: str, **env: str) -> dict[str, str]:
        ran = ada.types(*words, "--yes", "--json", env=env)
        assert ran.codes == [code]
        (error,) = ran.answer["errors"]
        assert "OWNER" not in ran.out
        return dict(error)

    ada.configure(place.replace(hub.base_url, NOBODY))
    missing = told("offline", GITHUB_TOKEN=token)
    assert missing["hint"] == again
    assert missing["message"].startswith(f"{REMOTE if remote else '127.0.0.1'} cannot be reached")
    ada.places.config_file.write_text(place)
    assert told("token-missing")["hint"] == again
    wrong = told("token-rejected", GITHUB_TOKEN="ghp_wrong")
    assert wrong["hint"] == f"GITHUB_TOKEN=TOKEN {again}"


def test_a_public_repository_wants_to_be_allowed(online: Person, hub: Hub) -> None:
    """Without --allow-public it is refused; with it, the configuration says so."""
    env = {"GITHUB_TOKEN": hub.add_user("ada")}
    hub.add_repo("ada/notes", private=False)
    words = ("init", str(online.agent), "--remote", REMOTE, "--yes")
    refused = online.types(*words, "--json", env=env)
    assert (refused.status, refused.codes) == (2, ["repository-public"])
    assert online.types(*words, "--allow-public", env=env).status == 0
    assert "allow_public = true" in online.places.config_file.read_text()


def test_a_repository_that_became_public_is_allowed_by_the_hint(online: Person, hub: Hub) -> None:
    """The halt's hint is a command that ends it."""
    env = {"GITHUB_TOKEN": hub.add_user("ada")}
    online.types("init", str(online.agent), "--remote", REMOTE, "--yes", env=env)
    hub.repo("ada/notes").private = False
    halted = online.types("now", "--json")
    assert (halted.status, halted.codes) == (7, ["repository-opened"])
    hint = halted.answer["errors"][0]["hint"]
    assert hint == "memory-sync init --remote github:ada/notes --allow-public"
    words = ("init", str(online.agent), *hint.split()[2:])
    assert online.types(*words).status == 0


def test_a_new_token_takes_the_place_of_a_revoked_one(online: Person, hub: Hub) -> None:
    """--new-token stores it and does no more; a daemon that had given up goes on by itself."""
    old = hub.add_user("ada")
    online.configure(QUICK)
    words = ("init", str(online.agent), "--remote", REMOTE, "--yes")
    assert online.types(*words, env={"GITHUB_TOKEN": old}).status == 0
    hub.revoke(old)
    with online.daemon():
        until(lambda: online.state() == "needs-attention")
        ran = online.types("status", "--exit-code")
        assert ran.status == 4
        hint = "memory-sync init --remote github:ada/notes --new-token"
        assert f"hint: {hint}" in ran.out
        wrong = online.types(*hint.split()[1:], env={"GITHUB_TOKEN": "ghp_" + "0" * 36})
        assert wrong.status == 4
        assert (online.places.config / "token").read_text() == f"{old}\n"
        new = hub.accounts.issue("ada")
        renewed = online.types(*hint.split()[1:], env={"GITHUB_TOKEN": new})
        assert renewed.status == 0
        assert (online.places.config / "token").read_text() == f"{new}\n"
        until(lambda: online.state() == "idle")


def test_a_token_file_of_somebody_elses_is_not_written_to(
    online: Person, hub: Hub, tmp_path: Path
) -> None:
    """A file outside the configuration's folder stays as it is; the vault gets one of its own."""
    old = hub.add_user("ada")
    theirs = tmp_path / "their-token"
    theirs.write_text(old)
    theirs.chmod(0o600)
    text = online.places.config_file.read_text()
    online.places.config_file.write_text(f'{text}token_file = "{theirs}"\n')
    assert online.types("init", str(online.agent), "--remote", REMOTE, "--yes").status == 0
    hub.revoke(old)
    new = hub.accounts.issue("ada")
    ran = online.types("init", "--new-token", "--json", env={"GITHUB_TOKEN": new})
    assert ran.status == 0
    assert theirs.read_text() == old
    assert Path(ran.answer["data"]["token_file"]).read_text() == f"{new}\n"
    assert online.types("now").status == 0


def test_a_folder_has_no_token(ada: Person) -> None:
    """--new-token for a file:// vault is a usage error."""
    ada.init()
    ran = ada.types("init", "--new-token", env={"GITHUB_TOKEN": "ghp_x"})
    assert ran.status == 2

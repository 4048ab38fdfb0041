"""Where a GitHub token comes from, in which order, and that nothing ever shows it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from memory_sync.app.tokens import PATIENCE
from tests.cli.person import QUICK, Person, until
from tests.hub import Hub

REMOTE = "github:ada/notes"
BACKEND = """\
import json, os, sys, time
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Pocket(KeyringBackend):
    priority = 1

    def get_password(self, service, user):
        with open(os.path.join(os.path.dirname(__file__), "kept.json")) as file:
            kept = json.load(file)
        if kept.get("locked"):
            raise KeyringLocked("the keyring is locked")
        if kept.get("asks"):
            time.sleep(60)
        return kept.get(f"{service} {user}")

    def set_password(self, service, user, secret):
        raise NotImplementedError
"""
GH = """\
#!/bin/sh
[ "$1 $2 $3" = "auth token --hostname" ] || exit 2
{body}
"""


@pytest.fixture
def online(ada: Person, hub: Hub, tmp_path: Path) -> Person:
    """Return a machine that takes the hub for GitHub, on which any token works."""
    hub.add_user("ada")
    hub.add_repo("ada/notes")
    ada.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    (tmp_path / "bin").mkdir()
    ada.env["PATH"] = f"{tmp_path}/bin:/usr/bin:/bin"
    ada.env.pop("XDG_CONFIG_HOME", None)
    return ada


def keyring_holds(person: Person, **kept: object) -> None:
    """Give a person a keyring, by the keyring library's own configuration."""
    folder = Path(person.env["HOME"]) / "keyring"
    folder.mkdir(exist_ok=True)
    (folder / "pocket.py").write_text(BACKEND)
    text = str(kept).replace("'", '"').replace("True", "true")
    (folder / "kept.json").write_text(text.replace("memory_sync", "memory-sync 127.0.0.1"))
    config = Path(person.env["HOME"]) / ".config" / "python_keyring" / "keyringrc.cfg"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"[backend]\ndefault-keyring=pocket.Pocket\nkeyring-path={folder}\n")


def gh_does(person: Person, body: str) -> None:
    """Give a person a program named gh."""
    program = Path(person.env["PATH"].partition(":")[0]) / "gh"
    program.write_text(GH.format(body=body))
    program.chmod(0o755)


def begun(person: Person, token: str) -> None:
    """Set up the agent's folder, without storing the token: that stays where it was."""
    words = ("init", str(person.agent), "--remote", REMOTE, "--yes")
    assert person.types(*words, env={"GITHUB_TOKEN": token}).status == 0
    (person.places.config / "token").unlink()
    text = person.places.config_file.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("token_file")]
    person.places.config_file.write_text("\n".join([*lines, ""]))


def source(person: Person, **env: str) -> str:
    """Sync an edit, and return where `status --json` says that the token came from."""
    person.write("MEMORY.md", f"# {time.monotonic_ns()}\n")
    ran = person.types("now", env=env)
    assert ran.status == 0, ran
    row = person.types("status", "--json", env=env).answer["data"]["vaults"][0]
    found: str = row["about"]["token"]
    return found


def everything_of(person: Person) -> str:
    """Return all that lies in a home, but for keys."""
    files = [file for file in person.home.rglob("*") if file.is_file()]
    kept = [file for file in files if file.parent.name != "keys"]
    return "".join(file.read_bytes().decode("latin-1") for file in kept)


def test_the_order_of_the_places(online: Person, hub: Hub, tmp_path: Path) -> None:
    """`token_file`, GITHUB_TOKEN, GH_TOKEN, keyring, gh: the first wins, and `status` names it."""
    file, first, second, ring, tool = (hub.accounts.issue("ada") for _ in range(5))
    begun(online, first)
    gh_does(online, f'echo "{tool}"')
    assert source(online) == "gh auth token"
    keyring_holds(online, memory_sync=ring)
    assert source(online) == "keyring"
    assert source(online, GH_TOKEN=second) == "GH_TOKEN"
    assert source(online, GH_TOKEN=second, GITHUB_TOKEN=first) == "GITHUB_TOKEN"
    (tmp_path / "pass").write_text(file)
    (tmp_path / "pass").chmod(0o600)
    online.env["MEMORY_SYNC_GITHUB__TOKEN_FILE"] = str(tmp_path / "pass")
    assert source(online, GITHUB_TOKEN=first) == str(tmp_path / "pass")
    kept = everything_of(online)
    assert not any(token in kept for token in (file, first, second, ring, tool))


def test_a_place_that_counts_is_not_passed_over(online: Person, hub: Hub) -> None:
    """A token that is refused is an error, and not a reason to send another one."""
    good = hub.accounts.issue("ada")
    begun(online, good)
    gh_does(online, f'echo "{good}"')
    ran = online.types("now", "--json", env={"GITHUB_TOKEN": "ghp_" + "0" * 36})
    assert (ran.status, ran.codes) == (4, ["token-rejected"])
    assert "GITHUB_TOKEN" in ran.answer["errors"][0]["message"]


def test_a_token_file_that_others_can_read(online: Person, hub: Hub, tmp_path: Path) -> None:
    """It is refused with the command that mends it; nothing else is tried in its place."""
    token = hub.accounts.issue("ada")
    begun(online, token)
    (tmp_path / "pass").write_text(token)
    (tmp_path / "pass").chmod(0o640)
    online.env["MEMORY_SYNC_GITHUB__TOKEN_FILE"] = str(tmp_path / "pass")
    ran = online.types("now", "--json", env={"GITHUB_TOKEN": token})
    assert (ran.status, ran.codes) == (4, ["token-file"])
    assert ran.answer["errors"][0]["hint"] == f"chmod 600 '{tmp_path}/pass'"
    (tmp_path / "pass").chmod(0o600)
    assert source(online) == str(tmp_path / "pass")


def test_gh_is_asked_for_the_server(online: Person, hub: Hub) -> None:
    """It has a token for each host, and is told which one is meant."""
    token = hub.accounts.issue("ada")
    begun(online, token)
    gh_does(online, f'[ "$4" = 127.0.0.1 ] && echo "{token}"')
    assert source(online) == "gh auth token"


@pytest.mark.parametrize(
    "body",
    [
        "echo 'no oauth token found for 127.0.0.1' >&2; exit 1",
        "printf '\\377\\376'",
        "kill -9 $$",
    ],
)
def test_a_gh_that_has_no_token(online: Person, hub: Hub, body: str) -> None:
    """Without a login, or broken: there is no token, which is the error that one can mend."""
    begun(online, hub.accounts.issue("ada"))
    gh_does(online, body)
    ran = online.types("now", "--json")
    assert (ran.status, ran.codes) == (4, ["token-missing"])
    assert "gh auth token" in ran.answer["errors"][0]["message"]


def test_what_hangs_does_not_hang_us(online: Person, hub: Hub) -> None:
    """A keyring that waits for a person, then a gh that does: seconds each, and the next place."""
    begun(online, hub.accounts.issue("ada"))
    keyring_holds(online, asks=True)
    gh_does(online, "exec sleep 60")
    began = time.monotonic()
    ran = online.types("now", "--json")
    assert (ran.status, ran.codes) == (4, ["token-missing"])
    assert time.monotonic() - began < 2 * PATIENCE + 10


def test_a_locked_keyring_is_passed_over(online: Person, hub: Hub) -> None:
    """Locked is as good as empty; unlocked, its token counts at the next sync."""
    token = hub.accounts.issue("ada")
    begun(online, token)
    keyring_holds(online, locked=True, memory_sync=token)
    assert online.types("now", "--json").codes == ["token-missing"]
    keyring_holds(online, memory_sync=token)
    assert source(online) == "keyring"


def test_a_file_named_keyring_is_not_run(
    online: Person, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the folder that one stands in is no part of the program."""
    begun(online, hub.accounts.issue("ada"))
    (online.agent / "keyring.py").write_text("open('ran', 'w').close()\n")
    monkeypatch.chdir(online.agent)
    assert online.types("now", "--json").codes == ["token-missing"]
    assert not (online.agent / "ran").exists()


def test_nothing_shows_the_token(online: Person, hub: Hub) -> None:
    """Not status, log, errors or arguments of a process: of a daemon at work, then refused."""
    token = hub.accounts.issue("ada")
    begun(online, token)
    keyring_holds(online, memory_sync=token)
    online.configure(QUICK + 'log_level = "debug"\n')
    said = ""
    with online.daemon() as process:
        until(lambda: online.state() == "idle")
        said += arguments(process.pid)
        said += "".join(online.types("status", *more).out for more in ((), ("--json",)))
        hub.revoke(token)
        until(lambda: online.state() == "needs-attention")
        said += "".join(online.types("status", *more).out for more in ((), ("--json",)))
        said += "".join(online.types("now", *more).err for more in ((), ("--json",)))
        said += online.types("logs", "-n", "500").out
    assert "keyring" in said
    assert token not in said + everything_of(online)


def arguments(pid: int) -> str:
    """Return what `ps` shows of a process."""
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/cmdline").read_text()
    return os.popen(f"ps -o args= -p {pid}").read()

"""A vault from the environment alone, as in a container: nothing is set up, nothing is asked."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from memory_sync.app.context import load_context
from memory_sync.app.vaults import open_vault
from memory_sync.errors import RemoteReadOnlyError
from memory_sync.model import Change
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.readonly import ReadOnly
from memory_sync.ports.remote import Remote
from tests.cli.person import Person, Ran, until
from tests.hub import Hub


class Container:
    """A machine without any configuration; `env` is what it is told."""

    def __init__(self, top: Path, ada: Person, *, remote: str = "", name: str = "ci") -> None:
        self.person = Person(name, top, ada.env)
        key = ada.types("export-key", "-")
        self.key = next(line for line in key.out.splitlines() if line.startswith("AGE-SECRET-KEY"))
        self.agent = self.person.agent
        self.person.env |= {
            "MEMORY_SYNC_IDENTITY": self.key,
            "MEMORY_SYNC_REMOTE": remote or ada.remote,
            "MEMORY_SYNC_ROOT": str(self.agent),
        }

    def types(self, *words: str, **env: str) -> Ran:
        """Run a command; the key is not in what it says."""
        ran = self.person.types(*words, env=env)
        assert self.key not in ran.out + ran.err
        return ran

    def leaves(self) -> bytes:
        """Return all that lies in the container."""
        places = [self.person.home, self.agent]
        return b"".join(
            file.read_bytes() for top in places for file in top.rglob("*") if file.is_file()
        )


@pytest.fixture
def ci(tmp_path: Path, ada: Person) -> Container:
    """Return a fresh container for the vault of the first machine."""
    assert ada.init().status == 0
    return Container(tmp_path, ada)


def test_three_variables_are_all_the_setup(ci: Container, ada: Person, tmp_path: Path) -> None:
    """Pull, edit, push; a delete in the same job travels; the key is left nowhere."""
    assert ci.types("pull").out.startswith("vault: 2 down")
    ci.person.write("memory/ci.md", "learned\n")
    (ci.agent / "MEMORY.md").unlink()
    assert ci.types("push").out.startswith("vault: 2 up")
    assert ada.types("now").status == 0
    assert (ada.read("memory/ci.md"), ada.read("MEMORY.md")) == ("learned\n", None)
    again = Container(tmp_path, ada, name="again")
    assert again.types("now").status == 0
    assert again.person.read("memory/ci.md") == "learned\n"
    assert not (ci.person.home / "config.toml").exists()
    assert list((ci.person.home / "keys").iterdir()) == [
        ci.person.home / "keys" / "vault.trust.json"
    ]
    assert b"AGE-SECRET-KEY" not in ci.leaves()


def test_the_current_folder_is_the_root(
    ci: Container, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without MEMORY_SYNC_ROOT; MEMORY_SYNC_ROOT_NAME says which root of the vault it is."""
    del ci.person.env["MEMORY_SYNC_ROOT"]
    monkeypatch.chdir(ci.agent)
    assert ci.types("pull", MEMORY_SYNC_ROOT_NAME="other").out == "vault: nothing to do\n"
    ci.person.write("MEMORY.md", "other\n")
    ci.types("push", MEMORY_SYNC_ROOT_NAME="other")
    history = ada.types("history", "other/MEMORY.md")
    assert "added    other/MEMORY.md" in history.out
    refused = ci.types("pull", "--json")
    assert (refused.status, refused.codes) == (7, ["marker-foreign"])


def test_i30_a_folder_without_a_mark_is_united(ci: Container, ada: Person) -> None:
    """Before the first sync and after the folder was made anew: nothing is deleted anywhere."""
    ci.person.write("memory/mine.md", "mine\n")
    ci.person.write("MEMORY.md", "# Memory\n")
    assert ci.types("now").status == 0
    shutil.rmtree(ci.agent)
    assert ci.types("now").status == 0
    assert ci.person.read("memory/mine.md") == "mine\n"
    assert ada.types("now").status == 0
    assert ada.read("memory/mine.md") == "mine\n"


def test_the_past_needs_no_sync_before(ci: Container, ada: Person) -> None:
    """`status`, `history`, `diff` and `restore` work at once in a fresh container."""
    ada.write("MEMORY.md", "changed\n")
    ada.types("now")
    assert ci.types("status").status == 0
    rows = ci.types("history", "memory/MEMORY.md", "--json").answer["data"]["changes"]
    first = json.dumps(rows)
    assert "memory/MEMORY.md" in first
    assert "-changed" in ci.types("diff", "memory/MEMORY.md").out
    words = ("restore", "memory/MEMORY.md", "--at", rows[-1]["revision"])
    assert ci.types(*words, "--to", str(ci.person.agent / "older.md")).status == 0
    ran = ci.types(*words, "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["restore-behind"])
    assert ci.types("pull").status == 0
    ran = ci.types(*words, "--yes")
    assert ran.status == 0, ran
    assert ci.person.read("MEMORY.md") == "# Memory\n"


def test_i51_no_vault_is_founded_and_no_key_made(ci: Container, tmp_path: Path) -> None:
    """Where no vault is, or another key is needed, it says so and makes nothing."""
    nowhere = f"file://{tmp_path}/nowhere.git"
    assert ci.types("now", MEMORY_SYNC_REMOTE=nowhere).status == 5
    assert not (tmp_path / "nowhere.git").exists()
    FolderRemote(nowhere).create()
    ran = ci.types("now", "--json", MEMORY_SYNC_REMOTE=nowhere)
    assert (ran.status, ran.codes) == (2, ["nothing-to-join"])
    assert FolderRemote(nowhere).head() is None
    ran = ci.types("now", "--json", MEMORY_SYNC_IDENTITY="")
    assert (ran.status, ran.codes) == (9, ["key-missing"])
    ran = ci.types("init", str(ci.agent), "--yes", "--json")
    assert (ran.status, ran.codes) == (2, ["environment-broken"])
    ci.types("pull")
    assert ci.types("rotate-key", "--yes").status == 2
    assert b"AGE-SECRET-KEY" not in ci.leaves()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEMORY_SYNC_REMOTE", "https://user:secret@example.org/x"),
        ("MEMORY_SYNC_ROOT_NAME", "a/b"),
        ("MEMORY_SYNC_ROOT", "a\nb"),
    ],
)
def test_what_cannot_be_used_is_named(ci: Container, name: str, value: str) -> None:
    """The message has the variable and not its value."""
    ran = ci.types("now", **{name: value})
    assert ran.status == 2
    assert name in ran.err
    assert value not in ran.err


def test_a_configuration_is_not_overruled(ci: Container, ada: Person) -> None:
    """A configured vault's own remote changes nothing; another one is an error, not a guess."""
    variables = {"MEMORY_SYNC_REMOTE": ada.remote, "MEMORY_SYNC_ROOT": str(ci.agent)}
    assert ada.types("now", env=variables).out == "vault: nothing to do\n"
    assert not (ci.agent / ".memory-sync").exists()
    ran = ada.types("now", "--json", env={"MEMORY_SYNC_REMOTE": "github:ada/other"})
    assert (ran.status, ran.codes) == (2, ["environment-broken"])
    (ada.agent / ".memory-sync").unlink()
    ran = ada.types("now", "--json", env=variables)
    assert (ran.status, ran.codes) == (7, ["marker-missing"])


def test_the_daemon_runs_in_the_foreground(ci: Container, ada: Person) -> None:
    """It adopts the folder, and what another machine wrote arrives; its log has no key."""
    ci.person.env["MEMORY_SYNC_DAEMON__POLL"] = "0.2"
    with ci.person.daemon():
        until(lambda: ci.person.read("MEMORY.md"))
        ada.write("memory/later.md", "later\n")
        ada.types("now")
        until(lambda: ci.person.read("memory/later.md"))
        busy = ci.types("pull", "--read-only", "--json")
        assert (busy.status, busy.codes) == (8, ["busy"])
    assert ci.key.encode() not in ci.leaves()


def test_the_key_is_shown_to_no_other_program(tmp_path: Path, ci: Container) -> None:
    """`gh`, which is asked for a token, does not see it."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\n")
    (programs / "gh").chmod(0o755)
    ran = ci.types(
        "now",
        MEMORY_SYNC_REMOTE="github:ada/notes",
        PATH=f"{programs}:{os.environ['PATH']}",
    )
    assert ran.status == 4
    seen = (tmp_path / "seen").read_text()
    assert "MEMORY_SYNC_REMOTE" in seen
    assert ci.key not in seen


# --- reading


def asked(hub: Hub) -> set[str]:
    """Return what kinds of requests came that could have changed something."""
    reading = {("GET", "rest"), ("HEAD", "rest"), ("POST", "query"), ("GET", "codeload")}
    return {
        f"{one.method} {one.path} {one.kind}"
        for one in hub.requests
        if (one.method, one.kind) not in reading
    }


@pytest.mark.parametrize("words", [("pull", "--read-only"), ("pull",)])
def test_a_pull_writes_nothing_to_the_remote(
    words: tuple[str, ...], tmp_path: Path, ada: Person, hub: Hub
) -> None:
    """With a token that may only read: news comes, edits are merged and stay, nothing is sent."""
    token = hub.add_user("ada")
    ada.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    ada.env["GITHUB_TOKEN"] = token
    ada.remote = "github:ada/notes"
    assert ada.init().status == 0
    ci = Container(tmp_path, ada)
    reading = hub.add_token("ada", repos=("ada/notes",), read_only=True)
    ci.person.env |= {"MEMORY_SYNC_GITHUB__BASE_URL": hub.base_url, "GITHUB_TOKEN": reading}
    hub.requests.clear()
    assert ci.types(*words).status == 0
    ci.person.write("MEMORY.md", "# Memory\n- here\n")
    ci.person.write("memory/mine.md", "mine\n")
    head = hub.repo("ada/notes").head()
    assert asked(hub) == set()
    ada.write("MEMORY.md", "# Memory!\n")
    ada.types("now")
    assert hub.repo("ada/notes").head() != head
    hub.requests.clear()
    ran = ci.types(*words)
    assert hub.requests
    assert asked(hub) == set()
    assert ran.status in (0, 3)
    assert ci.person.read("memory/mine.md") == "mine\n"
    assert "# Memory!\n" in (ci.person.read("MEMORY.md") or "")
    assert reading.encode() not in ci.leaves()


def test_a_folder_that_cannot_be_written_is_read(
    ci: Container, ada: Person, tmp_path: Path
) -> None:
    """Not a byte and not a time of the repository changes, whatever is here to be sent."""
    vault = tmp_path / "vault.git"
    folders = [vault, *(path for path in vault.rglob("*") if path.is_dir())]
    before = {path: path.stat().st_mtime_ns for path in (vault, *vault.rglob("*"))}
    ci.person.write("memory/mine.md", "mine\n")
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert ci.types("pull", "--read-only").status == 0
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in (vault, *vault.rglob("*"))} == before
    assert ci.person.read("MEMORY.md") == ada.read("MEMORY.md")


def test_a_remote_that_is_only_read_refuses_to_write(tmp_path: Path) -> None:
    """By construction: it has each method of a remote, and those that write raise."""
    url = f"file://{tmp_path}/vault.git"
    remote: Remote = ReadOnly(FolderRemote(url))
    with pytest.raises(RemoteReadOnlyError):
        remote.create()
    assert not (tmp_path / "vault.git").exists()
    FolderRemote(url).create()
    with pytest.raises(RemoteReadOnlyError):
        remote.commit(None, Change("message", "0" * 40, {"a": b"b"}))
    assert (remote.url, remote.head(), remote.condition().exists) == (url, None, True)


@pytest.mark.parametrize(
    "words",
    [
        ("move-remote", "NEW", "--yes"),
        ("roots", "move", "memory", "FOLDER", "--yes"),
        ("roots", "rename", "memory", "work"),
        ("roots", "add", "FOLDER", "--name", "notes", "--yes"),
        ("leave", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_the_environment_says_is_changed_there(
    ci: Container, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Nothing is made or marked before that is said."""
    assert ci.types("pull").status == 0
    folder = tmp_path / "folder"
    folder.mkdir()
    places = {"NEW": f"file://{tmp_path}/new.git", "FOLDER": str(folder)}
    ran = ci.types(*(places.get(word, word) for word in words), "--json")
    assert (ran.status, ran.codes) == (2, ["environment-broken"])
    assert not (tmp_path / "new.git").exists()
    assert list(folder.iterdir()) == []


def test_what_a_read_only_pull_opens_cannot_write(ci: Container) -> None:
    """Not even if a whole cycle is asked of it."""
    ci.person.write("memory/mine.md", "mine\n")
    context = load_context(ci.person.env)
    [vault] = context.vaults(None)
    with open_vault(context, vault, read_only=True) as engine, pytest.raises(RemoteReadOnlyError):
        engine.cycle()


def hint_of(ran: Ran) -> str:
    """Return the hint of the one error."""
    (error,) = ran.answer["errors"]
    hint: str = error["hint"]
    return hint


def test_a_token_that_is_missing_or_wrong_is_exported(ci: Container, hub: Hub) -> None:
    """Nothing is configured, so that `init` would store none; nor does it ask for one."""
    ci.person.env |= {
        "MEMORY_SYNC_REMOTE": "github:ada/notes",
        "MEMORY_SYNC_GITHUB__BASE_URL": hub.base_url,
    }
    for words in (("now",), ("pull",), ("history",)):
        ran = ci.types(*words, "--json")
        assert (ran.status, ran.codes) == (4, ["token-missing"])
        assert hint_of(ran) == "export GITHUB_TOKEN=TOKEN"
    ran = ci.types("now", "--json", GITHUB_TOKEN="ghp_wrong")
    assert (ran.codes, hint_of(ran)) == (["token-rejected"], "export GITHUB_TOKEN=TOKEN")
    ran = ci.person.types("init", "--new-token", "--json", stdin="ghp_typed\n")
    assert (ran.status, hint_of(ran)) == (2, "export GITHUB_TOKEN=TOKEN")
    assert "GitHub token" not in ran.err


def test_a_variable_that_holds_another_key_is_named(ci: Container, bob: Person) -> None:
    """Before a rotation and after it; the hint is what prints the right one, on another machine."""
    bob.remote = bob.remote.replace("vault.git", "other.git")
    assert bob.init().status == 0
    lines = bob.types("export-key", "-").out.splitlines()
    other = next(line for line in lines if line.startswith("AGE-SECRET-KEY"))
    printing = "memory-sync export-key -  # on a machine that has the key"
    for words in (("now",), ("history",)):
        ran = ci.types(*words, "--json", MEMORY_SYNC_IDENTITY=other)
        assert (ran.status, ran.codes) == (9, ["key-variable"])
        assert "MEMORY_SYNC_IDENTITY holds another key" in ran.answer["errors"][0]["message"]
        assert hint_of(ran) == printing
        assert other not in ran.out + ran.err
    ran = ci.types("now", "--json", MEMORY_SYNC_IDENTITY="foo")
    assert (ran.codes, hint_of(ran)) == (["key-invalid"], printing)


def test_after_a_rotation_all_that_is_printed_is_the_key(ci: Container, ada: Person) -> None:
    """The key of before is another one; with both lines the container goes on."""
    assert ci.types("pull").status == 0
    assert ada.types("rotate-key", "--yes").status == 0
    for _ in range(2):
        ran = ci.types("now", "--json")
        assert (ran.status, ran.codes) == (9, ["key-variable"])
    ran = ci.types("rotate-key", "--yes", "--json")
    assert (ran.status, hint_of(ran)) == (
        2,
        "memory-sync rotate-key  # on a machine that is set up",
    )
    exported = ada.types("export-key", "-").out
    assert exported.count("AGE-SECRET-KEY-1") == 2
    assert ci.person.types("now", env={"MEMORY_SYNC_IDENTITY": exported}).status == 0

"""Bad input, one case after the other, as a person meets it: the real command on a real home."""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.homes import Home
from tests.hub import Hub

LARGE = 11 * 1024 * 1024


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a home with one vault in a folder, in sync."""
    made = Home(tmp_path, "one")
    made.write("MEMORY.md", "# memory\n")
    made.write("memory/a.md", "a\n")
    made.run("init", str(made.root), "--remote", f"file://{tmp_path}/vault.git", "--yes")
    yield made
    made.close()


def _config(home: Home, change: Callable[[str], str]) -> None:
    path = home.top / "config.toml"
    path.write_text(change(path.read_text()))


def _broken_config(home: Home) -> None:
    _config(home, lambda text: text + "\n[[vault\n")


def _unknown_setting(home: Home) -> None:
    _config(home, lambda text: text + "\n[daemon]\npol = 5\n")


def _impossible_setting(home: Home) -> None:
    _config(home, lambda text: text + '\n[daemon]\npoll = "often"\n')


def _two_roots(home: Home) -> None:
    _config(home, lambda text: f'{text}\n[[vault.root]]\nname = "again"\npath = "{home.root}"\n')


def _no_root(home: Home) -> None:
    home.root.rename(home.root.with_name("elsewhere"))


def _no_key(home: Home) -> None:
    for key in (home.top / "keys").glob("age1*.txt"):
        key.unlink()
    (home.top / "state/vaults/vault/state.db").unlink()


def _open_key(home: Home) -> None:
    for key in (home.top / "keys").glob("age1*.txt"):
        key.chmod(0o644)


def _no_vault(home: Home) -> None:
    vault = home.top.parents[1] / "vault.git"
    lines = "commit refs/heads/main\ncommitter x <x@x> 1 +0000\ndata 1\nx\n"
    lines += "M 100644 inline main.py\ndata 1\nx\n"
    words = ["git", "-C", str(vault), "fast-import", "--force", "--quiet"]
    subprocess.run(words, input=lines.encode(), check=True)


def _no_repository(home: Home) -> None:
    vault = home.top.parents[1] / "vault.git"
    vault.rename(vault.with_name("elsewhere.git"))


def _too_large(home: Home) -> None:
    home.write("memory/large.md", "x" * LARGE)


def _a_link(home: Home) -> None:
    (home.root / "memory/link.md").symlink_to("/etc/hostname")


def _a_bad_name(home: Home) -> None:
    home.write("memory/a\\b.md", "x\n")


def _unwritable_state(home: Home) -> None:
    state = home.top / "state/vaults/vault/state.db"
    state.unlink()
    for name in ("state.db-wal", "state.db-shm"):
        (state.parent / name).unlink(missing_ok=True)
    state.mkdir()


@pytest.mark.parametrize(
    ("spoil", "code", "status"),
    [
        (_broken_config, "config-broken", 2),
        (_unknown_setting, "setting-unknown", 2),
        (_impossible_setting, "config-broken", 2),
        (_two_roots, "root-overlap", 2),
        (_no_root, "root-gone", 7),
        (_no_key, "key-missing", 9),
        (_open_key, "key-file", 9),
        (_no_vault, "history-foreign", 7),
        (_no_repository, "folder-gone", 5),
        (_too_large, "file-too-large", 1),
        (_a_link, "file-special", 1),
        (_a_bad_name, "file-name", 1),
        (_unwritable_state, "state-unusable", 1),
    ],
)
def test_what_is_wrong_is_said_with_a_code_a_status_and_a_command(
    home: Home, spoil: Callable[[Home], None], code: str, status: int
) -> None:
    """No traceback, the vault and every memory file as they were, and a hint that is a command."""
    spoil(home)
    before = _all_files(home)
    answer = home.json("now", status=status)
    assert not answer["ok"]
    assert [error["code"] for error in answer["errors"]] == [code]
    assert answer["errors"][0]["message"].endswith((".", "?"))
    assert " " in answer["errors"][0]["hint"]
    told = home.run("now", status=status)
    assert answer["errors"][0]["hint"] in told
    assert _all_files(home) == before


def _all_files(home: Home) -> dict[Path, bytes]:
    folder = home.root.parent
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*.md"))
        if path.is_file() and not path.is_relative_to(home.top)
    }


def _token_file(home: Home, token: str) -> None:
    (home.top / "token").write_text(token)
    (home.top / "token").chmod(0o600)


def _init_on(home: Home, base_url: str) -> dict[str, Any]:
    home.top.mkdir(parents=True)
    _token_file(home, "a-wrong-token")
    (home.top / "config.toml").write_text(
        f'[github]\nbase_url = "{base_url}"\ntoken_file = "{home.top}/token"\n'
    )
    return home.json("init", str(home.root), "--remote", "github:ada/vault", "--yes")


def test_a_wrong_token_is_said_so_and_nothing_is_made(tmp_path: Path, hub: Hub) -> None:
    """The token itself is never shown, and no key, marker or configuration comes of it."""
    hub.add_user("ada")
    home = Home(tmp_path, "one")
    answer = _init_on(home, hub.base_url)
    assert [error["code"] for error in answer["errors"]] == ["token-rejected"]
    assert "a-wrong-token" not in json.dumps(answer)
    assert not list(home.top.rglob("age1*"))
    assert not (home.root / ".memory-sync").exists()
    assert "[[vault]]" not in (home.top / "config.toml").read_text()


def test_no_network_is_said_so_and_nothing_is_made(tmp_path: Path) -> None:
    """A port on which nobody listens is a network that is not there."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    home = Home(tmp_path, "one")
    answer = _init_on(home, f"http://127.0.0.1:{port}")
    assert [error["code"] for error in answer["errors"]] == ["offline"]
    assert not list(home.top.rglob("age1*"))

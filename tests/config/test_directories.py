"""Where everything lies."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from memory_sync.config.directories import (
    SOCKET_LIMITS,
    Directories,
    directories,
    run_folder,
    short_enough,
)

HEAVY = (
    "pydantic",
    "pydantic_settings",
    "structlog",
    "tomlkit",
    "click",
    "hashlib",
    "platformdirs",
)


def in_a_process(env: dict[str, str], code: str) -> str:
    """Run a piece of Python that knows `directories`, in exactly this environment."""
    program = (
        f"import os, sys; sys.path[:] = {sys.path!r}\n"
        "from memory_sync.config.directories import directories\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program + code], env=env, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


def test_a_home_holds_everything(tmp_path: Path) -> None:
    """With MEMORY_SYNC_HOME everything lies under that one folder."""
    found = directories({"MEMORY_SYNC_HOME": str(tmp_path)})
    assert found.config_file == tmp_path / "config.toml"
    assert found.keys == tmp_path / "keys"
    assert found.log_file == tmp_path / "logs" / "daemon.log"
    assert found.daemon_lock == tmp_path / "state" / "daemon.lock"
    assert found.trash == tmp_path / "state" / "trash"
    assert found.vault_state("notes") == tmp_path / "state" / "vaults" / "notes"


def test_a_short_home_holds_the_socket() -> None:
    """The socket too lies under the home, if its path is short enough."""
    assert directories({"MEMORY_SYNC_HOME": "/h"}).socket == Path("/h/run/control.sock")


def test_a_home_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative home is taken from where the command runs, and made absolute."""
    monkeypatch.chdir(tmp_path)
    assert directories({"MEMORY_SYNC_HOME": "here"}).config == tmp_path / "here"


def test_a_home_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde in the home is the person's home folder, where no shell has expanded it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert directories({"MEMORY_SYNC_HOME": "~/ms"}).config == tmp_path / "ms"


def test_the_platforms_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home of its own the program follows the platform; keys lie with the settings."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "MEMORY_SYNC_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    config, state, logs = {
        "linux": (".config", ".local/state", ".local/state/memory-sync/log"),
        "darwin": (*["Library/Application Support"] * 2, "Library/Logs/memory-sync"),
    }[sys.platform]
    found = directories(os.environ)
    assert found.config == tmp_path / config / "memory-sync"
    assert found.keys == found.config / "keys"
    assert found.state == tmp_path / state / "memory-sync"
    assert found.logs == tmp_path / logs


@pytest.mark.parametrize("env", [{}, {"MEMORY_SYNC_HOME": "~/x"}, {"MEMORY_SYNC_HOME": ""}])
def test_no_home_in_the_environment(env: dict[str, str]) -> None:
    """A stripped environment finds the home folder in the user database."""
    found = in_a_process(env, "print(directories(os.environ).config_file)")
    assert os.path.isabs(found)
    assert found.endswith("/config.toml")


def test_nothing_is_made(tmp_path: Path) -> None:
    """Asking where things lie makes no folder."""
    directories({"MEMORY_SYNC_HOME": str(tmp_path / "new")})
    assert not (tmp_path / "new").exists()


def test_the_socket_lies_in_the_sessions_folder(tmp_path: Path) -> None:
    """On Linux the socket lies in XDG_RUNTIME_DIR."""
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert run_folder(env, Path("/s"), Path("/c"), "linux") == tmp_path / "memory-sync"


@pytest.mark.parametrize("runtime", [None, "", "relative", "/nowhere/at/all"])
def test_the_socket_without_a_session(runtime: str | None) -> None:
    """Without a usable XDG_RUNTIME_DIR the socket lies in the state."""
    env = {} if runtime is None else {"XDG_RUNTIME_DIR": runtime}
    assert run_folder(env, Path("/s"), Path("/c"), "linux") == Path("/s/run")


def test_the_socket_on_macos(tmp_path: Path) -> None:
    """On macOS the socket lies in the caches, whatever the session says."""
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert run_folder(env, Path("/s"), Path("/c"), "darwin") == Path("/c")


def test_the_session_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime folder that `su` kept from another user is passed over."""
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert run_folder(env, Path("/s"), Path("/c"), "linux") == Path("/s/run")


@pytest.mark.parametrize(("platform", "limit"), [("linux", 107), ("darwin", 103)])
def test_the_longest_path_of_a_socket(platform: str, limit: int) -> None:
    """A socket's path of just the allowed length stays; one byte more moves it."""
    fitting = Path("/" + "x" * (limit - len("//control.sock")))
    assert len(str(fitting / "control.sock")) == limit
    assert short_enough(fitting, platform) == fitting
    longer = fitting.with_name(fitting.name + "x")
    assert short_enough(longer, platform) != longer


def test_length_counts_in_bytes() -> None:
    """Letters of two bytes count as two."""
    folder = Path("/" + "é" * 60)
    assert short_enough(folder, "linux") != folder


def test_the_stand_in_is_short_and_always_the_same() -> None:
    """A home that is too deep gets one short place, and another home another."""
    first, again, other = (
        directories({"MEMORY_SYNC_HOME": f"/{'deep/' * 30}{end}"}) for end in "aab"
    )
    assert first.socket == again.socket
    assert first.socket != other.socket
    assert len(os.fsencode(first.socket)) <= 103
    assert str(os.getuid()) in first.run.name


def test_a_socket_can_be_made_at_the_limit() -> None:
    """The limit is the system's own: a path that is said to fit can be bound, a longer one not."""
    limit = SOCKET_LIMITS[sys.platform]
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        folder = Path(top, "x" * (limit - len(f"{top}//control.sock")))
        longer = Path(f"{folder}x")
        assert short_enough(folder) == folder
        assert short_enough(longer) != longer
        for path in (folder, longer):
            path.mkdir()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / "control.sock"))
        with socket.socket(socket.AF_UNIX) as server, pytest.raises(OSError, match="too long"):
            server.bind(str(longer / "control.sock"))


def test_the_quick_way_imports_nothing_heavy() -> None:
    """A command that only asks where the socket is loads none of the slow libraries."""
    code = "directories({'MEMORY_SYNC_HOME': '/h'}).socket; print(' '.join(sys.modules))"
    loaded = in_a_process({}, code).split()
    assert "memory_sync.config.directories" in loaded
    assert not set(HEAVY) & set(loaded)


def test_directories_are_frozen() -> None:
    """What was found cannot be changed by accident."""
    here = Path("/")
    found = Directories(here, here, here, here, here)
    with pytest.raises(AttributeError):
        found.state = Path("/other")  # type: ignore[misc]  # this is what must not work

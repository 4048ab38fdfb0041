"""The files of the service: what systemd's own tools say of them, and how they are filled in."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from memory_sync.errors import (
    ServiceManagerMissingError,
    ServiceTemporaryError,
    ServiceUnfitError,
)
from memory_sync_service import left_behind, service_for, start_command
from memory_sync_service import names as service_names
from memory_sync_service.command import start_words
from memory_sync_service.linger import lingers
from memory_sync_service.names import service_name, unit_path
from memory_sync_service.quoting import command_line, quoted
from memory_sync_service.systemd import Systemd
from tests.needs import needs, needs_linux

PAGE = Path(__file__).parents[2] / "docs" / "service.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment of somebody whose program does not lie in /tmp."""
    monkeypatch.setattr("memory_sync_service.command.PASSING", ())
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)}


@pytest.fixture
def written(home: Mapping[str, str], tmp_path: Path) -> tuple[Path, Path]:
    """Write the unit and its drop-in, and return where they lie."""
    service = Systemd(home, [tmp_path / "a b%", tmp_path / 'c"$\\'])
    unit, drop_in = service.texts()
    for path, text in service.texts().items():
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return unit, drop_in


def _analyse(env: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    needs_linux()
    needs("systemd-analyze")
    return subprocess.run(
        ["systemd-analyze", "--user", *words],
        env={**env, "SYSTEMD_COLORS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("confined", [True, False])
def test_systemd_has_nothing_to_say_about_the_unit(
    written: tuple[Path, Path], home: Mapping[str, str], *, confined: bool
) -> None:
    """Every line is known and has a value that can be, with the drop-in and without."""
    unit, drop_in = written
    if not confined:
        shutil.rmtree(drop_in.parent)
    done = _analyse(home, "verify", "--recursive-errors=yes", "--man=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_would_say_what_is_wrong(
    written: tuple[Path, Path], home: Mapping[str, str]
) -> None:
    """The test above sees a line that systemd does not know."""
    unit, drop_in = written
    drop_in.write_text(drop_in.read_text() + "ReadWritePath=/x\n")
    done = _analyse(home, "verify", "--recursive-errors=yes", "--man=no", str(unit))
    assert "ReadWritePath" in done.stderr


@pytest.mark.parametrize("confined", [True, False])
def test_the_page_has_the_scores(
    written: tuple[Path, Path], home: Mapping[str, str], *, confined: bool
) -> None:
    """What `systemd-analyze security` thinks of the unit stands in docs/service.md.

    Another version of systemd may weigh a little differently.
    """
    unit, drop_in = written
    if not confined:
        shutil.rmtree(drop_in.parent)
    done = _analyse(home, "security", "--offline=true", "--no-pager", str(unit))
    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert score, done
    row = "with the sandbox" if confined else "without it"
    told = re.search(rf"^\| {row} \| ([\d.]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert told
    assert abs(float(told[1]) - float(score[1])) <= 0.5


def test_the_files_say_what_each_line_is_for(written: tuple[Path, Path]) -> None:
    """No placeholder is left, and each file begins with what it is and how it is used by hand."""
    for path in written:
        text = path.read_text()
        assert not re.search(r"@[A-Z_]+@", text)
        assert text.startswith("# ")
        assert text.count("#") > 8


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("/a b", '"/a b"'),
        ("100%", '"100%%"'),
        ('say "x"', '"say \\"x\\""'),
        ("a\\b", '"a\\\\b"'),
        ("$HOME", '"$HOME"'),
    ],
)
def test_a_word_of_a_unit_is_quoted(word: str, text: str) -> None:
    """Blanks, quotes, backslashes and percent signs are themselves; `$` is, by the unit's colon."""
    assert quoted(word) == text


def test_a_program_whose_path_has_a_quote_is_started_by_a_shell() -> None:
    """No path with a quote in it can be that of a program in a unit."""
    assert command_line(["/a b/x", "y"]) == '"/a b/x" "y"'
    assert command_line(["/o'b/x", "y"]).startswith('"/bin/sh" "-c" ')


def test_what_a_unit_cannot_hold_is_refused() -> None:
    """A line break would be another setting."""
    with pytest.raises(ServiceUnfitError):
        quoted("/home/a\nExecStartPre=/bin/evil")


# --- what is started ------------------------------------------------------------------------


def _environment(top: Path) -> Path:
    """Make what an installer makes: an environment with a launcher in it."""
    script = top / "venv" / "bin" / "memory-sync"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return top / "venv"


def test_the_launcher_of_an_installer_is_kept_as_it_is(
    home: Mapping[str, str], tmp_path: Path
) -> None:
    """It is the link that is started: where it leads to changes with an upgrade."""
    venv = _environment(tmp_path)
    launcher = tmp_path / ".local" / "bin" / "memory-sync"
    launcher.parent.mkdir(parents=True)
    launcher.symlink_to(venv / "bin" / "memory-sync")
    assert start_words(home, str(venv), "/x/python") == [str(launcher), "daemon"]


def test_without_a_launcher_the_environments_python_is_started(
    home: Mapping[str, str], tmp_path: Path
) -> None:
    """A launcher that belongs to another installation is not taken."""
    venv = _environment(tmp_path)
    other = _environment(tmp_path / "other")
    launcher = tmp_path / ".local" / "bin" / "memory-sync"
    launcher.parent.mkdir(parents=True)
    launcher.symlink_to(other / "bin" / "memory-sync")
    expected = [str(venv / "bin/python"), "-P", "-m", "memory_sync", "daemon"]
    assert start_words(home, str(venv), str(venv / "bin" / "python")) == expected


@pytest.mark.parametrize(
    "place",
    [".cache/uv/archive-v0/x", ".cache/pipx/x", ".local/share/pipx/.cache/x", "scratch/x"],
)
def test_an_environment_that_does_not_last_is_refused(
    home: Mapping[str, str], tmp_path: Path, place: str
) -> None:
    """`uvx`, `pipx run` and a folder for temporary files: a reboot later they are gone."""
    env = {**home, "TMPDIR": str(tmp_path / "scratch")}
    with pytest.raises(ServiceTemporaryError):
        start_words(env, str(tmp_path / place), "/x/python")


# --- names, and where there is nothing ------------------------------------------------------


def test_each_home_has_a_name_of_its_own() -> None:
    """The same folder has the same name, however it is written."""
    assert service_name({}) == "memory-sync"
    one = service_name({"MEMORY_SYNC_HOME": "/srv/a"})
    assert re.fullmatch(r"memory-sync-[0-9a-f]{8}", one)
    assert service_name({"MEMORY_SYNC_HOME": "/srv/b/../a/"}) == one
    assert service_name({"MEMORY_SYNC_HOME": "/srv/b"}) != one


def test_the_program_finds_the_same_folders(home: Mapping[str, str]) -> None:
    """What moves its folders goes into the unit, what holds a secret does not."""
    env = {**home, "XDG_STATE_HOME": "/srv/state", "MEMORY_SYNC_IDENTITY": "AGE-SECRET-KEY-1X"}
    text = next(iter(Systemd(env, []).texts().values()))
    assert 'Environment="XDG_STATE_HOME=/srv/state"' in text
    assert "AGE-SECRET" not in text
    assert left_behind(env) == ["MEMORY_SYNC_IDENTITY"]
    text = next(iter(Systemd({**env, "MEMORY_SYNC_HOME": "/srv/a b"}, []).texts().values()))
    assert 'Environment="MEMORY_SYNC_HOME=/srv/a b"' in text


def test_without_a_manager_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where neither systemd nor launchd runs, the hint is the daemon itself."""
    monkeypatch.setattr("memory_sync_service.BOOTED", str(tmp_path / "none"))
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    with pytest.raises(ServiceManagerMissingError) as caught:
        service_for(env, "linux")
    assert caught.value.advice == "memory-sync daemon"
    assert start_command(env, "linux") == "memory-sync daemon"


def test_the_command_that_starts_the_daemon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is an install until there is a unit, then a start."""
    monkeypatch.setattr("memory_sync_service.BOOTED", str(tmp_path))
    env = {"HOME": str(tmp_path)}
    for platform in ("linux", "darwin"):
        assert start_command(env, platform) == "memory-sync service install"
        path = unit_path(env) if platform == "linux" else service_names.plist_path(env)
        path.parent.mkdir(parents=True)
        path.touch()
        assert start_command(env, platform) == "memory-sync service start"


def test_lingering_is_seen(tmp_path: Path) -> None:
    """It is a file of logind's with the user's name."""
    assert lingers(str(tmp_path)) is False
    (tmp_path / pwd.getpwuid(os.getuid()).pw_name).touch()
    assert lingers(str(tmp_path)) is True

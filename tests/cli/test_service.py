"""`service` and what `doctor` says of it, with a systemctl that answers as systemd's does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync import __version__
from memory_sync.app.context import load_context
from memory_sync.app.service import writable
from memory_sync_service import service_for
from memory_sync_service.names import unit_path
from tests.cli.clinic import row
from tests.cli.person import Person
from tests.cli.standin import answering, hello, stand_in
from tests.needs import needs_linux

FAKE = """#!/bin/sh
# A systemctl that keeps what it was asked; `unreachable` and `state` say how it answers.
folder=$(dirname "$0")
echo "$*" >> "$folder/calls"
[ ! -e "$folder/unreachable" ] || { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
case "$*" in *ActiveState*) cat "$folder/state" ;; esac
"""
RUNS = "ActiveState=active\nNeedDaemonReload=no\n"
IN_THE_WAY = "ActiveState=activating\nResult=exit-code\nExecMainStatus=8\n"
RESTART = "--user restart"


class Desk:
    """A person whose service is installed, and the manager that runs it."""

    def __init__(self, person: Person, tools: Path) -> None:
        self.person, self.tools = person, tools
        tools.mkdir()
        (tools / "systemctl").write_text(FAKE)
        (tools / "systemctl").chmod(0o755)
        person.env["PATH"] = f"{tools}:{person.env['PATH']}"
        self.says(RUNS)

    def says(self, state: str) -> None:
        """Have the manager know this of the unit."""
        (self.tools / "state").write_text(state)

    def hides(self) -> None:
        """Have no way to the manager, as after `su`."""
        (self.tools / "unreachable").touch()

    def has_unit(self) -> None:
        """Have the files as they would be written."""
        context = load_context(self.person.env)
        texts = service_for(self.person.env, writable=writable(context)).texts()
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        wants = unit_path(self.person.env).parent / "default.target.wants"
        wants.mkdir()
        (wants / unit_path(self.person.env).name).touch()

    def calls(self) -> str:
        """Return all that the manager was asked."""
        return (self.tools / "calls").read_text()


@pytest.fixture
def desk(ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a desk with a vault, on a machine that was booted with systemd."""
    needs_linux()
    monkeypatch.setattr("memory_sync_service.BOOTED", "/")
    monkeypatch.setattr("memory_sync_service.names.BOOTED", "/")
    monkeypatch.setattr("memory_sync_service.command.PASSING", ())
    desk = Desk(ada, tmp_path / "tools")
    assert ada.init().status == 0
    desk.has_unit()
    return desk


@contextmanager
def by_hand(person: Person, pid: int = 4711) -> Iterator[None]:
    """Hold the daemon's lock, as one that was started by hand does."""
    person.places.daemon_lock.write_text(f"{pid}\n")
    with person.places.daemon_lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_what_runs_and_is_current_is_told(desk: Desk) -> None:
    """The first line is that it runs, and there is nothing to mend."""
    out = desk.person.types("service", "status").out
    assert out.startswith("running\n")
    assert "hint" not in out


def test_without_a_way_to_the_manager_it_is_not_known_whether_it_runs(desk: Desk) -> None:
    """As after `su`: neither `service status` nor `doctor` says that it does not run."""
    desk.hides()
    runtime = f"/run/user/{os.getuid()}"
    hint = f"export XDG_RUNTIME_DIR={runtime}"
    if not os.path.isdir(runtime):
        hint = "loginctl enable-linger"
    env = {"XDG_RUNTIME_DIR": ""}
    out = desk.person.types("service", "status", env=env).out
    assert out.startswith("installed; whether it runs is not known\n")
    assert f"hint: {hint}\n" in out
    assert "service start" not in out
    assert "not what would be written" not in out
    data = desk.person.types("service", "status", "--json", env=env).answer["data"]
    assert (data["installed"], data["active"], data["current"]) == (True, None, True)
    assert data["hint"] == hint
    found = row(desk.person, "service", "--no-network", env=env)
    assert "not known" in found["detail"]
    assert (found["result"], found["fix"]) == ("warning", hint)


def test_the_services_socket_is_writable_where_no_runtime_folder_is_named(ada: Person) -> None:
    """A unit that is looked at after `su` is not out of date for that."""
    needs_linux()
    context = load_context(ada.env)
    places = context.directories
    here = replace(context, directories=places._replace(run=places.state / "run"))
    assert Path(f"/run/user/{os.getuid()}/memory-sync") in writable(here)
    assert places.run in writable(context)


def test_a_broken_configuration_leaves_the_service_to_be_seen(desk: Desk) -> None:
    """It runs, whether it is current is not known, and the line that is wrong is named."""
    desk.person.configure("\n[[vault]\n")
    ran = desk.person.types("service", "status")
    assert ran.status == 0
    assert ran.out.startswith("running\n")
    assert str(desk.person.places.config_file) in ran.out
    assert "not what would be written" not in ran.out
    assert "service install" not in ran.out
    data = desk.person.types("service", "status", "--json").answer["data"]
    assert (data["installed"], data["active"], data["current"]) == (True, True, None)
    assert data["hint"]


def test_a_daemon_by_hand_in_the_services_place_is_to_be_ended(desk: Desk) -> None:
    """`doctor` and `service start` name its process and the command that ends it."""
    desk.says(IN_THE_WAY)
    with by_hand(desk.person):
        found = row(desk.person, "service", "--no-network")
        assert "4711" in found["detail"]
        assert found["fix"] == "kill 4711"
        for verb in ("start", "restart", "install"):
            ran = desk.person.types("service", verb, "--json")
            assert ran.codes == ["service"]
            (error,) = ran.answer["errors"]
            assert "process 4711" in error["message"]
            assert error["hint"] == "kill 4711"


def test_a_service_that_does_not_run_is_started(desk: Desk) -> None:
    """A lock that nobody holds names nobody: the fix is to start it."""
    desk.says("ActiveState=inactive\n")
    desk.person.places.daemon_lock.write_text("4711\n")
    assert row(desk.person, "service", "--no-network")["fix"] == "memory-sync service start"


@pytest.mark.parametrize("version", ["0.0.1", __version__])
def test_an_install_after_an_upgrade_starts_the_daemon_anew(desk: Desk, version: str) -> None:
    """One of another version is not left running; one of this version is left alone."""
    (unit_path(desk.person.env).parent / f"{unit_path(desk.person.env).name}.d").rename(
        desk.tools / "drop-in"
    )
    with stand_in(desk.person, answering({"hello": hello(version)})):
        ran = desk.person.types("service", "install", "--no-sandbox", "--json")
    assert ran.status == 0, ran
    other = version != __version__
    assert ran.answer["data"]["changed"] is other
    assert (RESTART in desk.calls()) is other


def test_before_there_is_a_vault_the_vault_comes_first(
    ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`service install` would refuse: the fix is `init`."""
    needs_linux()
    monkeypatch.setattr("memory_sync_service.BOOTED", "/")
    Desk(ada, tmp_path / "tools")
    for name in ("service", "daemon"):
        found = row(ada, name, "--no-network")
        assert (found["result"], found["fix"]) == ("warning", "memory-sync init")

"""The service on a real systemd, installed from the wheel: how it lives and how it ends."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.service.manager import Boot
from tests.service.user import UNIT, User, eventually

HASTY = "[Service]\nRestartSec=100ms\n"


def test_it_runs_once_installed(anybody: User) -> None:
    """`service install` ends when the daemon answers, and `now` goes through it."""
    data = anybody.installs()
    assert data["changed"]
    assert data["active"]
    assert data["enabled"]
    assert data["current"]
    assert data["sandboxed"]
    status = anybody.data("status")
    assert status["daemon"]["pid"] == anybody.pid()
    anybody.write("memory/new.md", "new\n")
    anybody.ms("now")
    assert anybody.is_synced()


def test_it_is_ready_only_when_the_socket_answers(nobody: User) -> None:
    """Whenever systemd says that it runs, a connection is taken; before that it is starting."""
    nobody.installs()
    nobody.boot.ctl("stop", UNIT)
    path = nobody.boot.inside(Path(nobody.env["XDG_RUNTIME_DIR"], "memory-sync", "control.sock"))
    seen = set()
    nobody.boot.ctl("--no-block", "start", UNIT)
    while "active" not in seen:
        seen.add(nobody.boot.shown(UNIT, "ActiveState"))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    assert seen <= {"inactive", "activating", "active"}
    assert "activating" in seen


def test_a_killed_daemon_comes_back(nobody: User) -> None:
    """SIGKILL is followed by a new start, and by a sync."""
    nobody.installs()
    nobody.adds(HASTY)
    before = nobody.pid()
    nobody.boot.ctl("kill", "--signal=KILL", UNIT)
    eventually(lambda: nobody.pid() not in (0, before))
    nobody.until_shown("ActiveState", "active")
    nobody.write("memory/later.md", "later\n")
    eventually(nobody.is_synced)


def test_a_hung_daemon_is_ended_and_comes_back(nobody: User) -> None:
    """One that gives no sign of life is killed by the watchdog and started anew."""
    nobody.installs()
    nobody.adds(f"{HASTY}WatchdogSec=2\n")
    nobody.ms("service", "restart")
    before = nobody.pid()
    time.sleep(2.5)
    assert nobody.pid() == before, "a daemon that is well is left alone"
    nobody.boot.ctl("kill", "--signal=STOP", UNIT)
    eventually(lambda: nobody.pid() not in (0, before))
    nobody.until_shown("ActiveState", "active")
    assert nobody.data("status")["daemon"]["running"]


def test_i72_a_stop_in_the_middle_of_a_transfer_is_in_time(nobody: User) -> None:
    """SIGTERM ends it cleanly, well before systemd would kill it, and the rest follows later."""
    nobody.installs()
    eventually(nobody.is_synced)
    for number in range(800):
        (nobody.agent / "memory").mkdir(exist_ok=True)
        (nobody.agent / "memory" / f"{number}.md").write_text(f"{number}\n" * 500)
    nobody.boot.own(nobody.agent)
    eventually(lambda: nobody.data("status")["state"] == "syncing")
    began = time.monotonic()
    nobody.boot.ctl("stop", UNIT)
    assert time.monotonic() - began < 20
    assert nobody.boot.shown(UNIT, "Result") == "success"
    assert nobody.boot.shown(UNIT, "ExecMainStatus") == "0"
    nobody.boot.ctl("start", UNIT)
    eventually(nobody.is_synced, 40)


def test_a_broken_configuration_is_not_tried_again(nobody: User) -> None:
    """The daemon ends with 78, systemd leaves it at that, and the command says why."""
    nobody.installs()
    nobody.adds(HASTY)
    good = nobody.config.read_text()
    nobody.config.write_text("[[vault]\n")
    ran = nobody.ms("service", "restart", "--json", status=1)
    assert ran.codes == ["service"]
    assert "configuration" in ran.answer["errors"][0]["message"]
    time.sleep(0.5)
    assert nobody.boot.shown(UNIT, "ActiveState") == "failed"
    assert nobody.boot.shown(UNIT, "ExecMainStatus") == "78"
    assert nobody.boot.shown(UNIT, "NRestarts") == "0"
    nobody.config.write_text(good)
    nobody.ms("service", "start")
    assert nobody.boot.shown(UNIT, "ActiveState") == "active"


def test_start_stop_and_status(nobody: User) -> None:
    """A stopped service stays stopped, and `status` names the command that starts it."""
    assert nobody.ms("service", "start", "--json", status=1).codes == ["service-missing"]
    assert "memory-sync service install" in nobody.ms("service", "status").out
    nobody.installs()
    nobody.ms("service", "stop")
    out = nobody.ms("service", "status").out
    assert out.startswith("not running\n")
    assert "hint: memory-sync service start" in out
    nobody.ms("service", "start")
    assert nobody.ms("service", "status").out.startswith("running\n")


def test_another_daemon_in_the_way_is_named(nobody: User) -> None:
    """Where a daemon was started by hand the service cannot start, and says so."""
    nobody.boot.run(
        "systemd-run", "--user", "--unit=by-hand", "--quiet", "--collect",
        "/bin/sh", "-c", 'exec "$$0" -m memory_sync daemon', str(nobody.python).replace("$", "$$"),
        env=nobody.env,
    )  # fmt: skip
    eventually(lambda: nobody.data("status")["daemon"]["running"])
    try:
        ran = nobody.ms("service", "install", "--json", status=1)
        assert "another daemon" in ran.answer["errors"][0]["message"]
        assert nobody.data("status")["daemon"]["running"], "its socket is still there"
    finally:
        nobody.boot.ctl("stop", "by-hand.service")


def test_the_same_again_changes_nothing(nobody: User) -> None:
    """What --print shows is what is written, and a second install leaves it and the process be."""
    shown = nobody.data("service", "install", "--print")
    assert not nobody.units.exists()
    nobody.installs()
    assert {path: Path(path).read_text() for path in shown} == shown
    before, pid = _files(nobody.units), nobody.pid()
    assert not nobody.installs()["changed"]
    assert _files(nobody.units) == before
    assert nobody.pid() == pid


def test_other_roots_renew_it(nobody: User) -> None:
    """A root that comes later makes it out of date, until it is installed again."""
    nobody.installs()
    pid = nobody.pid()
    other = nobody.home / "other"
    other.mkdir()
    nobody.boot.own(other)
    text = nobody.config.read_text()
    top = text.index("\n[daemon]")
    root = f'\n[[vault.root]]\nname = "other"\npath = "{other}"\n'
    nobody.config.write_text(text[:top] + root + text[top:])
    assert not nobody.data("service", "status")["current"]
    assert "service install" in nobody.ms("service", "status").out
    assert nobody.installs()["changed"]
    assert nobody.data("service", "status")["current"]
    assert nobody.pid() != pid
    assert f'ReadWritePaths=-"{other}"' in "".join(_files(nobody.units).values())


def test_init_renews_it(nobody: User) -> None:
    """A folder that `init` adds can be written by the service that runs."""
    nobody.installs()
    other = nobody.home / "other"
    other.mkdir()
    nobody.boot.own(other)
    nobody.set_up(other, "--name", "other")
    status = nobody.data("service", "status")
    assert status["current"]
    assert status["active"]


def test_uninstall_leaves_nothing(anybody: User) -> None:
    """No file, no process, nothing that systemd remembers; vaults and settings stay."""
    before = {path for path in anybody.home.rglob("*") if "systemd" in path.parts}
    anybody.installs()
    pid = anybody.pid()
    assert anybody.data("service", "uninstall") == {"changed": True}
    left = {path for path in anybody.home.rglob("*") if "systemd" in path.parts}
    assert {path for path in left - before if not path.is_dir()} == set()
    assert not list(anybody.units.glob("memory-sync*"))
    assert anybody.boot.shown(UNIT, "LoadState") == "not-found"
    assert anybody.boot.run("kill", "-0", str(pid)).status != 0
    assert anybody.config.exists()
    assert anybody.data("service", "uninstall") == {"changed": False}


def test_two_homes_have_two_services(nobody: User, boots: dict[str, Boot]) -> None:
    """MEMORY_SYNC_HOME goes into a unit of its own, whatever letters it has."""
    nobody.installs()
    second = User(boots["nobody"], MEMORY_SYNC_HOME=str(nobody.home / 'a $HOME 50% "b" \\c'))
    second.vault = nobody.vault.with_name("two.git")
    second.agent = nobody.home / "second agent"
    second.write("MEMORY.md", "# second\n")
    second.set_up(second.agent)
    try:
        data = second.installs()
        unit = Path(data["path"]).name
        assert unit != UNIT
        assert unit.startswith("memory-sync-")
        assert second.data("status")["daemon"]["pid"] == second.pid(unit) != nobody.pid() != 0
        eventually(second.is_synced)
    finally:
        second.ms("service", "uninstall")
    assert nobody.data("service", "status")["active"]


def test_without_a_way_to_the_manager_it_says_what_to_set(nobody: User) -> None:
    """As after `su`: the variable that is missing is named, and nothing is written."""
    names = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
    env = {name: value for name, value in nobody.env.items() if name not in names}
    ran = nobody.ms("service", "install", "--json", status=1, env=env)
    assert ran.codes == ["service-unreachable"]
    hint = ran.answer["errors"][0]["hint"]
    assert hint == f"export XDG_RUNTIME_DIR={nobody.env['XDG_RUNTIME_DIR']}"
    assert not nobody.units.exists()
    helped = {**env, "XDG_RUNTIME_DIR": nobody.env["XDG_RUNTIME_DIR"]}
    nobody.ms("service", "install", env=helped)


def test_no_token_comes_into_a_unit(nobody: User) -> None:
    """Secrets of the environment stay out of the files, and what is left behind is named."""
    env = {**nobody.env, "GITHUB_TOKEN": "ghp_secret", "MEMORY_SYNC_GITHUB__PROXY": "http://a:b@c"}
    out = nobody.ms("service", "install", env=env).out
    assert "MEMORY_SYNC_GITHUB__PROXY" in out
    texts = "".join(_files(nobody.units).values())
    assert "ghp_secret" not in texts
    assert "a:b@c" not in texts


def _files(folder: Path) -> dict[str, str]:
    """Return what a folder holds, with times."""
    return {
        f"{path} {path.stat().st_mtime_ns}": path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_lingering_is_asked_for_and_never_forced(nobody: User) -> None:
    """Without a word about it the command is named; a refusal of --linger is said, and it runs."""
    assert "loginctl enable-linger" in nobody.ms("service", "install").out
    ran = nobody.ms("service", "install", "--linger", "--json", status=1)
    assert ran.answer["errors"][0]["hint"] == "sudo loginctl enable-linger nobody"
    assert ran.answer["data"]["active"]

"""`memory-sync status`: the worst state first, quickly, whatever the daemon does."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memory_sync.cli.standing import Standing, worst_state
from memory_sync_service import start_command
from tests.cli.person import QUICK, Person, until
from tests.needs import needs_linux

HEAVY = {"pydantic", "structlog", "rich", "dulwich", "pyrage", "github", "sqlite3", "watchdog"}


def test_without_a_vault_it_names_init(ada: Person) -> None:
    """A machine on which nothing is set up is told what to do first."""
    ran = ada.types("status")
    assert ran.status == 0
    assert ran.out.startswith("stopped: No vault is set up")
    assert ran.out.splitlines()[1] == "hint: memory-sync init"


def test_without_a_daemon_it_tells_from_the_disk(ada: Person) -> None:
    """The first line says stopped and how to start; the row says when it last went well."""
    ada.init()
    ran = ada.types("status")
    assert ran.out.startswith(
        f"stopped: The daemon does not run.\nhint: {start_command(ada.env)}\n"
    )
    assert str(ada.agent) in ran.out
    assert "s ago" in ran.out
    assert ada.types("status", "--exit-code").status == 6


@pytest.mark.parametrize(("booted", "command"), [(True, "service install"), (False, "daemon")])
def test_the_hint_is_what_starts_a_daemon_here(
    ada: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, booted: bool, command: str
) -> None:
    """No service is advised on a machine that has nothing to run one."""
    needs_linux()
    monkeypatch.setattr("memory_sync_service.BOOTED", str(tmp_path / ("." if booted else "none")))
    ada.init()
    assert ada.types("status").out.splitlines()[1] == f"hint: memory-sync {command}"


def test_i75_without_a_daemon_it_tells_what_was_halted(ada: Person) -> None:
    """What the last look had to stop is still shown, until a look finds it mended."""
    ada.init()
    shutil.move(ada.agent, f"{ada.agent}.moved")
    assert ada.types("now").status == 7
    shown = ada.types("status").out
    assert shown.startswith("stopped: ")
    assert "vault: The folder" in shown
    assert "this was stopped: delete 2 files in the vault" in shown
    assert "hint: memory-sync confirm --root memory" in shown
    shutil.move(f"{ada.agent}.moved", ada.agent)
    assert ada.types("now").status == 0
    assert "this was stopped" not in ada.types("status").out


def test_with_a_daemon_it_is_idle(ada: Person) -> None:
    """A daemon that has synced everything shows idle, and programs get its process and version."""
    ada.configure(QUICK)
    ada.init()
    with ada.daemon() as daemon:
        until(lambda: ada.state() == "idle")
        ran = ada.types("status", "--json", "--exit-code")
        assert ran.status == 0
        data = ran.answer["data"]
        assert data["daemon"] == {"running": True, "pid": daemon.pid, "version": "0.1.0"}
        (row,) = data["vaults"]
        wanted = {"name", "root", "remote", "state", "reason", "head", "last_success", "pending"}
        assert row.keys() >= wanted | {"conflicts", "next_poll"}
        assert row["root"] == str(ada.agent)
        assert ada.types("status").out.startswith("idle: Everything is in sync.\n")


def test_an_answer_of_the_daemon_takes_light_imports_only(ada: Person) -> None:
    """A command that asks the socket loads nothing of what does the work."""
    ada.configure(QUICK)
    ada.init()
    with ada.daemon():
        code = (
            "import sys; from memory_sync.cli.main import main; main(['status']);"
            "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=ada.env, capture_output=True, text=True, check=True
        )
    assert "memory_sync" in done.stderr.split()
    assert done.stdout.split(":")[0] in {"idle", "syncing"}
    assert set(done.stderr.split()) & HEAVY == set()


def test_i74_a_daemon_that_does_not_answer_is_said_so_in_time(ada: Person) -> None:
    """A stuck daemon costs a second or two; what is on the disk is shown, with its process."""
    ada.init()
    places = ada.places
    places.run.mkdir(mode=0o700)
    places.daemon_lock.write_text("4711\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(places.socket))
        listener.listen()
        began = time.monotonic()
        ran = ada.types("status", "--exit-code")
        assert time.monotonic() - began < 5
        data = ada.types("status", "--json").answer["data"]
    assert ran.status == 6
    assert ran.out.startswith("needs-attention: The daemon (process 4711) does not answer.")
    assert str(ada.agent) in ran.out
    assert data["daemon"]["running"]
    assert data["daemon"]["pid"] == 4711


def test_a_broken_configuration_shows_while_the_old_one_is_in_force(ada: Person) -> None:
    """The daemon goes on with what it had, and status says what is wrong with the file."""
    ada.configure(QUICK)
    ada.init()
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        ada.configure("this is no toml\n")
        until(lambda: ada.state() == "needs-attention")
        ran = ada.types("status", "--exit-code")
    assert ran.status == 2
    assert "it is not TOML" in ran.out.splitlines()[0]
    assert "config.toml" in ran.out.splitlines()[1]
    assert " idle " in ran.out


def test_a_halt_is_the_worst_and_says_what_mends_it(ada: Person) -> None:
    """A root whose folder is gone is halted: exit status 7, and the folder is named."""
    ada.configure(QUICK)
    ada.init()
    with ada.daemon():
        until(lambda: ada.state() == "idle")
        shutil.move(ada.agent, f"{ada.agent}.moved")
        ada.types("now")
        ran = ada.types("status", "--exit-code")
        assert ran.status == 7
        first, would, hint, *_ = ran.out.splitlines()
        assert first.startswith(f"halted: The folder {ada.agent} of root memory is not there")
        assert would.startswith("this was stopped: delete ")
        assert hint == "hint: memory-sync confirm --root memory"
        shutil.move(f"{ada.agent}.moved", ada.agent)
        until(lambda: ada.state() == "idle")


def test_conflicts_need_attention(pair: tuple[Person, Person]) -> None:
    """A conflict that waits shows with the folder where its copy lies, and by exit status 3."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Ada's\n")
    bob.write("MEMORY.md", "# Bob's\n")
    ada.types("now")
    bob.types("now")
    bob.configure(QUICK)
    with bob.daemon():
        until(lambda: bob.state() == "needs-attention")
        ran = bob.types("status", "--exit-code")
    assert ran.status == 3
    assert "Vault vault has 1 conflict" in ran.out.splitlines()[0]
    assert str(bob.places.vault_state("vault") / "conflicts") in ran.out


def test_only_one_vault_is_shown_if_asked_for(ada: Person, tmp_path: Path) -> None:
    """--vault narrows the answer; a name that is not there is a usage error that names those."""
    ada.init()
    other = tmp_path / "other"
    other.mkdir()
    assert ada.types("init", str(other), "--remote", f"{tmp_path}/two.git", "--yes").status == 0
    both = ada.types("status", "--json").answer["data"]["vaults"]
    assert [row["name"] for row in both] == ["vault", "two"]
    one = ada.types("status", "--json", "--vault", "two").answer["data"]["vaults"]
    assert [row["name"] for row in one] == ["two"]
    wrong = ada.types("status", "--vault", "three")
    assert wrong.status == 2
    assert "vault, two" in wrong.err


def test_each_of_several_keys_is_exported_to_a_file_of_its_own(ada: Person, tmp_path: Path) -> None:
    """The command in the reminder works as it stands, also for the second vault."""
    ada.init()
    assert ada.types("export-key", "-").status == 0
    other = tmp_path / "other"
    other.mkdir()
    ran = ada.types("init", str(other), "--remote", f"{tmp_path}/two.git", "--yes")
    command = "memory-sync export-key ~/memory-sync-key-two.txt --vault two"
    assert command in ran.out
    assert f"The key of two was never exported: {command}" in ada.types("status").out


def test_a_key_that_was_never_exported_is_reminded_of(ada: Person) -> None:
    """The reminder stands until the key was exported."""
    ada.init()
    assert "never exported: memory-sync export-key" in ada.types("status").out
    assert ada.types("export-key", "-").status == 0
    assert "never exported" not in ada.types("status").out


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (("idle", "syncing"), "syncing"),
        (("idle", "offline", "syncing"), "offline"),
        (("needs-attention", "offline"), "needs-attention"),
        (("needs-attention", "halted", "idle"), "halted"),
        ((), "idle"),
    ],
)
def test_the_worst_state_wins(states: tuple[str, ...], worst: str) -> None:
    """One vault that halts is not hidden by ten that are idle."""
    rows = tuple({"name": state, "state": state} for state in states)
    assert worst_state(Standing({"running": True}, rows, served=True)) == worst

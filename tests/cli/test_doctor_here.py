"""`doctor` and what can go wrong on one's own machine: planted, told, mended as it says, gone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.app.doctor.examine import examine
from memory_sync.app.doctor.machine import MB, Disk, Inotify
from memory_sync.app.doctor.patient import Patient
from memory_sync.app.doctor.permissions import taken
from memory_sync.app.doctor.program import fits, judged
from memory_sync.app.doctor.running import lingering
from memory_sync.ports.folder import FolderRemote
from memory_sync.ports.names import temporary_name
from memory_sync.ports.peek import peek
from memory_sync_service import Standing
from tests.cli.clinic import check, does, in_two_days, result, row, rows, status
from tests.cli.person import QUICK, Person, until


@pytest.fixture
def well(ada: Person) -> Person:
    """Return a machine with a vault in a folder, whose key was exported."""
    assert ada.init().status == 0
    assert ada.types("export-key", str(ada.home.parent / "key.txt")).status == 0
    return ada


# --- program --------------------------------------------------------------------------------


def test_versions_are_compared_as_numbers() -> None:
    """8.10 is newer than 8.9, a missing part counts as 0, and all bounds have to hold."""
    assert fits("8.10", ">=8.9")
    assert fits("8.1", "==8.1.0")
    assert fits("7.9.9", ">=7.1,<8")
    assert not fits("8.0", "<8,>=7.1")
    assert not fits("2.7", ">=2.8")
    assert fits("2.8.0rc1", ">=2.8")


def test_versions_that_do_not_fit_are_errors() -> None:
    """Python, SQLite and each package are named with what is required of them."""
    fine = ((3, 12, 1), ">=3.11", (3, 45, 0), ["click>=8.1"])
    assert judged(*fine).result == "ok"
    assert "Python 3.10.9 is not >=3.11" in judged((3, 10, 9), *fine[1:]).detail
    assert "SQLite 3.31.0 is older" in judged(*fine[:2], (3, 31, 0), fine[3]).detail
    found = judged(*fine[:3], ["click>=99", "no-such-package>=1", "pydantic-settings"])
    assert found.result == "error"
    assert "not >=99" in found.detail
    assert "no-such-package is not installed" in found.detail
    assert found.fix.endswith("-m pip install 'click>=99' 'no-such-package>=1'")


def test_two_installations_on_path(well: Person, tmp_path: Path) -> None:
    """They are named; several links to one are one."""
    path = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        path.append(str(tmp_path / name))
    first, second = (Path(folder, "memory-sync") for folder in path)
    first.write_text("#!/bin/sh\n")
    first.chmod(0o755)
    second.symlink_to(first)
    env = {"PATH": ":".join([*path, well.env["PATH"]])}
    assert row(well, "installation", env=env)["result"] == "ok"
    second.unlink()
    shutil.copy(first, second)
    found = row(well, "installation", env=env)
    assert found["result"] == "warning"
    assert str(first) in found["detail"]
    assert str(second) in found["detail"]


# --- permissions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "mode", "verdict"),
    [
        ("keys", 0o755, "error"),
        ("keys/*.txt", 0o640, "error"),
        ("keys/*.trust.json", 0o604, "error"),
        ("config.toml", 0o664, "error"),
        ("token", 0o644, "error"),
        ("state", 0o755, "warning"),
        ("state", 0o777, "error"),
        ("state/vaults/vault/state.db", 0o644, "warning"),
        ("state/vaults/vault/state.db", 0o200, "error"),
        ("state/vaults/vault/conflicts", 0o755, "error"),
        ("state/trash/vault", 0o755, "error"),
        ("logs/daemon.log", 0o644, "warning"),
        ("run", 0o711, "error"),
    ],
)
def test_what_is_open_to_others(well: Person, path: str, mode: int, verdict: str) -> None:
    """Each is named with a chmod that mends it, as it is typed, with names that need quotes."""
    (well.home / "token").write_text("x\n")
    (well.home / "token").chmod(0o600)
    well.write("MEMORY.md", "# Other\n")
    (well.home / "state" / "trash" / "vault").mkdir(mode=0o700, parents=True, exist_ok=True)
    (well.home / "state" / "trash").chmod(0o700)
    with well.daemon():
        assert result(well, "permissions") == "ok"
    well.places.run.mkdir(mode=0o700, exist_ok=True)
    (file,) = well.home.glob(path)
    file.chmod(mode)
    found = row(well, "permissions")
    assert found["result"] == verdict
    assert str(file) in found["detail"]
    assert bool(status(well)) is (verdict == "error")
    does(well, found["fix"])
    assert result(well, "permissions") == "ok"


def test_a_socket_that_others_may_write_to(well: Person) -> None:
    """It is an error while the daemon runs, until it is closed to them."""
    with well.daemon():
        well.places.socket.chmod(0o666)
        found = row(well, "permissions")
        assert (found["result"], str(well.places.socket) in found["detail"]) == ("error", True)
        does(well, found["fix"])
        assert result(well, "permissions") == "ok"


def test_many_modes_are_mended_at_once(well: Person, tmp_path: Path) -> None:
    """One command sets right folders and files, also where a path has blanks and quotes."""
    home = tmp_path / "it's my home"
    shutil.move(well.home, home)
    env = {"MEMORY_SYNC_HOME": str(home)}
    for path in home.rglob("*"):
        path.chmod(0o777)
    found = row(well, "permissions", env=env)
    does(well, found["fix"])
    assert row(well, "permissions", env=env)["result"] == "ok"


@pytest.mark.parametrize(("path", "mode"), [("state", 0o777), (".", 0o777), ("keys", 0o1777)])
def test_a_folder_of_ours_that_all_may_use_is_closed(well: Person, path: str, mode: int) -> None:
    """Whether or not others could have read it: nothing is left that anybody else can do."""
    folder = well.home / path
    folder.chmod(mode)
    assert row(well, "permissions")["fix"] == f"chmod 700 {folder}"


def test_a_configuration_that_others_may_read_is_fine(well: Person) -> None:
    """There is no secret in it, and many keep it in a repository with other such files."""
    well.places.config_file.chmod(0o644)
    assert result(well, "permissions") == "ok"


def test_what_belongs_to_another() -> None:
    """A person takes it back; root is told to leave it to its owner."""
    owners = {Path("/home/ada/state it"): 0}
    assert taken(1000, owners).fix == "sudo chown 1000 '/home/ada/state it'"
    assert taken(0, {Path("/x"): 1000}).fix == "sudo -u '#1000' memory-sync doctor"


def test_a_trashed_file_keeps_its_mode(well: Person) -> None:
    """It may be the very file of a root: doctor speaks of no file in the trash."""
    kept = well.places.trash / "vault" / "memory" / "kept"
    kept.parent.mkdir(parents=True)
    for folder in (well.places.trash, *kept.parents[:2]):
        folder.chmod(0o700)
    kept.write_text("x")
    kept.chmod(0o666)
    assert result(well, "permissions") == "ok"


# --- key ------------------------------------------------------------------------------------


def test_a_key_that_is_gone(well: Person) -> None:
    """Exit status 9, until it is imported again from where it was exported to."""
    (path,) = well.places.keys.glob("age1*.txt")
    path.unlink()
    found = row(well, "key")
    assert (found["result"], found["fix"]) == ("error", "memory-sync import-key KEY-FILE")
    assert status(well) == 9
    does(well, found["fix"].replace("KEY-FILE", str(well.home.parent / "key.txt")))
    assert result(well, "key") == "ok"


def test_a_vault_of_another_key(well: Person, bob: Person, tmp_path: Path) -> None:
    """Where another vault lies now, the key that is here does not fit: exit status 9."""
    bob.remote = f"file://{tmp_path}/other.git"
    bob.write("MEMORY.md", "# Bob's\n")
    assert bob.init().status == 0
    ours = tmp_path / "vault.git"
    ours.rename(tmp_path / "kept.git")
    (tmp_path / "other.git").rename(ours)
    assert row(well, "key")["result"] == "error"
    assert status(well) == 9
    shutil.rmtree(ours)
    (tmp_path / "kept.git").rename(ours)
    assert result(well, "key") == "ok"


def test_a_key_that_was_never_exported(ada: Person) -> None:
    """A warning, with the command that exports it."""
    assert ada.init().status == 0
    found = row(ada, "key")
    assert found["result"] == "warning"
    does(ada, found["fix"])
    assert result(ada, "key") == "ok"


def test_a_key_in_the_environment_only(well: Person) -> None:
    """No service has it; the fix stores it."""
    (path,) = well.places.keys.glob("age1*.txt")
    secret = path.read_text().splitlines()[-1]
    path.unlink()
    env = {"MEMORY_SYNC_IDENTITY": secret}
    found = row(well, "key", env=env)
    assert found["result"] == "warning"
    assert secret not in str(rows(well, env=env))
    does(well, found["fix"], env=env)
    assert result(well, "key") == "ok"


# --- machine --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "free", "verdict"),
    [
        (1000 * MB, 49 * MB, "error"),
        (1000 * MB, 51 * MB, "warning"),
        (1000 * MB, 499 * MB, "warning"),
        (1000 * MB, 501 * MB, "ok"),
        (100_000 * MB, 4_900 * MB, "warning"),
        (100_000 * MB, 5_100 * MB, "ok"),
    ],
)
def test_a_disk_that_fills_up(well: Person, total: int, free: int, verdict: str) -> None:
    """Below 500 MB or 5 % is a warning, below 50 MB an error; the fix shows the disk."""
    (found,) = Disk(lambda _: (total, free))(Patient(well.env))
    assert found.result == verdict
    if found.fix:
        does(well, found.fix)


@pytest.mark.parametrize(
    ("watches", "instances", "verdicts"),
    [
        (1000, 128, ["ok"]),
        (2, 128, ["error"]),
        (4, 128, ["warning"]),
        (1000, 1, ["error"]),
        (2, 3, ["error", "warning"]),
    ],
)
def test_limits_of_inotify(
    well: Person, tmp_path: Path, watches: int, instances: int, verdicts: list[str]
) -> None:
    """The folders that the patterns reach and that of the conflicts have to be watched."""
    limits = tmp_path / "limits"
    limits.mkdir()
    (limits / "max_user_watches").write_text(f"{watches}\n")
    (limits / "max_user_instances").write_text(f"{instances}\n")
    (well.agent / "elsewhere" / "deep").mkdir(parents=True)
    found = Inotify(limits, "linux")(Patient(well.env))
    assert [one.result for one in found] == verdicts
    if watches == 2:
        assert "max_user_watches is 2, the roots need 3" in found[0].detail
        assert found[0].fix == "sudo sysctl fs.inotify.max_user_watches=12"
    assert Inotify(limits, "darwin")(Patient(well.env))[0].result == "skipped"


@pytest.mark.parametrize(
    ("installed", "linger", "verdict", "fix"),
    [
        (True, True, "ok", ""),
        (True, False, "warning", "loginctl enable-linger"),
        (True, None, "skipped", ""),
        (False, False, "skipped", ""),
    ],
)
def test_a_service_that_ends_with_the_session(
    installed: bool, linger: bool | None, verdict: str, fix: str
) -> None:
    """It is told to run on, where systemd says that it would not."""
    stands = Standing(installed, True, True, True, linger, "systemd", "x.service", "", True)
    found = lingering(stands)
    assert (found.result, found.fix) == (verdict, fix)


# --- state ----------------------------------------------------------------------------------


def _database(person: Person) -> Path:
    return person.places.vault_state("vault") / "state.db"


def test_a_corrupt_database(well: Person) -> None:
    """The next sync makes a new one; what it set aside is named until it is removed."""
    path = _database(well)
    content = bytearray(path.read_bytes())
    content[4096:8192] = os.urandom(4096)
    path.write_bytes(content)
    found = row(well, "state")
    assert found["result"] == "error"
    assert path.read_bytes() == content
    does(well, found["fix"])
    found = row(well, "state")
    assert (found["result"], "set aside" in found["detail"]) == ("warning", True)
    does(well, found["fix"])
    assert result(well, "state") == "ok"


def test_a_database_of_a_newer_version(well: Person) -> None:
    """It is left alone, and the upgrade is named."""
    with sqlite3.connect(_database(well)) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("PRAGMA user_version = 99")
    database.close()
    found = row(well, "state")
    assert (found["result"], found["fix"]) == ("error", "pipx upgrade memory-sync")
    with sqlite3.connect(_database(well)) as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    assert result(well, "state") == "ok"


def test_a_database_that_is_read_can_be_written(well: Person) -> None:
    """Somebody who looks keeps no daemon waiting, and sees what is not in the main file yet."""
    daemon = sqlite3.connect(_database(well), isolation_level=None, timeout=0)
    daemon.execute("REPLACE INTO meta VALUES ('seen', '1')")
    with peek(_database(well)) as reader:
        looks = reader.execute("SELECT value FROM meta WHERE key = 'seen'")
        daemon.execute("BEGIN EXCLUSIVE")
        daemon.execute("REPLACE INTO meta VALUES ('seen', '2')")
        daemon.execute("COMMIT")
        assert looks.fetchone() == ("1",)
    daemon.close()


def test_without_a_database_there_is_nothing_to_say(well: Person) -> None:
    """It is made by the next sync."""
    _database(well).unlink()
    assert result(well, "state") == "skipped"
    assert well.types("now").status == 0
    assert result(well, "state") == "ok"


# --- remote ---------------------------------------------------------------------------------


def _away(person: Person) -> Callable[[], object]:
    vault = person.home.parents[1] / "vault.git"
    vault.rename(vault.with_name("away"))
    return lambda: vault.with_name("away").rename(vault)


def _no_repository(person: Person) -> Callable[[], object]:
    back = _away(person)
    vault = person.home.parents[1] / "vault.git"
    vault.mkdir()
    (vault / "holiday.jpg").write_text("x")

    def mend() -> None:
        shutil.rmtree(vault)
        back()

    return mend


def _emptied(person: Person) -> Callable[[], object]:
    back = _away(person)
    FolderRemote(person.remote).create()

    def mend() -> None:
        shutil.rmtree(person.home.parents[1] / "vault.git")
        back()

    return mend


@pytest.mark.parametrize("fault", [_away, _no_repository, _emptied])
def test_a_vault_in_a_folder_that_is_not_there(
    well: Person, fault: Callable[[Person], Callable[[], object]]
) -> None:
    """A disk that is away, or something else in its place; also where no server is asked."""
    assert result(well, "remote", "--no-network") == "ok"
    mend = fault(well)
    assert row(well, "remote")["result"] == "error"
    assert row(well, "remote", "--no-network")["result"] == "error"
    assert status(well) != 0
    mend()
    assert result(well, "remote") == "ok"


# --- roots ----------------------------------------------------------------------------------


def test_a_root_that_is_gone(well: Person) -> None:
    """Exit status 7, with what `confirm` would be for."""
    away = well.agent.with_name("away")
    well.agent.rename(away)
    found = row(well, "roots")
    assert (found["result"], found["fix"]) == ("error", "memory-sync confirm --root memory")
    assert status(well) == 7
    away.rename(well.agent)
    assert result(well, "roots") == "ok"


@pytest.mark.parametrize("content", [None, "nonsense", '{"device":"x","root":"x","vault":"x"}'])
def test_a_marker_that_is_not_the_right_one(well: Person, content: str | None) -> None:
    """Gone, unreadable, or of another vault: exit status 7."""
    marker = well.agent / ".memory-sync"
    before = marker.read_text()
    marker.unlink()
    if content:
        marker.write_text(content)
    assert row(well, "roots")["result"] == "error"
    assert status(well) == 7
    marker.write_text(before)
    assert result(well, "roots") == "ok"


def test_patterns_that_match_nothing(well: Person) -> None:
    """A warning that names them, with the way into the configuration."""
    path = well.places.config_file
    before = path.read_text()
    path.write_text(before.rstrip() + '\ninclude = ["NOTES.md"]\n')
    found = row(well, "roots")
    assert found["result"] == "warning"
    assert "NOTES.md" in found["detail"]
    does(well, found["fix"], env={"EDITOR": "cat"})
    well.write("NOTES.md", "x\n")
    assert result(well, "roots") == "ok"


def test_a_root_in_another_is_told(well: Person) -> None:
    """The outer one leaves it out."""
    inner = well.agent / "memory" / "inner"
    inner.mkdir()
    (inner / "MEMORY.md").write_text("x\n")
    words = ("init", str(inner), "--remote", well.remote, "--name", "inner", "--yes")
    assert well.types(*words).status == 0
    details = [one["detail"] for one in rows(well) if one["name"] == "roots"]
    assert "leaves memory/inner to other roots" in details[0]
    assert "other roots" not in details[1]


# --- leftovers ------------------------------------------------------------------------------


def test_halves_of_our_own_files(well: Person) -> None:
    """What a crash left in our folders is removed by the fix; what is fresh is left alone."""
    half = well.home / ".config.toml.4711.tmp"
    half.write_text("x")
    assert result(well, "leftovers") == "ok"
    (found,) = in_two_days(well, "leftovers")
    assert found.result == "warning"
    does(well, found.fix)
    assert not half.exists()
    assert [one.result for one in in_two_days(well, "leftovers")] == ["ok"]


def test_what_was_displaced_in_a_root_is_left_to_a_sync(well: Person) -> None:
    """It may hold what somebody wrote: no `rm` is told."""
    half = well.agent / "memory" / temporary_name()
    half.write_text("x")
    (found,) = in_two_days(well, "leftovers")
    assert str(half) in found.detail
    assert found.fix == "memory-sync now --vault vault"
    half.unlink()
    assert [one.result for one in in_two_days(well, "leftovers")] == ["ok"]


# --- sync -----------------------------------------------------------------------------------


@pytest.mark.parametrize("running", [False, True])
def test_i75_a_halt_is_told_with_what_mends_it(well: Person, running: bool) -> None:
    """Exit status 7, whether the daemon tells it or the disk; gone when the files are back."""
    for name in ("a", "b", "c"):
        well.write(f"memory/{name}.md", name)
    assert well.types("now").status == 0
    kept = well.agent.with_name("kept")
    shutil.copytree(well.agent, kept)
    for file in well.agent.rglob("*.md"):
        file.unlink()
    assert well.types("now").status == 7
    well.configure(QUICK)
    if running:
        with well.daemon():
            until(lambda: well.state() == "halted")
            found = row(well, "sync")
    else:
        found = row(well, "sync")
    assert (found["result"], found["fix"]) == ("error", "memory-sync confirm --root memory")
    assert status(well) == 7
    shutil.copytree(kept, well.agent, dirs_exist_ok=True)
    assert well.types("now").status == 0
    assert result(well, "sync") == "ok"


def test_conflicts_are_told_with_their_folder(pair: tuple[Person, Person]) -> None:
    """A warning, until the copies were looked at and deleted."""
    ada, bob = pair
    ada.write("MEMORY.md", "# Ada's\n")
    bob.write("MEMORY.md", "# Bob's\n")
    ada.types("now")
    bob.types("now")
    found = row(bob, "sync")
    assert found["result"] == "warning"
    assert "1 copy waits" in found["detail"]
    does(bob, found["fix"])
    for copy in (bob.places.vault_state("vault") / "conflicts").rglob("*"):
        if copy.is_file() and copy.name != ".memory-sync":
            copy.unlink()
    assert bob.types("now").status == 0
    assert result(bob, "sync") == "ok"


def test_a_day_without_a_success(well: Person) -> None:
    """Nobody says that anything is wrong, and yet nothing was synced: a warning."""
    assert [one.result for one in examine(Patient(well.env), checks=(check("sync"),))] == ["ok"]
    (found,) = in_two_days(well, "sync")
    assert found.result == "warning"
    assert "48 h" in found.detail
    does(well, found.fix)


def test_a_pause_is_told(well: Person) -> None:
    """Somebody who forgot the pause is told how to end it."""
    well.configure(QUICK)
    with well.daemon():
        until(lambda: well.state() == "idle")
        assert well.types("pause").status == 0
        until(lambda: well.state() == "paused")
        found = row(well, "sync")
        assert found["result"] == "warning"
        does(well, found["fix"])
        until(lambda: result(well, "sync") == "ok")

"""`memory-sync doctor`: what it answers, in which state whatsoever, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from memory_sync.app.doctor.examine import CHECKS, Check, examine
from memory_sync.app.doctor.finding import Finding, good
from memory_sync.app.doctor.patient import Patient
from tests.cli.clinic import does, picture, result, row, rows, status
from tests.cli.person import Person, until
from tests.cli.terminal import terminal

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
NAMES = [check.name for check in CHECKS]


@pytest.fixture
def well(ada: Person) -> Person:
    """Return a machine with a vault in a folder, whose key was exported."""
    assert ada.init().status == 0
    assert ada.types("export-key", str(ada.home.parent / "key.txt")).status == 0
    return ada


def test_a_machine_that_is_well(well: Person) -> None:
    """With a daemon that runs nothing is wrong, each check has its say, and the status is 0."""
    with well.daemon():
        until(lambda: well.state() == "idle")
        found = rows(well)
        ran = well.types("doctor")
    assert {one["result"] for one in found if one["name"] not in ("service", "linger")} == {
        "ok",
        "skipped",
    }
    order = list(dict.fromkeys(one["name"] for one in found))
    assert order == [name for name in NAMES if name not in ("token", "rate-limit", "private")]
    assert ran.status == 0
    assert re.search(r"^✓ state: whole, schema \d+$", ran.out, re.MULTILINE)
    assert ran.err == ""


def test_a_fix_stands_below_what_it_mends(ada: Person) -> None:
    """One line for each check, the command indented below, and a summary at the end."""
    assert ada.init().status == 0
    lines = ada.types("doctor", "--no-network").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("! key: "))
    assert lines[at + 1].startswith("    memory-sync export-key ")
    assert re.fullmatch(r"\d warnings?, \d+ ok, \d+ skipped\.", lines[-1])
    assert all(line[0] in "✓!✗- " for line in lines[:-1])


def test_a_terminal_without_these_letters_gets_plain_ones(well: Person) -> None:
    """Nothing but ASCII comes out where the locale has nothing else."""
    ran = well.starts("doctor", env={"PYTHONIOENCODING": "ascii"})
    assert ran.out.startswith("ok python: ")
    assert "!! daemon: " in ran.out
    assert ran.out.isascii()
    assert "\\u" not in ran.out


def test_colours_on_a_terminal(well: Person) -> None:
    """What is well is green, and a warning yellow."""
    env = {**well.env, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    with terminal("doctor", env=env) as screen:
        assert screen.ends() == 0
    assert "\x1b[32m✓ python: " in screen.shown
    assert "\x1b[33m! daemon: " in screen.shown


def test_it_changes_nothing_on_the_disk(well: Person) -> None:
    """Not a file is made, touched or removed: not beside the database, nor in roots or vault."""
    before = picture(well.home.parent)
    assert status(well) == 0
    assert picture(well.home.parent) == before


def test_it_leaves_what_a_crash_left(well: Person) -> None:
    """A database with a log beside it, as a kill leaves it, is read and stays as it is."""
    with well.daemon() as process:
        until(lambda: well.state() == "idle")
        process.kill()
    folder = well.places.vault_state("vault")
    assert (folder / "state.db-wal").exists()
    names = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert result(well, "state") == "ok"
    names.pop("state.db-shm")
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    after.pop("state.db-shm")
    assert after == names


def test_without_any_configuration_the_rest_is_checked(ada: Person) -> None:
    """It names `init`, with exit status 2, and makes no folder."""
    found = {one["name"]: one for one in rows(ada)}
    assert found["configuration"]["result"] == "error"
    assert found["configuration"]["fix"] == "memory-sync init"
    assert found["python"]["result"] == found["disk"]["result"] == "ok"
    assert found["key"]["result"] == found["sync"]["result"] == "skipped"
    assert set(found) == set(NAMES)
    assert status(ada) == 2
    assert list(ada.home.iterdir()) == []


@pytest.mark.parametrize("text", ["nonsense", "[daemon]\npol = 3\n", "[daemon]\npoll = -1\n"])
def test_a_broken_configuration_stops_no_other_check(well: Person, text: str) -> None:
    """It is one error, with exit status 2; mended, all is well again."""
    path = well.places.config_file
    before = path.read_text()
    path.write_text(f"{before}\n{text}")
    found = {one["name"]: one for one in rows(well)}
    assert found["configuration"]["result"] == "error"
    assert str(path) in found["configuration"]["detail"] + found["configuration"]["fix"]
    assert found["roots"]["result"] == "skipped"
    assert found["permissions"]["result"] == "ok"
    assert status(well) == 2
    path.write_text(before)
    assert result(well, "configuration") == "ok"


def test_an_unknown_vault_is_named(well: Person) -> None:
    """--vault takes one of those that there are, and shows only that one."""
    ran = well.types("doctor", "--vault", "none", "--json")
    assert (ran.status, ran.codes) == (2, ["vault-unknown"])
    assert {one.get("vault") for one in rows(well, "--vault", "vault")} == {None, "vault"}


def test_only_the_vault_that_is_asked_for(well: Person, tmp_path: Path) -> None:
    """What is wrong with another vault is not spoken of; without --vault each has its lines."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "MEMORY.md").write_text("x\n")
    words = ("init", str(other), "--remote", f"file://{tmp_path}/second.git", "--yes")
    assert well.types(*words).status == 0
    both = [one["vault"] for one in rows(well) if one["name"] == "state"]
    assert both == ["vault", "second"]
    assert "key (second): it was never exported" in well.types("doctor").out
    one = well.types("doctor", "--vault", "vault").out
    assert "second" not in one
    fixes = [one["fix"] for one in rows(well, "--vault", "second") if one["name"] == "key"]
    does(well, *fixes)
    assert [one["result"] for one in rows(well) if one["name"] == "key"] == ["ok", "ok"]


def test_a_daemon_that_does_not_run_is_a_warning(well: Person) -> None:
    """The command that starts one is named; the exit status is 0."""
    found = row(well, "daemon")
    assert (found["result"], found["fix"]) == ("warning", "memory-sync daemon")
    assert status(well) == 0
    with well.daemon():
        assert result(well, "daemon") == "ok"
    assert result(well, "daemon") == "warning"


def test_i74_a_daemon_that_is_stuck_is_an_error_in_time(well: Person) -> None:
    """It answers all the same, within seconds, with exit status 6; the fix ends the daemon."""
    with well.daemon() as process:
        until(lambda: well.state() == "idle")
        process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            found = row(well, "daemon")
            assert time.monotonic() - began < 10
            assert found["result"] == "error"
            assert str(process.pid) in found["detail"]
            assert status(well) == 6
            does(well, found["fix"])
            assert process.wait(10) == -signal.SIGKILL
        finally:
            process.send_signal(signal.SIGCONT)
    assert result(well, "daemon") == "warning"


def test_a_daemon_of_another_version(well: Person) -> None:
    """After an upgrade the older daemon is named, with the command that replaces it."""
    with well.daemon(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("memory_sync.app.doctor.running.__version__", "99.0")
        found = row(well, "daemon")
        assert found["result"] == "warning"
        assert "99.0" in found["detail"]


def test_i74_a_check_that_hangs_or_breaks_stops_no_other(ada: Person) -> None:
    """Each of them is an error of its own, and what a broken one says is not repeated."""
    freed = threading.Event()

    def breaks(_: Patient) -> list[Finding]:
        raise ValueError("a secret")

    checks = (
        Check("hangs", whole=lambda _: [good(str(freed.wait(30)))]),
        Check("breaks", whole=breaks),
        Check("fine", whole=lambda _: [good("yes")]),
    )
    began = time.monotonic()
    found = examine(Patient(ada.env, seconds=0.5), checks=checks)
    freed.set()
    assert time.monotonic() - began < 5
    assert [(one.name, one.result, one.status) for one in found] == [
        ("hangs", "error", 1),
        ("breaks", "error", 1),
        ("fine", "ok", 0),
    ]
    assert "longer than 0.5 s" in found[0].detail
    assert "ValueError" in found[1].detail
    assert "secret" not in found[1].detail


def test_i74_a_disk_that_hangs_keeps_nothing_waiting(well: Person) -> None:
    """A configuration that cannot be read to its end is one error, told in time."""
    path = well.places.config_file
    path.unlink()
    os.mkfifo(path, 0o600)
    began = time.monotonic()
    slow = Check("slow", whole=lambda _: [good(str(threading.Event().wait(0.8)))])
    patient = Patient(well.env, seconds=2)
    found = {one.name: one for one in examine(patient, checks=(*CHECKS, slow))}
    assert time.monotonic() - began < 5
    os.close(os.open(path, os.O_RDWR))
    assert "longer than 2 s" in found["configuration"].detail
    assert found["roots"].result == "skipped"
    others = ("python", "permissions", "disk", "leftovers", "slow")
    assert {found[name].result for name in others} == {"ok"}


def test_help_loads_no_check() -> None:
    """The checks are imported when they are made, and by no other command."""
    code = (
        "import sys; from memory_sync.cli.commands import doctor;"
        "print([name for name in sys.modules if name.startswith('memory_sync.app')])"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert out == "[]\n"


def test_the_page_has_every_check() -> None:
    """docs/doctor.md lists exactly these checks, in this order, and the fields of --json."""
    listed = re.findall(r"^\| `([a-z][a-z-]*)` \|", PAGE.read_text(), re.MULTILINE)
    assert listed == NAMES
    (example,) = re.findall(r"^```json\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    told = json.loads(example)["data"]["checks"]
    assert [set(one) for one in told] == [
        {"name", "result", "detail", "fix"},
        {"name", "vault", "result", "detail", "fix"},
    ]
    assert all(one["name"] in NAMES for one in told)

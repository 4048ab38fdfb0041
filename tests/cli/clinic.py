"""What tests of `doctor` ask of it, and how they do what it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memory_sync.app.doctor.examine import CHECKS, Check, examine
from memory_sync.app.doctor.finding import Finding
from memory_sync.app.doctor.patient import Patient
from memory_sync.ports.clock import SystemClock
from tests.cli.person import Person

Row = dict[str, Any]
DAYS = 2 * 86_400.0


def rows(person: Person, *words: str, env: Mapping[str, str] | None = None) -> list[Row]:
    """Return all rows of `doctor --json`."""
    ran = person.types("doctor", "--json", *words, env=env)
    found: list[Row] = ran.answer["data"]["checks"]
    errors = [row for row in found if row["result"] == "error"]
    assert ran.answer["ok"] is not bool(errors), ran
    assert bool(ran.status) is bool(errors), ran
    for row in found:
        assert bool(row["fix"]) is (row["result"] in ("warning", "error")), row
    return found


def row(person: Person, name: str, *words: str, env: Mapping[str, str] | None = None) -> Row:
    """Return the one row of a check."""
    (found,) = [row for row in rows(person, *words, env=env) if row["name"] == name]
    return found


def result(person: Person, name: str, *words: str) -> str:
    """Return how a check ended."""
    return str(row(person, name, *words)["result"])


def status(person: Person, *words: str) -> int:
    """Return the exit status of `doctor`."""
    return person.types("doctor", *words).status


def does(person: Person, fix: str, env: Mapping[str, str] | None = None) -> None:
    """Type a fix, exactly as it was printed."""
    launchers = person.home.parent / "launchers"
    launchers.mkdir(exist_ok=True)
    launcher = launchers / "memory-sync"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -m memory_sync "$@"\n')
    launcher.chmod(0o755)
    path = f"{launchers}:{person.env['PATH']}"
    done = subprocess.run(
        ["sh", "-c", fix],
        env={**person.env, **(env or {}), "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, (fix, done.stdout, done.stderr)


class Ahead(SystemClock):
    """A clock that shows the day after tomorrow."""

    def now(self) -> float:
        return super().now() + DAYS


def in_two_days(person: Person, name: str) -> list[Finding]:
    """Return what a check will say the day after tomorrow."""
    patient = Patient(person.env, clock=Ahead())
    return examine(patient, checks=(check(name),))


def check(name: str) -> Check:
    """Return a check by its name."""
    (found,) = [one for one in CHECKS if one.name == name]
    return found


def picture(*folders: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return all that lies in some folders: mode, time of the last change, content."""
    found = {}
    for path in (path for folder in folders for path in folder.rglob("*")):
        seen = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (seen.st_mode, seen.st_mtime_ns, content)
    return found

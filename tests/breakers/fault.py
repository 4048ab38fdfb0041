"""What a deliberate fault is, and how the tests are run against it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
SOURCES = ("daemon", "service")
PATIENCE = 300.0
"""Seconds that the tests of one fault may take."""


@dataclass(frozen=True)
class Fault:
    """One change of the program that breaks statement `number`, and the tests that must fail then.

    `file` is below the program's package; `old` must stand in it exactly once. `tests` are pytest's
    names of tests, of which each bears the number.
    """

    number: int
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def plant(self, place: Path) -> None:
        """Copy the program to a place and put the fault into the copy."""
        for source in SOURCES:
            shutil.copytree(TOP / source, place / source)
        target = place / "daemon" / "memory_sync" / self.file
        text = target.read_text("utf-8")
        assert text.count(self.old) == 1, f"{self.file} has not exactly one {self.old!r}"
        target.write_text(text.replace(self.old, self.new), "utf-8")

    def run(self, place: Path) -> subprocess.CompletedProcess[str]:
        """Run the tests against a program with this fault.

        The copy comes first on the path, also for the daemons that the tests start.
        """
        self.plant(place)
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(place / source) for source in SOURCES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(place / "hypothesis"),
        }
        options = ("-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider")
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--basetemp={place / 'tmp'}", *self.tests],
            cwd=TOP,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

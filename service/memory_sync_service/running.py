"""Running a service manager's own commands."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = 120.0
"""How long a manager may take: a start may wait for the end of a stop."""


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last line of its complaint."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1] if lines else f"status {self.status}"


def run(env: Mapping[str, str], *words: str) -> Ran:
    """Run a command; one that is missing or hangs ends with a status of its own."""
    try:
        done = subprocess.run(
            words,
            env={**env, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return Ran(127, "", f"{words[0]} is not there")
    except subprocess.TimeoutExpired:
        return Ran(124, "", f"{words[0]} gave no answer for {SECONDS:.0f} s")
    return Ran(done.returncode, done.stdout, done.stderr)

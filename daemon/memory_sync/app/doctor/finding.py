"""What a check has found, and the command that mends it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from memory_sync.errors import MemorySyncError

ALWAYS = "memory-sync logs -n 50"
"""The command where none mends it by itself."""


class Verdict(StrEnum):
    """How a check ended, the best first."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer; `name` is the check's and `vault` "" where none is meant.

    `fix` is a command, "" where nothing is to be mended. `status` is the exit status of an error.
    """

    result: Verdict
    detail: str
    fix: str = ""
    status: int = 0
    name: str = ""
    vault: str = ""

    def data(self) -> dict[str, str]:
        """Return the row of `doctor --json`."""
        where = {"vault": self.vault} if self.vault else {}
        told = {"result": self.result.value, "detail": self.detail, "fix": self.fix}
        return {"name": self.name, **where, **told}


def good(detail: str) -> Finding:
    """Say that all is well."""
    return Finding(Verdict.OK, detail)


def skipped(reason: str) -> Finding:
    """Say why a check was not made."""
    return Finding(Verdict.SKIPPED, reason)


def warning(detail: str, fix: str) -> Finding:
    """Say what should be seen to, and does no harm yet."""
    return Finding(Verdict.WARNING, detail, fix)


def bad(detail: str, fix: str, status: int = 1) -> Finding:
    """Say what keeps the program from working, or its secrets from being safe."""
    return Finding(Verdict.ERROR, detail, fix, status)


def wrong(error: MemorySyncError) -> Finding:
    """Say what an error says."""
    return bad(error.message, error.advice, error.status)


def command(*words: object) -> str:
    """Write a command so that it can be typed."""
    return shlex.join(map(str, words))


def listed(items: Iterable[str], most: int = 3) -> str:
    """Name the first few, and how many more there are."""
    every = list(items)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more

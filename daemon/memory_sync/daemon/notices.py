"""Desktop notifications: once for a halt, once for an hour without success.

What was shown is kept in a file, so that a daemon that is started again does not repeat it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from memory_sync.config.durable import write_durably
from memory_sync.config.pausing import YEAR_9999
from memory_sync.config.small import read_small
from memory_sync.daemon.report import VaultReport
from memory_sync.errors import HaltError, MemorySyncError, NoSuccessError
from memory_sync.model import Phase, Problem

PASSED_ON = (
    "PATH", "HOME", "LANG", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
    "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
)  # fmt: skip
"""The variables that the helper program gets; a token may be in the others."""
AGAIN = 3600.0
"""Seconds within which the same is not shown twice, though its cause went and came."""
PATIENCE = 10.0
"""Seconds that the helper program may take."""
UNKNOWN = {Phase.SYNCING, Phase.PAUSED}
"""States in which nobody may have looked yet whether a vault is well."""
SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


class Screen(Protocol):
    """Where a person may look."""

    def show(self, title: str, text: str) -> bool:
        """Show a notification; tell whether that began well. Never waits."""
        ...


@dataclass
class Desktop:
    """The person's own desktop, through the program that the system has for it."""

    env: Mapping[str, str]
    platform: str = sys.platform
    _running: list[tuple[subprocess.Popen[bytes], float]] = field(default_factory=list)

    def show(self, title: str, text: str) -> bool:
        """Start `notify-send` or `osascript`."""
        self.tidy()
        if self.platform == "darwin":
            lines = [word for line in SCRIPT for word in ("-e", line)]
            words = ["osascript", *lines, title, text]
        else:
            words = ["notify-send", "--app-name=memory-sync", "--", title, _escaped(text)]
        env = {name: self.env[name] for name in PASSED_ON if name in self.env}
        try:
            program = subprocess.Popen(
                words,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            return False
        self._running.append((program, time.monotonic() + PATIENCE))
        return True

    def tidy(self) -> int:
        """End programs that take too long, and return how many still run."""
        for program, until in list(self._running):
            if program.poll() is None and time.monotonic() >= until:
                program.kill()
                program.wait()
            if program.poll() is not None:
                self._running.remove((program, until))
        return len(self._running)


class Notices:
    """Decides what is shown; `path` is where it is kept what was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[str, float] = _read(path)

    def due(self, reports: Collection[VaultReport], now: float) -> list[tuple[str, Problem]]:
        """Return what is to be shown now, each with its vault, and keep in mind that it was."""
        reasons = {
            f"{report.name} {known.code} {known.root}": (report.name, known)
            for report in reports
            for known in report.problems
            if known.status == HaltError.status or known.code == NoSuccessError.code
        }
        # What has only just begun to serve a vault knows of no halt yet.
        known = {
            report.name for report in reports if report.problems or report.state not in UNKNOWN
        }
        told = {
            key: when
            for key, when in self._told.items()
            if key in reasons or key.split(" ")[0] not in known or 0 <= now - when < AGAIN
        }
        new = [key for key in reasons if key not in told]
        told |= dict.fromkeys(new, now)
        if told != self._told:
            self._told = told
            with suppress(OSError, MemorySyncError):
                write_durably(self._path, json.dumps(told).encode())
        return [reasons[key] for key in new]


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(read_small(path))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    # A number that no clock shows may be too large for a float.
    return {
        key: float(when)
        for key, when in found.items()
        if isinstance(when, int | float) and 0 <= when < YEAR_9999
    }


def _escaped(text: str) -> str:
    """Write a text so that a desktop that reads markup shows it as it is."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

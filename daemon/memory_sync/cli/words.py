"""Numbers in the words of people. Imports nothing heavy."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from memory_sync.model import Step

if TYPE_CHECKING:
    from memory_sync.config.settings import VaultSettings

SIZES = ("KB", "MB", "GB")
TURNED = "The branch does not follow what was accepted here last: this is the past before it."
UNITS = ((86400, "days"), (3600, "h"), (60, "min"), (1, "s"))


def size(count: int) -> str:
    """Return a number of bytes: `812 bytes`, `4.2 KB`."""
    if count < 1000:
        return f"{count} bytes"
    power = min((len(str(count)) - 1) // 3, len(SIZES))
    return f"{count / 1000**power:.1f} {SIZES[power - 1]}"


def duration(seconds: float) -> str:
    """Return a time span in its largest unit: `12 s`, `3 min`, `2 days`."""
    for length, unit in UNITS:
        if seconds >= 2 * length or (seconds >= length and unit in ("h", "min")):
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def far(step: Step) -> str:
    """Say how far a transfer is, and how long the rest takes."""
    rest = "" if step.seconds is None else f"about {duration(step.seconds)} left"
    if step.way == "wait":
        return f"the remote takes more in {duration(step.seconds or 0)}"
    done = f"{step.done} of {many(step.total, 'file')} {step.way}"
    return f"{done}, {rest}" if rest and step.done < step.total else done


def moment(when: float) -> str:
    """Return a moment (seconds since the epoch) by the clock on the wall: `2026-01-31 18:00`."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))


def age(when: float, now: float) -> str:
    """Return how long ago a moment (seconds since the epoch, 0 for none) was."""
    return f"{duration(now - when)} ago" if when else "never"


def many(count: int, one: str, more: str = "") -> str:
    """Return a number with its noun: `1 file`, `3 files`."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def export_command(vault: str, *, several: bool) -> str:
    """Return the command that exports a vault's key.

    It is a file of its own where there are more, or where the usual name is taken.
    """
    if not several and not os.path.lexists(os.path.expanduser("~/memory-sync-key.txt")):
        return "memory-sync export-key ~/memory-sync-key.txt"
    return f"memory-sync export-key ~/memory-sync-key-{vault}.txt --vault {vault}"


def edit_command(path: os.PathLike[str]) -> str:
    """Return the command that opens a file in the person's editor."""
    return f"${{EDITOR:-vi}} {shlex.quote(os.fspath(path))}"


def goes_on(vault: VaultSettings, path: str) -> str:
    """Say what becomes of a change that a command has made in a file or root of a vault."""
    name = path.partition("/")[0]
    if any(root.name == name and root.direction == "pull" for root in vault.root):
        return f"It stays on this machine: root {name} only receives here."
    return "A daemon that runs sends it by itself; without one: memory-sync now."


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the cells of a table, two spaces apart."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]

"""Checks of the machine: what the system lets us watch, and how much room there is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from memory_sync.app.doctor.finding import Finding, Verdict, bad, command, good, skipped, warning
from memory_sync.app.doctor.patient import Patient
from memory_sync.app.doctor.roots import folders_in, places_of
from memory_sync.ports.folder import folder_path

LIMITS = Path("/proc/sys/fs/inotify")
MB = 1000**2
TIGHT, FULL = 500 * MB, 50 * MB
"""Free bytes below which there is a warning, and an error."""
PART = 0.05
"""The part of a disk below which there is a warning as well."""


@dataclass(frozen=True)
class Inotify:
    """Compare what Linux lets us watch with what the roots need."""

    limits: Path = LIMITS
    platform: str = sys.platform

    def __call__(self, patient: Patient) -> list[Finding]:
        """Make the check."""
        if self.platform != "linux":
            return [skipped("only Linux has these limits")]
        roots = [one for vault in patient.vaults() for one in places_of(patient.context(), vault)]
        # The conflicts of each vault are watched as well.
        more = len(patient.vaults())
        needs = {
            "max_user_watches": sum(folders_in(top, patterns) for _, top, patterns in roots) + more,
            "max_user_instances": len(roots) + more,
        }
        found = [self._judge(name, needed) for name, needed in needs.items()]
        troubles = [one for one in found if one.result is not Verdict.OK]
        return troubles or [good("; ".join(one.detail for one in found))]

    def _judge(self, name: str, needed: int) -> Finding:
        try:
            limit = int((self.limits / name).read_text())
        except (OSError, ValueError):
            return skipped(f"{name} cannot be read")
        detail = f"{name} is {limit}, the roots need {needed}"
        wanted = max(2 * limit, 4 * needed)
        fix = command("sudo", "sysctl", f"fs.inotify.{name}={wanted}")
        if needed > limit:
            return bad(f"{detail}: the rest is looked at from time to time only", fix)
        if needed > limit / 2:
            return warning(f"{detail}, and other programs share it", fix)
        return good(detail)


Usage = Callable[[Path], tuple[int, int]]
"""Tells of the disk that a path lies on how many bytes it has, and how many are free."""


def usage(path: Path) -> tuple[int, int]:
    """Ask the system."""
    found = shutil.disk_usage(path)
    return found.total, found.free


@dataclass(frozen=True)
class Disk:
    """Look how much room there is where we write."""

    usage: Usage = usage

    def __call__(self, patient: Patient) -> list[Finding]:
        """Make the check: one finding for each disk."""
        found = [self._judge(path) for path in _disks(patient)]
        troubles = [one for one in found if one.result is not Verdict.OK]
        return troubles or [good("; ".join(one.detail for one in found))]

    def _judge(self, path: Path) -> Finding:
        total, free = self.usage(path)
        fix = command("df", "-h", path)
        detail = f"{free // MB} MB free at {path}"
        if free < FULL:
            return bad(detail, fix)
        if free < TIGHT or free < PART * total:
            return warning(f"{detail}, of {total // MB}", fix)
        return good(detail)


def _disks(patient: Patient) -> list[Path]:
    """Return a place on each disk that we write to."""
    disks: dict[int, Path] = {}
    for path in _written(patient):
        there = _nearest(path)
        disks.setdefault(os.stat(there).st_dev, there)
    return list(disks.values())


def _written(patient: Patient) -> Iterator[Path]:
    yield patient.places.state
    yield patient.places.config
    yield patient.places.logs
    for vault in patient.vaults():
        yield from (root.path for root in vault.root if root.path.exists())
        if vault.remote.startswith("file:") and folder_path(vault.remote).exists():
            yield folder_path(vault.remote)


def _nearest(path: Path) -> Path:
    """Return the path, or the nearest one above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())

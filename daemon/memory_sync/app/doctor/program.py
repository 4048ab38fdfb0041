"""Checks of the program itself: Python, packages, and whether there is more than one of it."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from itertools import zip_longest

from memory_sync.app.doctor.finding import Finding, bad, command, good, listed, warning
from memory_sync.app.doctor.patient import Patient

DISTRIBUTION = "memory-sync"
SQLITE = (3, 37, 0)
"""The first SQLite with STRICT tables."""
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*\(?([^;)]*)\)?")
BOUND = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*([0-9][0-9.]*)")
COMPARED = {
    ">=": lambda order: order >= 0,
    "~=": lambda order: order >= 0,
    "<=": lambda order: order <= 0,
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    ">": lambda order: order > 0,
    "<": lambda order: order < 0,
}


def python(patient: Patient) -> list[Finding]:  # noqa: ARG001 - it is the same for every home
    """Look at the versions of Python, SQLite and all packages, against what is required."""
    needed = metadata.metadata(DISTRIBUTION)["Requires-Python"] or ""
    return [judged(sys.version_info[:3], needed, sqlite3.sqlite_version_info, _requirements())]


def judged(
    running: tuple[int, ...], needed: str, sqlite: tuple[int, ...], required: Iterable[str]
) -> Finding:
    """Judge versions; `required` are requirements as packages write them (`click>=8.1`)."""
    text = ".".join(map(str, running))
    if not fits(text, needed):
        return bad(f"Python {text} is not {needed}.", command("python3", "--version"))
    if sqlite < SQLITE:
        version = ".".join(map(str, sqlite))
        wanted = ".".join(map(str, SQLITE))
        return bad(f"SQLite {version} is older than {wanted}.", command("sqlite3", "--version"))
    every = list(required)
    troubles = {one: why for one in every if (why := _trouble(one))}
    if troubles:
        fix = command(sys.executable, "-m", "pip", "install", *troubles)
        return bad(f"Packages do not fit: {'; '.join(troubles.values())}.", fix)
    sqlite_text = ".".join(map(str, sqlite))
    return good(f"Python {text}, SQLite {sqlite_text}, {len(every)} packages as required")


def _requirements() -> list[str]:
    """Return what the program requires, without what only extras do."""
    return [one for one in metadata.requires(DISTRIBUTION) or () if "extra ==" not in one]


def _trouble(requirement: str) -> str:
    """Say what is wrong with a package that is required, "" if nothing is."""
    found = REQUIREMENT.match(requirement)
    if not found:
        return ""
    name, bounds = found[1], found[2].strip()
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
    return "" if fits(version, bounds) else f"{name} is {version}, not {bounds}"


def fits(version: str, bounds: str) -> bool:
    """Tell whether a version is within bounds such as `>=7.1,<8`; only numbers are compared."""
    return all(COMPARED[sign](_order(version, bound)) for sign, bound in BOUND.findall(bounds))


def _order(one: str, two: str) -> int:
    pairs = zip_longest(_numbers(one), _numbers(two), fillvalue=0)
    return next((1 if a > b else -1 for a, b in pairs if a != b), 0)


def _numbers(version: str) -> list[int]:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return [int(part) for part in found[0].split(".")] if found else []


def installation(patient: Patient) -> list[Finding]:
    """Look whether PATH leads to one memory-sync only."""
    found = on_path(patient.env)
    if len(found) > 1:
        detail = f"{len(found)} installations are on PATH, the first is used: {listed(found)}"
        return [warning(detail, command("which", "-a", DISTRIBUTION))]
    if not found:
        return [good(f"not on PATH; runs as {sys.executable} -m memory_sync")]
    return [good(found[0])]


def on_path(env: Mapping[str, str]) -> list[str]:
    """Return each memory-sync on PATH once, however many links lead to it."""
    found: dict[str, str] = {}
    for folder in env.get("PATH", "").split(os.pathsep):
        place = os.path.join(folder, DISTRIBUTION)
        if os.path.isabs(place) and os.path.isfile(place) and os.access(place, os.X_OK):
            found.setdefault(os.path.realpath(place), place)
    return list(found.values())

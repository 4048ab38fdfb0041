"""What `roots` says to people: the roots, and why a project is none."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from memory_sync.app.roots import Listing
from memory_sync.cli.result import Line
from memory_sync.cli.words import columns, many
from memory_sync.config.found import Project
from memory_sync.config.presets import load_preset, preset_names
from memory_sync.ports.names import shown

PROJECT = re.compile(r"claude-.+-[0-9a-f]{10}")
MAP = "memory-sync roots map {path} NAME"
REASONS = {
    "empty": ("it has no memory yet", ""),
    "left-out": ("this machine leaves it out", "memory-sync roots map {path} {name}"),
    "soon": ("it comes with the next sync", "memory-sync now"),
    "not-open": ("the vault was not opened here yet", "memory-sync now --vault {vault}"),
    "not-found": ("the folder that it is about is not on this machine", MAP),
    "no-origin": ("no git origin that other machines share was found for it", MAP),
    "ambiguous": ("it may be about any of {detail}", MAP),
    "too-many": ("too much would have to be looked through to find what it is about", MAP),
    "twin": ("it is the same project as {detail}", MAP),
    "no-folder": ("its memory is a link or no folder", "ls -ld {memory}"),
    "foreign": (
        "it carries another vault's marker, or one that is broken",
        "cat {memory}/.memory-sync",
    ),
    "failed": ("{detail}", "memory-sync doctor"),
}
"""Why a project is not synced, and the command that mends it."""


def told(project: Project) -> dict[str, Any]:
    """Return a project that is not synced, for programs."""
    message, hint = why(project)
    return {
        "vault": project.vault,
        "folder": str(Path(project.top, project.folder)),
        "project": project.path or None,
        "name": project.name or None,
        "reason": project.reason,
        "message": message,
        "hint": hint,
    }


def why(project: Project) -> tuple[str, str]:
    """Say why a project is not synced, and which command mends it, "" for none."""
    text, hint = REASONS[project.reason]
    facts = {
        "vault": shlex.quote(project.vault),
        "path": shlex.quote(project.path or str(Path(project.top, project.folder))),
        "name": shlex.quote(project.name),
        "memory": shlex.quote(str(project.memory)),
        "detail": project.detail.rstrip("."),
    }
    return text.format(**facts), hint.format(**facts)


def lines(found: Listing) -> Iterator[Line]:
    """Yield all of it, for people."""
    if found.roots:
        header = ["ROOT", "FILES", "DIRECTION", "FROM", "VAULT", "FOLDER"]
        table = columns([header, *map(_cells, found.roots)])
        yield Line(table[0], "bold")
        yield from map(Line, table[1:])
    else:
        yield Line("Nothing is synced on this machine.")
    if found.projects:
        yield Line("")
        yield Line("Projects that are not synced:", "bold")
        for project in found.projects:
            yield from _project(project)
    if found.elsewhere:
        yield Line("")
        yield Line("In the vault, and not on this machine:", "bold")
        for row in found.elsewhere:
            yield Line(f"{row['name']}  {many(row['files'], 'file')}, vault {row['vault']}")
        yield Line("A project comes by itself when it appears here.", "dim")
        keys = [(row["vault"], row["name"]) for row in found.elsewhere]
        ways = (_way_to(name, found.naming[vault, name]) for vault, name in keys)
        hints = dict.fromkeys(filter(None, ways))
        yield from (Line(f"hint: {hint}", "dim") for hint in hints)


def _way_to(root: str, naming: Sequence[str]) -> str:
    """Return the command that gets a root here with its own patterns; none where none is wanted.

    `naming` are patterns that name its files, if the usual ones do not.
    """
    if PROJECT.fullmatch(root):
        return ""
    for name in preset_names():
        for known in load_preset(name).root:
            before, sign, _ = known.name.partition("{")
            if root == known.name or (sign and root.startswith(before)):
                # What is only sent is another device's backup.
                return "" if known.direction == "push" else f"memory-sync init --agent {name}"
    words = [word for pattern in naming for word in ("--include", pattern)]
    return shlex.join(["memory-sync", "roots", "add", "FOLDER", "--name", root, *words])


def _cells(row: dict[str, Any]) -> list[str]:
    cells = (row["name"], row["files"], row["direction"], row["source"], row["vault"])
    return [*map(str, cells), shown(row["path"])]


def _project(project: Project) -> Iterator[Line]:
    message, hint = why(project)
    yield Line(f"{shown(project.path or Path(project.top, project.folder))}: {message}")
    if hint:
        yield Line(f"  hint: {hint}", "dim")

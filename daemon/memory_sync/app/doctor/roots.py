"""Checks of the roots: the folders, their markers, what the patterns match, what a crash left."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.doctor.finding import Finding, command, good, listed, warning, wrong
from memory_sync.app.doctor.patient import Patient
from memory_sync.app.setup import marked
from memory_sync.app.vaults import patterns_of
from memory_sync.config.settings import RootSettings, VaultSettings, nested
from memory_sync.errors import (
    FileUnreadableError,
    HaltError,
    KeyFileError,
    MarkerForeignError,
    MarkerMissingError,
    RootGoneError,
)
from memory_sync.ports import names
from memory_sync.sync.patterns import Patterns

OLD = 86_400.0
"""Seconds after which a temporary file is none that somebody is just writing."""


def places_of(
    context: Context, vault: VaultSettings
) -> Iterator[tuple[RootSettings, Path, Patterns]]:
    """Return each root with its folder and what is synced in it, inner roots left out."""
    inner = nested(context.settings, own=context.directories.own)
    for root in vault.root:
        yield root, root.path, patterns_of(root, inner.get((vault.name, root.name), ()))


def walk(top: Path, patterns: Patterns) -> Iterator[tuple[str, os.DirEntry[str] | None]]:
    """Walk what the patterns reach: each folder (with None) and the files in it, by path.

    No link is followed, and nothing is read.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(top / folder) as entries:
                found = list(entries)
        except OSError:
            continue
        yield folder, None
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            with suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    yield path, entry
                elif patterns.reaches(names.composed(path)):
                    waiting.append(path)


def folders_in(top: Path, patterns: Patterns) -> int:
    """Count the folders that the patterns reach: each is watched."""
    return sum(1 for _, entry in walk(top, patterns) if entry is None)


def roots(patient: Patient, vault: VaultSettings) -> list[Finding]:
    """Look at the folder of each root."""
    context = patient.context()
    found = [_root(context, vault, *place) for place in places_of(context, vault)]
    none = warning("the vault keeps no folder here", command("memory-sync", "init", "--help"))
    return found or [none]


def _root(
    context: Context, vault: VaultSettings, root: RootSettings, top: Path, patterns: Patterns
) -> Finding:
    try:
        _check_marker(context, vault, root)
    except HaltError as error:
        return wrong(error)
    files = sum(
        1
        for path, entry in walk(top, patterns)
        if entry and patterns.matches(names.composed(path)) and not names.is_ours(entry.name)
    )
    inner = nested(context.settings, own=context.directories.own).get((vault.name, root.name), ())
    leaves = f", leaves {listed(inner)} to other roots" if inner else ""
    if not files:
        detail = f"{root.name}: no file in {top} matches {', '.join(root.include)}{leaves}"
        return warning(detail, f"${{EDITOR:-vi}} {command(context.directories.config_file)}")
    return good(f"{root.name}: {top}, files that match: {files}{leaves}")


def _check_marker(context: Context, vault: VaultSettings, root: RootSettings) -> None:
    """Raise RootGoneError, MarkerMissingError or MarkerForeignError."""
    if not root.path.is_dir():
        raise RootGoneError(path=root.path, root=root.name)
    marker = marked(root)
    if marker is None:
        raise MarkerMissingError(path=root.path, root=root.name)
    try:
        trust = context.keystore.trust(vault.name)
    except (KeyFileError, FileUnreadableError):
        return
    known = marker.vault == trust.vault_id if trust else True
    if marker.root != root.name or not known:
        raise MarkerForeignError(path=root.path, found=str(marker))


def leftovers(patient: Patient) -> list[Finding]:
    """Look for temporary files that nobody is writing any more.

    Those in a root may hold what a person wrote: a sync takes that up before it removes them. The
    others are halves of files of ours.
    """
    now = patient.clock.now()
    mine = [path for path in _temporary(patient) if _is_old(path, now)]
    found = []
    if mine:
        found.append(warning(f"left by a crash: {_names(mine)}", command("rm", "--", *mine)))
    for vault in patient.vaults():
        theirs = [path for path in _left_in_roots(patient, vault) if _is_old(path, now)]
        if theirs:
            fix = command("memory-sync", "now", "--vault", vault.name)
            found.append(warning(f"a sync takes up and removes {_names(theirs)}", fix))
    return found or [good("no temporary file is left")]


def _temporary(patient: Patient) -> Iterator[Path]:
    """Find halves of our own files, as `write_durably` makes them; keys are left to the person."""
    places = patient.places
    vaults = places.vault_state("x").parent
    for folder in (places.config, places.state, places.logs, places.run, *_folders(vaults)):
        yield from sorted(folder.glob(".*.tmp"))


def _folders(top: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in top.iterdir() if path.is_dir())
    return []


def _left_in_roots(patient: Patient, vault: VaultSettings) -> Iterator[Path]:
    """Find what was displaced in the roots, but for strays: those stay for a day on purpose."""
    strays = {path.name for path in (patient.places.trash / vault.name).rglob(".memory-sync-*.tmp")}
    for _, top, patterns in places_of(patient.context(), vault):
        for path, entry in walk(top, patterns):
            plain = entry and names.is_temporary(entry.name) and names.plain_name(entry.name)
            if plain and plain not in strays:
                yield top / path


def _is_old(path: Path, now: float) -> bool:
    try:
        seen = os.lstat(path)
    except OSError:
        return False
    age = now - max(seen.st_mtime, seen.st_ctime)
    return stat.S_ISREG(seen.st_mode) and age > OLD


def _names(paths: list[Path]) -> str:
    return listed(map(str, paths))

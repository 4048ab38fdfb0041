"""Whether all that is ours belongs to us and is closed to others.

The contents of trash and conflicts are memory files with modes of their own (in the trash they may
be the very files of the roots): they are closed off by the folders above them, and left alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from memory_sync.app.doctor.finding import Finding, bad, command, good, listed, warning
from memory_sync.app.doctor.later import LateError
from memory_sync.app.doctor.patient import FIRST, Patient
from memory_sync.config.directories import Directories
from memory_sync.errors import MemorySyncError

MOST = 50
"""So many paths are put into one command; the next run tells the rest."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A file or folder of ours; `closed` has the bits that others may not have.

    `secret` tells that an open one is an error and no warning.
    """

    path: Path
    seen: os.stat_result
    closed: int = 0o077
    secret: bool = False

    @property
    def mode(self) -> int:
        """The permissions that it has."""
        return stat.S_IMODE(self.seen.st_mode)

    @property
    def least(self) -> int:
        """The permissions that its owner needs."""
        return 0o700 if stat.S_ISDIR(self.seen.st_mode) else 0o600

    @property
    def opened(self) -> int:
        """The permissions that others have and should not."""
        return self.mode & self.closed

    @property
    def right(self) -> int:
        """The permissions that it should have: what is open to others is closed altogether."""
        return self.least if self.opened else self.mode | self.least

    @property
    def locked(self) -> bool:
        """Tell whether its owner is kept out."""
        return self.mode & self.least != self.least


def permissions(patient: Patient) -> list[Finding]:
    """Look at mode and owner of every file and folder of ours."""
    me = os.getuid()
    everything = list(_ours(patient))
    foreign = {one.path: one.seen.st_uid for one in everything if one.seen.st_uid != me}
    if foreign:
        return [taken(me, foreign)]
    troubled = [one for one in everything if one.opened or one.locked][:MOST]
    if not troubled:
        return [good(f"{len(everything)} files and folders are yours and closed to others")]
    return [_open_ones(troubled)]


def taken(me: int, owners: Mapping[Path, int]) -> Finding:
    """Say that files belong to others; root is told to leave them to their owner."""
    paths = sorted(owners)
    detail = f"not yours: {listed(map(str, paths))}"
    if me == 0:
        fix = command("sudo", "-u", f"#{owners[paths[0]]}", "memory-sync", "doctor")
        return bad(f"{detail}; run this as their owner", fix)
    return bad(detail, command("sudo", "chown", me, *paths[:MOST]))


def _open_ones(troubled: list[Ours]) -> Finding:
    told = []
    if opened := [one.path for one in troubled if one.opened]:
        told.append(f"others can reach {listed(map(str, opened))}")
    if locked := [one.path for one in troubled if one.locked]:
        told.append(f"you cannot use {listed(map(str, locked))}")
    grave = any(one.locked or one.secret or one.opened & 0o022 for one in troubled)
    detail, fix = "; ".join(told), " && ".join(_commands(troubled))
    return bad(detail, fix) if grave else warning(detail, fix)


def _commands(troubled: list[Ours]) -> Iterator[str]:
    """Return commands that set modes right, folders first: they may hide what is in them."""
    wanted: dict[int, list[Path]] = {}
    for one in troubled:
        wanted.setdefault(one.right, []).append(one.path)
    for mode in sorted(wanted, reverse=True):
        yield command("chmod", f"{mode:o}", *wanted[mode])


def _ours(patient: Patient) -> Iterator[Ours]:
    """Find all that is ours and there; links that a person has put at the top are followed."""
    places = patient.places
    # Not secret, and often kept in a repository with other configuration: readable is fine.
    yield from _look(places.config, closed=0o022)
    yield from _look(places.config_file, closed=0o022)
    for path in sorted(places.config.glob("token*")):
        yield from _look(path, secret=True)
    for path in _token_files(patient):
        yield from _look(path, secret=True)
    yield from _below(places.keys, places, secret=True)
    yield from _below(places.state, places)
    yield from _below(places.logs, places)
    yield from _below(places.run, places, secret=True)


def _token_files(patient: Patient) -> list[Path]:
    """Return the token files that are set and lie elsewhere than in our folder."""
    try:
        settings = patient.context(FIRST).settings
    except (MemorySyncError, LateError):
        return []
    named = {settings.github.token_file, *(vault.token_file for vault in settings.vault)}
    return sorted(path for path in named if path and path.parent != patient.places.config)


def _look(path: Path, *, closed: int = 0o077, secret: bool = False) -> Iterator[Ours]:
    try:
        yield Ours(path, os.stat(path), closed, secret)
    except OSError:
        return


def _below(top: Path, places: Directories, *, secret: bool = False) -> Iterator[Ours]:
    """Walk a folder of ours, itself included."""
    yield from _look(top, secret=secret)
    try:
        entries = sorted(os.scandir(top), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            continue
        if _holds_memories(path, places):
            yield from _look(path, secret=True)
        elif entry.is_dir():
            yield from _below(path, places, secret=secret)
        else:
            yield from _look(path, secret=secret)


def _holds_memories(path: Path, places: Directories) -> bool:
    """Tell whether this is a vault's part of the trash, its folder of conflicts, or one left."""
    vaults = places.vault_state("x").parent
    return path.parent in (places.trash, places.left) or (
        path.parent.parent == vaults and path.name == "conflicts"
    )

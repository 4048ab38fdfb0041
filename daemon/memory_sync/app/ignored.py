"""Whether a file is synced, and what decides that."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.places import on_disk
from memory_sync.app.vaults import patterns_of
from memory_sync.config.settings import RootSettings, VaultSettings, nested
from memory_sync.errors import FileError, PathUnknownError, VaultAmbiguousError
from memory_sync.model import Direction, split_root
from memory_sync.ports import handles, names
from memory_sync.ports.ignoring import heeded
from memory_sync.ports.marker import open_root
from memory_sync.sync.ignores import IGNORE_FILE
from memory_sync.sync.patterns import Patterns, Why

TOO_LARGE, SPECIAL, NAME = "too-large", "special", "name"
"""Reasons besides those of the patterns."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What decides about a path.

    `path` is as the vault names it, `place` on this disk. `why` is a word of `sync.patterns.Why`
    or one of this module; `rule` the pattern, or what is wrong; `line` where it stands in `source`.
    """

    vault: str
    path: str
    place: Path
    folder: bool
    synced: bool
    why: str
    rule: str = ""
    source: str = ""
    line: int = 0
    direction: Direction = "both"

    @property
    def reason(self) -> str:
        """Why it is not synced, in words; "" if it is."""
        return _words(self.why, self.rule, self.source, self.line)


def decide(context: Context, vault: str | None, path: str) -> Decided:
    """Say what decides about a path.

    Raises PathUnknownError, VaultAmbiguousError, RootGoneError or IgnoreFileError.
    """
    settings, root, relative = _meant(context, vault, path)
    place = root.path / relative
    inner = nested(context.settings, own=context.directories.own).get(
        (settings.name, root.name), ()
    )
    patterns = _patterns(root, patterns_of(root, inner))
    seen = _look(place)
    is_folder = path.endswith("/") or (seen is not None and stat.S_ISDIR(seen.st_mode))
    reason = patterns.why(relative, folder=is_folder)
    why, rule, source = reason.why.value, reason.rule, ""
    if reason.line:
        source = names.shown(root.path / IGNORE_FILE)
    synced = why == "synced"
    trouble = names.trouble(root.name, relative, folder=is_folder) if relative else None
    if trouble:
        synced, why, rule = False, NAME, trouble
    elif synced and seen is not None and not is_folder:
        if not stat.S_ISREG(seen.st_mode):
            synced, why, rule = False, SPECIAL, handles.kind_of(seen)
        elif seen.st_size > root.max_size:
            synced, why, rule = False, TOO_LARGE, f"max_size = {int(root.max_size)}"
    named = f"{root.name}/{relative}".rstrip("/")
    found = Decided(settings.name, named, place, is_folder, synced, why, rule, source, reason.line)
    return replace(found, direction=root.direction)


def left_out(
    context: Context, vault: str, root: RootSettings, paths: Iterable[str]
) -> dict[str, str]:
    """Say which files of a root this device does not sync there, and why, in words.

    Whatever stands in their places now, and without the root's own file of rules if that cannot be
    read. Raises RootGoneError.
    """
    inner = nested(context.settings, own=context.directories.own).get((vault, root.name), ())
    patterns = patterns_of(root, inner)
    with suppress(FileError):
        patterns = _patterns(root, patterns)
    source = names.shown(root.path / IGNORE_FILE)
    found: dict[str, str] = {}
    for path in paths:
        reason = patterns.why(path)
        if reason.why is not Why.SYNCED:
            why = _words(reason.why.value, reason.rule, source, reason.line)
            hidden = any(path.startswith(f"{one}/") for one in inner)
            found[path] = _hider(context, vault, root, path) if hidden else why
    return found


def too_large(root: RootSettings, size: int) -> str:
    """Say in words that a file is too large to be synced in a root; "" if it is not."""
    if size <= root.max_size:
        return ""
    return _words(TOO_LARGE, f"max_size = {int(root.max_size)}", "", 0)


def _hider(context: Context, vault: str, root: RootSettings, path: str) -> str:
    """Say whose a file is that lies in a folder in a root, and not in the root."""
    meant = on_disk(context, None, str(root.path / path))
    owner = (meant[0], split_root(meant[1])[0]) if meant else (vault, root.name)
    if owner == (vault, root.name):
        return "its folder is memory-sync's own"
    return f"here it belongs to root {owner[1]} of vault {owner[0]}"


def _words(why: str, rule: str, source: str, line: int) -> str:
    reasons = {
        "include": "no include pattern of the root names it",
        "exclude": f"exclude has {rule}",
        "default": f"the default rule {rule} leaves it out",
        "ignore-file": f"line {line} of {source} leaves it out: {rule}",
        TOO_LARGE: f"it is larger than {rule} bytes",
        SPECIAL: f"it is a {rule}",
        NAME: rule,
    }
    return reasons.get(why, "")


def _meant(
    context: Context, vault: str | None, path: str
) -> tuple[VaultSettings, RootSettings, str]:
    """Find the root that a path lies in: on the disk if it is there, else as the vault names it."""
    here = on_disk(context, vault, path)
    named = names.composed(path.rstrip("/"))
    place = os.path.abspath(os.path.expanduser(path))
    # A root's usual name is also the name of the usual folder in it: what could lie here does.
    if here and (os.path.lexists(place) or os.path.isdir(os.path.dirname(place))):
        named, vault = here[1], here[0]
    elif _owners(context, vault, split_root(named)[0]):
        pass
    elif here:
        named, vault = here[1], here[0]
    name, relative = split_root(named)
    owners = _owners(context, vault, name)
    if not owners:
        raise PathUnknownError(path=names.shown(path), hint="memory-sync status")
    if len(owners) > 1:
        known = [settings.name for settings, _ in owners]
        command = f"ignored '{names.shown(path)}'"
        raise VaultAmbiguousError(known=", ".join(known), command=command, first=known[0])
    return *owners[0], relative


def _owners(
    context: Context, vault: str | None, root: str
) -> list[tuple[VaultSettings, RootSettings]]:
    return [
        (settings, known)
        for settings in context.vaults(vault)
        for known in settings.root
        if known.name == root
    ]


def _patterns(root: RootSettings, patterns: Patterns) -> Patterns:
    """Return the patterns in force, with what the root's own file says now."""
    handle = open_root(root.path, root.name)
    try:
        shown = names.shown(root.path / IGNORE_FILE)
        found, _ = heeded(handle, root.name, patterns, shown=shown, limit=root.max_size)
    finally:
        os.close(handle)
    return found


def _look(place: Path) -> os.stat_result | None:
    try:
        return place.lstat()
    except OSError:
        return None

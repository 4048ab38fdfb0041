"""The past of a vault: opening it, and what a path means in it.

It takes no lock and writes no state: a daemon may be serving the vault.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.places import on_disk
from memory_sync.app.vaults import make_remote, root_files, variables_blamed
from memory_sync.config.settings import EnvironmentVault, VaultSettings
from memory_sync.engine.changes import Change, Changes
from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.history import Past, Source
from memory_sync.errors import (
    HaltError,
    NotInVaultError,
    PathUnknownError,
    VaultAmbiguousError,
)
from memory_sync.model import split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports import names
from memory_sync.ports.peek import peek
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import Snapshot, State
from memory_sync.vault.judge import Trust

AT_ONCE = 20
"""Commits that are read together: of a large vault each takes a megabyte meanwhile."""
Meaning = tuple[VaultSettings, str]
"""A vault, and a path as it names it."""


@contextmanager
def open_past(context: Context, vault: VaultSettings, *, begin: bool = True) -> Iterator[Past]:
    """Open the past of a vault; `begin` if files of this machine are to be looked at or written.

    Raises KeyMissingError, KeyRotatedError, BranchGoneError, ForcedBackError and what the remote
    raises.
    """
    folder = context.directories.vault_state(vault.name)
    keystore = context.keystore
    spool = Spool(folder if folder.is_dir() else None)
    with variables_blamed(context, vault), closing(make_remote(context, vault)) as remote:
        trust = keystore.trust(vault.name)
        trust = trust or trust_for(look_into(remote), vault.name, remote, keystore)
        if begin and isinstance(vault, EnvironmentVault):
            _begin(context, vault, trust)
        try:
            present = _present(folder / "state.db")
            yield Past(Source(vault.name, remote, keystore, trust, spool, present))
        finally:
            spool.clear()


def _begin(context: Context, vault: EnvironmentVault, trust: Trust) -> None:
    """Let files be compared and written here before the first sync, where nothing is set up.

    What was synced before and has lost its mark is left to the next sync.
    """
    if context.keystore.trust(vault.name) is None:
        context.keystore.set_trust(vault.name, trust)
    if not (context.directories.vault_state(vault.name) / "state.db").exists():
        for root in vault.root:
            with suppress(HaltError):
                root_files(context, root, trust, None).adopt()


def _present(path: Path) -> Snapshot:
    """Read what the vault holds as far as it is known here; nothing if that cannot be read."""
    if not path.exists():
        return Snapshot()
    try:
        with peek(path) as database:
            return State(database, path).snapshot()
    except (sqlite3.Error, ValueError):
        return Snapshot()


def meanings(context: Context, vault: str | None, path: str, command: str) -> list[Meaning]:
    """Say what a path can mean: first what is there on this disk, then one of the vault.

    A root that only other devices have can be named where one vault alone can be meant. Raises
    PathUnknownError, VaultAmbiguousError.
    """
    vaults = {settings.name: settings for settings in context.vaults(vault)}
    named = names.composed(path.rstrip("/"))
    root = split_root(named)[0]
    found: list[Meaning] = []
    try:
        disk, there = on_disk(context, vault, path), os.path.lexists(os.path.expanduser(path))
    except ValueError:
        raise PathUnknownError(path=names.shown(path), hint="memory-sync history") from None
    here = (vaults[disk[0]], disk[1]) if disk else None
    if here and there:
        found.append(here)
    owners = [one for one in vaults.values() if root in {known.name for known in one.root}]
    if len(owners) > 1 and not found:
        known = ", ".join(one.name for one in owners)
        words = f"{command} '{names.shown(path)}'"
        raise VaultAmbiguousError(known=known, command=words, first=owners[0].name)
    if len(owners) == 1:
        found.append((owners[0], named))
    if here and not there:
        found.append(here)
    outside = root != CONFLICTS and path.startswith(("/", "~", "."))
    if not found and len(vaults) == 1 and root and not outside:
        found = [(one, named) for one in vaults.values()]
    if not found:
        raise PathUnknownError(path=names.shown(path), hint="memory-sync history")
    return found


def meant(past: Past, vault: VaultSettings, found: list[Meaning]) -> str:
    """Pick from several meanings of a path the first that the present has, else the first."""
    mine = [path for settings, path in found if settings.name == vault.name]
    return next((path for path in mine if past.holds(path)), mine[0])


@dataclass(frozen=True)
class Page:
    """Some changes of a vault, or of a path in it, newest first.

    `next` is the commit before which the next page begins, "" if there is none. `turned` says that
    the branch cannot be accepted, so that this is what lies below the commit accepted last.
    """

    vault: VaultSettings
    path: str
    changes: tuple[Change, ...]
    left_out: int
    next: str
    turned: bool


def page(context: Context, vault: str | None, path: str | None, *, count: int, before: str) -> Page:
    """Read so many changes. Raises PathUnknownError, RevisionUnknownError and what it opens."""
    if path is None:
        found = [(context.one_vault(vault, "history"), "")]
    else:
        found = meanings(context, vault, path, "history")
    settings = found[0][0]
    with open_past(context, settings, begin=False) as past:
        mine = meant(past, settings, found)
        begin = past.revision(before).point.commit.id if before else ""
        folder = "/" not in mine or past.holds(f"{mine}/")
        size = min(count, AT_ONCE)
        changes = Changes(past, mine, folder=folder, before=begin, size=size)
        taken = tuple(islice(changes, count))
        if not taken and not folder:
            # A file that never was: it may be a folder that is gone.
            changes = Changes(past, mine, before=begin, size=size)
            taken = tuple(islice(changes, count))
        if path and not taken and not begin and not changes.reached:
            when = "in all its history"
            raise NotInVaultError(vault=settings.name, path=names.shown(mine), when=when)
        more = taken[-1].commit if len(taken) == count and not taken[-1].first else changes.reached
        return Page(settings, mine, taken, past.left_out, more, past.turned)

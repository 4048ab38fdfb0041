"""The past of a vault: opening it, what a path means in it, and restoring from it.

It takes no lock and writes no state: a daemon may be serving the vault.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.places import on_disk
from memory_sync.app.vaults import make_remote, open_trash, root_files
from memory_sync.config.settings import EnvironmentVault, RootSettings, VaultSettings
from memory_sync.engine.changes import Change, Changes
from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.history import Held, Past, Source, Version
from memory_sync.errors import (
    FileError,
    HaltError,
    NotInVaultError,
    ObjectBrokenError,
    PathUnknownError,
    VaultAmbiguousError,
)
from memory_sync.model import split_root
from memory_sync.ports import handles, names
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.peek import peek
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import Snapshot, State
from memory_sync.vault.judge import Trust
from memory_sync.vault.objects import Decoded

AT_ONCE = 20
"""Commits that are read together: of a large vault each takes a megabyte meanwhile."""
Meaning = tuple[VaultSettings, str]
"""A vault, and a path as it names it."""


@contextmanager
def open_past(context: Context, vault: VaultSettings) -> Iterator[Past]:
    """Open the past of a vault.

    Raises KeyMissingError, KeyRotatedError, BranchGoneError, ForcedBackError and what the remote
    raises.
    """
    folder = context.directories.vault_state(vault.name)
    keystore = context.keystore
    spool = Spool(folder if folder.is_dir() else None)
    with closing(make_remote(context, vault)) as remote:
        trust = keystore.trust(vault.name)
        trust = trust or trust_for(look_into(remote), vault.name, remote, keystore)
        if isinstance(vault, EnvironmentVault):
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
    if not found and len(vaults) == 1 and root and not path.startswith(("/", "~", ".")):
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
    with open_past(context, settings) as past:
        mine = meant(past, settings, found)
        begin = past.revision(before).point.commit.id if before else ""
        folder = "/" not in mine or past.holds(f"{mine}/")
        changes = Changes(past, mine, folder=folder, before=begin, size=min(count, AT_ONCE))
        taken = tuple(islice(changes, count))
        if path and not taken and not begin and not changes.reached:
            when = "in all its history"
            raise NotInVaultError(vault=settings.name, path=names.shown(mine), when=when)
        more = taken[-1].commit if len(taken) == count and not taken[-1].first else changes.reached
        return Page(settings, mine, taken, past.left_out, more, past.turned)


@dataclass(frozen=True)
class _Here:
    """The place of a file in a root, and what is there now; without a digest there is nothing."""

    files: DiskTree
    place: Path
    size: int = 0
    mode: int = 0
    digest: str = ""


@dataclass(frozen=True)
class Back:
    """A file that is to be brought back; `named` if it was asked for itself, not its folder.

    `here` is its place in its root, None if it is to go elsewhere.
    """

    path: str
    version: Version
    mode: int
    size: int
    named: bool
    here: _Here | None = None

    @property
    def place(self) -> str:
        """Where it lies in its root."""
        return str(self.here.place) if self.here else ""

    @property
    def size_now(self) -> int | None:
        """The size of what is there now, None if nothing is."""
        return self.here.size if self.here and self.here.digest else None


@dataclass(frozen=True)
class Plan:
    """What a restore would do: the files that differ, those that do not, and those that stay."""

    held: Held
    back: tuple[Back, ...]
    same: tuple[str, ...]
    later: tuple[str, ...]


def plan(
    context: Context, vault: VaultSettings, past: Past, held: Held, paths: list[str], *, live: bool
) -> Plan:
    """Look what a restore would do; only objects that differ from what is here are fetched.

    `live` is back into the roots, otherwise all of it is to go elsewhere. Raises NotInVaultError,
    PathUnknownError for a root that is not here, ObjectBrokenError, or what a root's files raise.
    """
    path, wanted = _wanted(past, vault, held, paths)
    here: dict[str, _Here] = {}
    if live:
        trees = _trees(context, vault, {split_root(one)[0] for one in wanted})
        here = {one: _look(trees, one) for one in wanted}
    known = {one: past.known_digest(version) for one, version in wanted.items()}
    same = {one for one in here if here[one].digest and here[one].digest == known[one]}
    due = {one: version for one, version in sorted(wanted.items()) if one not in same}
    past.fetch(due.values(), held)
    back: list[Back] = []
    for one, version in due.items():
        info, there = _opened(past, one, version).file.version, here.get(one)
        if there and there.digest == info.digest:
            same.add(one)
            continue
        mode = there.mode if there and there.digest else info.mode
        back.append(Back(one, version, mode & 0o777, info.size, one == path, there))
    later = past.later(path, wanted) if live and path not in wanted else []
    return Plan(held, tuple(back), tuple(sorted(same)), tuple(later))


def _wanted(
    past: Past, vault: VaultSettings, held: Held, paths: list[str]
) -> tuple[str, Mapping[str, Version]]:
    """Return the first of several paths that a state had, and what. Raises NotInVaultError."""
    for path in paths:
        if wanted := past.files(held, path):
            return path, wanted
    when = f"at {held.point.commit.id[:12]}"
    raise NotInVaultError(vault=vault.name, path=names.shown(paths[0]), when=when)


def _look(trees: Mapping[str, tuple[DiskTree, Path]], path: str) -> _Here:
    """Look at the place of a file. Raises what a root's files raise."""
    root, relative = split_root(path)
    files, folder = trees[root]
    now = files.present(relative)
    if now is None:
        return _Here(files, folder / relative)
    return _Here(files, folder / relative, len(now[0]), now[1], handles.digest_of(now[0]))


def _trees(
    context: Context, vault: VaultSettings, roots: set[str]
) -> dict[str, tuple[DiskTree, Path]]:
    """Open the roots. Raises PathUnknownError for one that this device does not have."""
    trust = context.keystore.trust(vault.name)
    known: dict[str, RootSettings] = {root.name: root for root in vault.root}
    missing = sorted(roots - known.keys())
    if missing or trust is None:
        hint = "memory-sync restore PATH --at REV --to FILE"
        raise PathUnknownError(path=missing[0] if missing else vault.name, hint=hint)
    trash = open_trash(context, vault.name)
    return {
        name: (root_files(context, known[name], trust, trash), known[name].path) for name in roots
    }


def _opened(past: Past, path: str, version: Version) -> Decoded:
    decoded = past.read(version)
    if isinstance(decoded, Decoded):
        return decoded
    raise ObjectBrokenError(path=names.shown(path), detail=decoded)


def content_of(past: Past, back: Back) -> bytes:
    """Return the content of a file that was planned."""
    return _opened(past, back.path, back.version).content


def write_back(past: Past, planned: Plan) -> tuple[list[Back], list[FileError]]:
    """Write what was planned, each file alone; what was in its place goes to the trash.

    A file that has changed since it was shown, or cannot be written, stays as it is.
    """
    done: list[Back] = []
    failed: list[FileError] = []
    for back in planned.back:
        if back.here is None:
            continue
        relative, expect = split_root(back.path)[1], back.here.digest or None
        content = content_of(past, back)
        try:
            back.here.files.write(relative, content, mode=back.mode, expect=expect)
        except FileError as error:
            failed.append(error)
        else:
            done.append(back)
    return done, failed

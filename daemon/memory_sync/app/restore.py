"""Bringing back from the device's trash: which file is meant, and writing it.

It needs neither the vault's key nor a network nor a lock: a daemon may be serving the vault.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.ignored import left_out, too_large
from memory_sync.app.places import on_disk
from memory_sync.app.vaults import open_trash, root_files
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.errors import (
    FileChangedError,
    FileInTheWayError,
    NotInTrashError,
    PathUnknownError,
    RestoreOutsideError,
    UsageError,
    VaultAmbiguousError,
)
from memory_sync.ports import handles, names
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.trash import Trashed


@dataclass(frozen=True)
class Found:
    """A file in the trash of a vault."""

    vault: VaultSettings
    item: Trashed

    @property
    def path(self) -> str:
        """Its path, as the vault names it."""
        return f"{self.item.root}/{self.item.path}"

    @property
    def root(self) -> RootSettings | None:
        """The root that it belongs to, None if this device has that no longer."""
        return next((root for root in self.vault.root if root.name == self.item.root), None)

    def content(self) -> bytes:
        """Read it. Raises FileUnreadableError, or FileChangedError if it is gone."""
        with handles.reading(names.shown(self.item.place)):
            return Path(self.item.place).read_bytes()


def list_trash(context: Context, vault: str | None, path: str | None = None) -> list[Found]:
    """Return what the trash holds, newest first: all, or a file or what lies in a folder.

    Raises PathUnknownError.
    """
    found = _everything(context, vault)
    if path is None:
        return found
    for meant in _meanings(context, vault, path, found):
        chosen = [one for one in found if _means(meant, one, within=True)]
        if chosen:
            return chosen
    return []


def find(context: Context, vault: str | None, path: str, at: float | None) -> Found:
    """Return the newest that came of a path, or the newest that had come by a time.

    Raises PathUnknownError, NotInTrashError, VaultAmbiguousError, UsageError for a folder.
    """
    found = _everything(context, vault)
    meanings = _meanings(context, vault, path, found)
    for meant in meanings:
        chosen = [one for one in found if _means(meant, one, within=False)]
        vaults = sorted({one.vault.name for one in chosen})
        if len(vaults) > 1:
            command = f"restore '{path}'"
            raise VaultAmbiguousError(known=", ".join(vaults), command=command, first=vaults[0])
        old = [one for one in chosen if at is None or one.item.came <= at]
        if old:
            return old[0]
        if chosen:
            raise NotInTrashError(path=chosen[0].path, before=" from then or before")
    if any(_means(meant, one, within=True) for meant in meanings for one in found):
        detail = f"{names.shown(path)} is a folder: from the trash each file comes back by itself."
        raise UsageError(detail=detail, hint=f"memory-sync restore {shlex.quote(path)} --list")
    raise NotInTrashError(path=names.shown(meanings[0][1]), before="")


@dataclass(frozen=True)
class Target:
    """Where a file is restored to; `present` is what is there now, with its mode."""

    files: DiskTree
    path: str
    place: Path
    present: tuple[bytes, int] | None

    def write(self, content: bytes, mode: int) -> None:
        """Write it; what is there now goes to the trash. Raises what a root's files raise."""
        expect = handles.digest_of(self.present[0]) if self.present else None
        self.files.write(self.path, content, mode=mode, expect=expect)


def target(context: Context, found: Found) -> Target:
    """Open the place that a file was in.

    Raises PathUnknownError, RestoreOutsideError, or what a root's files raise.
    """
    trust, root, path = context.keystore.trust(found.vault.name), found.root, found.item.path
    quoted = shlex.quote(found.path)
    if root is None or trust is None:
        raise PathUnknownError(path=found.path, hint=f"memory-sync restore {quoted} --to FILE")
    why = left_out(context, found.vault.name, root, [path]).get(path)
    if why := why or too_large(root, found.item.seen.st_size):
        raise RestoreOutsideError(path=names.shown(found.path), why=why, quoted=quoted)
    trash = open_trash(context, found.vault.name)
    files = root_files(context, root, trust, trash)
    return Target(files, path, root.path / path, present_in(files, root.path, path))


def present_in(files: DiskTree, folder: Path, path: str) -> tuple[bytes, int] | None:
    """Return what is in the place of a file of a root, and its mode; None if nothing is.

    Raises FileInTheWayError for what is no folder on the way there, or what a root's files raise.
    """
    try:
        return files.present(path)
    except FileChangedError:
        above = folder
        for part in path.split("/")[:-1]:
            above /= part
            if above.is_symlink() or (above.exists() and not above.is_dir()):
                shown = f"{names.shown(folder / path)} ({names.shown(above)} is no folder)"
                hint = f"ls -la {shlex.quote(str(above))}"
                raise FileInTheWayError(path=shown, hint=hint) from None
        raise


def _everything(context: Context, vault: str | None) -> list[Found]:
    found = [
        Found(settings, item)
        for settings in context.vaults(vault)
        for item in open_trash(context, settings.name).entries()
    ]
    found.sort(key=lambda one: one.path)
    found.sort(key=lambda one: (one.item.came, one.item.number), reverse=True)
    return found


Meaning = tuple[str | None, str]
"""As in `places`, or with None for any vault."""


def _meanings(
    context: Context, vault: str | None, path: str, found: Iterable[Found]
) -> list[Meaning]:
    """Say what a path can mean: first one of the vault, then one on this disk."""
    meanings: list[Meaning] = []
    roots = {root.name for settings in context.vaults(vault) for root in settings.root}
    named = names.composed(path.rstrip("/"))
    if named.partition("/")[0] in roots | {one.item.root for one in found}:
        meanings.append((None, named))
    if here := on_disk(context, vault, path):
        meanings.append(here)
    if not meanings:
        raise PathUnknownError(path=names.shown(path))
    return meanings


def _means(meant: Meaning, found: Found, *, within: bool) -> bool:
    vault, path = meant
    if vault not in (None, found.vault.name):
        return False
    return found.path == path or (within and found.path.startswith(f"{path}/"))

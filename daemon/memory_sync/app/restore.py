"""Bringing back from the device's trash: which file is meant, and writing it.

It needs neither the vault's key nor a network nor a lock: a daemon may be serving the vault.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.places import on_disk
from memory_sync.app.vaults import open_trash, root_files
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.errors import NotInTrashError, PathUnknownError, VaultAmbiguousError
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

    Raises PathUnknownError, NotInTrashError, VaultAmbiguousError.
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
    """Open the place that a file was in. Raises PathUnknownError, or what a root's files raise."""
    trust = context.keystore.trust(found.vault.name)
    if found.root is None or trust is None:
        raise PathUnknownError(
            path=found.path, hint=f"memory-sync restore '{found.path}' --to FILE"
        )
    trash = open_trash(context, found.vault.name)
    files = root_files(context, found.root, trust, trash)
    path = found.item.path
    return Target(files, path, found.root.path / path, files.present(path))


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

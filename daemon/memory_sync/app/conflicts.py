"""Conflict copies: which there are, what stands against them, and settling one.

It needs neither the vault's key nor a network nor a lock: a daemon may be serving the vault. To
settle a conflict is an ordinary local change, that of the file, and the removal of its copy.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.ignored import TOO_LARGE, decide
from memory_sync.app.places import on_disk
from memory_sync.app.standing import remembered_writers
from memory_sync.app.vaults import conflict_files, open_bases, open_trash, root_files
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.errors import (
    ConflictOutsideError,
    ConflictUnknownError,
    FileTooLargeError,
    MemorySyncError,
    RootGoneError,
    VaultAmbiguousError,
)
from memory_sync.model import split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports import handles, names
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.displaced import Record
from memory_sync.ports.handles import Spot
from memory_sync.ports.trash import Trash
from memory_sync.vault.judge import Trust

NEW_MODE = 0o600


@dataclass(frozen=True)
class Conflict:
    """A conflict copy: its place below `.conflicts`, the SHA-256 (hex) and the size of it."""

    vault: VaultSettings
    place: str
    digest: str
    size: int

    @property
    def path(self) -> str:
        """The file that it is of, as the vault names it."""
        return self.place.rpartition("/")[0]

    @property
    def name(self) -> str:
        """What tells it from other copies of the file: `<time>-<device>`."""
        return self.place.rpartition("/")[2]

    @property
    def device(self) -> str:
        """The device that wrote it."""
        return self.name.partition("-")[2]

    @property
    def when(self) -> float | None:
        """When it was written, in seconds since the epoch; None if its name tells no real time."""
        try:
            return datetime.fromisoformat(self.name.partition("-")[0]).timestamp()
        except (ValueError, OverflowError, OSError):
            return None


@dataclass(frozen=True)
class Live:
    """What stands in the file of a conflict; no content if there is no such file.

    `device` wrote it, "" if there is none. `files` is None where this device does not sync it.
    """

    files: DiskTree | None
    path: str
    content: bytes | None = None
    mode: int = NEW_MODE
    device: str = ""
    max_size: int = 0


def list_conflicts(
    context: Context, vault: str | None
) -> tuple[list[Conflict], list[MemorySyncError]]:
    """Return the copies that lie here, by path and age, and what cannot be read of them."""
    found: list[Conflict] = []
    troubles: list[MemorySyncError] = []
    for settings in context.vaults(vault):
        trust = context.keystore.trust(settings.name)
        if trust is None:
            continue
        try:
            scan = conflict_files(context, settings.name, trust).scan({}, marked=False)
        except RootGoneError:
            continue  # nothing was ever synced here
        found += [
            Conflict(settings, place, version.digest, version.size)
            for place, version in scan.files.items()
        ]
        troubles += [error for _, error in sorted(scan.held.items())]
    found.sort(key=lambda one: (one.vault.name, one.path, one.name))
    return found, troubles


def find(context: Context, vault: str | None, path: str, copy: str | None) -> list[Conflict]:
    """Return the copies that a path can mean: its own, or those of the file, in one vault.

    `copy` is the name of one of them. Raises ConflictUnknownError, VaultAmbiguousError.
    """
    everything, _ = list_conflicts(context, vault)
    for meant, named in _meanings(context, vault, path, everything):
        chosen = [
            one
            for one in everything
            if meant in (None, one.vault.name)
            and named in (one.path, one.place)
            and copy in (None, one.name)
        ]
        vaults = sorted({one.vault.name for one in chosen})
        if len(vaults) > 1:
            command = f"conflicts show '{names.shown(path)}'"
            raise VaultAmbiguousError(known=", ".join(vaults), command=command, first=vaults[0])
        if chosen:
            return chosen
    of = f"{names.shown(path)} by the name {names.shown(copy)}" if copy else names.shown(path)
    raise ConflictUnknownError(path=of)


def _meanings(
    context: Context, vault: str | None, path: str, found: Iterable[Conflict]
) -> list[tuple[str | None, str]]:
    """Say what a path can mean: one of the vault, a copy on this disk, a file on this disk."""
    named = names.composed(path.rstrip("/")).removeprefix(f"{CONFLICTS}/")
    meanings: list[tuple[str | None, str]] = [(None, named)]
    place = Path(os.path.abspath(os.path.expanduser(path)))
    for settings in {one.vault.name: one.vault for one in found}.values():
        with suppress(ValueError):
            below = place.relative_to(_folder(context, settings))
            meanings.append((settings.name, names.composed(below.as_posix())))
    with suppress(ValueError):  # a path with a NUL in it lies nowhere
        if here := on_disk(context, vault, path):
            meanings.append(here)
    return meanings


def _folder(context: Context, vault: VaultSettings) -> Path:
    return context.directories.vault_state(vault.name) / "conflicts"


def content_of(context: Context, conflict: Conflict) -> bytes:
    """Read a copy. Raises FileChangedError if it is not the one that was found, or another."""
    return conflict_files(context, conflict.vault.name, _trust(context, conflict)).read(
        conflict.place, conflict.digest
    )


def base_of(context: Context, conflict: Conflict) -> bytes | None:
    """Return what both sides began with, if this device knows it."""
    return open_bases(context, conflict.vault.name).get(conflict.place, conflict.digest)


def live_of(context: Context, conflict: Conflict) -> Live:
    """Read what stands in the file. Raises what a root's files raise."""
    name, relative = split_root(conflict.path)
    root = next((root for root in conflict.vault.root if root.name == name), None)
    if root is None or not _is_synced(context, conflict, root, relative):
        return Live(None, relative)
    trash = open_trash(context, conflict.vault.name)
    files = root_files(context, root, _trust(context, conflict), trash)
    present = files.present(relative)
    limit = int(root.max_size)
    if present is None:
        return Live(files, relative, max_size=limit)
    content, mode = present
    digest, device = remembered_writers(context, conflict.vault).get(conflict.path, ("", ""))
    if digest != handles.digest_of(content):
        device = context.settings.device
    return Live(files, relative, content, mode & 0o777, device, limit)


def _is_synced(context: Context, conflict: Conflict, root: RootSettings, relative: str) -> bool:
    """Tell whether this device syncs the file, here and not as one of a root further in."""
    decided = decide(context, conflict.vault.name, str(root.path / relative))
    return decided.path == conflict.path and (decided.synced or decided.why == TOO_LARGE)


def settle(context: Context, conflict: Conflict, live: Live, content: bytes | None) -> None:
    """Give the file a content, or leave it as it is (None), and take the copy away.

    The file is durable before the copy goes, so that a crash leaves the conflict and loses nothing.
    Either is done only if it is still what was shown. What is displaced goes to the trash, the copy
    as a version of its file. Raises ConflictOutsideError, FileTooLargeError, FileChangedError, or
    what else a root's files raise.
    """
    began = context.clock.now()
    content_of(context, conflict)
    if content is not None and content != live.content:
        if live.files is None:
            raise outside(conflict)
        if len(content) > live.max_size:
            raise FileTooLargeError(path=conflict.path, size=len(content), limit=live.max_size)
        expect = None if live.content is None else handles.digest_of(live.content)
        live.files.write(live.path, content, mode=live.mode, expect=expect)
    written = content is not None and content != live.content
    # What was just written there needs no second place. A file that was so before can be anything
    # by now: nobody looked again.
    kept = written and handles.digest_of(content or b"") == conflict.digest
    trash = None if kept else _Filed(context, conflict.vault.name, began)
    copies = conflict_files(context, conflict.vault.name, _trust(context, conflict), trash)
    copies.remove(conflict.place, conflict.digest)
    open_bases(context, conflict.vault.name).drop(conflict.place)


def outside(conflict: Conflict) -> ConflictOutsideError:
    """Return the error that says that the file is not synced here."""
    path = names.shown(conflict.path)
    return ConflictOutsideError(path=path, quoted=shlex.quote(path))


class _Filed(Trash):
    """The trash, where a conflict copy comes to the path of its file.

    It is said to have come a second before the settling began: what the file held then is newer,
    and each of the two can be named by its time.
    """

    def __init__(self, context: Context, vault: str, began: float) -> None:
        super().__init__(open_trash(context, vault).folder, context.clock)
        self._began = began

    def take(
        self,
        spot: Spot,
        root: str,
        path: str,
        record: Record | None = None,
        *,
        came: float | None = None,
    ) -> bool:
        """Move a copy into the trash, durably."""
        root, relative = split_root(path.rpartition("/")[0])
        return super().take(spot, root, relative, record, came=came or self._began - 1)


def _trust(context: Context, conflict: Conflict) -> Trust:
    trust = context.keystore.trust(conflict.vault.name)
    if trust is None:
        raise ConflictUnknownError(path=names.shown(conflict.path))
    return trust

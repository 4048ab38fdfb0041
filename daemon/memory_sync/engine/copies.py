"""Conflict copies: what could not be merged lies whole in `.conflicts`, once."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, datetime

from memory_sync.engine.kit import Kit
from memory_sync.model import FileVersion, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.vault.archive import bounded_time
from memory_sync.vault.paths import conflict_path

COPY_MODE = 0o600


def keep_copy(
    kit: Kit,
    path: str,
    version: FileVersion,
    content: bytes,
    *,
    now: Mapping[str, str],
    taken: Container[str],
    instead_of: str | None = None,
    base: bytes | None = None,
    writer: str = "",
) -> str | None:
    """Put a content of a file into `.conflicts`, durably, unless the vault has it already.

    `now` has the digests of all local files as they are by now, `taken` the names that are not
    free. A copy whose digest is `instead_of` is one of an earlier state, and is replaced. `base` is
    what the conflict began with, if that is known. `writer` is the device whose version the vault
    has and is about to lose: that is kept also if it is in the history. Returns the place of the
    copy if one was written.
    """
    stamp = datetime.fromtimestamp(bounded_time(version.mtime), UTC).strftime("%Y%m%dT%H%M%SZ")
    root, relative = split_root(path)
    copy = ""
    if not writer and root != CONFLICTS and kit.state.in_history(version.digest, path):
        return None  # it was in a commit once, and stays in the history
    if root == CONFLICTS:
        copy, (path, _, name) = path, relative.rpartition("/")
        stamp = name.partition("-")[0]
    copies = {place: now[place] for place in now if place.startswith(f"{CONFLICTS}/{path}/")}
    if any(place != copy and digest == version.digest for place, digest in copies.items()):
        return None
    place = next((place for place in copies if copies[place] == instead_of), "")
    expect = copies.get(place)
    place = place or _free_place(path, stamp, writer or kit.device, taken)
    files = kit.roots[CONFLICTS].files
    if kit.bases and base is not None:
        kit.bases.put(split_root(place)[1], version.digest, base)
    files.write(split_root(place)[1], content, mode=COPY_MODE, expect=expect)
    return place


def _free_place(path: str, stamp: str, device: str, taken: Container[str]) -> str:
    place = conflict_path(path, stamp, device)
    for number in range(2, 100):
        if place not in taken:
            break
        place = conflict_path(path, stamp, f"{device[:60]}-{number}")
    return place

"""How files differ between two states of a vault, or between one and what is on this disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff

from memory_sync.app.context import Context
from memory_sync.app.past import meanings, meant, open_past
from memory_sync.app.vaults import root_files
from memory_sync.config.settings import RootSettings, VaultSettings, nested
from memory_sync.engine.changes import is_text
from memory_sync.engine.history import HEAD, Held, Past, Version
from memory_sync.errors import NotInVaultError, ObjectBrokenError, PathUnknownError
from memory_sync.model import split_root
from memory_sync.ports import handles, names
from memory_sync.vault.objects import Decoded

DISK = "disk"
"""What stands for this machine's files in the place of a revision."""
NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True)
class Difference:
    """How one file differs: a unified difference by line, None where it is no text."""

    path: str
    before: int | None
    after: int | None
    lines: tuple[str, ...] | None


@dataclass(frozen=True)
class Compared:
    """Two states, each the id of a commit or the disk, and the files that differ."""

    vault: str
    one: str
    other: str
    files: tuple[Difference, ...]


@dataclass(frozen=True)
class _Side:
    """One of the two states of some files; digests are known where they cost nothing."""

    said: str
    files: Mapping[str, Version | bytes]

    def digest(self, past: Past, path: str) -> str | None:
        file = self.files.get(path)
        if isinstance(file, Version):
            return past.known_digest(file)
        return None if file is None else handles.digest_of(file)

    def content(self, past: Past, path: str) -> bytes | None:
        file = self.files.get(path)
        if not isinstance(file, Version):
            return file
        decoded = past.read(file)
        if isinstance(decoded, Decoded):
            return decoded.content
        raise ObjectBrokenError(path=names.shown(path), detail=decoded)


def compare(
    context: Context, vault: str | None, path: str, one: str | None, other: str | None
) -> Compared:
    """Compare a path in two revisions; the usual are the newest one and this disk.

    Raises PathUnknownError, NotInVaultError, RevisionUnknownError, ObjectBrokenError, what opens
    the past, and what a root's files raise.
    """
    found = meanings(context, vault, path, "diff")
    settings = found[0][0]
    with open_past(context, settings) as past:
        mine = meant(past, settings, found)
        first = past.revision(one or HEAD)
        before = _in_vault(past, first, mine)
        if other:
            after = _in_vault(past, past.revision(other), mine)
        else:
            after = _on_disk(context, settings, mine, before.files)
        if not before.files and not after.files:
            when = f"at {before.said[:12]} or {after.said[:12]}"
            raise NotInVaultError(vault=settings.name, path=names.shown(mine), when=when)
        due = [
            one for one in sorted({*before.files, *after.files}) if _may(past, one, before, after)
        ]
        for side in (before, after):
            versions = (side.files.get(one) for one in due)
            past.fetch(one for one in versions if isinstance(one, Version))
        files = [_difference(past, one, before, after) for one in due]
        return Compared(settings.name, before.said, after.said, tuple(one for one in files if one))


def _in_vault(past: Past, held: Held, path: str) -> _Side:
    return _Side(held.point.commit.id, past.files(held, path))


def _on_disk(context: Context, vault: VaultSettings, path: str, also: Iterable[str]) -> _Side:
    """Read the file, or those of the folder that are synced, and `also` these."""
    root, relative = split_root(path)
    trust = context.keystore.trust(vault.name)
    known: dict[str, RootSettings] = {one.name: one for one in vault.root}
    if root not in known or trust is None:
        raise PathUnknownError(path=path, hint="memory-sync diff PATH --from REV --to REV")
    inner = nested(context.settings, own=context.directories.own).get((vault.name, root), ())
    # Without a trash: only looked at, nothing is cleared away.
    files = root_files(context, known[root], trust, None, inner)
    place = known[root].path / relative
    if relative and not place.is_dir():
        present = files.present(relative)
        return _Side(DISK, {path: present[0]} if present else {})
    prefix = f"{relative}/" if relative else ""
    scan = files.scan({})
    for one, error in scan.held.items():
        if f"{one}/".startswith(prefix) or prefix.startswith(one):
            # Nothing can be said of it: least of all that it is not there.
            raise error
    found = {
        f"{root}/{one}": files.read(one, version.digest)
        for one, version in scan.files.items()
        if one.startswith(prefix)
    }
    for one in also:
        if one not in found and (present := files.present(split_root(one)[1])):
            found[one] = present[0]
    return _Side(DISK, found)


def _may(past: Past, path: str, one: _Side, other: _Side) -> bool:
    """Tell whether a file may differ, before anything is fetched."""
    before, after = one.files.get(path), other.files.get(path)
    if isinstance(before, Version) and isinstance(after, Version):
        return (before.name, before.blobs) != (after.name, after.blobs)
    digest = one.digest(past, path)
    return digest is None or digest != other.digest(past, path)


def _difference(past: Past, path: str, one: _Side, other: _Side) -> Difference | None:
    before, after = one.content(past, path), other.content(past, path)
    if before == after:
        return None
    return Difference(
        path,
        None if before is None else len(before),
        None if after is None else len(after),
        _unified(path, one.said, other.said, before, after),
    )


def _unified(
    path: str, one: str, other: str, before: bytes | None, after: bytes | None
) -> tuple[str, ...] | None:
    if not is_text(before or b"") or not is_text(after or b""):
        return None
    old, new = ((content or b"").decode().split("\n") for content in (before, after))
    ends = [lines.pop() for lines in (old, new)]
    # The last line without an end is another line than the same one with it.
    for lines, end in zip((old, new), ends, strict=True):
        if end:
            lines.append(f"{end}\n{NO_NEWLINE}")
    here, there = ("/dev/null" if content is None else path for content in (before, after))
    found = unified_diff(old, new, here, there, one[:12], other[:12], lineterm="")
    return tuple(part for line in found for part in line.split("\n"))

"""How files differ between two states of a vault, or between one and what is on this disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from memory_sync.app.context import Context
from memory_sync.app.past import meanings, meant, open_past
from memory_sync.app.vaults import root_files
from memory_sync.config.settings import RootSettings, VaultSettings, nested
from memory_sync.engine.changes import is_text
from memory_sync.engine.history import HEAD, Held, Past, Version
from memory_sync.errors import FileError, NotInVaultError, ObjectBrokenError, PathUnknownError
from memory_sync.model import split_root
from memory_sync.ports import handles, names
from memory_sync.ports.files import Scan
from memory_sync.sync.unified import hunks
from memory_sync.vault.objects import Decoded

DISK = "disk"
"""What stands for this machine's files in the place of a revision."""
NO_NEWLINE = b"\n\\ No newline at end of file"


@dataclass(frozen=True)
class Difference:
    """How one file differs: a unified difference by line, None where it is no text."""

    path: str
    before: int | None
    after: int | None
    lines: tuple[str, ...] | None


@dataclass(frozen=True)
class Compared:
    """Two states, each the id of a commit or the disk, and the files that differ.

    `failed` are those about which nothing can be said, with why.
    """

    vault: str
    one: str
    other: str
    files: tuple[Difference, ...]
    failed: tuple[FileError, ...] = ()


@dataclass(frozen=True)
class _Side:
    """One of the two states of some files; digests are known where they cost nothing.

    `held` are the files and folders (with a slash) of this disk about which nothing can be said.
    """

    said: str
    files: Mapping[str, Version | bytes]
    state: Held | None = None
    held: Mapping[str, FileError] = field(default_factory=dict)

    def beside(self, paths: Iterable[str]) -> _Side:
        """Return it with files that the other state has: one that cannot be read tells no path."""
        state = self.state
        if state is None:
            return self
        more = {path: version for path in paths if (version := state.named(path))}
        return replace(self, files={**more, **self.files})

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

    Raises PathUnknownError, NotInVaultError, RevisionUnknownError, what opens the past, and what a
    root's files raise. What goes wrong with one file of a folder is told beside the others.
    """
    found = meanings(context, vault, path, "diff")
    settings = found[0][0]
    with open_past(context, settings, begin=other is None) as past:
        mine = meant(past, settings, found)
        before = _in_vault(past, past.revision(one or HEAD), mine)
        if other:
            after = _in_vault(past, past.revision(other), mine)
        else:
            after = _on_disk(context, settings, mine, before.files)
        before, after = before.beside(after.files), after.beside(before.files)
        failed = [*after.held.values(), *_unread(past, mine, before, after)]
        if not before.files and not after.files and not failed:
            when = f"at {before.said[:12]} or {after.said[:12]}"
            raise NotInVaultError(vault=settings.name, path=names.shown(mine), when=when)
        files, broken = _differences(past, before, after)
        told = {error.message: error for error in (*failed, *broken)}
        return Compared(settings.name, before.said, after.said, files, tuple(told.values()))


def _unread(past: Past, path: str, *sides: _Side) -> list[FileError]:
    """Return the objects that may lie in a folder, for all that can be told."""
    files = [file for side in sides for file in side.files.items()]
    if any(one == path for one, _ in files):
        return []
    named = {file.name for _, file in files if isinstance(file, Version)}
    return [
        ObjectBrokenError(path=f"{name} (maybe of {names.shown(path)})", detail=why)
        for name, why in sorted(past.unread.items())
        if name not in named
    ]


def _in_vault(past: Past, held: Held, path: str) -> _Side:
    return _Side(held.point.commit.id, past.files(held, path), held)


def _on_disk(context: Context, vault: VaultSettings, path: str, also: Collection[str]) -> _Side:
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
    scan = files.scan({})
    held = {f"{root}/{one}": error for one, error in _held(scan, relative).items()}
    there = (f"{root}/{one}" for one in scan.files)
    found: dict[str, bytes] = {}
    for one in {*also, *(one for one in there if one.startswith(f"{path}/"))}:
        if _covers(held, one):
            continue
        try:
            present = files.present(split_root(one)[1])
        except FileError as error:
            held[one] = error
            continue
        if present:
            found[one] = present[0]
    return _Side(DISK, found, held=held)


def _held(scan: Scan, folder: str) -> dict[str, FileError]:
    """Return of what in a folder nothing can be said. Raises that of the folder, if it is one."""
    prefix = f"{folder}/" if folder else ""
    held: dict[str, FileError] = {}
    for one, error in scan.held.items():
        if not one or (one.endswith("/") and prefix.startswith(one)):
            # Of none of it: least of all that it is not there.
            raise error
        if one.startswith(prefix):
            held[one] = error
    return held


def _covers(held: Iterable[str], path: str) -> bool:
    """Tell whether a file is among these, or in one of these folders."""
    return any(path == one or (one.endswith("/") and path.startswith(one)) for one in held)


def _may(past: Past, path: str, one: _Side, other: _Side) -> bool:
    """Tell whether a file may differ, before anything is fetched."""
    if _covers(one.held, path) or _covers(other.held, path):
        return False
    before, after = one.files.get(path), other.files.get(path)
    if isinstance(before, Version) and isinstance(after, Version):
        return (before.name, before.blobs) != (after.name, after.blobs)
    digest = one.digest(past, path)
    return digest is None or digest != other.digest(past, path)


def _differences(
    past: Past, one: _Side, other: _Side
) -> tuple[tuple[Difference, ...], list[FileError]]:
    """Return the files that differ, and why others cannot be compared."""
    due = [path for path in sorted({*one.files, *other.files}) if _may(past, path, one, other)]
    for side in (one, other):
        found = (side.files.get(path) for path in due)
        past.fetch(version for version in found if isinstance(version, Version))
    files: list[Difference] = []
    broken: list[FileError] = []
    for path in due:
        try:
            difference = _difference(past, path, one, other)
        except ObjectBrokenError as error:
            broken.append(error)
        else:
            files += [difference] if difference else []
    return tuple(files), broken


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
    old, new = ((content or b"").split(b"\n") for content in (before, after))
    ends = [lines.pop() for lines in (old, new)]
    # The last line without an end is another line than the same one with it.
    for lines, end in zip((old, new), ends, strict=True):
        if end:
            lines.append(end + NO_NEWLINE)
    here, there = ("/dev/null" if content is None else path for content in (before, after))
    head = (f"--- {here}\t{one[:12]}", f"+++ {there}\t{other[:12]}")
    return (*head, *(part for line in hunks(old, new) for part in line.decode().split("\n")))

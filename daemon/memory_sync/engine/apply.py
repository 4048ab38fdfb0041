"""The actions that change local files: download, delete, merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from memory_sync.engine.copies import COPY_MODE, keep_copy
from memory_sync.engine.fetch import Fetcher, Wanted
from memory_sync.engine.kit import Keys, Kit
from memory_sync.engine.local import Looked, flush
from memory_sync.errors import (
    DiskFullError,
    FileChangedError,
    FileError,
    FileTooLargeError,
    HaltError,
    MemorySyncError,
    ObjectBrokenError,
    RootBusyError,
)
from memory_sync.model import Action, BaseFile, FileVersion, Kind, RemoteFile, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.sync.ignores import IGNORE_FILE
from memory_sync.sync.merge import Merged, both, merge
from memory_sync.vault.objects import Decoded, object_name

ORDER = (Kind.DELETE_LOCAL, Kind.DOWNLOAD, Kind.MERGE, Kind.MERGE_DOWN, Kind.OVERRULE)
"""Deletes come first, so that a file makes room where a folder comes, and the other way round."""


SAVED_AT_ONCE = 64
"""Files after which their rows are stored: a kill leaves no more without."""


@dataclass
class Applied:
    """What was done: new rows of the base, what has to go up now, and what went wrong."""

    base: dict[str, BaseFile | None] = field(default_factory=dict)
    uploads: dict[str, FileVersion] = field(default_factory=dict)
    down: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    errors: dict[str, MemorySyncError] = field(default_factory=dict)
    again: bool = False


class Applier:
    """Carries out the local actions of one plan."""

    def __init__(self, kit: Kit, fetcher: Fetcher, keys: Keys, looked: Looked) -> None:
        self._kit = kit
        self._fetcher = fetcher
        self._keys = keys
        self._looked = looked
        self._remote = dict(fetcher.snapshot.objects.values())
        self._base: Mapping[str, BaseFile] = kit.state.base()
        self._includes = kit.state.includes()
        self._established = kit.state.established()
        self._fetched: dict[Wanted, Decoded | str] = {}
        self._done = Applied()
        self._saved = 0

    def run(self, actions: tuple[Action, ...]) -> Applied:
        """Carry out deletes, then downloads, then merges; an error stops only its own path."""
        deeds: dict[Kind, Callable[[Action], None]] = {
            Kind.DELETE_LOCAL: self._delete,
            Kind.DOWNLOAD: self._download,
            Kind.MERGE: self._merge,
            Kind.MERGE_DOWN: self._merge,
            Kind.OVERRULE: self._overrule,
        }
        self._prefetch(actions)
        actions = self._sure_of(actions)
        self._kit.state.note_downloads(
            {action.path: base_of(self._remote[action.path]) for action in actions
             if action.kind is Kind.DOWNLOAD}
        )  # fmt: skip
        try:
            for action in sorted(actions, key=lambda action: ORDER.index(action.kind)):
                self._do(action, deeds[action.kind])
                if len(self._done.base) >= self._saved + SAVED_AT_ONCE:
                    self._save()
        finally:
            self._save()
        return self._done

    def _sure_of(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """Record the base of what a note alone tells of, before the next note takes its place.

        A step that was cut short has written the file and has not recorded it. What cannot be made
        durable keeps its note, and waits.
        """
        told = {
            action.path: known[1]
            for action in actions
            if (known := self._includes.get(action.path)) and known[0] == action.local
        }
        unsure = flush(self._kit, told)
        rows = {path: row for path, row in told.items() if path not in unsure}
        self._kit.state.save_base(rows)
        self._base = {**self._base, **rows}
        self._done.again = self._done.again or bool(unsure)
        return tuple(action for action in actions if action.path not in unsure)

    def _do(self, action: Action, deed: Callable[[Action], None]) -> None:
        self._kit.beat()
        try:
            deed(action)
        except FileChangedError:
            self._done.again = True
            self._kit.state.drop_glance(action.path)
        except (FileError, HaltError, RootBusyError, DiskFullError) as error:
            self._done.errors[action.path] = error

    def _save(self) -> None:
        """Store the rows of what was done since the last time: its bytes are durable."""
        rows = list(self._done.base.items())[self._saved :]
        self._kit.state.save_base(dict(rows))
        self._saved += len(rows)

    def _delete(self, action: Action) -> None:
        root, relative = split_root(action.path)
        self._kit.roots[root].files.remove(relative, action.local or "")
        self._done.base[action.path] = None
        self._done.down.append(action.path)

    def _download(self, action: Action) -> None:
        root, relative = split_root(action.path)
        file = self._fitting(action.path)
        content = self._content(action.path, file)
        self._kit.roots[root].files.write(
            relative, content, mode=file.version.mode, expect=action.local
        )
        self._done.base[action.path] = base_of(file)
        self._done.down.append(action.path)

    def _merge(self, action: Action) -> None:
        """Write the merge, then let the base be the remote's version: the rest is a local edit.

        The losing side of a conflict is durable in `.conflicts` before the file changes. Either
        goes up, unless the root only receives.
        """
        root, relative = split_root(action.path)
        files = self._kit.roots[root].files
        file = self._fitting(action.path)
        mine = files.read(relative, action.local or "")
        theirs = self._content(action.path, file)
        was = self._base_content(action.path, root)
        cap = self._kit.roots[root].merge_cap(relative)
        # Conflict copies that meet at one name (two devices have the same) stay as they are.
        result = merge(was, mine, theirs, cap=cap) if root != CONFLICTS else Merged(theirs, True)
        if result.conflict and relative == IGNORE_FILE and (rules := both(mine, theirs)):
            # A rule in a conflict copy is heeded by nobody: what it is about would be sent.
            result = Merged(rules, conflict=False)
        version = self._looked.files[action.path]
        if result.conflict:
            self._keep(action, version, mine, base=was if root != CONFLICTS else None)
        digest = sha256(result.content).hexdigest()
        if digest != action.local:
            self._kit.state.note_merge(action.path, digest, base_of(file))
            files.write(relative, result.content, mode=version.mode, expect=action.local)
        self._done.base[action.path] = base_of(file)
        self._done.merged.append(action.path)
        if digest != action.remote and action.kind is Kind.MERGE:
            size = len(result.content)
            self._done.uploads[action.path] = FileVersion(
                digest, size, version.mode, int(self._kit.clock.now())
            )

    def _overrule(self, action: Action) -> None:
        """Let this side go up; the vault's is durable in `.conflicts` before that."""
        file = self._remote[action.path]
        content = self._content(action.path, file)
        was = self._base_content(action.path, split_root(action.path)[0])
        self._keep(action, file.version, content, base=was, writer=file.device)
        self._done.uploads[action.path] = self._looked.files[action.path]

    def _keep(
        self,
        action: Action,
        version: FileVersion,
        content: bytes,
        *,
        base: bytes | None,
        writer: str = "",
    ) -> None:
        """Put the losing side of a conflict into `.conflicts`, unless the vault has it already.

        `writer` is the device that wrote it, where that is the vault's own version.
        """
        now = {other: known.digest for other, known in self._looked.files.items()}
        now |= {other: row.digest if row else "" for other, row in self._done.base.items()}
        taken = self._looked.files.keys() | self._remote.keys()
        place = keep_copy(
            self._kit,
            action.path,
            version,
            content,
            now=now,
            taken=taken,
            base=base,
            writer=writer,
        )
        if place:
            mode, mtime = COPY_MODE, version.mtime
            if action.kind is not Kind.MERGE_DOWN:
                self._done.uploads[place] = FileVersion(version.digest, version.size, mode, mtime)
            self._done.conflicts.append(place)

    def _prefetch(self, actions: tuple[Action, ...]) -> None:
        """Fetch together what the actions need and a former step has not left in the spool."""
        wanted: list[Wanted] = []
        for action in actions:
            name = object_name(self._keys.derived.names, action.path)
            file, row = self._remote.get(action.path), self._base_row(action.path)
            kept = action.kind is Kind.OVERRULE
            fits = file and (kept or file.version.size <= self._limit(action.path))
            if file and fits and self._kit.spool.get(file.version.digest) is None:
                wanted.append((name, tuple(part.blob for part in file.parts)))
            if row and action.kind in (Kind.MERGE, Kind.MERGE_DOWN, Kind.OVERRULE):
                wanted += [(one, row.blobs) for one in (name, *self._former_names(action.path))]
        self._fetched = self._fetcher.prefetch(wanted, self._keys)

    def _former_names(self, path: str) -> list[str]:
        """Name the objects that had this file's contents before its root was renamed."""
        root, relative = split_root(path)
        names = self._keys.derived.names
        former = self._kit.roots[root].formerly
        return [object_name(names, f"{old}/{relative}") for old in former]

    def _fitting(self, path: str) -> RemoteFile:
        """Return the vault's file. Raises FileTooLargeError for one that is not synced here."""
        file, limit = self._remote[path], self._limit(path)
        if file.version.size > limit:
            raise FileTooLargeError(path=path, size=file.version.size, limit=limit)
        return file

    def _limit(self, path: str) -> int:
        return self._kit.roots[split_root(path)[0]].max_size

    def _content(self, path: str, file: RemoteFile) -> bytes:
        kept = self._kit.spool.get(file.version.digest)
        if kept is not None:
            return kept
        name = object_name(self._keys.derived.names, path)
        reason = self._fetched.get((name, tuple(part.blob for part in file.parts)))
        detail = reason if isinstance(reason, str) else "it is not what it was"
        raise ObjectBrokenError(path=path, detail=detail)

    def _base_row(self, path: str) -> BaseFile | None:
        """Return what was last the same, as far as it is known; a merge's note is the newest."""
        digest, remote = self._includes.get(path, ("", None))
        here = self._looked.files.get(path)
        if remote and here and here.digest == digest:
            return remote
        return self._base.get(path) or self._kit.state.former(path)

    def _base_content(self, path: str, root: str) -> bytes | None:
        """Fetch what was last the same; None if that is not known (any more).

        A path that is new on both sides of a root in sync began as an empty file.
        """
        row = self._base_row(path)
        if row is None:
            return b"" if root in self._established else None
        return self._kit.spool.get(row.digest)


def base_of(file: RemoteFile) -> BaseFile:
    """Make the base row of a file that is now the same on both sides."""
    return BaseFile(file.version.digest, tuple(part.blob for part in file.parts))

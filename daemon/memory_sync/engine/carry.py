"""A root that has another name now: what the vault and the base hold under the former one follows.

Nothing is noted of it. Each step is made from what is there: objects under the former name are to
be carried over, rows of the base whose objects are gone from there are to be moved. So a kill
leaves a part of it done, and the next cycle does the rest; so does another device that has the new
name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from memory_sync.engine.copies import COPY_MODE
from memory_sync.engine.fetch import Fetched, Fetcher
from memory_sync.engine.kit import Keys, Kit
from memory_sync.engine.push import Batch, Pushed, Pusher
from memory_sync.engine.secrets import Findings
from memory_sync.errors import FileNameError, ObjectBrokenError, RecipientPluginError
from memory_sync.model import BaseFile, FileVersion, RemoteFile, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.state import Snapshot
from memory_sync.vault.archive import bounded_time
from memory_sync.vault.keys import CipherError
from memory_sync.vault.objects import Encoded, encode, object_name
from memory_sync.vault.paths import PathError, check, conflict_path

KNOWN_ROOTS = "roots"
"""Where the state has the roots that the vault had when all was well last."""


def renamed(path: str, former: Mapping[str, str]) -> str | None:
    """Return what a path of the vault is called now, None if it is under no former name."""
    root, relative = split_root(path)
    if root == CONFLICTS:
        inner, rest = split_root(relative)
        return f"{CONFLICTS}/{former[inner]}/{rest}" if inner in former else None
    return f"{former[root]}/{relative}" if root in former else None


class Carrier(Pusher):
    """Carries what lies under former names to the new ones, as the vault has it.

    All is sent before anything is taken away, and that goes as one: another device sees a root that
    is whole, or one that is gone.
    """

    deletes_at_once = True

    def __init__(self, kit: Kit, fetcher: Fetcher, keys: Keys, findings: Findings) -> None:
        super().__init__(kit, fetcher, keys, findings)
        # Of a root that is only fetched nothing goes up, so the vault keeps its names.
        up = {name for name, root in kit.roots.items() if root.direction != "pull"}
        self._there = dict(fetcher.snapshot.objects.values())
        # Known under the new name, and nothing is left of that: another device named it back.
        roots = {split_root(path)[0] for path in self._there}
        back = {split_root(path)[0] for path in kit.state.base()} - roots
        former = {old: new for old, new in kit.former.items() if new in up and new not in back}
        self._old = {path: new for path in self._there if (new := renamed(path, former))}
        self._sources: dict[str, str] = {}
        self._taken = {path: file.version.digest for path, file in self._there.items()}

    @property
    def due(self) -> bool:
        """Tell whether there is anything to carry."""
        return bool(self._old)

    def carry(self) -> Pushed:
        """Carry all of it, or, where a name does not fit the format, nothing. Raises Moved."""
        uploads = {}
        base = self._kit.state.base()
        for path, new in sorted(self._old.items()):
            try:
                check(new)
            except PathError as error:
                self.done.errors[path] = FileNameError(path=path, detail=str(error))
                continue
            row = base.get(new)
            version = self._there[path].version
            if row and row.digest == version.digest and new in self._there:
                continue  # the new name's file came from just this one
            if place := self._place_of(path, new):
                self._keep_base(path, place)
                self._sources[place], self._taken[place] = path, version.digest
                mode = version.mode if place == new else COPY_MODE
                uploads[place] = FileVersion(version.digest, version.size, mode, version.mtime)
        if self.done.errors:
            return self.done
        self._read()
        return self.run(uploads, list(self._old))

    def _place_of(self, path: str, new: str) -> str | None:
        """Return where a content goes, None if it is there already.

        What another content has the name of becomes a conflict copy: nothing tells which is newer.
        """
        file = self._there[path]
        digest = file.version.digest
        place = new
        for number in range(1, 100):
            if self._taken.get(place, digest) == digest:
                return None if place in self._taken else place
            place = _copy_of(new, file, self._kit.device, number)
        return place

    def _keep_base(self, path: str, place: str) -> None:
        """Let what a conflict copy began with be known of it under its new name."""
        bases, digest = self._kit.bases, self._there[path].version.digest
        if bases and split_root(path)[0] == CONFLICTS:
            base = bases.get(split_root(path)[1], digest)
            if base is not None:
                bases.put(split_root(place)[1], digest, base)

    def _read(self) -> None:
        """Fetch what is to be carried; the contents stay in the spool."""
        names = self._keys.derived.names
        wanted = [
            (object_name(names, path), tuple(part.blob for part in self._there[path].parts))
            for path in sorted(self._sources.values())
            if self._kit.spool.get(self._there[path].version.digest) is None
        ]
        if wanted:
            self._fetcher.prefetch(wanted, self._keys)

    def _encode(self, path: str, version: FileVersion) -> Encoded | None:
        """Encrypt a content of the vault under its new path."""
        self._kit.beat()
        source = self._sources[path]
        content = self._kit.spool.get(version.digest)
        if content is None:
            detail = "a part of it is missing, or not what it should be"
            self.done.errors[source] = ObjectBrokenError(path=source, detail=detail)
            return None
        try:
            return encode(
                self._keys.derived.names,
                self._keys.cipher,
                path,
                content,
                mode=version.mode,
                mtime=version.mtime,
                device=self._there[source].device,
            )
        except CipherError as error:
            raise RecipientPluginError(vault=self._kit.vault, detail=error) from None

    def _ready(self, deletes: Iterable[str], skipped: set[str]) -> list[str]:
        """Take all away, or nothing: half a root would look as if the rest had been deleted."""
        return [] if skipped or self.done.errors else list(deletes)

    def _rows(self, batch: Batch) -> tuple[dict[str, BaseFile | None], set[str]]:  # noqa: ARG002 - whichever
        """Record nothing: what this device's files are to it is told by `settle`."""
        return {}, set()


def _copy_of(new: str, file: RemoteFile, device: str, number: int) -> str:
    """Name a conflict copy of a content that has no place; `number` tells several apart."""
    root, relative = split_root(new)
    if root == CONFLICTS:
        path, _, name = relative.rpartition("/")
        stamp, _, device = name.partition("-")
    else:
        path = new
        when = datetime.fromtimestamp(bounded_time(file.version.mtime), UTC)
        stamp, device = when.strftime("%Y%m%dT%H%M%SZ"), file.device or device
        if number == 1:
            return conflict_path(path, stamp, device)
    return conflict_path(path, stamp, f"{device[:60]}-{number + 1}")


def settle(kit: Kit, fetched: Fetched) -> None:
    """Move what is known under former names to the new ones, as far as the vault has followed."""
    there: dict[str, RemoteFile] = {}
    for old, new in kit.former.items():
        base = {p: row for p, row in kit.state.base().items() if split_root(p)[0] == old}
        if not base and kit.state.get(f"folder:{old}") is None:
            continue
        there = there or dict(fetched.snapshot.objects.values())
        rows, sure = _moved(kit, fetched, base, there, new)
        notes = kit.state.includes()
        with kit.state.transaction():
            kit.state.save_base(rows)
            for path in base.keys() & notes.keys() & rows.keys():
                kit.state.note_merge(f"{new}/{split_root(path)[1]}", *notes[path])
            kit.state.move_root(old, new, established=sure)


def _moved(
    kit: Kit,
    fetched: Fetched,
    base: Mapping[str, BaseFile],
    there: Mapping[str, RemoteFile],
    new: str,
) -> tuple[dict[str, BaseFile | None], bool]:
    """Return the rows that are due, and whether none of them was given up or has to wait.

    Where the new name's files are not surely those of the old one, only a row of the same content
    is moved: the others go, so that both sides are united.
    """
    pairs = {path: f"{new}/{split_root(path)[1]}" for path in base}
    found = {path: there[to] for path, to in pairs.items() if to in there}
    same = {path for path, file in found.items() if file.version.digest == base[path].digest}
    alike = found if _new_here(kit, new) else same
    successor = 2 * len(alike) > len(base)
    names, known = fetched.keys.derived.names, kit.state.base()
    rows: dict[str, BaseFile | None] = {}
    sure = True
    for path, to in pairs.items():
        left = path in there or object_name(names, path) in fetched.snapshot.broken
        if left and path not in same:
            sure = False
            continue  # it was not carried over yet
        rows[path] = None
        if to in known:
            continue
        if path in same:
            blobs = tuple(part.blob for part in found[path].parts)
            rows[to] = BaseFile(base[path].digest, blobs)
        elif successor:
            rows[to] = base[path]
        else:
            sure = False
    return rows, sure


def successors(kit: Kit, base: Mapping[str, str], remote: Mapping[str, str]) -> dict[str, str]:
    """Find roots of this device that seem to be called something else in the vault now.

    Nothing is left of them there, and most of what was known is under one other name: one that is
    new, or with the contents that were known. `base` and `remote` are digests by path. Answers with
    the new names by the old ones.
    """
    roots = {split_root(path)[0] for path in remote}
    gone = kit.roots.keys() - roots - {CONFLICTS}
    known: dict[str, dict[str, str]] = {root: {} for root in gone}
    for path, digest in base.items():
        root, relative = split_root(path)
        if root in gone:
            known[root][relative] = digest
    others = sorted(roots - kit.roots.keys() - {CONFLICTS})
    found = {}
    for root, files in known.items():
        for by_name in (False, True):
            likely = [
                other
                for other in others
                if 2 * _fitting(files, remote, other, new=by_name and _new_here(kit, other))
                > len(files)
            ]
            if likely:
                # Of several it is not known which: all the same it was not deleted.
                found[root] = likely[0] if len(likely) == 1 else ""
            if len(likely) == 1:
                break
    return found


def _fitting(files: Mapping[str, str], remote: Mapping[str, str], root: str, *, new: bool) -> int:
    """Count the files that are under another root: of a new one by name, else by content."""
    copies = {
        (path.rpartition("/")[0], digest)
        for path, digest in remote.items()
        if path.startswith(f"{CONFLICTS}/{root}/")
    }
    there = (
        (digest, remote.get(f"{root}/{path}"), f"{CONFLICTS}/{root}/{path}")
        for path, digest in files.items()
    )
    return sum(
        (found is not None and (new or found == digest)) or (copy, digest) in copies
        for digest, found, copy in there
    )


def _new_here(kit: Kit, root: str) -> bool:
    """Tell whether the vault had no root of this name when all was well last."""
    text = kit.state.get(KNOWN_ROOTS)
    return text is not None and root not in json.loads(text)


def remember_roots(kit: Kit, snapshot: Snapshot) -> None:
    """Note which roots the vault has, where all is well."""
    roots = {split_root(path)[0] for path, _ in snapshot.objects.values()}
    kit.state.put(KNOWN_ROOTS, json.dumps(sorted(roots - {CONFLICTS})))

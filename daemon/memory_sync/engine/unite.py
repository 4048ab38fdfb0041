"""Two trees of one vault that went apart, as one: nothing of either side is lost.

It works on objects, not on files, so that roots which this device does not have are in it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from memory_sync.engine.copies import COPY_MODE
from memory_sync.engine.fetch import Fetcher
from memory_sync.engine.kit import Keys, Kit
from memory_sync.errors import MemorySyncError
from memory_sync.model import Entry, Listing, RemoteFile, split_root
from memory_sync.model.remote import FILE_MODE
from memory_sync.model.trees import CONFLICTS
from memory_sync.vault.archive import bounded_time
from memory_sync.vault.objects import Decoded, encode, object_name, objects_in, part_path
from memory_sync.vault.paths import conflict_path

SUFFIX = ".age"
Blobs = tuple[str, ...]


def groups(listing: Listing) -> dict[str, dict[str, Entry]]:
    """Sort the files of objects by the object that they are parts of, whole or not."""
    found: dict[str, dict[str, Entry]] = {}
    for path, entry in listing.items():
        if path.startswith("objects/"):
            found.setdefault(path.partition(SUFFIX)[0] + SUFFIX, {})[path] = entry
    return found


class Union:
    """Unites an accepted tree with the one that stands in its place.

    `listing` are all objects that are to be there, `writes` the contents of those that were made
    anew, `lost` the paths of versions that nobody has.
    """

    def __init__(self, kit: Kit, fetcher: Fetcher, keys: Keys) -> None:
        self._kit = kit
        self._fetcher = fetcher
        self._keys = keys
        self.listing: dict[str, Entry] = {}
        self.writes: dict[str, bytes] = {}
        self.lost: set[str] = set()

    def unite(self, mine: Listing, theirs: Listing, common: Listing) -> None:
        """Take over what only one side has or has changed; where both have, theirs stays.

        Then this side's version becomes a conflict copy. `common` is the tree from which both came,
        empty if nobody has it. What one side has deleted stays.
        """
        here, there, before = groups(mine), groups(theirs), groups(common)
        both = []
        united = dict(there)
        for name, parts in here.items():
            others = there.get(name)
            if others is None or others == before.get(name):
                united[name] = parts
            elif others != parts and parts != before.get(name):
                both.append(name)
        self.listing = {path: entry for parts in united.values() for path, entry in parts.items()}
        self._keep_copies(both, objects_in(mine)[0], objects_in(theirs)[0])

    def _keep_copies(
        self, names: list[str], here: Mapping[str, Blobs], there: Mapping[str, Blobs]
    ) -> None:
        """Keep this side's versions of objects that both have changed."""
        wanted = [(name, side[name]) for name in names for side in (here, there) if name in side]
        found = self._fetcher.prefetch(wanted, self._keys) if wanted else {}
        for name in names:
            path, file = self._version(name, found.get((name, here.get(name, ()))))
            other = found.get((name, there.get(name, ())))
            if isinstance(other, Decoded) and file and _same(other.file, file):
                continue
            content = self._content(path, file) if file else None
            if file is None or content is None:
                self.lost.add(path)
            else:
                self._place(_lost_side_of(path), file, content)

    def _version(self, name: str, found: Decoded | str | None) -> tuple[str, RemoteFile | None]:
        """Return path and description of this side's version, as the remote or this device has."""
        if isinstance(found, Decoded):
            return found.path, found.file
        return self._fetcher.snapshot.objects.get(name, (name, None))

    def _content(self, path: str, file: RemoteFile) -> bytes | None:
        """Return a version's content: as it was fetched, or from this device's own file."""
        content = self._kit.spool.get(file.version.digest)
        return read_here(self._kit, path, file) if content is None else content

    def _place(self, path: str, file: RemoteFile, content: bytes) -> None:
        """Make the conflict copy of a version; the device is the one that wrote it."""
        names = self._keys.derived.names
        when = datetime.fromtimestamp(bounded_time(file.version.mtime), UTC)
        stamp, device = when.strftime("%Y%m%dT%H%M%SZ"), file.device or self._kit.device
        place = conflict_path(path, stamp, device)
        for number in range(2, 100):
            if part_path(object_name(names, place), 0) not in self.listing:
                break
            place = conflict_path(path, stamp, f"{device[:60]}-{number}")
        encoded = encode(
            names,
            self._keys.cipher,
            place,
            content,
            mode=COPY_MODE,
            mtime=file.version.mtime,
            device=device,
        )
        for index, part in enumerate(encoded.file.parts):
            self.listing[part_path(encoded.name, index)] = Entry(FILE_MODE, part.blob)
            self.writes[part_path(encoded.name, index)] = encoded.new_blobs[part.blob]


def _lost_side_of(path: str) -> str:
    """Return the path that a conflict copy is about; of any other path, the path itself."""
    root, relative = split_root(path)
    return relative.rpartition("/")[0] if root == CONFLICTS else path


def read_here(kit: Kit, path: str, file: RemoteFile) -> bytes | None:
    """Read a version of a file from this device's own files, if it is still the same there."""
    root, relative = split_root(path)
    if root not in kit.roots:
        return None
    with suppress(MemorySyncError):
        return kit.roots[root].files.read(relative, file.version.digest)
    return None


def _same(one: RemoteFile, other: RemoteFile) -> bool:
    return one.version.digest == other.version.digest

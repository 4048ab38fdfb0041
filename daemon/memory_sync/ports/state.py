"""The state database of one vault (SQLite): the remote's listing, the base, and what spares work.

All of it can be built anew: without a base the two sides are united and nothing is deleted. So a
database that is corrupt is set aside; what must never be forgotten lies beside the key instead.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

from memory_sync.config.durable import make_private_folder
from memory_sync.errors import DiskFullError, StateBusyError, StateNewerError, StateUnusableError
from memory_sync.model import BaseFile, Entry, FileVersion, Part, RemoteFile, split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.files import Glance
from memory_sync.ports.schema import MIGRATIONS
from memory_sync.sync.guards import Alarm, Guard

T = TypeVar("T")
SENT = 32
"""Commits without an answer that are kept in mind, at the most."""
OF_A_VAULT = (
    *("meta", "listing", "object", "broken", "base", "glance", "accepted", "includes"),
    *("established", "suspect", "alarm", "history", "former"),
)
"""The tables that mean nothing for another vault: all."""
FULL_BELOW = 256 * 1024
"""Free bytes below which a write that failed is taken to have failed for want of space."""
NOT_CORRUPT = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class Broken:
    """An object that could not be read: its parts' blobs, and why."""

    blobs: tuple[str, ...]
    detail: str


@dataclass(slots=True)
class Snapshot:
    """The vault as it was accepted last; `head` is the commit that the next one is made on.

    `objects` maps object names to the path and the file; `broken` those that could not be read.
    """

    head: str = ""
    listing: dict[str, Entry] = field(default_factory=dict)
    objects: dict[str, tuple[str, RemoteFile]] = field(default_factory=dict)
    broken: dict[str, Broken] = field(default_factory=dict)


class State:
    """One connection; used by one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._db = connection
        self._path = path

    @classmethod
    def open(cls, path: Path | None, *, migrations: tuple[str, ...] = MIGRATIONS) -> State:
        """Open the database, or make it; None is one in memory, for tests.

        A corrupt file is set aside as `<name>.corrupt-<n>`. Raises StateNewerError, StateBusyError.
        """
        if path:
            make_private_folder(path.parent)
        try:
            return cls._open(path, migrations)
        except sqlite3.OperationalError as error:
            raise _translated(error, path) from None
        except OSError as error:
            raise StateUnusableError(path=path, detail=error.strerror) from None
        except sqlite3.DatabaseError:
            if path is None:
                raise
            _set_aside(path)
            return cls._open(path, migrations)

    @classmethod
    def _open(cls, path: Path | None, migrations: tuple[str, ...]) -> State:
        if path:
            path.touch(mode=0o600)
        db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=5)
        try:
            _prepare(db, path, migrations)
        except BaseException:
            db.close()
            raise
        return cls(db, path)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @property
    def version(self) -> int:
        """The schema's version."""
        version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        return version

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all that is written inside one change, durable at the end, or none."""
        if self._db.in_transaction:
            yield
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise _translated(error, self._path) from None
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    # --- meta ---

    def get(self, key: str) -> str | None:
        """Return a remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def put(self, key: str, value: str | None) -> None:
        """Remember a value; None forgets it."""
        if self.get(key) == value:
            return
        with self.transaction():
            if value is None:
                self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
            else:
                self._db.execute("REPLACE INTO meta VALUES (?, ?)", (key, value))

    # --- the remote tree ---

    def snapshot(self) -> Snapshot:
        """Load the remote as it was accepted last.

        A text that is there many times, such as a mode or a device, is kept once; so is one that
        listing and objects have in common.
        """
        shot = Snapshot(self.get("head") or "")
        seen: dict[str, str] = {}

        def once(text: str) -> str:
            return seen.setdefault(text, text)

        for path, mode, blob in self._db.execute("SELECT path, mode, id FROM listing"):
            place = once(path.decode("utf-8", "surrogateescape"))
            shot.listing[place] = Entry(once(mode), once(blob))
        for name, path, digest, size, mode, mtime, device, parts in self._db.execute(
            "SELECT name, path, digest, size, mode, mtime, device, parts FROM object"
        ):
            version = FileVersion(digest, size, mode, mtime)
            pieces = tuple(Part(once(blob), plain) for blob, plain in json.loads(parts))
            shot.objects[once(name)] = (path, RemoteFile(version, once(device), pieces))
        for name, blobs, detail in self._db.execute("SELECT name, blobs, detail FROM broken"):
            shot.broken[name] = Broken(tuple(json.loads(blobs)), detail)
        return shot

    def save_snapshot(self, old: Snapshot, new: Snapshot) -> None:
        """Store a snapshot in the place of another; only what differs is written."""
        with self.transaction():
            gone, fresh = _difference(old.listing, new.listing)
            self._delete("listing", "path", map(_raw, gone))
            self._write(
                "REPLACE INTO listing VALUES (?, ?, ?)",
                ((_raw(path), entry.mode, entry.id) for path, entry in fresh.items()),
            )
            lost, found = _difference(old.objects, new.objects)
            self._delete("object", "name", lost)
            self._write(
                "REPLACE INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (_object_row(name, path, file) for name, (path, file) in found.items()),
            )
            mended, broken = _difference(old.broken, new.broken)
            self._delete("broken", "name", mended)
            self._write(
                "REPLACE INTO broken VALUES (?, ?, ?)",
                ((name, json.dumps(item.blobs), item.detail) for name, item in broken.items()),
            )
            self._write(
                "INSERT OR IGNORE INTO history VALUES (?, ?)",
                ((file.version.digest, path) for path, file in found.values()),
            )
            self.put("head", new.head)

    def in_history(self, digest: str, path: str) -> bool:
        """Tell whether the vault had a content at a path once, or as a conflict copy of it.

        As far as this device has seen.
        """
        rows = self._db.execute("SELECT path FROM history WHERE digest = ?", (digest,))
        before = f"{CONFLICTS}/{path}/"
        return any(row[0] == path or row[0].startswith(before) for row in rows)

    def _delete(self, table: str, key: str, values: Iterable[str | bytes]) -> None:
        # The names of table and column are words of this module, never input.
        statement = f"DELETE FROM {table} WHERE {key} = ?"  # noqa: S608
        self._write(statement, ((value,) for value in values))

    def _write(self, statement: str, rows: Iterable[tuple[str | int | bytes, ...]]) -> None:
        """Run a statement for each row; most often there is none, which costs nothing."""
        found = list(rows)
        if found:
            self._db.executemany(statement, found)

    # --- the base tree ---

    def base(self) -> dict[str, BaseFile]:
        """Load the base tree."""
        rows = self._db.execute("SELECT path, digest, blobs FROM base")
        return {path: BaseFile(digest, tuple(json.loads(blobs))) for path, digest, blobs in rows}

    def save_base(self, changes: Mapping[str, BaseFile | None]) -> None:
        """Store new rows of the base; None removes one."""
        if not changes:
            return
        with self.transaction():
            self._delete("includes", "path", changes)
            self._delete("former", "path", (path for path, file in changes.items() if file))
            self._delete("base", "path", (path for path, file in changes.items() if file is None))
            self._write(
                "REPLACE INTO base VALUES (?, ?, ?)",
                (
                    (path, file.digest, json.dumps(file.blobs))
                    for path, file in changes.items()
                    if file is not None
                ),
            )

    def note_sent(self, seal: str, rows: Mapping[str, BaseFile | None]) -> None:
        """Note a commit before it is sent: its seal and its rows of the base.

        If its answer is lost, the chain tells by the seal whether it landed.
        """
        files = {path: file and [file.digest, file.blobs] for path, file in rows.items()}
        sent = json.loads(self.get("sent") or "[]")
        self.put("sent", json.dumps([*sent[-SENT:], [seal, files]]))

    def sent(self) -> dict[str, dict[str, BaseFile | None]]:
        """Return the base rows of the commits whose answers never came, by seal, oldest first."""
        return {
            seal: {path: file and BaseFile(file[0], tuple(file[1])) for path, file in files.items()}
            for seal, files in json.loads(self.get("sent") or "[]")
        }

    def forget_sent(self) -> None:
        """Wait no more for the answer of any commit."""
        self.put("sent", None)

    def keep_former(self, paths: Iterable[str]) -> None:
        """Keep the rows of paths that are not synced any more for a merge, and for nothing else.

        Taken up again, such a path is new on both sides; but what they once had in common is known.
        """
        known = list(paths)
        if not known:
            return
        with self.transaction():
            self._write(
                "REPLACE INTO former SELECT path, digest, blobs FROM base WHERE path = ?",
                ((path,) for path in known),
            )

    def former(self, path: str) -> BaseFile | None:
        """Return what was the base of a path when it was last synced, if that was kept."""
        row = self._db.execute(
            "SELECT digest, blobs FROM former WHERE path = ?", (path,)
        ).fetchone()
        return BaseFile(row[0], tuple(json.loads(row[1]))) if row else None

    def includes(self) -> dict[str, tuple[str, BaseFile]]:
        """Return the merges that may be in a file already: path to its digest and the remote's."""
        rows = self._db.execute("SELECT path, digest, remote, blobs FROM includes")
        return {
            path: (digest, BaseFile(remote, tuple(json.loads(blobs))))
            for path, digest, remote, blobs in rows
        }

    def note_merge(self, path: str, digest: str, remote: BaseFile) -> None:
        """Note that a content of a path includes what the remote has, before it is written there.

        After a crash between the write and the base's row it is not merged into itself.
        """
        with self.transaction():
            row = (path, digest, remote.digest, json.dumps(remote.blobs))
            self._db.execute("REPLACE INTO includes VALUES (?, ?, ?, ?)", row)

    def note_downloads(self, files: Mapping[str, BaseFile]) -> None:
        """Note contents of the vault that are about to be written, by path, as one change.

        After a crash between the write and the base's row they are nobody's edit.
        """
        if not files:
            return
        with self.transaction():
            self._write(
                "REPLACE INTO includes VALUES (?, ?, ?, ?)",
                (
                    (path, file.digest, file.digest, json.dumps(file.blobs))
                    for path, file in files.items()
                ),
            )

    def established(self) -> frozenset[str]:
        """Return the roots that were once wholly in sync: a path without a row is new there."""
        return frozenset(row[0] for row in self._db.execute("SELECT root FROM established"))

    def establish(self, roots: Iterable[str]) -> None:
        """Remember that these roots were wholly in sync."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO established VALUES (?)", ((root,) for root in roots)
            )

    def forget_root(self, root: str) -> None:
        """Drop a root's base, so that its two sides are united and nothing is deleted."""
        with self.transaction():
            pattern = (f"{root}/", f"{root}0")  # "0" follows "/" in ASCII: a range, not a pattern
            self._db.execute("DELETE FROM base WHERE path > ? AND path < ?", pattern)
            self._db.execute("DELETE FROM glance WHERE root = ?", (root,))
            self._db.execute("DELETE FROM former WHERE path > ? AND path < ?", pattern)
            self._db.execute("DELETE FROM established WHERE root = ?", (root,))
            self.put("sent", None)

    def set_aside_root(self, root: str) -> None:
        """Keep the base of a root and of its conflict copies for merges, and for nothing else.

        So nothing is deleted, on either side, for what was in sync before.
        """
        with self.transaction():
            for top in (root, f"{CONFLICTS}/{root}"):
                rows = (f"{top}/", f"{top}0")  # as above
                self._db.execute(
                    "REPLACE INTO former SELECT path, digest, blobs FROM base"
                    " WHERE path > ? AND path < ?",
                    rows,
                )
                self._db.execute("DELETE FROM base WHERE path > ? AND path < ?", rows)
            self._db.execute("DELETE FROM established WHERE root = ?", (root,))
            self.put("sent", None)

    def move_root(self, old: str, new: str, *, established: bool) -> None:
        """Let what is known of a root besides its base be known of it under another name.

        `established` is False where it is not certain that it was wholly in sync under that one.
        """
        with self.transaction():
            if established:
                self._db.execute(
                    "INSERT OR IGNORE INTO established SELECT ? FROM established WHERE root = ?",
                    (new, old),
                )
            self._db.execute("DELETE FROM established WHERE root = ?", (old,))
            self._db.execute("UPDATE OR IGNORE glance SET root = ? WHERE root = ?", (new, old))
            self._db.execute("DELETE FROM glance WHERE root = ?", (old,))
            self._db.execute(
                "UPDATE OR IGNORE former SET path = ? || substr(path, ?)"
                " WHERE path > ? AND path < ?",
                (new, len(old) + 1, f"{old}/", f"{old}0"),
            )
            folder = self.get(f"folder:{old}")
            if self.get(f"folder:{new}") is None:
                self.put(f"folder:{new}", folder)
            self.put(f"folder:{old}", None)

    def forget_paths(self, paths: Iterable[str]) -> None:
        """Drop the base of some paths, so that their sides are united and neither is deleted.

        In their roots no path without a base counts as new until the root is in sync again.
        """
        gone = list(paths)
        with self.transaction():
            self.save_base(dict.fromkeys(gone))
            for root in {path.partition("/")[0] for path in gone}:
                self._db.execute("DELETE FROM established WHERE root = ?", (root,))

    def forget_history(self) -> None:
        """Forget what the vault had once: the commits that had it are no longer its history."""
        with self.transaction():
            self._db.execute("DELETE FROM history")

    # --- what the guards have stopped ---

    def alarms(self) -> dict[str, Alarm]:
        """Load the alarms of the last look, by root."""
        suspects: dict[str, set[str]] = {}
        for root, path in self._db.execute("SELECT root, path FROM suspect"):
            suspects.setdefault(root, set()).add(path)
        return {
            root: Alarm(root, Guard(guard), frozenset(suspects[root]), known, bool(approved))
            for root, guard, known, approved in self._db.execute(
                "SELECT root, guard, known, approved FROM alarm"
            )
        }

    def save_alarms(self, old: Mapping[str, Alarm], new: Mapping[str, Alarm]) -> None:
        """Store the alarms of a look in the place of the last one's."""
        if old == new:
            return
        with self.transaction():
            self._db.execute("DELETE FROM suspect")
            self._db.execute("DELETE FROM alarm")
            self._db.executemany(
                "INSERT INTO alarm VALUES (?, ?, ?, ?)",
                ((a.root, a.guard.value, a.known, int(a.approved)) for a in new.values()),
            )
            self._db.executemany(
                "INSERT INTO suspect VALUES (?, ?)",
                ((alarm.root, path) for alarm in new.values() for path in alarm.suspects),
            )

    # --- the accepted chain ---

    def highest(self) -> int:
        """Return the highest sequence number of a commit that was accepted, 0 for none."""
        row = self._db.execute("SELECT max(n) FROM accepted").fetchone()
        return int(row[0] or 0)

    def belongs_to(self, vault: str) -> bool:
        """Forget everything if it was of another vault than this one (its id); tell whether so."""
        known = self.get("vault")
        if known == vault:
            return False
        with self.transaction():
            for table in OF_A_VAULT if known else ():
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - words of this module
            self.put("vault", vault)
        return known is not None

    def note_accepted(self, commit: str, n: int) -> None:
        """Remember a commit that was accepted."""
        with self.transaction():
            self._db.execute("INSERT OR IGNORE INTO accepted VALUES (?, ?)", (commit, n))

    def was_accepted(self, commit: str) -> bool:
        """Tell whether a commit was accepted once."""
        row = self._db.execute("SELECT 1 FROM accepted WHERE id = ?", (commit,)).fetchone()
        return row is not None

    def accepted_since(self, commit: str) -> list[str]:
        """Return what was accepted after a commit, in its order, or all if that was none of it."""
        row = self._db.execute("SELECT n FROM accepted WHERE id = ?", (commit,)).fetchone()
        above, found = row[0] if row else 0, "SELECT id FROM accepted WHERE n > ? ORDER BY n"
        return [one for (one,) in self._db.execute(found, (above,))]

    # --- glances ---

    def glances(self, root: str) -> dict[str, Glance]:
        """Load what is known of a root's files from the last look."""
        rows = self._db.execute(
            "SELECT path, size, mtime_ns, ctime_ns, inode, mode, digest, settled"
            " FROM glance WHERE root = ?",
            (root,),
        )
        return {
            path: Glance(size, mtime, ctime, int(inode), mode, digest, bool(settled))
            for path, size, mtime, ctime, inode, mode, digest, settled in rows
        }

    def drop_glance(self, path: str) -> None:
        """Forget what was seen of a file (its path in the vault): it is not as it looked."""
        root, relative = split_root(path)
        with self.transaction():
            self._db.execute("DELETE FROM glance WHERE root = ? AND path = ?", (root, relative))

    def save_glances(self, root: str, old: Mapping[str, Glance], new: Mapping[str, Glance]) -> None:
        """Store the glances of a new look; only what differs is written."""
        gone, fresh = _difference(old, new)
        if not gone and not fresh:
            return
        with self.transaction():
            self._db.executemany(
                "DELETE FROM glance WHERE root = ? AND path = ?", ((root, path) for path in gone)
            )
            self._db.executemany(
                "REPLACE INTO glance VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                # An inode may have 64 bits without a sign, more than SQLite's integers hold.
                (
                    (
                        root,
                        path,
                        g.size,
                        g.mtime_ns,
                        g.ctime_ns,
                        str(g.inode),
                        g.mode,
                        g.digest,
                        int(g.settled),
                    )
                    for path, g in fresh.items()
                ),
            )


def _prepare(db: sqlite3.Connection, path: Path | None, migrations: tuple[str, ...]) -> None:
    """Check a database and bring it to the newest schema."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    if found > len(migrations):
        raise StateNewerError(path=path, found=found)
    if found and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("quick_check")
    for version, step in enumerate(migrations[found:], start=found + 1):
        # One transaction for each step: a crash leaves a whole older version.
        db.executescript(f"BEGIN IMMEDIATE; {step}; PRAGMA user_version = {version}; COMMIT;")


def _difference(old: Mapping[str, T], new: Mapping[str, T]) -> tuple[set[str], dict[str, T]]:
    gone = set(old.keys() - new.keys())
    return gone, {key: value for key, value in new.items() if old.get(key) != value}


def _raw(path: str) -> bytes:
    """Return a path as git has it: others' names beside the vault's need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def _object_row(name: str, path: str, file: RemoteFile) -> tuple[str | int, ...]:
    version = file.version
    parts = json.dumps([[part.blob, part.digest] for part in file.parts])
    return (
        name,
        path,
        version.digest,
        version.size,
        version.mode,
        version.mtime,
        file.device,
        parts,
    )


def _translated(error: sqlite3.OperationalError, path: Path | None) -> Exception:
    code = error.sqlite_errorcode & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return DiskFullError(path=path)
    if code in NOT_CORRUPT:
        return StateBusyError(path=path)
    return StateUnusableError(path=path, detail=str(error))


def _is_full(path: Path | None) -> bool:
    """Tell whether the disk is full: where a mapped file cannot grow, SQLite says only "I/O"."""
    try:
        disk = os.statvfs(path.parent if path else "/")
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < FULL_BELOW


def _set_aside(path: Path) -> None:
    """Move a corrupt database out of the way, with what belongs to it."""
    for number in count(1):
        target = path.with_name(f"{path.name}.corrupt-{number}")
        if not target.exists():
            break
    path.replace(target)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

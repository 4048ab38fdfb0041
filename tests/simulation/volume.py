"""What a disk holds: files and folders, which of it is durable, and what a power cut leaves.

The order in which changes of names become durable is the weakest that journaling file systems have:
within one folder in order, between folders in none. A rename from folder to folder is one change.
"""

from __future__ import annotations

import errno
import os
import random
import unicodedata
from typing import TypeAlias

from memory_sync.ports.clock import Clock

LONGEST_NAME = 255


class File:
    """A file, whatever names it has.

    `synced` is the content that no power cut takes, with the times of then; `truncated` tells that
    the file was emptied since, so that not even that must come back.
    """

    __slots__ = (
        "content",
        "ctime_ns",
        "locker",
        "mode",
        "mtime_ns",
        "number",
        "synced",
        "times",
        "truncated",
    )

    def __init__(self, number: int, mode: int, now_ns: int) -> None:
        self.number = number
        self.mode = mode
        self.content = b""
        self.synced = b""
        self.truncated = False
        self.mtime_ns = self.ctime_ns = now_ns
        self.times = (now_ns, now_ns)
        self.locker: object = None

    @property
    def stamp(self) -> tuple[int, int, int]:
        """Size and times: what tells a reader that the file has changed under its hands."""
        return len(self.content), self.mtime_ns, self.ctime_ns


class Folder:
    """A folder: `entries` as they are now, `durable` as they were made durable last.

    `gone` tells that it has no name any more: whoever has it open can make nothing in it.
    """

    __slots__ = ("durable", "entries", "gone", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.gone = False
        self.entries: dict[str, Entry] = {}
        self.durable: dict[str, Entry] = {}


Node: TypeAlias = "File | Folder"
Entry: TypeAlias = "tuple[str, Node]"
Edit: TypeAlias = "tuple[Folder, str, Entry | None]"


def fault(number: int, name: str = "") -> OSError:
    """Make an error of the system: the subclass that belongs to its number."""
    return OSError(number, os.strerror(number), name)


class Volume:
    """A file system without its callers: names, contents, times, durability.

    `ignore_case` and `decompose` make it one that finds names in any case, and one that gives them
    back decomposed (NFD). Times come from the clock in steps of `granularity` seconds.
    """

    def __init__(
        self,
        rng: random.Random,
        clock: Clock,
        *,
        ignore_case: bool = False,
        decompose: bool = False,
        granularity: float = 0.01,
    ) -> None:
        self._rng = rng
        self._clock = clock
        self._ignore_case = ignore_case
        self._decompose = decompose
        self._step_ns = max(1, round(granularity * 1_000_000_000))
        self._number = 0
        self._pending: list[tuple[Edit, ...]] = []
        self._dirty: dict[File, None] = {}
        self.root: Folder | None = self.new_folder()
        self.bin = self.new_folder()

    # --- names

    def stored(self, name: str) -> str:
        """Return how the disk writes a name down."""
        if self._decompose and not name.isascii():
            return unicodedata.normalize("NFD", name)
        return name

    def key(self, name: str) -> str:
        """Return what is equal for names that are one on this disk."""
        if len(name) > LONGEST_NAME // 4 and len(os.fsencode(name)) > LONGEST_NAME:
            raise fault(errno.ENAMETOOLONG, name)
        name = self.stored(name)
        return name.casefold() if self._ignore_case else name

    def find(self, folder: Folder, name: str) -> Entry | None:
        """Return the entry that a name stands for, under the name that the disk has for it."""
        return folder.entries.get(self.key(name))

    def node(self, folder: Folder, name: str) -> Node:
        """Return what a name stands for. Raises FileNotFoundError."""
        entry = self.find(folder, name)
        if entry is None:
            raise fault(errno.ENOENT, name)
        return entry[1]

    # --- changes

    def now_ns(self) -> int:
        """Return the time as the file system writes it down."""
        now = int(self._clock.now() * 1_000_000_000)
        return now - now % self._step_ns

    def new_file(self, mode: int) -> File:
        """Make a file without a name."""
        self._number += 1
        return File(self._number, mode, self.now_ns())

    def new_folder(self) -> Folder:
        """Make a folder without a name."""
        self._number += 1
        return Folder(self._number)

    def fill(self, file: File, content: bytes, *, truncate: bool = False) -> None:
        """Give a file another content; unless emptied first, the old one must be its beginning."""
        file.content = content
        file.truncated |= truncate
        file.mtime_ns = file.ctime_ns = self.now_ns()
        self._dirty[file] = None

    def link(self, folder: Folder, name: str, node: Node | None) -> Edit:
        """Describe that a name stands for this from now on, or for nothing.

        Where the name is taken, the spelling that it has stays.
        """
        key = self.key(name)
        if node is None:
            return folder, key, None
        there = folder.entries.get(key)
        if isinstance(node, File):
            node.ctime_ns = self.now_ns()
        return folder, key, (there[0] if there else self.stored(name), node)

    def change(self, *edits: Edit) -> None:
        """Make one change of names, not durable yet. Raises FileNotFoundError."""
        for folder, key, entry in edits:
            if entry and folder.gone:
                raise fault(errno.ENOENT, entry[0])
            node = (entry or folder.entries[key])[1]
            if isinstance(node, Folder):
                node.gone = entry is None
            if entry:
                folder.entries[key] = entry
            else:
                del folder.entries[key]
        self._pending.append(edits)

    # --- durability

    def sync(self, file: File) -> None:
        """Make a file's content durable; its name is not."""
        file.synced, file.truncated = file.content, False
        file.times = (file.mtime_ns, file.ctime_ns)
        self._dirty.pop(file, None)

    def sync_folder(self, folder: Folder) -> None:
        """Make a folder's names durable, with all changes that these came after."""
        needed, kept, done = {folder}, [], []
        for edits in reversed(self._pending):
            folders = {edit[0] for edit in edits}
            if needed.isdisjoint(folders):
                kept.append(edits)
            else:
                needed |= folders
                done.append(edits)
        for edits in reversed(done):
            _settle(edits)
        self._pending = kept[::-1]

    def power_cut(self) -> None:
        """Lose what is not durable: contents, and of each folder's changes all after some point."""
        keeps = self._rng.random()
        torn: set[Folder] = set()
        touched: dict[Folder, None] = {}
        for edits in self._pending:
            folders = [edit[0] for edit in edits]
            touched |= dict.fromkeys(folders)
            if torn.isdisjoint(folders) and self._rng.random() < keeps:
                _settle(edits)
            else:
                torn.update(folders)
        for folder in touched:
            folder.entries = dict(folder.durable)
            for _, node in folder.entries.values():
                if isinstance(node, Folder):
                    node.gone = False
        self._pending = []
        for file in list(self._dirty):
            self._cut_short(file)

    def _cut_short(self, file: File) -> None:
        """Let a file be as durable, empty if it was emptied since, or some of what was written."""
        kept, whole = 0 if file.truncated else len(file.synced), len(file.content)
        length = self._rng.choice((-1, kept, self._rng.randint(kept, whole), whole))
        if length == -1:
            file.content = file.synced
            file.mtime_ns, file.ctime_ns = file.times
        else:
            file.content = file.content[:length]
        self.sync(file)


def _settle(edits: tuple[Edit, ...]) -> None:
    for folder, key, entry in edits:
        if entry is None:
            folder.durable.pop(key, None)
        else:
            folder.durable[key] = entry

"""Late writes: what a program wrote into a file after that file was replaced or removed.

A program that has a file open goes on writing into it, wherever its name has gone. What it writes
is a local edit: it comes into the live file here, and the same cycle plans with that.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from memory_sync.engine.copies import keep_copy
from memory_sync.engine.kit import Kit
from memory_sync.engine.planning import Planned
from memory_sync.errors import (
    BusyError,
    DiskFullError,
    FileError,
    FileInTheWayError,
    HaltError,
    MemorySyncError,
)
from memory_sync.model import FileVersion, split_root
from memory_sync.ports.files import Echo
from memory_sync.sync.merge import merge

FULL_EVERY = 3600.0
"""Seconds between looks at all displaced files, and not only at those displaced lately."""
NEW_MODE = 0o600
DONE = "done"


@dataclass
class Taken:
    """What was taken up: whether a file changed, which conflict copies were made, what failed."""

    changed: bool = False
    conflicts: list[str] = field(default_factory=list)
    errors: dict[str, MemorySyncError] = field(default_factory=dict)


class Echoes:
    """The late writes of one vault's roots."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._full_due = kit.clock.monotonic()

    def heard(self) -> list[tuple[str, Echo]]:
        """Look for late writes: everywhere at first and each hour, else where they are likely.

        A root that halts tells nothing.
        """
        now = self._kit.clock.monotonic()
        full = now >= self._full_due
        if full:
            self._full_due = now + FULL_EVERY
        found: list[tuple[str, Echo]] = []
        for name, root in self._kit.roots.items():
            with suppress(HaltError, BusyError):
                echoes = root.files.echoes(recent=not full)
                found += [(name, echo) for echo in echoes if self._kit.wants(f"{name}/{echo.path}")]
        return found

    def take_up(self, heard: list[tuple[str, Echo]], planned: Planned) -> Taken:
        """Bring late writes into the files that were looked at; an error stops only its own."""
        taken = Taken()
        if "" in planned.halts:
            return taken
        now = {path: version.digest for path, version in planned.looked.files.items()}
        for root, echo in heard:
            path = f"{root}/{echo.path}"
            if root in planned.halts or planned.looked.holds(path) or not self._kit.wants(path):
                continue
            try:
                self._take(root, echo, planned, now, taken)
            except (FileError, HaltError, BusyError, DiskFullError) as error:
                taken.errors[path] = error
        return taken

    def _take(
        self, root: str, echo: Echo, planned: Planned, now: dict[str, str], taken: Taken
    ) -> None:
        """Take one up, once; `now` has the digests of all files, and gets those that are new.

        It is settled last. What was done is noted first, as a merge is: taken up once more, because
        a crash or a full disk kept it from being settled, it would be in the file twice.
        """
        path, files = f"{root}/{echo.path}", self._kit.roots[root].files
        key, heard = f"echo:{root}/{echo.place}", _digest(echo.content)
        noted, result = (self._kit.state.get(key) or " ").split(" ")
        if noted != heard or result not in (DONE, now.get(path)):
            self._bring(path, echo, planned, now, taken, note=(key, heard))
            self._kit.state.put(key, f"{heard} {DONE}")
        files.settle(echo)
        self._kit.state.put(key, None)

    def _bring(
        self,
        path: str,
        echo: Echo,
        planned: Planned,
        now: dict[str, str],
        taken: Taken,
        *,
        note: tuple[str, str],
    ) -> None:
        """Bring a late write into its file, or beside it where that cannot be."""
        root, _ = split_root(path)
        files, digest = self._kit.roots[root].files, now.get(path)
        result, mode = echo.content, NEW_MODE
        if digest is not None:
            live = files.read(echo.path, digest)
            cap = self._kit.roots[root].merge_cap(echo.path)
            merged = merge(echo.before, echo.content, live, cap=cap)
            # In a conflict the file stays as it is.
            result = live if merged.conflict else merged.content
            mode = planned.looked.files[path].mode if path in planned.looked.files else mode
            if merged.conflict:
                self._keep(path, echo, planned, now, taken)
        # A file that was removed, and has been emptied since, holds nothing that could survive.
        if digest == _digest(result) or not (result or digest):
            return
        key, heard = note
        self._kit.state.put(key, f"{heard} {_digest(result)}")
        try:
            files.write(echo.path, result, mode=mode, expect=digest)
        except FileInTheWayError:
            # A folder has taken the place of the file that was removed.
            self._keep(path, echo, planned, now, taken)
            return
        now[path] = _digest(result)
        taken.changed = True

    def _keep(
        self, path: str, echo: Echo, planned: Planned, now: dict[str, str], taken: Taken
    ) -> None:
        """Keep the whole content as a conflict copy; a copy of what it began with is replaced."""
        size, time = len(echo.content), int(self._kit.clock.now())
        version = FileVersion(_digest(echo.content), size, NEW_MODE, time)
        place = keep_copy(
            self._kit,
            path,
            version,
            echo.content,
            now=now,
            taken=now.keys() | planned.remote.keys(),
            instead_of=None if echo.before is None else _digest(echo.before),
            base=echo.before,
        )
        if place:
            now[place] = version.digest
            taken.conflicts.append(place)
            taken.changed = True


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()

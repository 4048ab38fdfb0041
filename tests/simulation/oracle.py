"""What must be true of a world, told without the engine.

It knows what agents did, what lies on the disks, and the vault through a reader of its own.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from memory_sync.model.trees import CONFLICTS
from tests.simulation.reader import VaultReader

Files = Mapping[str, bytes]

MADE_UP = re.compile(rb"w[0-9]{6}")
STAMP = re.compile(rb"updated: |---\r?$")


class ViolationError(Exception):
    """Something that must always hold does not; the text says what."""


class Ledger:
    """What agents wrote and wished, and so what must be found again.

    `written` are all contents that a file may have. Since all devices were at rest, when everything
    was as in `model`: `writers` tells for each path what each device's agents made of it last (None
    if deleted), `removed` which paths an agent deleted, `judged` what an agent replaced or
    deleted there. `united`: both sides were united somewhere; `blurred`: these devices died, lost
    an answer or could not record.
    """

    def __init__(self, reader: VaultReader) -> None:
        self.reader = reader
        self.written: set[bytes] = set()
        self.model: dict[str, bytes] = {}
        self.writers: defaultdict[str, dict[int, bytes | None]] = defaultdict(dict)
        self.removed: set[str] = set()
        self.judged: defaultdict[str, list[bytes]] = defaultdict(list)
        self.echoed: set[str] = set()
        self.different: set[str] = set()
        self.homes: defaultdict[bytes, set[str]] = defaultdict(set)
        self.blurred: set[int] = set()
        self.united = False
        self._owed: list[tuple[str, bytes]] = []
        self._late: dict[object, tuple[str, bytes]] = {}
        self._by_agents: set[bytes] = set()
        self._lines: set[bytes] = set()
        self._dropped: set[bytes] = set()
        self._counts: Counter[bytes] = Counter()

    # --- what agents do

    def agent(
        self,
        device: int,
        path: str,
        old: bytes | None,
        new: bytes | None,
        *,
        stays: bool = False,
    ) -> None:
        """Note that an agent (or a power cut, in a save of its) changed a file.

        `stays` tells that a delete is of this device's file alone.
        """
        self.writers[path][device] = new
        if old is not None:
            self.judged[path].append(old)
        if new is None:
            if not stays:
                self.removed.add(path)
            return
        self.written.add(new)
        self._by_agents.add(new)
        self.homes[new].add(path)
        lines = new.split(b"\n")
        self._lines.update(lines)
        if old is not None:
            self._dropped.update(set(old.split(b"\n")) - set(lines))
        for line, count in Counter(lines).items():
            self._counts[line] = max(self._counts[line], count)

    def owes(self, files: Files) -> None:
        """Note that what lies on a disk must be found again at rest."""
        self._owed += files.items()

    def echo(self, device: int, path: str, content: bytes, handle: object) -> None:
        """Note what an agent wrote, by a handle, into a file that had been replaced or removed."""
        self._lines.update(content.split(b"\n"))
        self._late[handle] = path, content
        self.writers[path][device] = content
        self.echoed.add(path)

    def apart(self, content: bytes) -> None:
        """Note what a file holds that is not in its place: torn by a power cut, or written late."""
        self.written.add(content)
        self._lines.update(content.split(b"\n"))

    # --- what the engine does

    def overruled(self, copy: bytes, own: bytes) -> None:
        """Note that a device's own version takes the place of what is kept as a `copy`.

        Whoever merges that version goes without the lines that it lacks, as if an agent had taken
        them out.
        """
        self._dropped.update(set(copy.split(b"\n")) - set(own.split(b"\n")))

    def engine_writes(self, path: str, content: bytes | None) -> None:
        """Check a content that the engine is about to write, and know it from now on."""
        if content is None:
            return
        self.homes[content].add(path)
        if content in self.written:
            return
        lines = content.split(b"\n")
        strange = [line for line in lines if line not in self._lines]
        if strange:
            raise ViolationError(f"a line that nobody wrote: {strange[0][:80]!r}")
        for line, count in Counter(lines).items():
            twice = count > max(1, self._counts[line]) and MADE_UP.match(line)
            if twice and not self.united and not self.blurred:
                raise ViolationError(
                    f"a line came into a file twice: {line!r} in {content[:200]!r}"
                )
        self.written.add(content)

    def engine_changed(
        self, name: str, old: Files, new: Files, paths: Iterable[str], *, cut: bool = False
    ) -> None:
        """Check that what the engine replaced or removed on a disk is not lost.

        A power `cut` may take back a merge, of which the parts must be there again.
        """
        for path in paths:
            here, was = new.get(path), old.get(path)
            if here is not None and here not in self.written:
                raise ViolationError(f"{name}: {path} is torn: {here[:80]!r}")
            undone = cut and was is not None and was not in self._by_agents
            if undone and self._told_somewhere(was or b"", new.values()):
                continue
            if was is not None and not self.kept(was, [*new.values(), *self._resolved(path)]):
                raise ViolationError(f"{name}: what was in {path} is gone: {was[:120]!r}")

    def stable(self, name: str, files: Files, held: Collection[bytes]) -> None:
        """Check that what lay still over a whole cycle is in the vault.

        `held` are the contents of files about which a problem is shown.
        """
        for path, content in files.items():
            if not self.kept(content, [*held, *self._resolved(path)]):
                raise ViolationError(f"{name}: {path} was not saved by a cycle: {content[:120]!r}")

    # --- whether a content lives on

    def kept(self, content: bytes, elsewhere: Collection[bytes] = ()) -> bool:
        """Tell whether a content is in history, or elsewhere, whole or inside a merge."""
        history = self.reader.contents
        if not content or content in history or content in elsewhere:
            return True
        if not _is_text(content):
            return False
        return self._inside(content, [*elsewhere, *history])

    def _inside(self, content: bytes, places: Collection[bytes]) -> bool:
        """Tell whether a content stands in one of several, but for lines that agents took out."""
        if not content or content in places:
            return True
        wanted = _told(content)
        known = {line for place in places for line in place.split(b"\n")}
        rest = [line for line in wanted if line not in self._dropped]
        return known.issuperset(wanted) and any(_within(rest, _told(place)) for place in places)

    def _told_somewhere(self, content: bytes, elsewhere: Collection[bytes]) -> bool:
        """Tell whether each line of a content is in history or elsewhere, wherever."""
        places = [*elsewhere, *self.reader.contents]
        return {line for place in places for line in _told(place)}.issuperset(_told(content))

    # --- at rest

    def at_rest(self, head: Files, held: Collection[str]) -> None:
        """Check a world in which all devices agree: `held` paths are shown as a problem."""
        for path, content in (*self._owed, *self._late.values()):
            if not self.kept(content, head.values()) and path not in held:
                raise ViolationError(f"a content that was in {path} is lost: {content[:120]!r}")
        self._owed.clear()
        self._late.clear()
        for path in self.model.keys() | self.writers.keys():
            if path in held:
                continue
            if path not in self.removed and path not in head:
                raise ViolationError(f"{path} is gone, and no agent deleted it")
            if not (self.united or path in self.different or self._echoed(path)):
                self._as_written(path, head)
                self._edit_survives(path, head)
        for path, content in head.items():
            if content not in self.written:
                raise ViolationError(f"{path} holds what nobody wrote: {content[:120]!r}")

    def _as_written(self, path: str, head: Files) -> None:
        """Check a path that only one device's agents touched, or none."""
        writers = self.writers.get(path, {})
        if len(writers) > 1 or self.blurred & writers.keys():
            return
        wanted = next(iter(writers.values())) if writers else self.model.get(path)
        if wanted is None and self.blurred:
            return  # a device that fetched it and died before the record has it as its own
        if head.get(path) != wanted:
            told, found = (str(text and text[:80]) for text in (wanted, head.get(path)))
            raise ViolationError(
                f"{path} should be {told} and is {found}; touched by {set(writers)}"
            )

    def _edit_survives(self, path: str, head: Files) -> None:
        """Check that what is gone was deleted by somebody who had it before his eyes."""
        if path in head:
            return
        folder = f"{CONFLICTS}/{path}/"
        places = [text for copy, text in head.items() if copy.startswith(folder)]
        places += [*self.judged[path], *self._resolved(path)]
        for device, content in self.writers.get(path, {}).items():
            if content is None or self.homes[content] != {path}:
                continue  # what was at another path too may be in history from there
            if not self._inside(content, places):
                raise ViolationError(
                    f"{path} is gone with what device {device} wrote: {content[:80]!r}"
                )

    def _resolved(self, path: str) -> list[bytes]:
        """Return the conflict copies of a path that an agent deleted or changed."""
        folder = f"{CONFLICTS}/{path}/"
        return [
            text for copy, texts in self.judged.items() if copy.startswith(folder) for text in texts
        ]

    def _echoed(self, path: str) -> bool:
        """Tell whether a path, or what a conflict copy is of, was written to late."""
        copies = tuple(f"{CONFLICTS}/{late}/" for late in self.echoed)
        return path in self.echoed or path.startswith(copies)

    def begin(self, head: Files, held: Collection[str]) -> None:
        """Begin anew from a world at rest, in which some paths are held and not the same."""
        self.model = {path: content for path, content in head.items() if path not in held}
        self.different = set(held)
        self.writers.clear()
        self.removed.clear()
        self.judged.clear()
        self.echoed.clear()
        self.blurred.clear()
        self.united = False


def _is_text(content: bytes) -> bool:
    try:
        return b"\0" not in content and content.decode() is not None
    except UnicodeDecodeError:
        return False


def _told(content: bytes) -> list[bytes]:
    """Return the lines that say something: of times in front matter the later one stays."""
    return [line for line in content.split(b"\n") if line and not STAMP.match(line)]


def _within(part: Sequence[bytes], whole: Sequence[bytes]) -> bool:
    rest = iter(whole)
    return all(line in rest for line in part)

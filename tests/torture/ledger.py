"""What agents wrote, what they took away themselves, and what a file may therefore look like."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

LOGS = ("MEMORY.md", "memory/log.md")
"""Files to which every agent appends, and which nobody shortens."""
POOL = "memory/pool/"
"""Files that every agent may edit, rename and delete."""
RECENT = 60


def digest_of(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Own:
    """The files of which one agent alone is the writer; paths are never another agent's."""

    versions: dict[str, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    """By path each content that it was ever given, by digest."""
    current: dict[str, str] = field(default_factory=dict)
    """By path the digest of what it should hold now; a deleted one is not in it."""
    in_place: set[str] = field(default_factory=set)
    """Paths that are truncated and written, so that a beginning may be all that is seen."""


@dataclass
class Ledger:
    """The driver's own record. What is written stands in it before it is written."""

    began: float = field(default_factory=time.monotonic)
    own: Own = field(default_factory=Own)
    lines: set[bytes] = field(default_factory=lambda: {b"# memory"})
    """Each line that was ever written into a log or a pool file."""
    appended: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    """Each line of a log that was surely written to the live file: its device and path."""
    raced: dict[bytes, str] = field(default_factory=dict)
    """Lines appended to a file that was replaced just then: the trash of the device may have it."""
    pooled: dict[bytes, str] = field(default_factory=dict)
    """Each line of a pool file that no deed of its own device took away: the device."""
    wrong: list[str] = field(default_factory=list)
    """What must not be and was seen."""
    deeds: int = 0
    by_device: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _recent: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def did(self, who: str, what: str) -> None:
        """Note a deed of an agent."""
        self.note(who, what)
        with self._lock:
            self.deeds += 1
            self.by_device[who] += 1

    def note(self, who: str, what: str) -> None:
        """Note what happened, for whoever has to find out why something went wrong."""
        with self._lock:
            self._recent.append(f"{time.monotonic() - self.began:7.3f} {who:6} {what}")

    def found_wrong(self, what: str) -> None:
        """Note what must not be; the same only once."""
        with self._lock:
            if what not in self.wrong:
                self.wrong.append(what)
                self._recent.append(f"{time.monotonic() - self.began:7.3f} WRONG  {what}")

    def recent(self) -> list[str]:
        with self._lock:
            return list(self._recent)

    # --- what a file may look like

    def doubt(self, path: str, content: bytes, *, live: bool) -> str | None:
        """Say what is wrong with a content of a path, or None if somebody wrote it as a whole.

        `live` is for a file that its own agent may be writing into at this moment.
        """
        if path in self.own.versions:
            return self._doubt_own(path, content)
        if path not in LOGS and not path.startswith(POOL):
            return "nobody made this file"
        *whole, rest = content.split(b"\n")
        strange = [line for line in whole if line not in self.lines]
        if strange:
            return f"a line that nobody wrote: {strange[0][:60]!r}"
        if path in LOGS and live and any(line.startswith(rest) for line in list(self.lines)):
            return None
        if rest:
            return f"half a line: {rest[:60]!r}"
        # An agent that begins a log makes it empty and then appends.
        return None if content or path in LOGS else "empty"

    def _doubt_own(self, path: str, content: bytes) -> str | None:
        versions = self.own.versions[path]
        if digest_of(content) in versions:
            return None
        begun = any(version.startswith(content) for version in list(versions.values()))
        if path in self.own.in_place and begun:
            return None
        return f"{len(content)} bytes that are no version of it" + (", a torn one" if begun else "")

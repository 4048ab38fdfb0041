"""When a worker does what: debounce, poll, scan, back-off. It asks the clock and does nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from memory_sync.errors import AuthError, KeyError_, MemorySyncError, OfflineError, RateLimitedError
from memory_sync.ports.clock import Clock

FIRST_RETRY = 5.0
LONGEST_RETRY = 300.0
HOPELESS_RETRY = 3600.0
"""Seconds until the next try where only a person can mend it, unless somebody asks before."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, as the configuration gives them."""

    debounce: float = 2.0
    max_delay: float = 30.0
    poll: float = 15.0
    scan: float = 3600.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What is due: a cycle with or without a look at the files, with or without asking.

    Without `up` nothing is sent, whatever the cycle comes to see: a burst of saves is not over.
    """

    look: bool
    fetch: bool
    up: bool = True


class Schedule:
    """The times at which one vault's next cycle is due, on the monotonic clock."""

    def __init__(self, clock: Clock, timing: Timing) -> None:
        self._clock = clock
        self._timing = timing
        now = clock.monotonic()
        self._first_change: float | None = None
        self._last_change = now
        self._poll_due = now
        self._scan_due = now
        self._retry_due: float | None = None
        self._failures = 0

    def changed(self) -> None:
        """Note that a file may have changed: a cycle is due after quiet, or the longest delay."""
        now = self._clock.monotonic()
        self._last_change = now
        if self._first_change is None:
            self._first_change = now

    def lost(self) -> None:
        """Note that events were lost: a full look is due at once."""
        self._scan_due = self._clock.monotonic()

    def look_within(self, seconds: float) -> None:
        """Make a full look due within so many seconds: no event tells of changes."""
        self._scan_due = min(self._scan_due, self._clock.monotonic() + seconds)

    @property
    def failing(self) -> bool:
        """Tell whether the last cycle failed and the next try waits."""
        return self._retry_due is not None

    def due(self) -> float:
        """Return the monotonic time of the next cycle."""
        if self._retry_due is not None:
            return self._retry_due
        return min(self._poll_due, self._scan_due, self._changes_due())

    def _changes_due(self) -> float:
        if self._first_change is None:
            return math.inf
        quiet = self._last_change + self._timing.debounce
        return min(quiet, self._first_change + self._timing.max_delay)

    def wait(self) -> float:
        """Return the seconds until the next cycle is due; 0 or less if it is."""
        return self.due() - self._clock.monotonic()

    def turn(self) -> Turn:
        """Take the turn that is due."""
        now = self._clock.monotonic()
        retry = self._retry_due is not None
        look = retry or now >= min(self._scan_due, self._changes_due())
        fetch = retry or now >= self._poll_due
        if look:
            self._first_change = None
        return Turn(look=look, fetch=fetch, up=self._first_change is None)

    def succeeded(self, turn: Turn, *, again: bool) -> None:
        """Note that a cycle went well; `again` asks for another look after the debounce."""
        now = self._clock.monotonic()
        self._failures = 0
        self._retry_due = None
        if turn.fetch:
            self._poll_due = now + self._timing.poll
        if turn.look:
            self._scan_due = now + self._timing.scan
        if again:
            self.changed()

    def failed(self, error: MemorySyncError) -> None:
        """Note that a cycle failed: the next try is later each time, and never in step."""
        now = self._clock.monotonic()
        self._failures += 1
        if isinstance(error, RateLimitedError):
            delay = float(str(error.facts.get("seconds", FIRST_RETRY)))
        elif isinstance(error, AuthError | KeyError_):
            delay = HOPELESS_RETRY
        elif isinstance(error, OfflineError):
            delay = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10))
        else:
            delay = max(self._timing.poll, FIRST_RETRY)
        self._retry_due = now + delay * (1 + 0.25 * self._clock.jitter())

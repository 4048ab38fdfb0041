"""When a worker does what: debounce, poll, scan, back-off. It asks the clock and does nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from memory_sync.errors import (
    AuthError,
    KeyError_,
    KeyringError,
    MemorySyncError,
    OfflineError,
    RaceLostError,
    RateLimitedError,
    RemoteError,
)
from memory_sync.model import Budget
from memory_sync.ports.clock import Clock

FIRST_RETRY = 5.0
LONGEST_RETRY = 300.0
HOUR = 3600.0
MOST_STRETCH = 20.0
"""How many times longer everything waits, at most, when the hour's requests come to their end."""
RESERVE = 10
"""The tenth part of the hour's requests is left to whatever else uses the token."""
SCARCE = 0.75
"""Nothing waits longer while more than this part of the hour's requests is left."""
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


def stretch(budgets: Iterable[Budget], now: float) -> float:
    """Return how many times longer to wait so that the requests last until there are new ones.

    All that use one token are told the same, so all of them slow down alike: not at all while there
    is plenty, hardly where a little more was used than an even share of the rest, and eight times
    where only half of it is left. However many they are, it comes to rest where they use no more
    than there is.
    """
    factor = 1.0
    for budget in budgets:
        until = min(budget.reset - now, HOUR)
        if until > 0 and budget.limit > 0:
            reserve = budget.limit / RESERVE
            even = min((budget.limit - reserve) * until / HOUR, budget.limit * SCARCE - reserve)
            factor = max(factor, (even / max(budget.remaining - reserve, 1)) ** 3)
    return min(factor, MOST_STRETCH)


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
        self._waits_for_network = False
        self._stretch = 1.0
        self._resume_due = math.inf
        self._calm_until = now

    def changed(self) -> None:
        """Note that a file may have changed: a cycle is due after quiet, or the longest delay."""
        now = self._clock.monotonic()
        self._last_change = now
        if self._first_change is None:
            self._first_change = now

    def lost(self) -> None:
        """Note that events were lost: a full look is due at once."""
        self._scan_due = self._clock.monotonic()

    def woken(self, *, network: bool) -> None:
        """Note that the machine woke, or its network changed: what time mends is tried at once.

        A remote that asked for quiet is left alone all the same.
        """
        now = self._clock.monotonic()
        if self._retry_due is not None:
            if self._waits_for_network:
                self._retry_due = now
        elif not network:
            self._poll_due = now

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
        return min(self._poll_due, self._look_due())

    def _look_due(self) -> float:
        changes = max(self._calm_until, min(self._resume_due, self._changes_due()))
        return min(self._scan_due, changes)

    def _changes_due(self) -> float:
        if self._first_change is None:
            return math.inf
        quiet = self._last_change + self._timing.debounce * self._stretch
        return min(quiet, self._first_change + self._timing.max_delay * self._stretch)

    def wait(self) -> float:
        """Return the seconds until the next cycle is due; 0 or less if it is."""
        return self.due() - self._clock.monotonic()

    def turn(self) -> Turn:
        """Take the turn that is due."""
        now = self._clock.monotonic()
        retry = self._retry_due is not None
        look = retry or now >= self._look_due()
        # Where requests are short a poll goes along, if half of the time until it has gone by.
        early = self._timing.poll * (self._stretch - 1) / 2 if look else 0.0
        fetch = retry or now >= self._poll_due - early
        if look:
            self._first_change = None
        return Turn(look=look, fetch=fetch, up=self._first_change is None)

    def succeeded(
        self, turn: Turn, *, again: bool, resume: float = 0.0, stretch: float = 1.0
    ) -> None:
        """Note that a cycle went well.

        `again` asks for another look after the debounce, `resume` for one after so many seconds;
        until the next time all waits are `stretch` times as long.
        """
        now = self._clock.monotonic()
        self._failures = 0
        self._retry_due = None
        self._stretch = stretch
        if turn.look:
            self._resume_due = math.inf
        if resume:
            self._resume_due = now + resume
        if turn.fetch:
            # Never in step: machines that begin together would all ask at the same moment.
            self._poll_due = now + self._timing.poll * stretch * (0.9 + 0.2 * self._clock.jitter())
        if turn.look:
            self._scan_due = now + self._timing.scan
            self._calm_until = now + self._timing.poll * (stretch - 1)
        if again:
            self.changed()

    def failed(self, error: MemorySyncError) -> None:
        """Note that a cycle failed: the next try is later each time, and never in step."""
        now = self._clock.monotonic()
        self._failures += 1
        self._waits_for_network = isinstance(error, OfflineError) and not isinstance(
            error, RateLimitedError
        )
        if isinstance(error, RateLimitedError):
            # Clocks and headers may lie: who is refused again and again comes more and more seldom.
            asked = float(str(error.facts.get("seconds", FIRST_RETRY)))
            delay = max(asked, FIRST_RETRY * 2 ** min(self._failures - 2, 6))
        elif isinstance(error, AuthError | KeyError_) and not isinstance(error, KeyringError):
            delay = HOPELESS_RETRY
        elif isinstance(error, OfflineError | RemoteError | RaceLostError | KeyringError):
            delay = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 10))
        else:
            delay = max(self._timing.poll, FIRST_RETRY)
        self._retry_due = now + delay * (1 + 0.25 * self._clock.jitter())

"""Time and randomness, as the simulation can drive them."""

from __future__ import annotations

import os
import random
import time
from typing import Protocol

STEADY: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The clock that runs on while the machine sleeps.

Linux stops CLOCK_MONOTONIC then, and not CLOCK_BOOTTIME (clock_gettime(2) there). macOS has no such
clock and needs none: its CLOCK_MONOTONIC goes on "while the system is asleep" (clock_gettime(3)
there), unlike Python's time.monotonic(), which is mach_absolute_time().
"""


class Clock(Protocol):
    """Where time and chance come from."""

    def now(self) -> float:
        """Return seconds since the epoch: for people and names, never for a decision."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that only goes forward, in suspend too: for waiting."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def jitter(self) -> float:
        """Return a random number from 0 up to 1, so that devices do not move in step."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """Return bytes that nobody can guess."""
        ...


class SystemClock:
    """The machine's own clock and randomness."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds on a clock that only goes forward, also while the machine sleeps."""
        return time.clock_gettime(STEADY)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self) -> float:
        """Return a random number from 0 up to 1."""
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        """Return bytes that nobody can guess."""
        return os.urandom(count)

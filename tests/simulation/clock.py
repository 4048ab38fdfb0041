"""A clock that the simulation moves: nobody waits on it, and its wall time can be very wrong."""

from __future__ import annotations

from random import Random

START = 1_700_000_000.0
TICK = 0.001
LONGEST = 4e9
"""Seconds before and after 1970 (some 120 years) within which the wall time is kept."""


class Clock:
    """Time and chance of one device; `random` is the schedule's."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._passed = 0.0
        self._wall = START

    def now(self) -> float:
        """Return the wall time; a moment passes with each look, as it does on a machine."""
        self._passed += TICK
        return self._wall + self._passed

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self._passed += max(0.0, seconds)

    def jitter(self) -> float:
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def jump(self, seconds: float) -> None:
        """Set the wall time forward or back; the monotonic time goes on as it was."""
        self._wall = min(max(self._wall + seconds, -LONGEST), LONGEST)

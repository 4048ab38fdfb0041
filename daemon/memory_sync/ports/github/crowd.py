"""Taking turns with others who write to the same branch and are known by their commits only.

A commit is sent without asking where the branch stands, and fails if it is elsewhere. That is right
as long as few write. Where many write at once, each commit lets those of all others fail, and who
tries again at once only loses again. So who lost asks first, which costs no quota; and who finds
that another was quicker even so waits for a time that chance tells: the longer, the more commits of
others were seen lately, and twice as long with each loss.
"""

from __future__ import annotations

from memory_sync.ports.clock import Clock

STALE = 3.0
"""Seconds that are waited at most by who only did not know of a commit that was there before."""
SPREAD, LONGEST = 15.0, 240.0
"""Seconds over which those spread who lost against others that write now: for each commit that was
seen within a minute, and at most."""
MINUTE = 60.0
SAME = 15.0
"""Who lost so many seconds after losing lost against others who write now."""
WARY = 600.0
"""Seconds for which a crowd is remembered."""
MANY = 3
"""So many commits of others that come at once are a crowd."""


class Crowd:
    """What one branch has shown of others who write to it; who is not `patient` never waits."""

    def __init__(self, clock: Clock, *, patient: bool = True) -> None:
        self._clock = clock
        self._patient = patient
        self._lost = 0
        self._when = self._until = self._wary = -SAME
        self._seen: list[float] = []

    @property
    def wary(self) -> bool:
        """Tell whether to ask first where the branch stands."""
        return self._clock.monotonic() < self._wary

    def wait(self) -> float:
        """Return for how many seconds to send nothing."""
        return max(0.0, self._until - self._clock.monotonic())

    def lost(self, *, asked: bool) -> None:
        """Note that another was quicker; `asked` tells that the branch was where it should be."""
        now = self._clock.monotonic()
        spread = STALE
        if asked or now - self._when < SAME:
            seen = sum(now - when < MINUTE for when in self._seen)
            spread = min(SPREAD * max(seen, 1) * 2 ** min(self._lost, 9), LONGEST)
            self._lost += 1
        self._when, self._wary = now, now + WARY
        if self._patient:
            self._until = now + spread * self._clock.jitter()

    def won(self) -> None:
        """Note a commit of one's own."""
        self._lost = 0

    def saw(self, commits: int) -> None:
        """Note how many commits of others came at once."""
        now = self._clock.monotonic()
        self._seen = [when for when in self._seen if now - when < MINUTE] + [now] * commits
        if commits >= MANY:
            self._wary = now + WARY

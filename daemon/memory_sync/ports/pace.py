"""The one place that knows how much GitHub's API allows, and what is left of it.

GitHub refuses who asks too quickly, and may bar who goes on. So a client keeps within the limits by
itself: 80 requests that make something a minute and 500 an hour, a second between two of them where
there are many, and 900 points of REST and 2,000 of GraphQL a minute
(docs.github.com, "Rate limits for the REST API" and "for the GraphQL API").

Other machines with the same token use up the same limits, and all that is known of them is what
they have committed. That counts as well, and the more of an hour's share they take, the longer this
one waits between two commits: so all come to their turn.
"""

from __future__ import annotations

import math
import queue
import sys
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from memory_sync.model import Budget
from memory_sync.ports.clock import Clock

MINUTE, HOUR = 60.0, 3600.0
LONGEST_GAP = 900.0
"""Seconds that are waited at most, on average, between two commits for the sake of others."""
LOOKED_AHEAD = 1000
"""Commits for which it is worked out how long they take; more take in proportion."""
FREE = 100
"""The hundredth part of the hour's commits is free for each machine, however much others write."""
START = 4
"""So many commits more than it made an hour are taken for one's own share: one large upload of
another's is no crowd."""
OTHERS = 1.25
"""What a commit of another's counts: nobody sees the tries that lost, every fifth in a crowd."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A kind of request: the resource that it is counted under, and whether it makes something."""

    resource: str
    makes: bool = False

    @property
    def points(self) -> int:
        """What it costs of the points a minute."""
        return 5 if self.makes else 1


READ, WRITE = Ask("core"), Ask("core", makes=True)
QUERY, MUTATION = Ask("graphql"), Ask("graphql", makes=True)


@dataclass(frozen=True, slots=True)
class Rates:
    """What a server allows: requests that make something, and points by resource.

    `burst` of them may go at once; after that there is a second between two.
    """

    minute: int = 80
    hour: int = 500
    burst: int = 10
    points: Mapping[str, int] = field(default_factory=lambda: {"core": 900, "graphql": 2000})


@dataclass
class _Window:
    """At most `most` within any `seconds`; `taken` is when requests go out and what they cost."""

    most: int
    seconds: float
    taken: list[tuple[float, float]] = field(default_factory=list)

    def free_at(self, now: float, cost: float) -> float:
        """Return when so much more fits in."""
        del self.taken[: bisect_right(self.taken, (now - self.seconds, sys.maxsize))]
        over = sum(held for _, held in self.taken) + cost - self.most
        for when, held in self.taken:
            if over <= 0:
                break
            over -= held
            now = when + self.seconds
        return now

    def take(self, when: float, cost: float) -> None:
        """Count a request."""
        insort(self.taken, (when, cost))

    def spare(self, now: float) -> tuple[float, float]:
        """Return how much still fits in, and for how long that must do: until the oldest leaves."""
        self.free_at(now, 0)
        held = sum(cost for _, cost in self.taken)
        return self.most - held, (self.taken[0][0] if held else now) + self.seconds - now


UNLIMITED = Rates(10**9, 10**9, 10**9, {})
"""What a server allows that has no limits."""


class _Ledger:
    """What was asked lately with one token."""

    def __init__(self, rates: Rates) -> None:
        self._burst = rates.burst
        self._makes = (_Window(rates.minute, MINUTE), _Window(rates.hour, HOUR))
        self._points = {name: _Window(most, MINUTE) for name, most in rates.points.items()}
        self._even = -math.inf
        """When the next one would be due if each had come a second after the one before."""
        self._hour = self._makes[1]
        self._others = _Window(rates.hour, HOUR)
        self._last = -math.inf
        self._share = 1.0
        self.barred = -math.inf
        self.budgets: dict[str, Budget] = {}

    def due(self, ask: Ask, now: float) -> float:
        """Return when such a request may go out."""
        points = self._points.get(ask.resource)
        at = points.free_at(now, ask.points) if points else now
        if ask.makes:
            at = max(at, self._even - self._burst + 1, *(w.free_at(now, 1) for w in self._makes))
        return max(at, self.barred)

    def room(self, requests: int, now: float) -> float:
        """Return when there is room for so many requests that make something."""
        rooms = (window.free_at(now, min(requests, window.most)) for window in self._makes)
        return max(self.barred, now, *rooms)

    def fair(self, now: float) -> float:
        """Return when the next commit may go out, so that others get theirs.

        Half of the hour is free for all, and so are a few commits of each. The rest is spread over
        the time that it must do for, and over all that write, as they did so far.
        """
        spare, until = self._hour.spare(now)
        total = self._hour.most - spare
        others = self._others.most - self._others.spare(now)[0]
        own = total - others
        if not others or 2 * spare > self._hour.most or own < self._hour.most / FREE:
            return now
        even = until / max(spare, 1) * others / (own + START)
        return max(now, self._last + min(even, LONGEST_GAP) * self._share)

    def saw(self, at: float) -> None:
        """Count a commit of another's."""
        for window in (*self._makes, self._others):
            window.take(at, OTHERS)

    def book(self, ask: Ask, at: float, share: float = 1.0) -> None:
        """Count a request that goes out at this time; the next gap is `share` of what is even."""
        if ask.resource in self._points:
            self._points[ask.resource].take(at, ask.points)
        if ask.makes:
            for window in self._makes:
                window.take(at, 1)
            self._even = max(self._even, at) + 1
            self._last, self._share = at, share


class Pace:
    """Keeps all that is asked with one token within its limits; for any number of threads.

    Whoever wants to know or to book something takes the ledger out of a mailbox and puts it back:
    no two have it at once.
    """

    def __init__(self, clock: Clock, rates: Rates | None = None) -> None:
        self.clock: Final = clock
        self._box: queue.SimpleQueue[_Ledger] = queue.SimpleQueue()
        self._box.put(_Ledger(rates or Rates()))

    @contextmanager
    def _ledger(self) -> Iterator[_Ledger]:
        ledger = self._box.get()
        try:
            yield ledger
        finally:
            self._box.put(ledger)

    def take(self, ask: Ask, longest: float = MINUTE) -> float:
        """Wait until a request may go out, and return 0.

        Where that takes more than `longest`, nothing is done, and it returns the seconds to wait.
        """
        with self._ledger() as ledger:
            now = self.clock.monotonic()
            at = ledger.due(ask, now)
            if ledger.barred > now or at - now > longest:
                return at - now
            ledger.book(ask, at, 0.75 + 0.5 * self.clock.jitter())
        if at > now:
            self.clock.sleep(at - now)
        return 0.0

    def bar(self, seconds: float) -> None:
        """Send nothing for so long: the server has asked for it."""
        with self._ledger() as ledger:
            ledger.barred = max(ledger.barred, self.clock.monotonic() + seconds)

    def saw(self, ages: Iterable[float]) -> None:
        """Count commits of others, each so many seconds old: they used up this token's limits."""
        with self._ledger() as ledger:
            now = self.clock.monotonic()
            for age in ages:
                if 0 <= age < HOUR:
                    ledger.saw(now - age)

    def pause(self, requests: int = 1) -> float:
        """Return in how many seconds a commit of so many requests may begin.

        What lies between its requests is not counted: `take` waits for that.
        """
        with self._ledger() as ledger:
            now = self.clock.monotonic()
            return max(ledger.room(requests, now), ledger.fair(now)) - now

    def rest(self, commits: int) -> float:
        """Return in how many seconds the last of so many commits, a request each, may go out."""
        with self._ledger() as ledger:
            trial = deepcopy(ledger)
        now = at = self.clock.monotonic()
        for _ in range(min(commits, LOOKED_AHEAD)):
            at = max(trial.due(MUTATION, at), trial.fair(at))
            trial.book(MUTATION, at)
        return (at - now) * max(1.0, commits / LOOKED_AHEAD)

    def note(self, budget: Budget) -> None:
        """Remember what an answer said is left of a resource."""
        with self._ledger() as ledger:
            ledger.budgets[budget.resource] = budget

    def budgets(self) -> tuple[Budget, ...]:
        """Return what is left, as far as it was told."""
        with self._ledger() as ledger:
            return tuple(ledger.budgets.values())


class Paces:
    """The paces of a process: one for each server and token, whichever vaults use them."""

    def __init__(self, clock: Clock, rates: Rates | None = None) -> None:
        self._clock = clock
        self._rates = rates
        self._box: queue.SimpleQueue[dict[tuple[str, str], Pace]] = queue.SimpleQueue()
        self._box.put({})

    def of(self, server: str, token: str) -> Pace:
        """Return the pace for a server and a token."""
        known = self._box.get()
        try:
            return known.setdefault((server, token), Pace(self._clock, self._rates))
        finally:
            self._box.put(known)

"""GitHub's secondary limits, kept by somebody who shares no line with the program.

The double of GitHub counts the hour's requests; what is counted here is how quickly they come.
A request that is refused, or lost a race, counts like one that was carried out: GitHub does not
say whether it does.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from tests.hub import faults
from tests.hub.api import kind_of, resource_of
from tests.hub.wire import Answer, Request

MINUTE, HOUR = 60.0, 3600.0
AT_ONCE = 100
RETRY_AFTER = 60


@dataclass
class Window:
    """What came within so many seconds, and the most that ever did."""

    name: str
    most: int
    seconds: float
    highest: int = 0
    held: int = 0
    _taken: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, now: float, cost: int) -> bool:
        """Count a request; return whether it is too much."""
        while self._taken and self._taken[0][0] <= now - self.seconds:
            self.held -= self._taken.popleft()[1]
        self._taken.append((now, cost))
        self.held += cost
        self.highest = max(self.highest, self.held)
        return self.held > self.most


class Referee:
    """Counts what is asked with one token, and refuses what GitHub would."""

    def __init__(self) -> None:
        self.makes = (Window("writes a minute", 80, MINUTE), Window("writes an hour", 500, HOUR))
        self.points = {
            "core": Window("REST points a minute", 900, MINUTE),
            "graphql": Window("GraphQL points a minute", 2000, MINUTE),
        }
        self.at_once = Window("requests at once", AT_ONCE, 0.0)
        self.refused: Counter[str] = Counter()

    def windows(self) -> tuple[Window, ...]:
        """Return all that is counted."""
        return (*self.makes, *self.points.values(), self.at_once)

    def judge(self, request: Request, now: float) -> Answer | None:
        """Count a request that goes to the API; return a refusal if it is one too many."""
        writes = kind_of(request) == "mutation" or (
            request.path != "/graphql" and request.method not in {"GET", "HEAD"}
        )
        points = self.points[resource_of(request)]
        over = [points.name] if points.add(now, 5 if writes else 1) else []
        if writes:
            over += [window.name for window in self.makes if window.add(now, 1)]
        if self.at_once.held > AT_ONCE:
            over.append(self.at_once.name)
        self.refused.update(over)
        return faults.secondary_limit(RETRY_AFTER).said(now) if over else None

    def began(self) -> None:
        """Note that a request is on its way."""
        self.at_once.held += 1
        self.at_once.highest = max(self.at_once.highest, self.at_once.held)

    def ended(self) -> None:
        """Note that its answer has come."""
        self.at_once.held -= 1

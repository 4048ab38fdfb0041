"""What each user may still ask for: the hour's requests, and what may come in a short time."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.hub.wire import Json

WINDOW = 3600
ANONYMOUS = 60
READ, WRITE = 1, 5
"""What a request weighs in a minute's points."""
SPANS = {"content_minute": 60, "content_hour": 3600, "core_points": 60, "graphql_points": 60}
"""The secondary limits, and for how many seconds each counts."""


@dataclass
class Limits:
    """One count for each user and resource.

    `allowed` has the primary limits, whose window begins with the first request; `ceilings` the
    secondary ones, whose windows slide. Without `secondary` these are counted and not enforced.
    """

    now: Callable[[], float] = time.time
    allowed: dict[str, int] = field(
        default_factory=lambda: {"core": 5000, "graphql": 5000, "search": 30}
    )
    secondary: bool = True
    ceilings: dict[str, int] = field(
        default_factory=lambda: {
            "content_minute": 80,
            "content_hour": 500,
            "core_points": 900,
            "graphql_points": 2000,
        }
    )
    _used: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _recent: dict[tuple[str, str], deque[tuple[float, int]]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def charge(self, login: str, resource: str, cost: int = 1) -> None:
        """Count a request."""
        with self._lock:
            used, reset = self._now(login, resource)
            self._used[login, resource] = (used + cost, reset)

    def used(self, login: str, resource: str) -> int:
        """Tell what was used: of `core`, `graphql` or another of `allowed`, or of `ceilings`."""
        with self._lock:
            if resource in SPANS:
                return sum(weight for _, weight in self._window(login, resource))
            return self._now(login, resource)[0]

    def state(self, login: str, resource: str) -> Json:
        """Describe what is left, as `GET /rate_limit` does."""
        with self._lock:
            used, reset = self._now(login, resource)
        limit = self.allowed[resource] if login else ANONYMOUS
        used = min(used, limit)
        return {"limit": limit, "used": used, "remaining": limit - used, "reset": reset}

    def headers(self, login: str, resource: str) -> dict[str, str]:
        """Describe what is left, as the headers of each answer do."""
        state = {
            f"X-RateLimit-{key.title()}": str(n) for key, n in self.state(login, resource).items()
        }
        return state | {"X-RateLimit-Resource": resource}

    def admit(self, login: str, resource: str, *, writing: bool) -> int:
        """Let a request through (0) and count it, or say for how many seconds to wait."""
        weights = {f"{resource}_points": WRITE if writing else READ}
        if writing:
            weights |= {"content_minute": 1, "content_hour": 1}
        with self._lock:
            waits = [self._wait(login, name, weight) for name, weight in weights.items()]
            if self.secondary and any(waits):
                return max(waits)
            for name, weight in weights.items():
                self._recent[login, name].append((self.now(), weight))
        return 0

    def _wait(self, login: str, name: str, weight: int) -> int:
        """Say after how many seconds so much more is within a limit."""
        window = self._window(login, name)
        excess = sum(one for _, one in window) + weight - self.ceilings[name]
        for when, one in window:
            if excess <= 0:
                break
            excess -= one
            if excess <= 0:
                return max(1, math.ceil(when + SPANS[name] - self.now()))
        return 0 if excess <= 0 else SPANS[name]

    def _window(self, login: str, name: str) -> deque[tuple[float, int]]:
        """Give what still counts."""
        window = self._recent.setdefault((login, name), deque())
        while window and window[0][0] <= self.now() - SPANS[name]:
            window.popleft()
        return window

    def _now(self, login: str, resource: str) -> tuple[int, int]:
        """Give what was used in the window that runs, beginning one if need be."""
        used, reset = self._used.get((login, resource), (0, 0))
        return (used, reset) if reset > self.now() else (0, int(self.now()) + WINDOW)

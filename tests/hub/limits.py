"""What each user may still ask for this hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.hub.wire import Json

WINDOW = 3600


@dataclass
class Limits:
    """The primary rate limits: one count for each user and resource, from the first request on."""

    now: Callable[[], float] = time.time
    allowed: dict[str, int] = field(
        default_factory=lambda: {"core": 5000, "graphql": 5000, "search": 30}
    )
    _used: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, login: str, resource: str, cost: int = 1) -> None:
        """Count a request."""
        with self._lock:
            used, reset = self._now(login, resource)
            self._used[login, resource] = (used + cost, reset)

    def state(self, login: str, resource: str) -> Json:
        """Describe what is left, as `GET /rate_limit` does."""
        with self._lock:
            used, reset = self._now(login, resource)
        limit = self.allowed[resource]
        used = min(used, limit)
        return {"limit": limit, "used": used, "remaining": limit - used, "reset": reset}

    def headers(self, login: str, resource: str) -> dict[str, str]:
        """Describe what is left, as the headers of each answer do."""
        state = {
            f"X-RateLimit-{key.title()}": str(n) for key, n in self.state(login, resource).items()
        }
        return state | {"X-RateLimit-Resource": resource}

    def _now(self, login: str, resource: str) -> tuple[int, int]:
        """Give what was used in the window that runs, beginning one if need be."""
        used, reset = self._used.get((login, resource), (0, 0))
        return (used, reset) if reset > self.now() else (0, int(self.now()) + WINDOW)

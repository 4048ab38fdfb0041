"""How faults strike: what happens to a request that meets one, and which requests do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.hub.wire import Answer, Request

Timed: TypeAlias = Callable[[float], Answer]
"""An answer that depends on the hub's clock, in seconds since the epoch."""

JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True)
class Kind:
    """What happens to a request that a fault meets.

    First `delay` seconds pass. Then the request is carried out if `applied`, seeing branches
    that are `lag` seconds old, and `answer`, if there is one, is said in place of the true one,
    under the true rate-limit headers if it is `counted`. Then `silence` seconds pass, or as many
    as the client waits. Of the answer's body the share `sent` goes out; below 1 the connection is
    closed after it, at 0 nothing goes out at all.
    """

    applied: bool = True
    answer: Answer | Timed | None = None
    sent: float = 1.0
    delay: float = 0.0
    lag: float = 0.0
    silence: float = 0.0
    counted: bool = False

    def said(self, now: float) -> Answer | None:
        """Give what is said in place of the true answer, if anything is."""
        return self.answer(now) if callable(self.answer) else self.answer


def status(
    code: int,
    body: bytes = b'{"message": "Server Error"}',
    headers: Mapping[str, str] | None = None,
    *,
    applied: bool = False,
) -> Kind:
    """Answer with this status; with `applied` the request was carried out all the same."""
    return Kind(applied=applied, answer=Answer(code, body, JSON | dict(headers or {})))


def delay(seconds: float) -> Kind:
    """Answer truly, but late."""
    return Kind(delay=seconds)


def stale(seconds: float) -> Kind:
    """Show branches as they were this long ago, as a replica does that lags."""
    return Kind(lag=seconds)


@dataclass(frozen=True)
class Fault:
    """Which requests meet which fault, and how often.

    `match` is a regular expression that is searched in `METHOD /path?query`, `body` one that is
    searched in the request's body; `times=None` means until the faults are cleared.
    """

    match: str
    kind: Kind
    times: int | None = 1
    body: str = ""

    def meets(self, request: Request, target: str) -> bool:
        """Tell whether this request is one of those."""
        text = request.body.decode("utf-8", "replace")
        return bool(re.search(self.match, f"{request.method} {target}")) and bool(
            re.search(self.body, text)
        )


@dataclass
class Faults:
    """The faults in force; of several that meet a request the one added last is used."""

    _left: list[tuple[Fault, int | None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._left.clear()

    def pending(self) -> int:
        """Count the faults that are still in force, so that a test can see that one struck."""
        with self._lock:
            return len(self._left)

    def take(self, request: Request, target: str) -> Kind:
        """Use up one fault for this request, if there is one."""
        with self._lock:
            for index in reversed(range(len(self._left))):
                fault, left = self._left[index]
                if not fault.meets(request, target):
                    continue
                if left is not None:
                    self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault.kind
        return Kind()

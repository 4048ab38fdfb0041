"""Work that may take for ever, begun in a thread and waited for until a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from memory_sync.ports.clock import Clock

T = TypeVar("T")


class LateError(Exception):
    """It was not done in time."""


class Deadline:
    """A moment that all have to keep to."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._end - self._clock.monotonic())


class Later(Generic[T]):
    """The result of a function, worked out once, by the first who wants it.

    Its thread is left behind where it hangs (a disk that does not answer), and keeps no process
    from ending.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._begun = False
        self._done = threading.Event()
        self._result: list[T] = []
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Start working on it, unless that was done."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        threading.Thread(target=self._run, daemon=True).start()

    def get(self, seconds: float) -> T:
        """Return the result, or raise what the function raised, or LateError."""
        self.begin()
        if not self._done.wait(seconds):
            raise LateError
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - whoever waits is to get it
            self._error = error
        finally:
            self._done.set()

"""Signs of life: who works at something long tells now and then that it is not stuck."""

from __future__ import annotations

from collections.abc import Callable

Beat = Callable[[], object]
"""Called for each request and for each file; quick, and never fails."""


def no_beat() -> None:
    """Be nobody's sign of life: a command that a person started is watched by the person."""


class Pulse:
    """Counts the beats of one thread; any thread may look at the count.

    It is a mailbox with room for one number: the newest replaces the older.
    """

    def __init__(self) -> None:
        self.count = 0

    def beat(self) -> None:
        """Give a sign of life."""
        self.count += 1

"""A pattern of several parts against the parts of a path, in time that is bounded by both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Part = re.Pattern[str] | None
"""What one part of a path has to match; None stands for `**`, any number of parts."""


def states(pattern: Sequence[Part], parts: Sequence[str]) -> frozenset[int]:
    """Return how far a pattern can be when it has taken all these parts.

    A number is how many pieces of the pattern are done with; with all of them the path matches, and
    with fewer something in the folder at that path can.
    """
    *_, last = _steps(pattern, parts)
    return last


def lengths(pattern: Sequence[Part], parts: Sequence[str]) -> frozenset[int]:
    """Return how many of the parts, from the first on, make a path that matches."""
    steps = enumerate(_steps(pattern, parts))
    return frozenset(count for count, done in steps if len(pattern) in done)


def _steps(pattern: Sequence[Part], parts: Sequence[str]) -> Iterator[frozenset[int]]:
    now = _skipping(pattern, {0})
    yield now
    for part in parts:
        after: set[int] = set()
        for done in now:
            piece = pattern[done] if done < len(pattern) else None
            if piece is not None and piece.match(part):
                after.add(done + 1)
            elif piece is None and done < len(pattern):
                after.add(done)
        now = _skipping(pattern, after)
        yield now


def _skipping(pattern: Sequence[Part], now: set[int]) -> frozenset[int]:
    """Add what is reached where a `**` stands for no part at all."""
    for done in sorted(now):
        at = done
        while at < len(pattern) and pattern[at] is None:
            at += 1
            now.add(at)
    return frozenset(now)

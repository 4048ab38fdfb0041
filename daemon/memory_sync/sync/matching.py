"""Which lines of two texts are the same, in order: difflib, kept to what it is quick at.

difflib takes cubic time where lines repeat, as empty lines and the like do in every text. So lines
that each text has exactly once come first, as anchors, and difflib looks only at what lies between
them, if that is little. Lines that are left over count as changed, which is always safe.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

SMALL = 2500
"""Pairs of lines up to which difflib is asked."""

Lines = Sequence[bytes]
Pair = tuple[int, int]


def matching(one: Lines, other: Lines) -> list[Pair]:
    """Return pairs of the numbers of equal lines; both numbers rise from pair to pair."""
    if len(one) * len(other) <= SMALL:
        blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
        return [(mine + step, its + step) for mine, its, size in blocks for step in range(size)]
    pairs: list[Pair] = []
    at_one = at_other = 0
    anchors = _anchors(one, other)
    for mine, its in [*anchors, (len(one), len(other))]:
        if anchors:
            between = matching(one[at_one:mine], other[at_other:its])
            pairs += [(at_one + first, at_other + second) for first, second in between]
        if mine < len(one):
            pairs.append((mine, its))
        at_one, at_other = mine + 1, its + 1
    return pairs


def _anchors(one: Lines, other: Lines) -> list[Pair]:
    """Return the longest rising row of pairs of lines that both have exactly once."""
    here, there = _once(one), _once(other)
    pairs = [(mine, there[line]) for line, mine in here.items() if line in there]
    # Patience sorting: `tops` holds the smallest end of a row of each length.
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, its) in enumerate(pairs):
        place = bisect_left(tops, its)
        before.append(ends[place - 1] if place else -1)
        tops[place : place + 1] = [its]
        ends[place : place + 1] = [number]
    row: list[Pair] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def _once(lines: Lines) -> dict[bytes, int]:
    """Return the numbers of the lines that occur once, in order."""
    counts = Counter(lines)
    return {line: number for number, line in enumerate(lines) if counts[line] == 1}

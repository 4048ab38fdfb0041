"""How two texts differ by line, in hunks of a unified difference.

Which lines are the same is told by `matching`: difflib takes quadratic time for a long text.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import Match, SequenceMatcher

from memory_sync.sync.matching import Lines, Pair, matching

AROUND = 3
"""Lines that both have, shown before and after what differs."""


def same_lines(one: Lines, other: Lines) -> list[Pair]:
    """Return pairs of the numbers of equal lines; both numbers rise from pair to pair.

    With what both begin and end with, little is left to `matching`, which takes no line for the
    same that repeats in a long text.
    """
    short = min(len(one), len(other))
    begin = 0
    while begin < short and one[begin] == other[begin]:
        begin += 1
    end = 0
    while end < short - begin and one[-1 - end] == other[-1 - end]:
        end += 1
    between = matching(one[begin : len(one) - end], other[begin : len(other) - end])
    return [
        *((number, number) for number in range(begin)),
        *((begin + mine, begin + its) for mine, its in between),
        *((len(one) - step, len(other) - step) for step in range(end, 0, -1)),
    ]


def hunks(one: Lines, other: Lines) -> Iterator[bytes]:
    """Give the lines of a unified difference that follow its head; none where nothing differs."""
    for group in _Known(one, other).get_grouped_opcodes(AROUND):
        (_, first, _, its_first, _), (_, _, last, _, its_last) = group[0], group[-1]
        yield f"@@ -{_span(first, last)} +{_span(its_first, its_last)} @@".encode()
        for tag, mine, mine_end, its, its_end in group:
            if tag == "equal":
                yield from (b" " + line for line in one[mine:mine_end])
                continue
            yield from (b"-" + line for line in one[mine:mine_end])
            yield from (b"+" + line for line in other[its:its_end])


class _Known(SequenceMatcher[bytes]):
    """Groups what differs between two texts, and leaves it to others to find what is the same."""

    def __init__(self, one: Lines, other: Lines) -> None:
        super().__init__(None, one, other, autojunk=False)
        self._ends = Match(len(one), len(other), 0)
        self._pairs = same_lines(one, other)

    def get_matching_blocks(self) -> list[Match]:
        """Return the runs of equal lines; the last one is empty, at the ends."""
        runs: list[Match] = []
        for mine, its in self._pairs:
            last = runs[-1] if runs else None
            if last and (last.a + last.size, last.b + last.size) == (mine, its):
                runs[-1] = Match(last.a, last.b, last.size + 1)
            else:
                runs.append(Match(mine, its, 1))
        return [*runs, self._ends]


def _span(start: int, end: int) -> str:
    """Say which lines these are, counted from one; of none, what they come after."""
    if end - start == 1:
        return str(end)
    return f"{start + 1 if end > start else start},{end - start}"

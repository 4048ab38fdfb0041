"""A conflict as people see it: what stands in the file, what the copy has, what both began with."""

from __future__ import annotations

from collections.abc import Sequence

from memory_sync.cli.result import Line
from memory_sync.cli.words import many, size
from memory_sync.sync.merge import is_text, pieces

AROUND = 3
"""Lines that both have, shown before and after what differs."""
STYLES = {"base": "dim", "theirs": "good", "mine": "warning"}

Piece = tuple[Sequence[bytes], Sequence[bytes], Sequence[bytes]]


def difference(theirs: bytes | None, mine: bytes) -> tuple[int, int] | None:
    """Count the lines that only the file has, and that only the copy has; None if not by line."""
    if not (is_text(theirs or b"") and is_text(mine)):
        return None
    runs = [run for run in pieces(None, mine, theirs or b"") if not _agree(run)]
    return sum(len(there) for _, _, there in runs), sum(len(here) for _, here, _ in runs)


def differs(theirs: bytes | None, mine: bytes) -> str:
    """Say how large the difference is, in a few words."""
    if theirs == mine:
        return "none"
    counts = difference(theirs, mine)
    if counts is None:
        there = "nothing" if theirs is None else size(len(theirs))
        return f"no text: {there} in the file, {size(len(mine))} in the copy"
    if not any(counts):
        return "only how the last line ends"
    there, here = (many(count, "line") for count in counts)
    return f"{there} only in the file, {here} only in the copy"


def threeway(base: bytes | None, theirs: bytes | None, mine: bytes) -> list[Line]:
    """Return the lines that differ, with some around them; nothing for what is no text."""
    if not all(is_text(one or b"") for one in (base, theirs, mine)):
        return []
    runs = pieces(base, mine, theirs or b"")
    lines: list[Line] = []
    same: list[bytes] = []
    for run in runs:
        if _agree(run):
            same += run[0]
            continue
        lines += _between(same, first=not lines)
        same = []
        old, here, there = run
        if base is not None:
            lines += _side("base", old)
        lines += [*_side("theirs", there), *_side("mine", here)]
    return [*lines, *_after(same)] if lines else []


def _agree(run: Piece) -> bool:
    old, here, there = (list(lines) for lines in run)
    return old == here == there


def _between(same: Sequence[bytes], *, first: bool) -> list[Line]:
    """Return what both have between two differences, or before the first."""
    before = [] if first else same[:AROUND]
    rest = same[len(before) :]
    skipped = rest[: max(0, len(rest) - AROUND)]
    gap = [Line(f"{'':6} … {many(len(skipped), 'line')}", "dim")] if skipped else []
    return [*map(_common, before), *gap, *map(_common, rest[len(skipped) :])]


def _after(same: Sequence[bytes]) -> list[Line]:
    rest = len(same) - AROUND
    gap = [Line(f"{'':6} … {many(rest, 'line')}", "dim")] if rest > 0 else []
    return [*map(_common, same[:AROUND]), *gap]


def _common(line: bytes) -> Line:
    return Line(_labelled("", line))


def _side(name: str, lines: Sequence[bytes]) -> list[Line]:
    shown = [_labelled(name, line) for line in lines]
    return [Line(text, STYLES[name]) for text in shown or [f"{name:6} (nothing)"]]


def _labelled(name: str, line: bytes) -> str:
    text = line.decode().expandtabs(4)
    return f"{name:6} | {text}" if text else f"{name:6} |"

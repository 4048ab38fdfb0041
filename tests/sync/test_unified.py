"""Differences by line, in hunks."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_sync.sync.unified import hunks, same_lines

LINES = st.lists(st.sampled_from([b"", b"a", b"b", b"c", b"-d", b"+e", b"@@ f"]), max_size=60)
HEAD = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


def applied(text: list[bytes], lines: Iterable[bytes]) -> list[bytes]:
    """Apply hunks to a text as `patch` does, and make sure that they fit to the line."""
    found: list[bytes] = []
    at = due = its_due = 0
    for line in lines:
        if not due and not its_due:
            head = HEAD.fullmatch(line)
            assert head, line
            due, its_due = (int(head[group] or 1) for group in (2, 4))
            start = int(head[1]) - (due > 0)
            found += text[at:start]
            at = start
            assert len(found) == int(head[3]) - (its_due > 0)
            continue
        if line[:1] in (b" ", b"-"):
            assert text[at] == line[1:]
            at, due = at + 1, due - 1
        if line[:1] in (b" ", b"+"):
            found.append(line[1:])
            its_due -= 1
    assert not due
    assert not its_due
    return [*found, *text[at:]]


@given(LINES, LINES)
def test_what_is_told_makes_the_one_from_the_other(one: list[bytes], other: list[bytes]) -> None:
    """Whatever the lines look like, and however often they repeat."""
    assert applied(one, hunks(one, other)) == other
    assert list(hunks(one, one)) == []


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("", "a", "@@ -0,0 +1 @@ +a"),
        ("a", "", "@@ -1 +0,0 @@ -a"),
        ("a", "b", "@@ -1 +1 @@ -a +b"),
        ("a b c d e f g h i", "a b c d e f g x h i",
         "@@ -5,5 +5,6 @@ _e _f _g +x _h _i"),
        ("1 a b c d e f g h 2", "3 a b c d e f g h 4",
         "@@ -1,4 +1,4 @@ -1 +3 _a _b _c @@ -7,4 +7,4 @@ _f _g _h -2 +4"),
    ],
)  # fmt: skip
def test_the_hunks_of_a_difference(one: str, other: str, told: str) -> None:
    """Three lines stand around each; a line alone has no count."""
    found = b" ".join(hunks(one.encode().split(), other.encode().split()))
    assert re.sub(r" (?! )", " ", found.decode().replace("  ", " _")) == told


def test_one_change_in_lines_that_all_repeat_is_one_change() -> None:
    """No line tells where it belongs but by how both begin and end."""
    one = [b"- a", b""] * 100
    other = [*one[:77], b"new", *one[77:]]
    assert len(same_lines(one, other)) == len(one)
    assert [line for line in hunks(one, other) if line.startswith(b"+")] == [b"+new"]


def test_a_long_text_takes_no_long_time() -> None:
    """Ten thousand lines of which every third is another: a quadratic search takes many seconds."""
    drawn = random.Random(1)
    one = [b"%020x" % drawn.getrandbits(80) for _ in range(10_000)]
    other = [line if number % 3 else line[::-1] for number, line in enumerate(one)]
    began = time.process_time()
    found = list(hunks(one, other))
    assert time.process_time() - began < 3.0
    assert applied(one, found) == other

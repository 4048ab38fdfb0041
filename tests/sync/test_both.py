"""Two versions of one file in one, as a person asks for it; and the runs in which they differ."""

from __future__ import annotations

import random

import pytest

from memory_sync.sync.merge import both, merge, pieces


@pytest.mark.parametrize(
    ("theirs", "mine", "together"),
    [
        (b"a\nx\nc\n", b"a\ny\nc\n", b"a\nx\ny\nc\n"),
        (b"a\n", b"a\nb\n", b"a\nb\n"),
        (b"a\nb\n", b"b\n", b"a\nb\n"),
        (b"x\n", b"y\n", b"x\ny\n"),
        (b"", b"y\n", b"y\n"),
        (b"", b"", b""),
        (b"x", b"y", b"x\ny"),
        (b"a\r\nx\r\n", b"a\r\ny\r\n", b"a\r\nx\r\ny\r\n"),
        (b"1\na\n2\nb\n3\n", b"1\nc\n2\nd\n3\n", b"1\na\nc\n2\nb\nd\n3\n"),
    ],
)
def test_both_has_the_lines_of_both(theirs: bytes, mine: bytes, together: bytes) -> None:
    """Shared lines stand once; where the two differ theirs come first."""
    assert both(mine, theirs) == together


def test_of_two_timestamps_the_later_one_stays() -> None:
    """A key that stood twice would be no YAML any more."""
    theirs = b"---\nname: a\nupdated: 2026-01-02\n---\nx\n"
    mine = b"---\nname: a\nupdated: 2026-01-03\n---\ny\n"
    assert both(mine, theirs) == b"---\nname: a\nupdated: 2026-01-03\n---\nx\ny\n"


@pytest.mark.parametrize("content", [b"a\0", b"\xff"])
def test_what_is_no_text_has_no_both(content: bytes) -> None:
    """Neither way round."""
    assert both(content, b"a\n") is None
    assert both(b"a\n", content) is None


def test_both_loses_no_line() -> None:
    """All lines of each version stand in it, in their order, whatever the two are."""
    for seed in range(500):
        chance = random.Random(seed)
        one, other = (
            [b"%d" % chance.randint(0, 9) for _ in range(chance.randint(0, 60))] for _ in range(2)
        )
        together = (both(_text(one), _text(other)) or b"").split(b"\n")
        for lines in (one, other):
            rest = iter(together)
            assert all(any(line == found for found in rest) for line in lines), seed


def test_i15_both_against_mine_is_mine() -> None:
    """Two devices that resolve at once, the one so and the other so, have no second conflict."""
    for seed in range(500):
        chance = random.Random(seed)
        base = [b"line %d" % number for number in range(chance.randint(1, 12))]
        theirs, mine = (_text(_edited(base, chance)) for _ in range(2))
        together = both(mine, theirs)
        assert together is not None
        if together in (theirs, mine):
            continue
        for one, other in ((mine, together), (together, mine)):
            merged = merge(theirs, one, other)
            assert (merged.content, merged.conflict) == (mine, False), seed


def _text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _edited(base: list[bytes], chance: random.Random) -> list[bytes]:
    """Change, remove and insert lines, none of which is there twice."""
    lines: list[bytes] = []
    for line in base:
        new = b"new %d" % chance.getrandbits(60)
        lines += chance.choice([[line], [line], [line], [line], [new], [line, new], []])
    return lines


def test_three_versions_are_cut_where_they_differ() -> None:
    """A run has the lines of base, local and remote."""
    runs = pieces(b"a\nb\nc\n", b"a\nmine\nc\n", b"a\ntheirs\nc\n")
    assert [tuple(map(list, run)) for run in runs] == [
        ([b"a"], [b"a"], [b"a"]),
        ([b"b"], [b"mine"], [b"theirs"]),
        ([b"c"], [b"c"], [b"c"]),
    ]


def test_without_a_base_the_runs_are_those_of_two() -> None:
    """What both have stands for it."""
    runs = pieces(None, b"a\nmine\nc\n", b"a\nc\nend\n")
    assert [tuple(map(list, run)) for run in runs] == [
        ([b"a"], [b"a"], [b"a"]),
        ([], [b"mine"], []),
        ([b"c"], [b"c"], [b"c"]),
        ([], [], [b"end"]),
    ]

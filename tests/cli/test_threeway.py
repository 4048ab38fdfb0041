"""A conflict as people see it: the lines that differ, and a few around them."""

from __future__ import annotations

import pytest

from memory_sync.cli.threeway import differs, threeway

TEN = b"".join(b"%d\n" % number for number in range(10))


def shown(base: bytes | None, theirs: bytes | None, mine: bytes) -> list[str]:
    """Return the lines without their colours."""
    return [line.text for line in threeway(base, theirs, mine)]


def test_what_is_far_from_a_difference_is_only_counted() -> None:
    """Three lines before and after each; between two that are near nothing is left out."""
    theirs = TEN.replace(b"5\n", b"five\n") + TEN
    assert shown(TEN + TEN, theirs, TEN + TEN)[:8] == [
        "       … 2 lines",
        "       | 2",
        "       | 3",
        "       | 4",
        "base   | 5",
        "theirs | five",
        "mine   | 5",
        "       | 6",
    ]
    assert shown(TEN, b"new\n" + TEN + b"end\n", TEN) == [
        "base   (nothing)",
        "theirs | new",
        "mine   (nothing)",
        "       | 0",
        "       | 1",
        "       | 2",
        "       … 4 lines",
        "       | 7",
        "       | 8",
        "       | 9",
        "base   (nothing)",
        "theirs | end",
        "mine   (nothing)",
    ]


def test_a_file_that_is_gone_has_nothing() -> None:
    """All of the copy stands against it."""
    assert shown(None, None, b"a\n\n") == ["theirs (nothing)", "mine   | a", "mine   |"]


@pytest.mark.parametrize(
    ("theirs", "mine", "text"),
    [
        (b"a\n", b"a\n", "none"),
        (b"a\n", b"a", "only how the last line ends"),
        (b"a\nb\n", b"a\nc\nd\n", "1 line only in the file, 2 lines only in the copy"),
        (None, b"a\0", "no text: nothing in the file, 2 bytes in the copy"),
    ],
)
def test_the_size_of_a_difference_is_told_in_words(
    theirs: bytes | None, mine: bytes, text: str
) -> None:
    """In lines where there are any, else in bytes."""
    assert differs(theirs, mine) == text
    if "line only" not in text:
        assert shown(None, theirs, mine) == []

"""The three-way merge by line."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.sync.matching import matching
from memory_sync.sync.merge import merge

BASE = b"one\ntwo\nthree\nfour\nfive\n"


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged"),
    [
        (BASE, BASE + b"L\n", BASE + b"R\n", BASE + b"R\nL\n"),
        (BASE, b"L\n" + BASE, b"R\n" + BASE, b"R\nL\n" + BASE),
        (BASE, b"ONE\ntwo\nthree\nfour\nfive\n", b"one\ntwo\nthree\nfour\nFIVE\n",
         b"ONE\ntwo\nthree\nfour\nFIVE\n"),
        (BASE, b"one\nthree\nfour\nfive\n", BASE + b"R\n", b"one\nthree\nfour\nfive\nR\n"),
        (BASE, BASE + b"same\n", BASE + b"same\n", BASE + b"same\n"),
        (BASE, BASE + b"same\nL\n", BASE + b"same\nR\n", BASE + b"same\nR\nL\n"),
        (BASE, BASE + b"R\nL\n", BASE + b"R\n", BASE + b"R\nL\n"),
        (BASE, BASE + b"L\n", BASE + b"R\nL\n", BASE + b"R\nL\n"),
        (b"a", b"a\nL", b"a\nR", b"a\nR\nL"),
        (b"a\n", b"a\nL\n", b"a\nR", b"a\nR\nL"),
        (b"a\r\n", b"a\r\nL\r\n", b"a\r\nR\r\n", b"a\r\nR\r\nL\r\n"),
        (b"", b"# day\nL\n", b"# day\nR\n", b"# day\nR\nL\n"),
        (b"", b"L\n# end\n", b"R\n# end\n", b"R\nL\n# end\n"),
        ("ä\n".encode(), "ä\nö\n".encode(), "ä\nü\n".encode(), "ä\nü\nö\n".encode()),
        (b"", b"x\na\nb\nc\n", b"a\nb\nc\ny\n", b"x\na\nb\nc\ny\n"),
        (b"", b"a\nL\nb\nc\nz\n", b"a\nb\nR\nc\n", b"a\nL\nb\nR\nc\nz\n"),
        (b"", b"# L\n\nl\n\nm\n", b"# R\n\nr\n\ns\n", b"# R\n\nr\n\ns\n# L\n\nl\n\nm\n"),
        (b"A\n", b"A\nB\n", b"B\n", b"B\n"),
        (b"A\n", b"B\n", b"A\nB\n", b"B\n"),
        (b"A\n", b"H\nA\nB\n", b"H\nB\n", b"H\nB\n"),
        (None, b"a\n", b"a\nb\n", b"a\nb\n"),
        (None, b"a\nb\n", b"b\n", b"a\nb\n"),
    ],
)  # fmt: skip
def test_i18_what_does_not_overlap_merges(
    base: bytes | None, local: bytes, remote: bytes, merged: bytes
) -> None:
    """Both sides' lines are there, the remote's first, and it is no conflict."""
    result = merge(base, local, remote)
    assert (result.content, result.conflict) == (merged, False)


@pytest.mark.parametrize(
    ("base", "local", "remote", "merged"),
    [
        (BASE, BASE.replace(b"two", b"L"), BASE.replace(b"two", b"R"), BASE.replace(b"two", b"R")),
        (BASE, BASE.replace(b"two\n", b""), BASE.replace(b"two", b"R"), BASE.replace(b"two", b"R")),
        (BASE, BASE.replace(b"two", b"L") + b"more\n", BASE.replace(b"two", b"R"),
         BASE.replace(b"two", b"R") + b"more\n"),
        (None, b"mine\n", b"theirs\n", b"theirs\n"),
        (b"a\0\n", b"a\0\nL\n", b"a\0\nR\n", b"a\0\nR\n"),
        (b"a\n", b"a\n\xff\n", b"a\nR\n", b"a\nR\n"),
        (b"\xff\n", b"a\n", b"b\n", b"b\n"),
    ],
    ids=["same line", "delete against edit", "one of two", "no base", "NUL", "local", "base"],
)  # fmt: skip
def test_i18_what_overlaps_is_a_conflict_without_markers(
    base: bytes | None, local: bytes, remote: bytes, merged: bytes
) -> None:
    """The remote version stays where they overlap; the caller is told to keep the local one."""
    result = merge(base, local, remote)
    if result.content != merged:
        # A deleted line needs no second place: all the local lines stand in the merged file.
        raise AssertionError(result.content)
    assert result.conflict is not (local == BASE.replace(b"two\n", b""))
    assert b"<<<<" not in result.content


def test_a_merge_past_its_cap_is_a_conflict() -> None:
    """A file with a cap does not grow past it; one side that is larger by itself stays."""
    kept = merge(b"a\n", b"a\nL\n", b"a\nR\n", cap=5)
    assert (kept.content, kept.conflict) == (b"a\nR\n", True)
    fits = merge(b"a\n", b"a\nL\n", b"a\nR\n", cap=6)
    assert (fits.content, fits.conflict) == (b"a\nR\nL\n", False)
    umlauts = merge("ä\n".encode(), "ä\nö\n".encode(), "ä\nü\n".encode(), cap=6)
    assert not umlauts.conflict


FRONT = "---\nmodified: {}\ntitle: x\n---\nbody\n"


@pytest.mark.parametrize(
    ("local", "remote", "later"),
    [("2026-03-01T10:00:00Z", "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"),
     ("2026-03-01T10:00:00+02:00", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
     ("2026-03-02", "2026-03-01T09:00:00", "2026-03-02"),
     ("'2026-03-02 10:00'", "2026-03-01", "'2026-03-02 10:00'")],
)  # fmt: skip
def test_a_timestamp_in_front_matter_takes_the_later_value(
    local: str, remote: str, later: str
) -> None:
    """Agents rewrite such a line on each save: that alone is never a conflict."""
    base = FRONT.format("2026-01-01T00:00:00Z").encode()
    result = merge(base, FRONT.format(local).encode() + b"L\n", FRONT.format(remote).encode())
    assert (result.content, result.conflict) == (FRONT.format(later).encode() + b"L\n", False)


@pytest.mark.parametrize(
    "shape", ["modified: {}\n", "---\nmodified: {}\nnever closed\n", "---\nmodified: x{}\n---\n"]
)
def test_elsewhere_a_timestamp_is_text(shape: str) -> None:
    """Only a whole front matter and a real timestamp are treated so."""
    base, local, remote = (shape.format(f"2026-0{month}-01").encode() for month in (1, 2, 3))
    assert merge(base, local, remote).conflict


_LINES = st.lists(st.sampled_from([b"a", b"b", b"c", b"", b"- x", b"d\r"]), max_size=8)
_TEXT = st.builds(lambda lines, end: b"\n".join(lines) + end, _LINES, st.sampled_from([b"", b"\n"]))


@given(_TEXT, _TEXT, _TEXT)
@settings(max_examples=1000)
def test_i4_every_line_lives_on(base: bytes, local: bytes, remote: bytes) -> None:
    """Without a conflict each line that one side added is in the result."""
    result = merge(base, local, remote)
    if result.conflict:
        return
    merged, was = result.content.split(b"\n"), base.split(b"\n")
    for side in (local.split(b"\n"), remote.split(b"\n")):
        for line in set(side) - set(was):
            assert line in merged


@given(_TEXT, _TEXT)
def test_one_sided_changes_come_through(base: bytes, other: bytes) -> None:
    """Against an unchanged side the other one is the result, to the byte."""
    assert merge(base, other, base).content == other or other.count(b"\n") == 0
    assert merge(base, base, other).content == other


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60) | st.none())
def test_no_bytes_make_it_fall_over(local: bytes, remote: bytes, base: bytes | None) -> None:
    """Any content merges or is a conflict."""
    result = merge(base, local, remote)
    assert result.conflict or isinstance(result.content, bytes)


def test_a_long_log_merges_quickly() -> None:
    """20,000 lines with an append on each side are no work: the common beginning is set aside."""
    log = b"".join(b"- entry %d\n" % number for number in range(20_000))
    assert merge(log, log + b"L\n", log + b"R\n").content == log + b"R\nL\n"


def _entries(who: str, count: int) -> bytes:
    return b"".join(b"## %s %d\n\n- noted\n\n" % (who.encode(), n) for n in range(count))


@pytest.mark.parametrize("count", [5, 200, 5000])
def test_long_appends_on_both_sides_merge_quickly(count: int) -> None:
    """Entries with lines that repeat, thousands on each side: whole, one side's after the other."""
    ours, theirs = _entries("ours", count), _entries("theirs", count)
    result = merge(b"# Log\n", b"# Log\n" + ours, b"# Log\n" + theirs)
    assert not result.conflict
    for side in (b"ours", b"theirs"):
        heads = [line for line in result.content.split(b"\n") if line.startswith(b"## " + side)]
        assert heads == [b"## %s %d" % (side, number) for number in range(count)]


def test_two_rewritten_long_texts_merge_quickly() -> None:
    """Thousands of paragraphs that both wrote anew are one conflict, and soon found to be."""
    base, ours, theirs = (
        b"".join(b"%s paragraph %d\n\n" % (who, number) for number in range(5000))
        for who in (b"old", b"our", b"their")
    )
    result = merge(base, ours, theirs)
    assert (result.content, result.conflict) == (theirs, True)


def test_changes_all_over_a_long_text_merge_quickly() -> None:
    """Every tenth line changed by one side, every tenth by the other: all of both is there."""
    lines = [b"line %d" % number for number in range(10_000)]
    ours, theirs = list(lines), list(lines)
    ours[::10] = [b"our %d" % number for number in range(1000)]
    theirs[5::10] = [b"their %d" % number for number in range(1000)]
    expected = list(ours)
    expected[5::10] = theirs[5::10]
    result = merge(b"\n".join(lines), b"\n".join(ours), b"\n".join(theirs))
    assert (result.content, result.conflict) == (b"\n".join(expected), False)


@given(_TEXT, _TEXT)
@settings(max_examples=500, deadline=None)
def test_matching_lines_are_equal_and_in_order(one: bytes, other: bytes) -> None:
    """Whichever way they are found: by difflib alone, or between anchors."""
    here, there = one.split(b"\n") * 12, other.split(b"\n") * 12
    here[3::7], there[2::5] = ([b"only %d" % n for n in range(len(part))]
                               for part in (here[3::7], there[2::5]))  # fmt: skip
    for first, second in ((one.split(b"\n"), other.split(b"\n")), (here, there)):
        pairs = matching(first, second)
        assert all(first[mine] == second[its] for mine, its in pairs)
        assert pairs == sorted(set(pairs))
        assert all(a[1] < b[1] and a[0] < b[0] for a, b in pairwise(pairs))

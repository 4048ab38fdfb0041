"""Include and exclude patterns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.sync.patterns import Glob, Patterns


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("MEMORY.md", ["MEMORY.md"], ["a/MEMORY.md", "memory.md", "MEMORY.md/x"]),
        ("memory/**/*.md", ["memory/a.md", "memory/b/c/d.md"], ["memory/a.txt", "x/memory/a.md",
                                                                 "memory", "memory.md"]),
        ("*.md", ["a.md", ".md"], ["a/b.md"]),
        ("**/*.md", ["a.md", "a/b/c.md"], ["a.mdx"]),
        ("notes/?.md", ["notes/a.md"], ["notes/ab.md", "notes/a/b.md"]),
        ("[ab]/x", ["a/x", "b/x"], ["c/x", "ab/x"]),
        ("a/**", ["a/b", "a/b/c"], ["b"]),
        ("./memory//x.md", ["memory/x.md"], ["x.md"]),
        ("**", ["a", "a/b"], []),
        ("a.b", ["a.b"], ["axb"]),
    ],
)  # fmt: skip
def test_a_pattern_is_anchored_and_star_stays_in_its_part(
    pattern: str, yes: list[str], no: list[str]
) -> None:
    """`*` does not cross a slash, `**` does, and everything else is itself."""
    glob = Glob(pattern)
    assert [path for path in (*yes, *no) if glob.matches(path)] == yes


@pytest.mark.parametrize(
    ("folder", "reached"),
    [("", True), ("memory", True), ("memory/deep/er", True),
     ("node_modules", False), ("x/memory", False), ("MEMORY.md", False)],
)  # fmt: skip
def test_only_folders_that_a_pattern_can_reach_are_walked(folder: str, reached: bool) -> None:
    """A workspace with 20,000 other folders costs nothing."""
    assert Patterns().reaches(folder) == reached


def test_an_exclude_wins_and_spares_the_walk() -> None:
    """What an exclude names is left out, its folder is not entered."""
    patterns = Patterns(("**/*.md",), ("private", "private/**", "memory/draft-*.md"))
    assert patterns.matches("memory/a.md")
    assert not patterns.matches("memory/draft-a.md")
    assert not patterns.matches("private/a.md")
    assert not patterns.reaches("private")
    assert patterns.reaches("memory")


def test_i28_an_excluded_folder_is_left_out_with_all_that_is_in_it() -> None:
    """Also without `/**`: what is not walked must not match, or it would look deleted."""
    patterns = Patterns(exclude=("memory/private", "memory/*/old"))
    assert not patterns.matches("memory/private/a.md")
    assert not patterns.matches("memory/private/deep/a.md")
    assert not patterns.matches("memory/topic/old/a.md")
    assert patterns.matches("memory/privately.md")
    assert patterns.matches("memory/old/a.md")


_PART = st.sampled_from(["a", "b", "a.md", "*", "**", "?", "*.md", "[ab]"])
_GLOB = st.lists(_PART, min_size=1, max_size=4).map("/".join)
_PATH = st.lists(st.sampled_from(["a", "b", "a.md", "c"]), min_size=1, max_size=5).map("/".join)


@given(st.lists(_GLOB, min_size=1, max_size=3), st.lists(_GLOB, max_size=2), _PATH)
@settings(max_examples=2000, deadline=None)
def test_i28_whatever_matches_is_walked_to(
    include: list[str], exclude: list[str], path: str
) -> None:
    """Every folder above a file that matches is one that a pattern reaches."""
    patterns = Patterns(tuple(include), tuple(exclude))
    if patterns.matches(path):
        parts = path.split("/")
        for count in range(len(parts)):
            assert patterns.reaches("/".join(parts[:count]))

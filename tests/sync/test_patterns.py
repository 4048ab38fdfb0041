"""Include and exclude patterns."""

import pytest

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
    ("folder", "reached", "covered"),
    [("", True, False), ("memory", True, True), ("memory/deep/er", True, True),
     ("node_modules", False, False), ("x/memory", False, False), ("MEMORY.md", False, False)],
)  # fmt: skip
def test_only_folders_that_a_pattern_can_reach_are_walked(
    folder: str, reached: bool, covered: bool
) -> None:
    """A workspace with 20,000 other folders costs nothing; one watch serves what is covered."""
    patterns = Patterns()
    assert (patterns.reaches(folder), patterns.covers(folder)) == (reached, covered)


def test_an_exclude_wins_and_spares_the_walk() -> None:
    """What an exclude names is left out, its folder is not entered."""
    patterns = Patterns(("**/*.md",), ("private", "private/**", "memory/draft-*.md"))
    assert patterns.matches("memory/a.md")
    assert not patterns.matches("memory/draft-a.md")
    assert not patterns.matches("private/a.md")
    assert not patterns.reaches("private")
    assert patterns.reaches("memory")

"""The rules for what is left out: those of the program, and those of a `.memorysyncignore`."""

import random
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_sync.sync.ignores import (
    DEFAULT_RULES,
    IGNORE_FILE,
    MAX_BYTES,
    MAX_LINE,
    MAX_PARTS,
    MAX_RULES,
    RuleError,
    Rules,
    read_rule,
    read_text,
    unread,
)
from memory_sync.sync.patterns import Patterns, Why
from tests.needs import needs

DOCS = Path(__file__).parents[2] / "docs"
ALL = Patterns(("**/*",), ignore=())


def with_rules(*lines: str) -> Patterns:
    """Return patterns that include everything but what these lines leave out."""
    return Patterns(("**/*",), ignore=lines)


@pytest.mark.parametrize(
    "path",
    [
        *(".env", ".env.local", "deep/down/.env", "auth.json", ".credentials.json", ".netrc"),
        *("id_ed25519", "server.pem", "token.txt", "memory-sync-key.txt", ".ssh/config"),
        *("notes.md.tmp", "notes.md~", ".notes.md.swp", "#notes.md#", ".#notes.md", "a.md.bak"),
        *(".DS_Store", "._notes.md", ".idea/workspace.xml", "memory/.vscode/settings.json"),
        *("agent.lock", "daemon.pid", "agent.sock", ".~lock.notes.odt#", "~$notes.docx"),
        *("state.db", "state.db-wal", "state.db-shm", "memory.sqlite3", "a.sqlite-journal"),
        *(".git/HEAD", "sub/.git/config", "node_modules/x/README.md"),
        "memory/notes.sync-conflict-20260131-180000-ABCDEFG.md",
        "memory/notes (Ada's conflicted copy 2026-01-31).md",
        "memory/notes (conflicted copy 2026-01-31 180000).md",
        "memory/notes_conflict-20260131-180000.md",
        "memory/notes (SFConflict ada@example.org 2026-01-31-18-00-00).md",
        "memory/notes.md.conflict1",
    ],
)
def test_i55_what_no_memory_is_is_left_out_by_default(path: str) -> None:
    """Credentials, tokens, temporary, lock and database files, and others' conflict copies."""
    assert not ALL.matches(path)
    assert ALL.why(path).why == Why.DEFAULT
    assert ALL.why(path).rule in DEFAULT_RULES
    assert Patterns((path,), ignore=()).why(path).why == Why.DEFAULT


@pytest.mark.parametrize(
    "path",
    [
        *("MEMORY.md", "memory/tokens.md", "memory/credentials.md", "memory/secrets.md"),
        *("memory/conflict-with-bob.md", "memory/environment.md", ".env.example", "keys.md"),
        *("memory/database.md", "memory/lock.md", "memory/a (1).md", "memory/tmp/notes.md"),
    ],
)
def test_i55_a_note_about_such_things_is_a_note(path: str) -> None:
    """What a Markdown file is called leaves it out of nothing; what it holds is another matter."""
    assert ALL.matches(path)


def test_each_default_rule_is_one() -> None:
    """None of the program's own rules is passed over, and none stands there twice."""
    assert all(read_rule(text, 0) for text in DEFAULT_RULES)
    assert len(set(DEFAULT_RULES)) == len(DEFAULT_RULES)


def test_i55_a_negation_brings_back_what_a_default_leaves_out() -> None:
    """The last rule that fits counts, and those of the file come last."""
    patterns = with_rules("!memory/state.db", "", "# a comment", "!.git/")
    assert patterns.matches("memory/state.db")
    assert not patterns.matches("state.db")
    assert patterns.matches(".git/HEAD")


def test_the_file_of_rules_is_synced_whatever_it_says() -> None:
    """No include names it and it leaves itself out: only a device's own exclude can do that."""
    assert Patterns(("MEMORY.md",), ignore=("*",)).matches(IGNORE_FILE)
    assert not Patterns(("MEMORY.md",), (IGNORE_FILE,), ignore=()).matches(IGNORE_FILE)
    assert not Patterns(("MEMORY.md",)).matches(IGNORE_FILE)
    assert not ALL.why(f"memory/{IGNORE_FILE}").line


def test_it_is_said_which_rule_decides() -> None:
    """The line in the file and its text; a person's own setting before a default."""
    patterns = Patterns(("memory/**/*.md",), ("memory/old",), ignore=("", "draft-*", "!x"))
    assert patterns.why("memory/draft-1.md").line == 2
    assert patterns.why("memory/draft-1.md").rule == "draft-*"
    assert patterns.why("memory/old/a.md").why == Why.EXCLUDE
    assert patterns.why("memory/old", folder=True).why == Why.EXCLUDE
    assert patterns.why("notes.txt").why == Why.INCLUDE
    assert patterns.why("memory/a.md").why == Why.SYNCED


# --- as git has it ------------------------------------------------------------------------------

NAMES = ("a", "b", "ab", "a.md", "b.md", "c d", "[x]", "!n", "#n", "éa")
PIECES: tuple[str, ...] = (
    "a",
    "b",
    "ab",
    "*",
    "?",
    "**",
    "*.md",
    "a*",
    "*b",
    "[ab]",
    "[!a]",
    "[^b]*",
    "[a-c]b",
)
PIECES += ("a**", "\\[x\\]", "[[]x]", "*.*", "c d", "\\!n", "\\#n", "é*", "[]x]", "?*?")


def _line(dice: random.Random) -> str:
    body = "/".join(dice.choice(PIECES) for _ in range(dice.choice((1, 1, 1, 2, 2, 3))))
    first = dice.choice(("", "", "", "/", "!", "!/"))
    return f"{first}{body}{dice.choice(('', '', '', '/', '  '))}"


@pytest.mark.parametrize("seed", range(25))
def test_rules_mean_what_they_mean_to_git(seed: int, tmp_path: Path) -> None:
    """For rules and paths made at random, just those are left out that git would ignore."""
    needs("git")
    dice = random.Random(seed)
    lines = [_line(dice) for _ in range(dice.randint(1, 5))]
    paths = {"/".join(dice.choice(NAMES) for _ in range(dice.randint(1, 4))) for _ in range(150)}
    # A path that is a folder of another one is asked about as a file all the same.
    (tmp_path / ".gitignore").write_text("\n".join(lines))
    git = ("git", "-c", "core.excludesFile=/dev/null", "-C", str(tmp_path))
    subprocess.run([*git, "init", "-q"], check=True)
    answer = subprocess.run(
        [*git, "check-ignore", "--no-index", "-z", "--stdin"],
        input="\0".join(sorted(paths)).encode(),
        capture_output=True,
        check=False,
    )
    ignored = set(filter(None, answer.stdout.decode().split("\0")))
    read = read_text("\n".join(lines).encode())
    assert not read.unheeded
    made = [read_rule(text, number) for number, text in enumerate(read.lines, start=1)]
    rules = Rules(tuple(rule for rule in made if rule))
    assert {path for path in paths if rules.leaves_out(path)} == ignored, lines


# --- from whomever it comes ---------------------------------------------------------------------


@given(st.binary(max_size=2000))
@settings(max_examples=300, deadline=None)
def test_i66_any_bytes_can_be_read_as_rules(content: bytes) -> None:
    """Whatever another device sends, it is read to an end, and paths can be asked about."""
    patterns = Patterns(("**/*",), ignore=read_text(content).lines)
    patterns.matches("memory/a.md")
    patterns.reaches("memory")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x" * (MAX_LINE + 1), f"longer than {MAX_LINE}"),
        ("/".join("a" * (MAX_PARTS + 1)), f"more than {MAX_PARTS} parts"),
        ("[abc", "set without an end"),
        ("[z-a]", "goes backwards"),
        ("[[:alpha:]]", "a class"),
        ("a\\", "ends with a backslash"),
        ("../secret", "no path in the folder"),
        ("/", "no path in the folder"),
    ],
)
def test_a_line_that_is_no_rule_is_named_and_the_others_are_heeded(line: str, why: str) -> None:
    """It says which line and why, without what stands in it."""
    with pytest.raises(RuleError, match=re.escape(why)):
        read_rule(line, 1)
    read = read_text(f"draft-*\n{line}\nold/\n".encode())
    assert read.lines == ("draft-*", "", "old/")
    assert len(read.unheeded) == 1
    assert read.unheeded[0].startswith("line 2 ")


def test_i66_a_huge_file_of_rules_is_heeded_in_part_and_that_is_said() -> None:
    """So many bytes and so many rules; the numbers of its lines stay what they are."""
    read = read_text(b"# padding\n" * MAX_BYTES)
    assert read.unheeded == (f"only its first {MAX_BYTES // 1024} KiB are heeded",)
    read = read_text(b"a\n" * (MAX_RULES + 5))
    assert len(read.lines) == MAX_RULES
    assert read.unheeded == (f"only its first {MAX_RULES} rules are heeded",)
    assert unread(["a", "b", "c", "d", "e"]) == "a; b; c, and 2 more"


@pytest.mark.parametrize(
    "line",
    ["*a" * 120 + "b", "**/a/" * 15 + "b", "?*" * 100 + "z", "a*" * 100, "[a-b]*" * 40 + "c"],
)
def test_i66_no_rule_can_make_a_look_take_for_ever(line: str) -> None:
    """Rules that would take a matcher that goes back for years are decided at once."""
    patterns = Patterns(("**/*",), ignore=(line,) * 100)
    patterns.matches("a" * 250)
    patterns.matches("a/" * 90 + "x")


_PART = st.sampled_from(["a", "b", "*", "**", "?", "*.md", "a.md"])
_RULE = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "!", "/"]),
    st.lists(_PART, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "/"]),
)
_PATH = st.lists(st.sampled_from(["a", "b", "a.md", "c"]), min_size=1, max_size=5).map("/".join)


@given(st.lists(_RULE, max_size=4), _PATH)
@settings(max_examples=500, deadline=None)
def test_i28_whatever_no_rule_leaves_out_is_walked_to(lines: list[str], path: str) -> None:
    """No file can match in a folder that a rule keeps from being walked: it would look deleted."""
    patterns = Patterns(("**",), ignore=tuple(lines))
    if patterns.matches(path):
        parts = path.split("/")
        for count in range(len(parts)):
            assert patterns.reaches("/".join(parts[:count]))


def test_the_page_lists_the_default_rules() -> None:
    """docs/ignores.md has each of them once, and no other."""
    text = (DOCS / "ignores.md").read_text("utf-8").partition("## The default rules")[2]
    table = "".join(line for line in text.splitlines() if line.startswith("| ") and "`" in line)
    exceptions = re.search(r"\(but (.*?)\)", table)
    assert exceptions
    brought_back = re.findall(r"`(.+?)`", exceptions[1])
    listed = re.findall(r"`(.+?)`", table.replace(exceptions[0], ""))
    assert sorted([*listed, *(f"!{name}" for name in brought_back)]) == sorted(DEFAULT_RULES)

"""The tree of errors, and the page that lists it."""

import re
import string
from pathlib import Path

import pytest

from memory_sync import errors
from memory_sync.errors import MemorySyncError

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"


def _all(kind: type[MemorySyncError] = MemorySyncError) -> list[type[MemorySyncError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in _all(below))]


CLASSES = [kind for kind in _all() if kind.__module__.startswith(f"{errors.__name__}.")]


def _facts(kind: type[MemorySyncError]) -> dict[str, str]:
    fields = string.Formatter().parse(kind.text + kind.hint)
    return {name.split("!")[0]: f"<{name}>" for _, name, _, _ in fields if name}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.code)
def test_an_error_says_what_happened_and_what_mends_it(kind: type[MemorySyncError]) -> None:
    """Each has a code, a message in one sentence and a hint that begins with a command."""
    error = kind(**_facts(kind))
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert error.message.strip()
    assert re.match(r"(memory-sync|\$\{EDITOR:-vi\}|[a-z]+) \S", error.advice)
    assert kind.__doc__
    assert str(error) == error.message


def test_codes_are_unique() -> None:
    """A program that reads a code means one error by it."""
    codes = [kind.code for kind in CLASSES]
    assert sorted(set(codes)) == sorted(codes)


def test_an_exit_status_follows_the_branch() -> None:
    """Every error has one of the statuses of the design."""
    assert {kind.status for kind in CLASSES} <= {1, 2, 4, 5, 6, 7, 8, 9}
    for kind in CLASSES:
        parent = kind.__mro__[1]
        if parent is not MemorySyncError and issubclass(parent, MemorySyncError):
            assert kind.status == parent.status


def test_the_page_lists_exactly_these_errors() -> None:
    """docs/errors.md has a row for each error, with its status, and no other."""
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d) \|", PAGE.read_text(), re.MULTILINE)
    assert sorted((code, int(status)) for code, status in rows) == sorted(
        (kind.code, kind.status) for kind in CLASSES
    )

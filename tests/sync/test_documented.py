"""docs/sync.md lists every case of the planner, and is held to it."""

from __future__ import annotations

import itertools
from pathlib import Path

from memory_sync.model import Kind
from memory_sync.sync.plan import decide

PAGE = Path(__file__).parents[2] / "docs" / "sync.md"
ACTIONS = {
    "nothing": None,
    "upload": Kind.UPLOAD,
    "download": Kind.DOWNLOAD,
    "delete in the vault": Kind.DELETE_REMOTE,
    "delete here": Kind.DELETE_LOCAL,
    "note": Kind.RECORD,
    "forget": Kind.FORGET,
    "merge": Kind.MERGE,
}
Row = tuple[str | None, str | None, str | None]


def _table() -> dict[Row, str]:
    section = PAGE.read_text("utf-8").partition("## Every case")[2].partition("\n## ")[0]
    table = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] in ("A", "B", "none"):
            local, remote, base = (None if cell == "none" else cell for cell in cells[:3])
            assert (local, remote, base) not in table
            table[local, remote, base] = cells[3]
    return table


def _named(row: Row) -> Row:
    """Name the contents of a row by the order in which base, remote and local bring them up.

    The page may name them differently; what counts is which are equal.
    """
    names: dict[str, str] = {}
    for digest in reversed(row):
        if digest is not None:
            names.setdefault(digest, "ABC"[len(names)])
    local, remote, base = (None if digest is None else names[digest] for digest in row)
    return local, remote, base


def test_the_page_has_every_case_and_no_other() -> None:
    """Each way in which three trees can stand to each other is one row."""
    digests = (None, "A", "B", "C")
    every = {_named(row) for row in itertools.product(digests, digests, digests)}
    listed = [_named(row) for row in _table()]
    assert len(listed) == len(set(listed))
    assert set(listed) == every


def test_the_page_says_what_the_planner_does() -> None:
    """The action of each row is the planner's."""
    for row, action in _table().items():
        assert decide(*row) is ACTIONS[action], row

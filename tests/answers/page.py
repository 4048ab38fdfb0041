"""The table as docs/github.md has it: `python -m tests.answers.page` writes it there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.answers.row import NEW_TOKEN, Row

PAGE = Path(__file__).parents[2] / "docs" / "github.md"
HEADING = "## What GitHub can answer"
TABLE = re.compile(rf"^({HEADING}\n(?:[^|\n].*\n|\n)*)(?:\|.*\n)+", re.MULTILINE)


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Return the lines of the table; rows of one answer must say the same."""
    yield "| GitHub answers, or does | `status` says | next try | what mends it |"
    yield "|---|---|---|---|"
    several: dict[str, list[Row]] = {}
    for row in rows:
        several.setdefault(row.answer, []).append(row)
    for answer, alike in several.items():
        [cells] = {(_said(row), row.next.words, _mended(row)) for row in alike}
        yield f"| {answer} | {' | '.join(cells)} |"


def _said(row: Row) -> str:
    if row.quiet:
        return "nothing" + (f", or `{row.maybe[0]}` for a moment" if row.maybe else "")
    later = f", then `{row.later.code}`" if row.later else ""
    return f"`{row.said.code}`{later}"


def _mended(row: Row) -> str:
    if row.mend == NEW_TOKEN:
        return "a new token: `memory-sync init --remote github:OWNER/REPO --new-token`"
    if row.mend:
        return f"its end, then `{row.mend}`"
    if row.passing:
        return "nothing: the commit is found, and not made again"
    return "nothing: it goes on" if row.quiet else "its end"


def written(text: str, rows: Iterable[Row]) -> str:
    """Return the page with the table as it should be."""
    table = "".join(f"{line}\n" for line in lines(rows))
    return TABLE.sub(lambda match: match[1] + table, text)


def main() -> None:
    """Write the page anew."""
    from tests.answers.table import ROWS

    PAGE.write_text(written(PAGE.read_text("utf-8"), ROWS), "utf-8")


if __name__ == "__main__":
    main()

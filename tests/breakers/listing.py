"""docs/invariants.md and the tests that bear the numbers: compared, or written anew.

`python -m tests.breakers.listing` writes the last column of the page's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs" / "invariants.md"
ROW = re.compile(r"\| (\d+) \| (.*) \| ?(.*?) ?\|")
TEST = re.compile(r"^\s*def (test_(?:\w*?_)?i\d+_\w+)\(", re.MULTILINE)
NUMBER = re.compile(r"(?<=_)i0*(\d+)(?=_)")
OPEN = "*open*"
PARTLY = {51, 52, 53}
"""Statements of which the tests that are there hold a part."""
BROKEN = "broken on purpose"


def numbered() -> dict[int, list[str]]:
    """Find every test that bears a number: `path::name`, in order."""
    found: dict[int, set[str]] = {}
    for path in sorted((TOP / "tests").rglob("test_*.py")):
        for name in TEST.findall(path.read_text("utf-8")):
            for number in NUMBER.findall(name):
                place = path.relative_to(TOP / "tests").as_posix()
                found.setdefault(int(number), set()).add(f"{place}::{name}")
    return {number: sorted(names) for number, names in sorted(found.items())}


def cell(number: int, tests: list[str], broken: set[int]) -> str:
    """Write what the page says of a number: its tests by file, and whether more is open."""
    files: dict[str, list[str]] = {}
    for test in tests:
        path, _, name = test.partition("::")
        files.setdefault(path, []).append(f"`{name}`")
    parts = [f"{path}: {', '.join(names)}" for path, names in files.items()]
    if number in broken:
        parts.append(f"*{BROKEN}*")
    if not tests or number in PARTLY:
        parts.append(OPEN if not tests else f"{OPEN} in part")
    return "; ".join(parts)


def rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Return number, statement and last column of each row of the page."""
    for line in text.splitlines():
        match = ROW.fullmatch(line)
        if match:
            yield int(match[1]), match[2], match[3]


def written(text: str, broken: set[int]) -> str:
    """Return the page with its last column as it should be."""
    tests = numbered()

    def row(match: re.Match[str]) -> str:
        number = int(match[1])
        return f"| {number} | {match[2]} | {cell(number, tests.get(number, []), broken)} |"

    return re.sub(f"^{ROW.pattern}$", row, text, flags=re.MULTILINE)


def main() -> None:
    """Write the page anew."""
    from tests.breakers.test_breakers import NUMBERS

    PAGE.write_text(written(PAGE.read_text("utf-8"), NUMBERS), "utf-8")


if __name__ == "__main__":
    main()

"""docs/invariants.md lists every statement with the tests that bear its number."""

from __future__ import annotations

from tests.breakers.listing import PAGE, numbered, rows, written
from tests.breakers.test_breakers import NUMBERS

EVERY = range(1, 77)


def test_the_page_lists_the_tests_that_are_there() -> None:
    """No test is missing on the page, and none stands there that is not in the code."""
    text = PAGE.read_text("utf-8")
    assert text == written(text, NUMBERS), "run: python -m tests.breakers.listing"


def test_the_page_has_every_statement_once() -> None:
    """The numbers run from 1 to 76, and no test bears another one."""
    assert [number for number, _, _ in rows(PAGE.read_text("utf-8"))] == list(EVERY)
    assert set(numbered()) <= set(EVERY)


def test_what_is_broken_on_purpose_is_not_open() -> None:
    """A statement with a fault of its own is held as a whole; one without tests says so."""
    for number, _, held in rows(PAGE.read_text("utf-8")):
        assert (number in NUMBERS) == ("broken on purpose" in held)
        assert number not in NUMBERS or "*open*" not in held
        assert number in numbered() or held == "*open*"

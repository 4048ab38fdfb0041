"""What a person sees while something takes its time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.person import Person
from tests.cli.terminal import Terminal

WAIT = """
import sys, time
from memory_sync.cli import render
render.PATIENCE = {patience}
with render.waiting('Syncing'):
    time.sleep({length})
print('done', 'rich' in sys.modules)
"""


@contextmanager
def _waits(person: Person, patience: float, length: float) -> Iterator[Terminal]:
    code = WAIT.format(patience=patience, length=length)
    screen = Terminal((sys.executable, "-c", code), person.env)
    try:
        yield screen
    finally:
        screen.close()


def test_what_takes_long_shows_that_it_goes_on(ada: Person) -> None:
    """A terminal shows what is waited for, and is clean afterwards."""
    with _waits(ada, patience=0.01, length=1.0) as screen:
        screen.expect("Syncing")
        assert screen.ends() == 0
    assert "done True" in screen.shown


def test_what_is_quick_shows_nothing(ada: Person) -> None:
    """Nothing is shown, and nothing is loaded for it."""
    with _waits(ada, patience=20, length=0) as screen:
        assert screen.ends() == 0
    assert screen.shown.strip() == "done False"


def test_a_pipe_is_shown_no_progress(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody looks there is no spinner, however long it takes."""
    from memory_sync.cli import render

    monkeypatch.setattr(render, "PATIENCE", 0.0)
    with render.waiting("Syncing"):
        pass
    assert capsys.readouterr() == ("", "")

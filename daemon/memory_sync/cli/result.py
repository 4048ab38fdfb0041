"""What a command answers with. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from memory_sync.errors import MemorySyncError
from memory_sync.model import Problem, Would

ORDER = (7, 9, 4, 3, 6, 5, 8, 2, 1)
"""Exit statuses, the one that wins first."""


class Line(NamedTuple):
    """A line for people; `style` is a name that `render` knows."""

    text: str
    style: str = ""


class Result(NamedTuple):
    """A command's answer, for people (`lines`) and for programs (`data`), and how it ended.

    `written` says that the command has written its answer out already.
    """

    data: Any = None
    lines: tuple[Line, ...] = ()
    errors: tuple[Problem, ...] = ()
    status: int = 0
    written: bool = False


def problem_of(error: MemorySyncError) -> Problem:
    """Turn an error into data."""
    return Problem(error.code, error.message, error.advice, error.status)


def as_problem(data: Mapping[str, Any]) -> Problem:
    """Read a problem from the daemon's answer; what another version adds to it is left out."""
    known = set(Problem._fields)
    found = {key: value for key, value in data.items() if key in known}
    would = found.get("would")
    if would:
        found["would"] = Would(dict(would["counts"]), tuple(would["paths"]), str(would["plan"]))
    return Problem(**found)


def failed(error: MemorySyncError) -> Result:
    """Return the answer of a command that ended with an error."""
    return Result(errors=(problem_of(error),), status=error.status)


def worst(statuses: Iterable[int]) -> int:
    """Return the exit status where several hold."""
    found = set(statuses) - {0}
    return next((status for status in ORDER if status in found), 1 if found else 0)

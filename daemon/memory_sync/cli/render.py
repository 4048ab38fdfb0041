"""The one place that writes results: for people, or as one line of JSON. Imports nothing heavy."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from memory_sync.cli.halts import stopped_text
from memory_sync.cli.result import Line, Result
from memory_sync.cli.words import far
from memory_sync.model import Problem, Step

if TYPE_CHECKING:
    import queue

SCHEMA = 1
PATIENCE = 1.0
"""Seconds after which a person is shown that something is going on."""
RAW = "raw"
"""The style of what goes into a pipe as it is, for programs; a terminal gets none such."""
CODES = {"good": "32", "bad": "31", "warning": "33", "dim": "2", "bold": "1"}


def render(command: str, result: Result, *, as_json: bool) -> int:
    """Write a command's result, and return its exit status."""
    if as_json and not (result.written and not result.errors):
        write_json(command, result)
        return result.status
    for line in result.lines:
        print(_styled(line.text, line.style, sys.stdout))
    sys.stdout.flush()
    for problem in result.errors:
        complain(problem)
    return result.status


def write_json(command: str, result: Result) -> None:
    """Write the answer for programs: one line on standard output."""
    keys = ("code", "message", "hint")
    errors = [{key: problem.data()[key] for key in keys} for problem in result.errors]
    answer = {
        "schema": SCHEMA,
        "command": command,
        "ok": not errors,
        "data": result.data,
        "errors": errors,
    }
    print(json.dumps(answer))


def complain(problem: Problem) -> None:
    """Write an error and the command that mends it to standard error."""
    print(_styled("error:", "bad", sys.stderr), plain(problem.message), file=sys.stderr)
    if stopped := stopped_text(problem):
        print(plain(stopped), file=sys.stderr)
    if problem.hint:
        print(_styled("hint:", "dim", sys.stderr), plain(problem.hint), file=sys.stderr)


def plain(text: str) -> str:
    """Return a text that cannot command the terminal: what is not printable is escaped."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in text
    )


def _styled(text: str, style: str, stream: TextIO) -> str:
    if style == RAW and not stream.isatty():
        return text
    if style not in CODES or not wants_colour(stream):
        return plain(text)
    return f"\x1b[{CODES[style]}m{plain(text)}\x1b[0m"


@contextmanager
def screen() -> Iterator[Callable[[Iterable[Line]], None]]:
    """Give what draws lines over the whole terminal; what was there before comes back."""
    from shutil import get_terminal_size

    sys.stdout.write("\x1b[?1049h\x1b[?25l")

    def draw(lines: Iterable[Line]) -> None:
        width, height = get_terminal_size()
        shown = [
            _styled(line.text[:width], line.style, sys.stdout) for line in list(lines)[: height - 1]
        ]
        # Each line is ended where it ends, and the rest below the last: nothing flickers.
        text = "".join(f"{line}\x1b[K\n" for line in shown)
        sys.stdout.write(f"\x1b[H{text}\x1b[J")
        sys.stdout.flush()

    try:
        yield draw
    finally:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


def wants_colour(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal whose owner has nothing against colours."""
    env = os.environ
    return stream.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


@contextmanager
def waiting(text: str) -> Iterator[Callable[[Step], None]]:
    """Show on a terminal that something goes on, if it takes over a second.

    What it yields can be told how far it is: then there is a bar, and how long it still takes.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    # Imported here because what is only asked, and answered at once, needs neither.
    import queue
    import threading

    steps: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
    thread = threading.Thread(target=_show, args=(text, steps), daemon=True)
    thread.start()
    try:
        yield steps.put
    finally:
        steps.put(None)
        thread.join()


def _show(text: str, steps: queue.SimpleQueue[Step | None]) -> None:
    """Draw until the end is told."""
    import queue

    began, step = time.monotonic(), None
    while (left := began + PATIENCE - time.monotonic()) > 0:
        with suppress(queue.Empty):
            step = steps.get(timeout=left)
            if step is None:
                return
    # Imported here because it takes long, and most waits are shorter.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24)
    drawn = Progress(*columns, console=Console(stderr=True, highlight=False), transient=True)
    with drawn:
        task = drawn.add_task(plain(text), total=None)
        while True:
            if step and step.total:
                drawn.update(task, completed=step.done, total=step.total)
            if step:
                drawn.update(task, description=plain(f"{text}: {far(step)}"))
            step = steps.get()
            if step is None:
                return

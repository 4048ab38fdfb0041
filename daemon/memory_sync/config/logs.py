"""The log: JSON lines in a file, and lines for people on a terminal and in the journal.

Importing structlog takes a while: only the daemon and commands that do the work themselves load
this module. `docs/logs.md` lists the events.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import traceback
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from memory_sync.config.journal import Journal
from memory_sync.config.lines import LEVELS, for_people, message
from memory_sync.config.logfile import FILES, LogFile


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """Let packages that are not loaded yet seem not to be installed."""
    hidden = [name for name in names if name not in sys.modules]
    # None is how the language itself marks what cannot be imported; its stubs leave that out.
    cast("dict[str, ModuleType | None]", sys.modules).update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


# For coloured tracebacks, which no daemon writes, structlog loads rich: 4 MB while it runs.
with without("rich", "better_exceptions"):
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

FILE_SIZE = 5 * 1024**2
LONGEST = 64 * 1024
"""How many letters the JSON of an event has at most, before its values are cut."""
FIRST_VALUES = 50
FIRST_LETTERS = 1000

SECRET = re.compile(
    r"AGE-(?:SECRET-KEY|PLUGIN)-[0-9A-Z+-]+"  # an age identity
    r"|(?:gh[a-z]_|github_pat_)[0-9A-Z_.-]{16,}",  # a GitHub token, classic or fine-grained
    re.IGNORECASE,
)
MASK = "[secret]"


def open_log(
    path: Path, level: str, console: bool, *, journal: Journal | None = None
) -> FilteringBoundLogger:
    """Open the log; the file is closed when the last logger on it is gone.

    `console` adds lines for people on standard error, `journal` events in the system's journal. A
    disk that does not take them costs lines, never the daemon.
    """
    file = LogFile(path, FILE_SIZE, FILES)
    log: FilteringBoundLogger = structlog.wrap_logger(
        _Sink(file, journal, console=console),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            trace,
            redact,
            _in_order,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=False,
    ).bind()
    return log


def trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put where an exception came from into the field `exception`.

    What the exception says is left out: names of memory files and their text could be in it.
    """
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        places = traceback.format_tb(error.__traceback__)
        lines = ["Traceback (most recent call last):\n", *places, type(error).__name__]
        if isinstance(error, OSError) and error.strerror:
            lines[-1] += f" ({error.strerror})"
        event["exception"] = "".join(lines)
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Make all values plain data, with a mask over whatever looks like a key or a token.

    The last line of defence: nothing secret should have come this far.
    """
    return {_masked(key): _plain(value) for key, value in event.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {_masked(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return _masked(value.decode(errors="backslashreplace"))
    return _masked(value)


def _masked(value: object) -> str:
    return SECRET.sub(MASK, str(value))


def _in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = {key: event.pop(key) for key in ("ts", "level", "event") if key in event}
    return {**first, **event}


class _Sink:
    """What structlog hands each finished event to."""

    def __init__(self, file: LogFile, journal: Journal | None, *, console: bool) -> None:
        self._file = file
        self._journal = journal
        self._console = console
        weakref.finalize(self, file.close)
        if journal:
            weakref.finalize(self, journal.close)

    def _write(self, /, **event: Any) -> None:
        line = json.dumps(event)
        if len(line) > LONGEST:
            event = {**{key: _shortened(value) for key, value in event.items()}, "cut": True}
            line = json.dumps(event)
        self._file.write(line)
        if self._journal:
            self._journal.send(event, message(event))
        if self._console:
            # A terminal that was closed costs its lines only.
            with contextlib.suppress(OSError, ValueError):
                print(for_people(event), file=sys.stderr, flush=True)  # noqa: T201

    debug = info = warning = error = critical = _write


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(inner) for inner in value[:FIRST_VALUES]]
    if isinstance(value, str):
        return value[:FIRST_LETTERS]
    return value if value is None or isinstance(value, (bool, int, float)) else "…"

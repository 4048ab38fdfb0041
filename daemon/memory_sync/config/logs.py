"""The log: JSON lines in a file, and lines for people on a terminal.

Importing structlog takes a while: only the daemon and commands that do the work themselves load
this module.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import weakref
from collections.abc import Mapping, MutableMapping
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from memory_sync.config.durable import make_private_folder
from memory_sync.errors import FileUnwritableError

FILES = 5
FILE_SIZE = 5 * 1024**2
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
PATHS = ("path", "paths")
"""The fields in which names of memory files may stand; nowhere else do they belong."""

SECRET = re.compile(
    r"AGE-(?:SECRET-KEY|PLUGIN)-[0-9A-Z+-]+"  # an age identity
    r"|(?:gh[a-z]_|github_pat_)[0-9A-Z_.-]{16,}",  # a GitHub token, classic or fine-grained
    re.IGNORECASE,
)
MASK = "[secret]"


def open_log(path: Path, level: str, console: bool, *, paths: bool = False) -> FilteringBoundLogger:
    """Open the log; the file is closed when the last logger on it is gone.

    `console` adds lines for people on standard error; `paths` lets the fields `path` and `paths`
    through. A disk that fills up later costs lines, never the daemon. Raises FileUnwritableError.
    """
    try:
        make_private_folder(path.parent)
        handler = _PrivateFile(path, maxBytes=FILE_SIZE, backupCount=FILES - 1, encoding="utf-8")
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileUnwritableError(path=path, detail=detail) from None
    log: FilteringBoundLogger = structlog.wrap_logger(
        _Sink(handler, console=console),
        processors=[
            *([] if paths else [drop_paths]),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            redact,
            _in_order,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
        cache_logger_on_first_use=False,
    ).bind()
    return log


def drop_paths(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out the names of memory files."""
    return {key: value for key, value in event.items() if key not in PATHS}


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

    def __init__(self, handler: logging.Handler, *, console: bool) -> None:
        self._handler = handler
        self._console = console
        weakref.finalize(self, handler.close)

    def _write(self, /, **event: Any) -> None:
        line = json.dumps(event)
        self._handler.handle(logging.makeLogRecord({"msg": line}))
        if self._console:
            # A terminal that was closed costs its lines only.
            with contextlib.suppress(OSError, ValueError):
                print(for_people(event), file=sys.stderr, flush=True)  # noqa: T201

    debug = info = warning = error = critical = _write


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner can read, and that never breaks who writes to it."""

    def _open(self) -> TextIOWrapper:
        handle = os.open(
            self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        os.fchmod(handle, 0o600)
        return open(handle, "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Give up this line: there is nowhere left to tell of it."""

    def close(self) -> None:
        """Close the file; what a full disk refuses until the end is given up."""
        with contextlib.suppress(OSError, ValueError):
            super().close()


def for_people(event: MutableMapping[str, Any]) -> str:
    """Write an event for a terminal: time, level, what, fields; an exception on its own lines."""
    rest = {key: value for key, value in event.items() if key not in ("ts", "level", "event")}
    trace = rest.pop("exception", "")
    words = [str(event.get("ts", ""))[11:19], f"{event.get('level', ''):7}"]
    words += [_safe(str(event.get("event", "")), spaces=True)]
    words += [f"{_safe(key)}={_safe(value)}" for key, value in rest.items()]
    lines = [" ".join(words), *(f"    {_safe(line, spaces=True)}" for line in trace.splitlines())]
    return "\n".join(lines)


def _safe(value: object, *, spaces: bool = False) -> str:
    """Quote what could be taken for another field or would command the terminal."""
    if isinstance(value, str) and value.isprintable() and (spaces or not set(value) & set(' "=')):
        return value
    return json.dumps(value)

"""Lines of the log, read and shown. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory_sync.cli.render import plain

LEVELS = ("debug", "info", "warning", "error")
KEYS = ("ts", "level", "event", "exception")


@dataclass(frozen=True, slots=True)
class Record:
    """One line, as it is and as it was meant; `rank` is the level's place in LEVELS."""

    line: str
    data: Mapping[str, Any]
    rank: int


def read_record(line: str) -> Record | None:
    """Read a line; one that was cut short by a crash is None."""
    try:
        data = json.loads(line)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    level = data.get("level")
    return Record(line, data, LEVELS.index(level) if level in LEVELS else len(LEVELS))


def for_people(record: Record) -> str:
    """Write a record for a terminal: local time, level, event, fields; a traceback below it."""
    data = record.data
    words = [
        _local(str(data.get("ts", ""))),
        f"{data.get('level', '')!s:7}",
        str(data.get("event")),
    ]
    words += [f"{key}={_shown(value)}" for key, value in data.items() if key not in KEYS]
    trace = str(data.get("exception", "")).splitlines()
    return "\n".join([plain(" ".join(words)), *(f"    {plain(line)}" for line in trace)])


def _local(stamp: str) -> str:
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return stamp


def _shown(value: object) -> str:
    """Quote what could be taken for another field."""
    if isinstance(value, str) and value.isprintable() and value and not set(value) & set(' "='):
        return value
    return json.dumps(value, ensure_ascii=False)

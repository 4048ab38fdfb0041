"""Lines of a daemon's log, held to the table of events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from memory_sync.daemon.events import EVENTS

FIRST = ["ts", "level", "event"]
KINDS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "number or null": lambda value: value is None or type(value) in (int, float),
    "list": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
}


def check(lines: Iterable[Mapping[str, Any]]) -> set[str]:
    """Hold each line's name, level, fields and types to the table; return the names."""
    seen = set()
    for line in lines:
        event = EVENTS[line["event"]]
        assert list(line)[:3] == FIRST, line
        assert line["level"] == event.level, line
        assert line["ts"].endswith("Z"), line
        fields = {key: value for key, value in line.items() if key not in FIRST}
        kinds = {**event.fields, **event.optional}
        assert set(event.fields) <= set(fields) <= set(kinds), line
        assert all(KINDS[kinds[key]](value) for key, value in fields.items()), line
        seen.add(line["event"])
    return seen

"""One event of the log as a person reads it. Imports nothing heavy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
KEYS = ("ts", "level", "event", "exception")
"""The fields that have a place of their own in a line."""
TAKEN = re.compile('[ "=]')
"""What a word cannot hold without quotes."""


def for_people(event: Mapping[str, Any]) -> str:
    """Write an event for a terminal: local time, level, then as in `message`."""
    level = _safe(str(event.get("level", "")))
    return f"{local(event.get('ts', ''))} {level:7} {message(event)}"


def message(event: Mapping[str, Any]) -> str:
    """Write what happened and its fields; a traceback on lines of its own below it."""
    words = [_safe(str(event.get("event")), spaces=True)]
    words += [f"{_safe(key)}={_safe(value)}" for key, value in event.items() if key not in KEYS]
    trace = str(event.get("exception", "")).splitlines()
    return "\n".join([" ".join(words), *(f"    {_safe(line, spaces=True)}" for line in trace)])


def local(stamp: object) -> str:
    """Return a time in the zone of the person who reads it, with that zone: one word but a space.

    What is no time stays as it is.
    """
    try:
        moment = datetime.fromisoformat(str(stamp)).astimezone()
    except (ValueError, OverflowError):
        return _safe(str(stamp), spaces=True)
    return moment.isoformat(" ", "seconds")


def _safe(value: object, *, spaces: bool = False) -> str:
    """Quote what could be taken for another field or would command the terminal."""
    if not isinstance(value, str):
        return json.dumps(value)
    if value.isprintable() and (spaces or (value and not TAKEN.search(value))):
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())

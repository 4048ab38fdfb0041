"""Lines of the log, read and picked. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from memory_sync.cli.spans import read_span
from memory_sync.config.lines import LEVELS


@dataclass(frozen=True, slots=True)
class Record:
    """One line, as it is and as it was meant."""

    line: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records somebody wants to see: of this level and above, of a vault, from a time on."""

    level: str = "debug"
    vault: str | None = None
    since: datetime | None = None

    def __contains__(self, record: Record) -> bool:
        """Tell whether a record is wanted; a level that nobody knows always is."""
        data = record.data
        level = data.get("level")
        rank = LEVELS.get(level) if isinstance(level, str) else None
        if rank is not None and rank < LEVELS[self.level]:
            return False
        if self.vault is not None and data.get("vault") != self.vault:
            return False
        return self.since is None or _time(data.get("ts")) >= self.since


def read_record(line: bytes) -> Record | None:
    """Read a line; one that was cut short by a crash, or is something else, is None."""
    text = line.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return Record(text, data) if isinstance(data, dict) else None


def _time(stamp: object) -> datetime:
    """Return when a record was written; one without a time is older than all others."""
    try:
        return datetime.fromisoformat(str(stamp)).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def read_since(text: str, now: datetime) -> datetime:
    """Read how long ago (`10m`) or when (ISO 8601; without a zone it is the person's own).

    Raises ValueError.
    """
    try:
        if (ago := read_span(text)) is not None:
            return now - timedelta(seconds=ago)
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None

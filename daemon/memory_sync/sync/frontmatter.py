"""Timestamps in YAML front matter, which agents rewrite on every save."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

FENCE = b"---"
STAMP_LINE = re.compile(rb"(\w[\w-]*):\s*['\"]?([0-9]{4}-[0-9]{2}-[0-9]{2}[^'\"\r]*?)['\"]?\s*\r?")


def settle_timestamps(
    base: Sequence[bytes] | None, local: Sequence[bytes], remote: Sequence[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """Give a timestamp that both sides changed its later value on both sides.

    Without a base every timestamp in which they differ was changed by both. Answers with the local
    and the remote lines; all else in them is as it was.
    """
    ours, theirs = list(local), list(remote)
    was, here, there = _stamps(base or ()), _stamps(local), _stamps(remote)
    for key in here.keys() & there.keys():
        mine, other = here[key], there[key]
        if base is not None and (key not in was or was[key].time in (mine.time, other.time)):
            continue
        if mine.time > other.time:
            theirs[other.line] = ours[mine.line]
        else:
            ours[mine.line] = theirs[other.line]
    return ours, theirs


class _Stamp:
    """One timestamp and the number of the line it stands on."""

    __slots__ = ("line", "time")

    def __init__(self, line: int, time: datetime) -> None:
        self.line = line
        self.time = time


def _stamps(lines: Sequence[bytes]) -> dict[bytes, _Stamp]:
    if not lines or lines[0].rstrip() != FENCE:
        return {}
    found: dict[bytes, _Stamp] = {}
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == FENCE:
            return found
        match = STAMP_LINE.fullmatch(line)
        time = _time(match[2].decode("ascii", "replace")) if match else None
        if match and time:
            found[match[1]] = _Stamp(number, time)
    return {}


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)

"""GitHub's answers as they come, and what their headers say of its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from memory_sync.model import Budget

DEFAULT_WAIT = 60
LONGEST_WAIT = 3600
"""Seconds to wait where GitHub names none, and at most: its limits are for an hour."""

LIMITED = re.compile(r"rate limit|abuse detection", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are in lower case, `data` is the body if that is JSON."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)
    data: Any = field(default=None, repr=False)


def dig(data: Any, *keys: str | int) -> Any:
    """Return what lies below these keys of a JSON value, None if it is not there."""
    for key in keys:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return None
    return data


def limited(answer: Answer, message: str) -> bool:
    """Tell whether a refusal is about how much is asked, and not about who asks."""
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or bool(LIMITED.search(message))
    )


def wait(answer: Answer, now: float) -> int:
    """Return for how many seconds a refusal asks to wait.

    The end of the limit is told by the server's clock and `now` is this machine's: whichever makes
    sense and comes sooner counts, as either may be wrong.
    """
    asked = answer.headers.get("retry-after", "")
    if asked.isdecimal():
        return max(1, min(int(asked), LONGEST_WAIT))
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _until(answer, now) or DEFAULT_WAIT
    return DEFAULT_WAIT


def budget(answer: Answer, now: float) -> Budget | None:
    """Read what an answer says is left of a limit; None if it says nothing that makes sense."""
    found = [answer.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining")]
    if not all(text.isdecimal() for text in found):
        return None
    limit, remaining = map(int, found)
    resource = answer.headers.get("x-ratelimit-resource", "core")
    if not 0 <= remaining <= limit < 10**9 or not resource.isidentifier():
        return None
    return Budget(resource, limit, remaining, now + (_until(answer, now) or LONGEST_WAIT))


def _until(answer: Answer, now: float) -> int | None:
    """Return the seconds until a limit begins anew; None where the clocks tell no such time."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    if not reset.isdecimal():
        return None
    clocks = [now]
    with suppress(ValueError, OverflowError):
        clocks.append(parsedate_to_datetime(answer.headers.get("date", "")).timestamp())
    until = [int(reset) - clock for clock in clocks]
    sensible = [seconds for seconds in until if 0 <= seconds <= LONGEST_WAIT]
    return int(min(sensible)) + 1 if sensible else None

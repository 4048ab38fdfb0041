"""GitHub's answers as they come, and what their headers say of its limits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from memory_sync.model import Budget

DEFAULT_WAIT = 60
LONGEST_WAIT = 3600
"""Seconds to wait where GitHub names none, and at most: its limits are for an hour."""

LIMITED = re.compile(r"rate limit|abuse detection", re.IGNORECASE)
DIGITS = 15
"""A longer number in a header is nonsense, and more than Python likes to read."""


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


def number(text: str) -> int | None:
    """Read a number out of a header, None if it is no sensible one."""
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None


def limited(answer: Answer, message: str) -> bool:
    """Tell whether a refusal is about how much is asked, and not about who asks."""
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or bool(LIMITED.search(message))
    )


def limited_graph(answer: Answer, errors: Sequence[Any]) -> bool:
    """Tell whether a GraphQL answer, whatever its status, is about how much is asked.

    The secondary limit may come with status 200 and an error of no type, or with a message alone.
    """
    if not errors and dig(answer.data, "data") is not None:
        return False
    told = [dig(error, "message") for error in (answer.data, *errors)]
    return "retry-after" in answer.headers or any(LIMITED.search(str(text)) for text in told)


def wait(answer: Answer, now: float) -> int:
    """Return for how many seconds a refusal asks to wait.

    The end of the limit is told by the server's clock and `now` is this machine's: whichever makes
    sense and comes sooner counts, as either may be wrong.
    """
    asked = number(answer.headers.get("retry-after", ""))
    if asked is not None:
        return max(1, min(asked, LONGEST_WAIT))
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _until(answer, now) or DEFAULT_WAIT
    return DEFAULT_WAIT


def budget(answer: Answer, now: float) -> Budget | None:
    """Read what an answer says is left of a limit; None if it says nothing that makes sense."""
    limit = number(answer.headers.get("x-ratelimit-limit", ""))
    remaining = number(answer.headers.get("x-ratelimit-remaining", ""))
    if limit is None or remaining is None:
        return None
    resource = answer.headers.get("x-ratelimit-resource", "core")
    if not 0 <= remaining <= limit < 10**9 or not resource.isidentifier():
        return None
    return Budget(resource, limit, remaining, now + (_until(answer, now) or LONGEST_WAIT))


def _until(answer: Answer, now: float) -> int | None:
    """Return the seconds until a limit begins anew; None where the clocks tell no such time."""
    reset = number(answer.headers.get("x-ratelimit-reset", ""))
    if reset is None:
        return None
    clocks = [now]
    with suppress(ValueError, OverflowError):
        clocks.append(parsedate_to_datetime(answer.headers.get("date", "")).timestamp())
    until = [reset - clock for clock in clocks]
    sensible = [seconds for seconds in until if 0 <= seconds <= LONGEST_WAIT]
    return int(min(sensible)) + 1 if sensible else None

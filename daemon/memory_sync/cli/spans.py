"""Spans of time as people type them: `90s`, `30m`, `2h`, `1d`, `1w`, `1h30m`."""

from __future__ import annotations

import re

import click

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
WORD = re.compile(r"([0-9]{1,6})([smhdw])")
SPAN = re.compile(rf"(?:{WORD.pattern})+")


def read_span(text: str) -> float | None:
    """Return the seconds that a text means, or None if it is no span."""
    if not SPAN.fullmatch(text.strip()):
        return None
    return float(sum(int(count) * UNITS[unit] for count, unit in WORD.findall(text)))


def span_option(_: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read the value of an option, in seconds, or say what it could be."""
    if value is None:
        return None
    seconds = read_span(value)
    if not seconds:
        raise click.BadParameter(f"{value!r} is no time: 30m, 2h, 1d.", param=option)
    return seconds

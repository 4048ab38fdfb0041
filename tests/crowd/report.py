"""The figures of several scenarios as a table in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.crowd.play import Figures

LIMIT = 5000
"""Requests of REST, and points of GraphQL, an hour."""

ROWS: Mapping[str, Callable[[Figures], str]] = {
    "edits": lambda told: f"{told.edits:,}",
    "polls without news (free)": lambda told: f"{told.requests['free']:,}",
    "REST requests": lambda told: f"{told.requests['rest']:,}",
    "GraphQL queries": lambda told: f"{told.requests['query']:,}",
    "commits": lambda told: f"{told.commits:,}",
    "lost races": lambda told: f"{told.lost:,}",
    "of the hour's REST requests": lambda told: _share(LIMIT - told.left["core"], LIMIT),
    "of the hour's GraphQL points": lambda told: _share(LIMIT - told.left["graphql"], LIMIT),
    "of 500 writes an hour": lambda told: _share(*told.limits["writes an hour"]),
    "of 80 writes a minute": lambda told: _share(*told.limits["writes a minute"]),
    "of 900 REST points a minute": lambda told: _share(*told.limits["REST points a minute"]),
    "of 2,000 GraphQL points a minute": lambda told: _share(
        *told.limits["GraphQL points a minute"]
    ),
    "at once, of 100": lambda told: str(told.limits["requests at once"][0]),
    "refused: hour spent": lambda told: str(told.refused["primary"]),
    "refused: too quick": lambda told: str(told.refused["secondary"]),
    "gave up after eight lost races": lambda told: str(told.races),
    "edit to all devices, median": lambda told: _time(told.median, told),
    "edit to all devices, worst": lambda told: _time(told.worst, told),
    "last edit to rest": lambda told: _time(told.settled, told),
    "slowest author against the mean": lambda told: f"{told.unfair:.1f}" if told.edits else "-",
    "the upload": lambda told: f"{told.upload:,.0f} s" if told.upload else "-",
}


def table(columns: Mapping[str, Figures]) -> str:
    """Make a table with a column for each scenario."""
    lines = [["in an hour", *columns], ["---"] * (len(columns) + 1)]
    lines += [[name, *map(tell, columns.values())] for name, tell in ROWS.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _share(used: float, most: float) -> str:
    return f"{100 * used / most:.0f} %"


def _time(seconds: float, told: Figures) -> str:
    return f"{seconds:,.0f} s" if told.edits else "-"

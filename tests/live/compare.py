"""Where two servers differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests.live.shape import Shape

NOTHING = "(nothing)"


@dataclass(frozen=True)
class Difference:
    """One place in the answer to one exchange, and what either server has there."""

    exchange: str
    place: str
    double: str
    live: str


def differences(double: Mapping[str, Shape], live: Mapping[str, Shape]) -> list[Difference]:
    """Compare the answers to the same exchanges, in their order."""
    return [
        Difference(name, place, ours, theirs)
        for name in dict.fromkeys([*double, *live])
        for place, ours, theirs in _places(double.get(name, {}), live.get(name, {}))
        if ours != theirs
    ]


def _places(double: Shape, live: Shape) -> Iterator[tuple[str, str, str]]:
    for place in sorted({*double, *live}):
        yield place, double.get(place, NOTHING), live.get(place, NOTHING)


def report(found: Sequence[Difference], exchanges: int) -> str:
    """Write the differences down for people, by exchange."""
    lines = []
    for name, group in groupby(found, key=lambda difference: difference.exchange):
        lines.append(name)
        for one in group:
            lines += [
                f"    {one.place}",
                f"        double: {one.double}",
                f"        live:   {one.live}",
            ]
    count = f"{len(found)} differences" if len(found) != 1 else "1 difference"
    return "\n".join([*lines, f"{exchanges} exchanges compared: {count}"])

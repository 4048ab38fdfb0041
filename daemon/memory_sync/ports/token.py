"""A GitHub token, which must not show itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it was found; `repr` shows only the place."""

    value: str = field(repr=False)
    source: str

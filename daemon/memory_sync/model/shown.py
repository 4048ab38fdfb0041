"""How a vault is, as people are shown it: all of the model that `status` has to load.

Named tuples and no dataclasses: loading what makes those takes longer than Python takes to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Phase(StrEnum):
    """How far a vault is, as `status` shows it."""

    IDLE = "idle"
    SYNCING = "syncing"
    PAUSED = "paused"
    OFFLINE = "offline"
    STOPPED = "stopped"
    ATTENTION = "needs-attention"
    HALTED = "halted"


class Would(NamedTuple):
    """What a halt keeps from happening.

    `counts` is how many files it is about by what would become of them (the words of `Kind`, or
    added, changed and removed where a vault halts), `paths` the first of them. `plan` is its id
    where `confirm` ends the halt, and empty where it does not.
    """

    counts: Mapping[str, int]
    paths: tuple[str, ...]
    plan: str = ""

    def data(self) -> dict[str, Any]:
        """Return it as data."""
        return self._asdict()


class Problem(NamedTuple):
    """Something that a person should know: an error's code, message and hint as data."""

    code: str
    message: str
    hint: str
    status: int = 1
    path: str = ""
    root: str = ""
    would: Would | None = None

    def data(self) -> dict[str, Any]:
        """Return it as data."""
        return {**self._asdict(), "would": self.would.data() if self.would else None}


class Step(NamedTuple):
    """How far a transfer is, in files; `seconds` is how long the rest takes, None if unknown."""

    way: str
    done: int
    total: int
    seconds: float | None = None

    def data(self) -> dict[str, Any]:
        """Return it as data."""
        return self._asdict()

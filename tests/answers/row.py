"""What a row of the table says: a cause, and what people and machines see of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.answers.place import Machine, Place


@dataclass(frozen=True)
class Said:
    """What `status` and `now` say of it; `{remote}` in the hint is the vault's."""

    code: str
    state: str
    status: int
    hint: str


@dataclass(frozen=True)
class Next:
    """When the next try is, in words for the page and in seconds from now."""

    words: str
    least: float
    most: float
    backs_off: bool = False
    """Whether each try is later than the one before."""

    def tries(self, seconds: float) -> float:
        """Return how many tries so long a time has at most; one more is asked for."""
        if self.backs_off:
            return 3 + math.log2(1 + seconds / 5)
        return 3 + seconds / min(self.most, 5.0)


NEW_TOKEN = "memory-sync init --remote {remote} --new-token"
NOW = "memory-sync now"

NOTHING = Said("", "idle", 0, "")
TROUBLE = Said("remote-trouble", "offline", 5, NOW)
OFFLINE = Said("offline", "offline", 5, NOW)
LIMITED = Said("rate-limited", "offline", 5, "memory-sync status")
STALE = Said("stale-read", "offline", 5, NOW)
REJECTED = Said("token-rejected", "needs-attention", 4, NEW_TOKEN)
FORBIDDEN = Said("token-forbidden", "needs-attention", 4, NEW_TOKEN)
ARCHIVED = Said("token-forbidden", "needs-attention", 4, NOW)
SIGN_ON = Said("token-sign-on", "needs-attention", 4, NOW)
SENSELESS = Said("remote", "needs-attention", 1, NOW)
TOO_LARGE = Said("file-too-large", "needs-attention", 1, "ls -la '")
GONE = Said("repository-gone", "halted", 7, NEW_TOKEN)
BRANCH_GONE = Said("branch-gone", "halted", 7, "memory-sync repair")
OPENED = Said("repository-opened", "halted", 7, "memory-sync init --remote {remote} --allow-public")
FOREIGN = Said("history-foreign", "halted", 7, "memory-sync repair")
FORCED_BACK = Said("history-forced-back", "halted", 7, "memory-sync repair")

EARLY = -3.0
"""The shown time may have just come: the try runs."""
POLLS = Next("the next poll", EARLY, 3.0)
SOON = Next("in 5 s, or at the next poll", EARLY, 8.0)
BACKS_OFF = Next("in 5 s, then later each time, up to 5 minutes", EARLY, 13.0, True)
HOURLY = Next("in an hour", 3000.0, 4501.0, True)


def asked(seconds: float) -> Next:
    """Keep quiet for as long as GitHub says."""
    return Next("when GitHub says", EARLY, 1.25 * (seconds + 2.0), True)


MINUTE = Next("in a minute", EARLY, 77.0, True)


def healed(place: Place) -> None:
    """End all faults."""
    place.hub.faults.clear()


def nothing(place: Place, machines: dict[str, Machine]) -> None:
    """Do nothing besides."""


@dataclass(frozen=True)
class Row:
    """One thing that GitHub can answer, or lose.

    `answer` is what the page calls it; rows of one `answer` are told in one line there. `mend` is
    the command that ends it once the cause is gone; without one it goes on by itself. `silence` is
    for how many seconds nothing is sent.
    """

    name: str
    answer: str
    cause: Callable[[Place], None]
    said: Said
    next: Next = BACKS_OFF
    words: str = ""
    mend: str = ""
    end: Callable[[Place], None] = healed
    pulls: bool = False
    """Whether `pull` goes well all the same."""
    passing: bool = False
    """Whether it ends by itself while its cause still stands."""
    maybe: tuple[str, ...] = ()
    """What may be said besides, for a moment."""
    later: Said | None = None
    """What is said instead after a minute."""
    silence: float = 0.0
    each: int = 9
    """How many requests a try takes at most."""
    brief: bool = False
    """Whether the cause ends before a minute is over."""
    seen_first: bool = False
    """Whether the other machines know the third one's change before it begins."""
    asks_first: bool = False
    """Whether the daemon finds it out only when it is asked, or after ten minutes."""
    before: Callable[[Place, dict[str, Machine]], None] = field(default=nothing)
    """What the third machine does besides, before it begins."""
    during: Callable[[Place, dict[str, Machine]], None] = field(default=nothing)
    """What the first machine does besides."""
    after: Callable[[Place, dict[str, Machine]], None] = field(default=nothing)
    """What a person does in the files to end it."""
    token_of: str = ""
    """The row whose server and token the first machine uses."""

    @property
    def quiet(self) -> bool:
        """Tell whether nobody notices anything."""
        return not self.said.code

    @property
    def statement(self) -> int:
        """Return the number of the statement (docs/invariants.md) that the row belongs to."""
        if self.passing:
            return 48
        if self.said.status == 4:
            return 45
        if self.said.state == "halted" or self.later:
            return 42
        if self.said.code == "stale-read" or "stale-read" in self.maybe:
            return 41
        return 40 if self.name.startswith("stale-data") else 44

    def __str__(self) -> str:
        return self.name

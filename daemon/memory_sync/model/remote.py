"""What a remote is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FILE_MODE = "100644"
TREE_MODE = "040000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a git tree: mode as git prints it (six octal digits) and object id in hex."""

    mode: str
    id: str


Listing = Mapping[str, Entry]
"""A commit's whole tree, recursively: path to entry, files only."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What of a commit decides about trust; `time` (seconds since the epoch) is for people only."""

    id: str
    parents: tuple[str, ...]
    tree: str
    message: str
    time: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit is to carry.

    `writes` maps paths of the git tree to contents, `deletes` names paths that exist in the parent,
    `tree` is the root tree id that must result. With a `base` it is that tree which is changed, and
    not the parent's.
    """

    message: str
    tree: str
    writes: Mapping[str, bytes] = field(default_factory=dict)
    deletes: tuple[str, ...] = ()
    base: str = ""

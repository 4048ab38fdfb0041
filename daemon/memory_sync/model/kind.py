"""The deeds that a plan is made of."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Direction = Literal["both", "push", "pull"]
"""Which way the changes of a root travel."""


class Kind(StrEnum):
    """What is to be done about one path."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    MERGE = "merge"
    DELETE_LOCAL = "delete-local"
    DELETE_REMOTE = "delete-remote"
    RECORD = "record"
    FORGET = "forget"
    OVERRULE = "overrule"
    """Of a root that only sends: this side goes up, the vault's becomes a conflict copy."""
    MERGE_DOWN = "merge-down"
    """Of a root that only receives: merged into the file here, and what is new stays here."""

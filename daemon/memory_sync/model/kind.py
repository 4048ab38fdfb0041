"""The deeds that a plan is made of."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What is to be done about one path."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    MERGE = "merge"
    DELETE_LOCAL = "delete-local"
    DELETE_REMOTE = "delete-remote"
    RECORD = "record"
    FORGET = "forget"

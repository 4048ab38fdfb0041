"""Which conflict is meant, and what is to stand in its file: from the words typed, or asked for."""

from __future__ import annotations

from pathlib import Path

from memory_sync.app.conflicts import Conflict, Live, find, outside
from memory_sync.app.context import Context
from memory_sync.cli.ask import choose, interactive, say
from memory_sync.cli.conflict_words import typed, writer_of
from memory_sync.config.small import read_small
from memory_sync.errors import (
    ConflictAmbiguousError,
    ConflictNotTextError,
    FileUnreadableError,
    UsageError,
)
from memory_sync.sync.merge import both

WAYS = {
    "theirs": "the file stays as it is",
    "mine": "the file becomes what the copy is",
    "both": "the file has the lines of both",
}
GIVEN = "with"


def one(
    context: Context, vault: str | None, path: str, copy: str | None, verb: str
) -> Conflict | None:
    """Find the one conflict that is meant; None if a person, asked for it, names none.

    Raises ConflictAmbiguousError where there is nobody to ask.
    """
    found = find(context, vault, path, copy)
    if len(found) == 1:
        return found[0]
    command = typed(verb, found[0])
    if not interactive():
        known = ", ".join(conflict.name for conflict in found)
        raise ConflictAmbiguousError(path=found[0].path, known=known, command=command)
    for number, conflict in enumerate(found, start=1):
        say(f"{number}  {conflict.name}, the copy of {writer_of(conflict)}")
    number = choose("Which copy is meant?", len(found), none="none", command=command)
    return found[number - 1] if number else None


def way_for(conflict: Conflict, keep: str | None, file: str | None) -> str | None:
    """Say which way it is resolved; None if a person, asked for it, names none.

    Raises UsageError where there is nobody to ask.
    """
    if keep or file:
        return keep or GIVEN
    if not interactive():
        detail = (
            "What is to stand in the file? --keep theirs, mine or both, or --with FILE says it."
        )
        raise UsageError(detail=detail, hint=f"memory-sync {typed('show', conflict)}")
    for number, (way, text) in enumerate(WAYS.items(), start=1):
        say(f"{number}  {way}: {text}")
    command = typed("resolve", conflict, "--keep", "both")
    number = choose("What is to stand in the file?", len(WAYS), none="no change", command=command)
    return list(WAYS)[number - 1] if number else None


def wanted(conflict: Conflict, live: Live, mine: bytes, way: str, file: str | None) -> bytes | None:
    """Return what is to stand in the file, None where it stays as it is.

    Raises ConflictOutsideError, ConflictNotTextError, FileUnreadableError.
    """
    if way == "theirs":
        return None
    if live.files is None:
        raise outside(conflict)
    if way == GIVEN:
        return _given(file or "", live.max_size)
    if way == "mine" or live.content is None:
        return mine
    content = both(mine, live.content)
    if content is None:
        raise ConflictNotTextError(path=conflict.path)
    return content


def _given(file: str, limit: int) -> bytes:
    try:
        return read_small(Path(file).expanduser(), limit)
    except OSError as error:
        raise FileUnreadableError(path=file, detail=error.strerror) from None
    except (ValueError, RuntimeError) as error:
        raise FileUnreadableError(path=file, detail=error) from None

"""One conflict in words and as data: who wrote what, how the two differ, what will be done."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from memory_sync.cli.threeway import difference, differs
from memory_sync.cli.words import moment, size
from memory_sync.errors import MemorySyncError
from memory_sync.sync.merge import is_text

if TYPE_CHECKING:
    from memory_sync.app.conflicts import Conflict, Live
    from memory_sync.app.context import Context


def typed(verb: str, conflict: Conflict, *more: str) -> str:
    """Return the command, without its program, that means exactly this copy."""
    which = (conflict.path, "--copy", conflict.name, "--vault", conflict.vault.name)
    return shlex.join(["conflicts", verb, *which, *more])


def writer_of(conflict: Conflict) -> str:
    """Say who wrote a copy, and when."""
    when = conflict.when
    return conflict.device if when is None else f"{conflict.device}, {moment(when)}"


def standing(live: Live) -> str:
    """Say what stands in the file, and who wrote it."""
    if live.files is None:
        return "the file is not synced on this machine"
    if live.content is None:
        return "there is no such file any more"
    return f"what stands in the file, written last by {live.device}, {size(len(live.content))}"


def apart(live: Live, mine: bytes) -> str:
    """Say how large the difference is."""
    return "-" if live.files is None else differs(live.content, mine)


def told(conflict: Conflict) -> dict[str, Any]:
    """Return as data which conflict it is."""
    when = conflict.when
    stamp = when and datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "vault": conflict.vault.name,
        "path": conflict.path,
        "copy": conflict.name,
        "device": conflict.device,
        "when": stamp,
        "size": conflict.size,
    }


def side(content: bytes | None) -> dict[str, Any] | None:
    """Return one version as data; its text only if it is text."""
    if content is None:
        return None
    return {"size": len(content), "text": content.decode() if is_text(content) else None}


def row(context: Context, conflict: Conflict) -> tuple[list[str], dict[str, Any]]:
    """Return what a list tells of one conflict, as cells and as data."""
    # Imported here because it brings the files' adapters.
    from memory_sync.app.conflicts import content_of, live_of

    data = told(conflict)
    cells = [conflict.path, writer_of(conflict)]
    try:
        live, mine = live_of(context, conflict), content_of(context, conflict)
    except MemorySyncError as error:
        # One that cannot be looked at keeps no other from being listed.
        data |= {"file_device": "", "difference": None, "trouble": error.code}
        return [*cells, "-", error.message], data
    here = live.device or ("no file" if live.files else "not synced here")
    counts = difference(live.content, mine) if live.files else None
    lines = {"only_theirs": counts[0], "only_mine": counts[1]} if counts else None
    data |= {"file_device": live.device, "difference": lines, "trouble": None}
    return [*cells, here, apart(live, mine)], data


def plan(conflict: Conflict, live: Live, mine: bytes, content: bytes | None) -> list[str]:
    """Say what a resolution will do; no content leaves the file as it is."""
    if content is None or content == live.content:
        becomes = "The file stays as it is."
    elif live.content is None:
        becomes = f"The file will be made, {size(len(content))}."
    else:
        becomes = f"The file will have {size(len(content))}; what is in it now goes to the trash."
    return [
        f"{conflict.path}: {standing(live)}",
        f"The copy is of {writer_of(conflict)}, {size(len(mine))}.",
        f"Difference: {apart(live, mine)}.",
        becomes,
        "The copy goes to the trash, and with the next sync from all machines.",
    ]

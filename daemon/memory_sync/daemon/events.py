"""The events of the log: each has a fixed name, level and fields. `docs/logs.md` explains them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from memory_sync.errors import FileError, MemorySyncError
from memory_sync.ports.names import shown


@dataclass(frozen=True, slots=True)
class Event:
    """What an event looks like.

    `fields` are always there; `optional` may be. The types are those of JSON: text, integer,
    number, list for a list of texts, or "number or null".
    """

    level: str
    fields: Mapping[str, str]
    optional: Mapping[str, str]


def _event(level: str, *, optional: Mapping[str, str] | None = None, **fields: str) -> Event:
    return Event(level, fields, optional or {})


_BATCH = {"files": "integer", "bytes": "integer", "seconds": "number", "head": "text"}

EVENTS: Mapping[str, Event] = {
    "daemon.started": _event("info", version="text", pid="integer", vaults="integer"),
    "daemon.stopped": _event("info", pid="integer"),
    "daemon.paused": _event("info", until="number or null"),
    "daemon.resumed": _event("info"),
    "daemon.woke": _event("info", seconds="number", reason="text"),
    "config.loaded": _event("info", vaults="integer"),
    "config.broken": _event("warning", code="text", message="text"),
    "project.mapped": _event("info", vault="text", root="text"),
    "project.failed": _event("warning", vault="text", root="text", message="text"),
    "projects.unseen": _event("warning", code="text", message="text"),
    "batch.up": _event("info", vault="text", optional={"paths": "list"}, **_BATCH),
    "batch.down": _event("info", vault="text", optional={"paths": "list"}, **_BATCH),
    "conflict.kept": _event("warning", vault="text", files="integer", optional={"paths": "list"}),
    "file.held": _event(
        "warning", vault="text", code="text", files="integer", optional={"paths": "list"}
    ),
    "secret.found": _event("warning", vault="text", files="integer", optional={"paths": "list"}),
    "root.halted": _event("warning", vault="text", root="text", code="text"),
    "vault.trouble": _event("warning", vault="text", code="text", optional={"message": "text"}),
    "vault.recovered": _event("info", vault="text"),
    "vault.rekeyed": _event("info", vault="text", head="text"),
    "vault.stuck": _event("warning", vault="text", seconds="number"),
    "vault.moving": _event("info", vault="text"),
    "watch.lost": _event("warning", vault="text", root="text", reason="text"),
    "worker.fault": _event("error", vault="text", kind="text", exception="text"),
    "worker.ended": _event("error", vault="text"),
    "control.lost": _event("warning"),
    "control.fault": _event("error", method="text", kind="text", exception="text"),
    "notice.shown": _event("info", vault="text", code="text"),
    "notice.failed": _event("info", vault="text", code="text"),
    "command.fault": _event("error", command="text", exception="text"),
}


def told(error: MemorySyncError, folders: Iterable[str], *, paths: bool) -> dict[str, Any]:
    """Return an error's fields for the log; without `paths` no name of a memory file is in them.

    `folders` are those of the roots: of what lies in one, only the folder is named.
    """
    if paths:
        return {"code": error.code, "message": error.message}
    if isinstance(error, FileError):
        # Its message is about the name, and may say more of it than the path.
        return {"code": error.code}
    facts = dict(error.facts)
    for key, value in facts.items():
        for folder in folders:
            # An error has a path as it can be printed.
            if str(value).startswith((f"{folder}/", f"{shown(folder)}/")):
                facts[key] = f"a file in {shown(folder)}"
    return {"code": error.code, "message": error.text.format(**facts)}

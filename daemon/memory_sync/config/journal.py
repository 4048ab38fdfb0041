"""The journal of systemd, spoken to as it is documented: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.

The libraries for it are C extensions, which have to be built on each machine; the protocol is one
datagram for each event.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

SOCKET = "/run/systemd/journal/socket"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}
SHORT = 4096
"""How many bytes of a message are kept of an event that is too large for a datagram."""


class Journal:
    """Where events go; a journal that is gone or does not keep up costs events, never time."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, event: Mapping[str, Any], message: str) -> None:
        """Send an event, with its message for people."""
        fields = {
            "MESSAGE": message,
            "PRIORITY": str(PRIORITIES.get(str(event.get("level")), 5)),
            "SYSLOG_IDENTIFIER": "memory-sync",
            "MEMORY_SYNC_EVENT": str(event.get("event")),
        }
        more = {
            field_name(key): value if isinstance(value, str) else json.dumps(value)
            for key, value in event.items()
            if key not in ("ts", "level", "event")
        }
        with suppress(OSError):
            try:
                self._socket.sendto(encode({**more, **fields}), self._path)
            except OSError as error:
                if error.errno != errno.EMSGSIZE:
                    raise
                fields["MESSAGE"] = message[:SHORT] + "…"
                self._socket.sendto(encode(fields), self._path)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def open_journal(env: Mapping[str, str], stderr: int = 2) -> Journal | None:
    """Return the journal if that is where standard error goes, as under systemd; else None."""
    with suppress(OSError):
        status = os.fstat(stderr)
        if env.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
            return Journal()
    return None


def field_name(key: str) -> str:
    """Return what a field is called in the journal: A-Z, 0-9 and _, at most 64 letters."""
    return re.sub(r"[^A-Z0-9_]", "_", f"MEMORY_SYNC_{key}".upper())[:64]


def encode(fields: Mapping[str, str]) -> bytes:
    """Write fields as the journal takes them: the length first where a value has several lines."""
    parts = []
    for key, text in fields.items():
        value = text.encode("utf-8", "backslashreplace")
        if b"\n" in value:
            parts.append(key.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
        else:
            parts.append(f"{key}=".encode() + value + b"\n")
    return b"".join(parts)

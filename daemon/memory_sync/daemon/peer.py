"""Who is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct
import sys

LOCAL_PEERCRED = 1  # macOS, <sys/un.h>
XUCRED = "IIh2x16I"  # macOS, <sys/ucred.h>: version, uid, number of groups, groups


def peer_uid(connection: socket.socket) -> int | None:
    """Return the user id of the process at the other end, or None if it cannot be told."""
    try:
        if sys.platform == "darwin":
            size = struct.calcsize(XUCRED)
            _, uid, *_ = struct.unpack(XUCRED, connection.getsockopt(0, LOCAL_PEERCRED, size))
            return int(uid)
        size = struct.calcsize("3i")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        _, uid, _ = struct.unpack("3i", credentials)
        return int(uid)
    except (OSError, struct.error):
        return None

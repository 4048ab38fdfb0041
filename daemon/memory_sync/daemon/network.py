"""Hears that the network has changed: an address came or went, a link went up or down.

Only a hint: whoever waits for the network tries again at once. Where it cannot be heard, the next
try comes when it comes.
"""

from __future__ import annotations

import errno
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

LINK, IPV4_ADDRESS, IPV6_ADDRESS = 0x1, 0x10, 0x100
"""The groups of rtnetlink(7) that tell of links and addresses."""


def open_ear() -> socket.socket | None:
    """Open what the system tells of its network, or None where it does not."""
    way: socket.socket | None = None
    try:
        if sys.platform == "linux":
            kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
            way = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
            way.bind((0, LINK | IPV4_ADDRESS | IPV6_ADDRESS))
        elif sys.platform == "darwin":
            way = socket.socket(socket.AF_ROUTE, socket.SOCK_RAW)
    except OSError:
        # A sandbox may forbid it.
        if way:
            way.close()
        return None
    return way


class NetworkWatch(threading.Thread):
    """Calls `changed` for all that is heard, until it is closed."""

    def __init__(self, changed: Callable[[], object], ear: socket.socket | None) -> None:
        super().__init__(name="network", daemon=True)
        self._changed = changed
        self._ear = ear

    def run(self) -> None:
        """Listen."""
        while self._ear:
            try:
                heard = self._ear.recv(65536)
            except OSError as error:
                # More came than there was room for; that it changed is all that is asked.
                if error.errno != errno.ENOBUFS:
                    return
                heard = b"?"
            if not heard:
                return
            self._changed()

    def close(self) -> None:
        """Stop listening."""
        if self._ear:
            with suppress(OSError):
                self._ear.shutdown(socket.SHUT_RDWR)
            self._ear.close()

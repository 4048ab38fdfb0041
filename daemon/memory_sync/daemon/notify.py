"""What a service manager is told: that the daemon is ready, how it is, that it lives.

The protocol is sd_notify(3): a datagram of `NAME=value` lines to the socket that the manager names
in the environment. Elsewhere there is no such socket, and nothing is told.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

SOCKET = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"
PROCESS = "WATCHDOG_PID"


class Notifier:
    """Talks to the service manager that an environment names, if it names one."""

    def __init__(self, env: Mapping[str, str], pid: int) -> None:
        self._address = _address(env.get(SOCKET, ""))
        mine = env.get(PROCESS, str(pid)) == str(pid)
        patience = env.get(WATCHDOG, "")
        watched = mine and self._address and patience.isdecimal()
        self.interval = int(patience) / 2e6 if watched else None
        """Seconds after which a sign of life is due: half of the manager's patience; None where it
        waits for none."""

    def tell(self, **facts: str | int) -> None:
        """Send facts such as READY=1; a manager that does not listen is no trouble."""
        if not self._address:
            return
        text = "\n".join(f"{name}={value}" for name, value in facts.items())
        with (
            suppress(OSError),
            socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)
            ) as way,
        ):
            way.setblocking(False)
            way.sendto(text.encode(errors="replace"), self._address)


def take_notifier(env: MutableMapping[str, str]) -> Notifier:
    """Make a notifier, and take its variables out of the environment: they are not for children."""
    notifier = Notifier(env, os.getpid())
    for name in (SOCKET, WATCHDOG, PROCESS):
        env.pop(name, None)
    return notifier


def _address(text: str) -> str:
    """Return the socket's address; one that begins with `@` is abstract."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else ""

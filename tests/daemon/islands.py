"""Runs in a network of its own: a daemon, GitHub's double, and the one link between them.

    python -m tests.daemon.islands FOLDER

It prints for how many seconds the next try was away when the link came up, and how many seconds
after that the daemon was in sync.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import time
from pathlib import Path

from tests.daemon.homes import Home, wait
from tests.hub import Hub, load_schema
from tests.hub.fetch import SCHEMA

FLAGS = 0x8914
"""SIOCSIFFLAGS of netdevice(7)."""
AWAY = 8.0
"""Seconds until the next try that are waited for before the link comes up."""


def link(*, up: bool) -> None:
    """Switch the loopback, the only link that there is."""
    with socket.socket() as way:
        fcntl.ioctl(way, FLAGS, struct.pack("16sH14x", b"lo", int(up)))


def main() -> None:
    """Be online, be offline for a while, be online again."""
    link(up=True)
    home = Home(Path(sys.argv[1]), "one")
    with Hub(load_schema(SCHEMA)) as hub:
        token = hub.add_user("ada")
        home.top.mkdir(parents=True)
        (home.top / "token").write_text(token)
        (home.top / "token").chmod(0o600)
        settings = f'[github]\nbase_url = "{hub.base_url}"\ntoken_file = "{home.top}/token"\n'
        (home.top / "config.toml").write_text(settings)
        home.write("MEMORY.md", "# memory\n")
        home.run("init", str(home.root), "--remote", "github:ada/vault", "--yes")
        home.configure(poll=1.0)
        home.start()
        try:
            home.idle()
            link(up=False)
            home.write("memory/new.md", "written on an island\n")
            wait(lambda: home.row()["state"] == "offline", "it is offline", 60)
            wait(lambda: home.row()["next_poll"] > time.time() + AWAY, "the next try is far", 90)
            away = home.row()["next_poll"] - time.time()
            began = time.monotonic()
            link(up=True)
            wait(lambda: home.row()["state"] == "idle" and not home.row()["pending"], "in sync")
            print(f"{away:.1f} {time.monotonic() - began:.2f}")
        finally:
            home.close()


if __name__ == "__main__":
    main()

"""The drop-in that confines the service: made from the folders it writes to, tried beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from memory_sync_service import files
from memory_sync_service.names import own_home
from memory_sync_service.quoting import quoted
from memory_sync_service.running import run

DROP_IN = "50-sandbox.conf"
SHARED = ("/tmp", "/var/tmp")  # noqa: S108 - only compared
"""Folders that PrivateTmp replaces by empty ones."""
TRIAL = """
if true 2>/dev/null >"$1"; then rm -f "$1"; exit 1; fi
true >"$2" && rm -f "$2"
"""


def drop_in(writable: Sequence[Path]) -> str:
    """Return the drop-in. Raises ServiceUnfitError."""
    paths = sorted({_place(os.path.abspath(path)) for path in writable})
    shared = sorted({top for top in SHARED for path in paths if path.startswith(f"{top}/")})
    # A folder in /tmp is gone after a boot, and its place has to be writable to make it again.
    lines = [f"ReadWritePaths=-{quoted(path)}" for path in (*paths, *shared)]
    facts = {"PRIVATE_TMP": "no" if shared else "yes", "WRITABLE": "\n".join(lines)}
    return files.filled(DROP_IN, facts)


def works(env: Mapping[str, str], text: str, writable: Sequence[Path]) -> bool:
    """Try the sandbox: the home folder must not be writable in it, a folder of ours must be."""
    ours = next((path for path in writable if path.is_dir()), None)
    if ours is None:
        return False
    mark = f".{DROP_IN}.{os.getpid()}"
    words = ("sh", "-c", TRIAL, "sh", str(own_home(env) / mark), str(ours / mark))
    properties = [word for line in _properties(text) for word in ("-p", line)]
    properties += ["-p", f"ReadWritePaths={_plain(str(ours))}"]
    escaped = [word.replace("$", "$$") for word in words]
    flags = ("--user", "--wait", "--collect", "--quiet")
    return run(env, "systemd-run", *flags, *properties, *escaped).status == 0


def _place(path: str) -> str:
    """Return what is made writable for a path: on a disk of its own, that disk.

    A folder on it would be pinned: taken away outside, the disk would stay inside, and be written
    to. A mount point as a whole goes and comes with the disk.
    """
    point = path
    while not os.path.ismount(point):
        point = os.path.dirname(point)
    # The disks that the system and the home folder lie on are not taken away, and /run is none.
    home = os.path.expanduser("~")
    usual = point == "/" or f"{home}/".startswith(f"{point}/") or point.startswith("/run/")
    return path if usual else point


def _properties(text: str) -> Iterator[str]:
    """Name the settings of the drop-in, but for the paths."""
    for line in text.splitlines():
        if "=" in line and not line.startswith(("#", "ReadWritePaths=")):
            yield line


def _plain(path: str) -> str:
    """Quote a path for a property, where nothing but quotes and backslashes has a meaning."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'

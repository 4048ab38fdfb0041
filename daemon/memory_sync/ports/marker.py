"""The marker of a root, `.memory-sync`: whose folder it is, and whether somebody serves it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from memory_sync.config.durable import take_lock
from memory_sync.errors import (
    FileError,
    MarkerForeignError,
    MarkerMissingError,
    RootBusyError,
    RootGoneError,
)
from memory_sync.ports.handles import FOLDER, Spot, drop, make_file, read_whole
from memory_sync.ports.names import MARKER, shown
from memory_sync.ports.switch import rename_new

_MAX_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says: the vault's id, the root's logical name, and who wrote it.

    `folder` was drawn when it was written: two folders with one root's marker are told apart by it.
    """

    device: str
    root: str
    vault: str
    folder: str = ""

    def is_of(self, other: Marker) -> bool:
        """Tell whether both mean the same root of the same vault."""
        return (self.vault, self.root) == (other.vault, other.root)

    def __str__(self) -> str:
        return shown(f"vault {self.vault}, root {self.root}")


def open_root(path: Path, root: str) -> int:
    """Open a root's folder, which may itself be a symbolic link. Raises RootGoneError."""
    try:
        return os.open(path, FOLDER)
    except OSError:
        raise RootGoneError(path=shown(path), root=root) from None


def read(folder: int, path: Path) -> tuple[Marker, os.stat_result] | None:
    """Read the marker of an open root; None if there is none.

    Raises MarkerForeignError if it makes no sense.
    """
    try:
        content, seen = read_whole(Spot(folder, MARKER, MARKER), _MAX_SIZE)
        data = json.loads(content)
        return understood(data), seen
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MarkerForeignError(path=shown(path), found=error.strerror) from None
    except (FileError, ValueError, KeyError, TypeError):
        raise MarkerForeignError(path=shown(path), found="it cannot be understood") from None


def understood(data: Mapping[str, object]) -> Marker:
    """Make sense of a marker's data. Raises KeyError."""
    device, root, vault = (str(data[key]) for key in ("device", "root", "vault"))
    return Marker(device, root, vault, str(data.get("folder", "")))


def check(folder: int, path: Path, want: Marker) -> tuple[Marker, os.stat_result]:
    """Make sure that an open root is the one that is meant, and return its marker.

    Raises MarkerMissingError or MarkerForeignError.
    """
    found = read(folder, path)
    if found is None:
        raise MarkerMissingError(path=shown(path), root=want.root)
    marker, seen = found
    if not marker.is_of(want):
        raise MarkerForeignError(path=shown(path), found=str(marker))
    return marker, seen


def write(folder: int, marker: Marker, *, over: bool) -> None:
    """Write the marker of an open root, durably. Raises FileExistsError without `over`."""
    content = json.dumps(asdict(marker), sort_keys=True).encode() + b"\n"
    fresh, _ = make_file(folder, content, 0o644)
    try:
        if over:
            os.rename(fresh, MARKER, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            rename_new(folder, fresh, folder, MARKER)
    except OSError:
        drop(folder, fresh)
        raise
    os.fsync(folder)


def lock(folder: int, path: Path, root: str) -> int:
    """Lock the marker of an open root until the handle that is returned is closed.

    The lock dies with its process. Raises RootBusyError or MarkerMissingError.
    """
    try:
        handle = _open_for_lock(folder)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise MarkerMissingError(path=shown(path), root=root) from None
        raise MarkerForeignError(path=shown(path), found=error.strerror) from None
    if not take_lock(handle):
        os.close(handle)
        raise RootBusyError(path=shown(path))
    return handle


def _open_for_lock(folder: int) -> int:
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        # NFS locks only what is open for writing.
        return os.open(MARKER, os.O_RDWR | flags, dir_fd=folder)
    except PermissionError:
        return os.open(MARKER, os.O_RDONLY | flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.EROFS:
            return os.open(MARKER, os.O_RDONLY | flags, dir_fd=folder)
        raise

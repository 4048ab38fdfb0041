"""Which paths a vault may hold."""

from __future__ import annotations

import re
import unicodedata

from memory_sync.model.trees import CONFLICTS

MAX_PATH = 1024
ROOT_NAME = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}\Z")
CONFLICT_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9_.-]{1,64}\Z")


class PathError(ValueError):
    """A path that the format does not allow; its text says why."""


def check(path: str) -> str:
    """Return the path if the format allows it.

    Raises PathError, whose text goes into a message for people.
    """
    root, _, relative = path.partition("/")
    if root == CONFLICTS:
        root, relative = _conflict_of(relative)
    if not ROOT_NAME.match(root):
        raise PathError(f"{root[:64]!r} is no name of a root")
    _check_relative(relative)
    try:
        size = len(f"{root}/{relative}".encode())
    except UnicodeEncodeError:
        raise PathError("it is not UTF-8") from None
    if size > MAX_PATH:
        raise PathError(f"it is longer than {MAX_PATH} bytes")
    return path


def _conflict_of(rest: str) -> tuple[str, str]:
    """Split `<root>/<relative>/<stamp>-<device>` into the root and relative path it stands for."""
    original, _, stamp = rest.rpartition("/")
    if not CONFLICT_STAMP.match(stamp):
        raise PathError("it is no conflict copy's name")
    root, _, relative = original.partition("/")
    return root, relative


def _check_relative(relative: str) -> None:
    if unicodedata.normalize("NFC", relative) != relative:
        raise PathError("it is not in Unicode's composed form (NFC)")
    if "\\" in relative:
        raise PathError("it has a backslash")
    if any(unicodedata.category(char) == "Cc" for char in relative):
        raise PathError("it has a control character")
    for part in relative.split("/"):
        if part in ("", ".", ".."):
            raise PathError("it has an empty, . or .. part")


def conflict_path(path: str, stamp: str, device: str) -> str:
    """Name the place of a conflict's losing side.

    `stamp` is the losing file's modification time as `YYYYMMDDTHHMMSSZ`.
    """
    return f"{CONFLICTS}/{path}/{stamp}-{safe_device(device)}"


def safe_device(device: str) -> str:
    """Reduce a device's name to the letters that a conflict copy's name may have."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", device)[:64] or "device"

"""A file that a command writes for a person: private, durable, and never over another one."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, content: bytes, *, other: str) -> None:
    """Write a file that was not there, readable by its owner alone.

    `other` is a command that writes it under another name. Raises FileExistsHereError,
    FileUnwritableError, DiskFullError.
    """
    from memory_sync.config.durable import FULL, sync_folder
    from memory_sync.errors import DiskFullError, FileExistsHereError, FileUnwritableError

    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o600)
    except FileExistsError:
        raise FileExistsHereError(path=path, hint=other) from None
    except OSError as error:
        raise FileUnwritableError(path=path, detail=error.strerror) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        sync_folder(path.parent)
    except BaseException as error:
        # Half a file must not pass for a whole one, not after Ctrl-C either.
        path.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        if error.errno in FULL:
            raise DiskFullError(path=path) from None
        raise FileUnwritableError(path=path, detail=error.strerror) from None

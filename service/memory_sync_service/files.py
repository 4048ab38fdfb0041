"""The service's files: read, filled in, written and removed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from memory_sync.errors import ServiceError

MODE = 0o644
"""Unit files hold no secret, and other programs read them."""


def filled(name: str, facts: Mapping[str, str]) -> str:
    """Return one of this package's files with its placeholders filled in.

    A line that holds nothing but a placeholder without a value is left out.
    """
    lines = []
    for line in files(__package__).joinpath(name).read_text("utf-8").splitlines():
        word = line.strip().strip("@")
        if line.strip() == f"@{word}@" and word in facts:
            lines += facts[word].splitlines()
            continue
        for key, value in facts.items():
            before, found, after = line.partition(f"@{key}@")
            if found:
                line = before + value + after  # noqa: PLW2901 - each fact is filled in once
                break
        lines.append(line)
    return "\n".join(lines) + "\n"


def content(path: Path) -> str | None:
    """Return what a file holds, or None if there is none that can be read."""
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return None


def write(path: Path, text: str) -> bool:
    """Write a file so that it is wholly old or wholly new; False if it holds that already."""
    if content(path) == text:
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
                os.fchmod(stream.fileno(), MODE)
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise _unwritable(path, error) from None
    return True


def remove(path: Path) -> bool:
    """Remove a file or a link; False if there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from None
    return True


def _unwritable(path: Path, error: OSError) -> ServiceError:
    return ServiceError(
        detail=f"{path} cannot be written: {error.strerror}", hint=f"ls -ld {path.parent}"
    )

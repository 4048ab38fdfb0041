"""Reading a root's `.memorysyncignore`, before anything else of that root is looked at."""

from __future__ import annotations

from dataclasses import replace

from memory_sync.errors import (
    FileChangedError,
    FileError,
    FileSpecialError,
    IgnoreFileError,
    IgnoreRuleError,
)
from memory_sync.ports import handles
from memory_sync.ports.handles import Spot
from memory_sync.sync.ignores import IGNORE_FILE, read_text, unread
from memory_sync.sync.patterns import Patterns

_TRIES = 3


def heeded(
    root: int, name: str, patterns: Patterns, *, shown: str, limit: int
) -> tuple[Patterns, tuple[FileError, ...]]:
    """Return the patterns of an open root with what its file says, and what of it is not heeded.

    `name` is the root's, `shown` the file's place for people, `limit` what may be read of it, in
    bytes. Raises IgnoreFileError or FileChangedError: without the rules nobody can tell what is to
    be left out.
    """
    if patterns.ignore is None:
        return patterns, ()
    content = _content(Spot(root, IGNORE_FILE, shown), name, limit)
    if content is None:
        return patterns, ()
    text = read_text(content)
    notes = (IgnoreRuleError(path=shown, detail=unread(text.unheeded)),) if text.unheeded else ()
    return replace(patterns, ignore=text.lines), notes


def _content(spot: Spot, root: str, limit: int) -> bytes | None:
    """Read the file; None if there is none."""
    for last in (False,) * (_TRIES - 1) + (True,):
        try:
            content, _ = handles.read_whole(spot, limit)
        except FileChangedError:
            if last:
                raise
            continue
        except FileSpecialError as error:
            kind = str(error.facts["kind"])
            if kind == "folder":
                return None
            raise IgnoreFileError(path=spot.shown, detail=f"it is a {kind}", root=root) from None
        except FileError:
            raise IgnoreFileError(path=spot.shown, detail="it is too large", root=root) from None
        except FileNotFoundError:
            return None
        except OSError as error:
            detail = error.strerror
            raise IgnoreFileError(path=spot.shown, detail=detail, root=root) from None
        return content
    return None

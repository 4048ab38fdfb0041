"""Words as a systemd unit and a property list take them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from memory_sync.errors import ServiceUnfitError

_ESCAPES = {"\\": "\\\\", '"': '\\"', "%": "%%"}
_UNFIT = frozenset("\"'\\")
_SHELL = ("/bin/sh", "-c", 'exec "$0" "$@"')


def quoted(word: str) -> str:
    """Return a word of a unit: quoted, and with no specifier in it.

    `$` stays as it is: the unit's ExecStart has the prefix that turns variables off, and no other
    line knows any. Raises ServiceUnfitError for what a unit cannot hold.
    """
    if not word.isprintable():
        raise ServiceUnfitError(word=ascii(word))
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in word) + '"'


def command_line(words: Sequence[str]) -> str:
    """Return the words of ExecStart.

    The path of a program may have no quote and no backslash there, so a shell starts such a one.
    """
    shell = _SHELL if set(words[0]) & _UNFIT else ()
    return " ".join(map(quoted, (*shell, *words)))


def assignment(name: str, value: str) -> str:
    """Return an Environment line."""
    return f"Environment={quoted(f'{name}={value}')}"


def string(text: str) -> str:
    """Return a string element of a property list. Raises ServiceUnfitError."""
    if not text.isprintable():
        raise ServiceUnfitError(word=ascii(text))
    return f"<string>{escape(text)}</string>"

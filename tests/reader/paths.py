"""What a synced file may be called."""

import re
import unicodedata
from datetime import datetime

from tests.reader.errors import FormatError

CONFLICTS = ".conflicts"
LONGEST = 1024
ROOT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
AFFIX = re.compile(r"([0-9]{8}T[0-9]{6}Z)-[A-Za-z0-9._-]{1,64}")


def check_path(path: str) -> str:
    """Return the root name of `path`, or say which rule it breaks."""
    if not unicodedata.is_normalized("NFC", path):
        raise FormatError(f"path is not NFC: {path!r}")
    parts = path.split("/")
    for part in parts:
        _check_part(part, path)
    if parts[0] == CONFLICTS:
        # These affixes do not count towards the length, so it is the inner path that is measured.
        _check_affix(parts[-1], path)
        parts = parts[1:-1]
    if len(parts) < 2:
        raise FormatError(f"path has no root name and relative path: {path!r}")
    if not ROOT.fullmatch(parts[0]):
        raise FormatError(f"root name breaks its rule: {path!r}")
    if len("/".join(parts).encode()) > LONGEST:
        raise FormatError(f"path is longer than {LONGEST} bytes: {path!r}")
    return parts[0]


def _check_part(part: str, path: str) -> None:
    if part in {"", ".", ".."}:
        raise FormatError(f"path has the part {part!r}: {path!r}")
    if "\\" in part or any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in part):
        raise FormatError(f"path has a control character or a backslash: {path!r}")


def _check_affix(affix: str, path: str) -> None:
    found = AFFIX.fullmatch(affix)
    if found is None:
        raise FormatError(f"conflict does not end in <time>-<device>: {path!r}")
    try:
        datetime.strptime(found[1], "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - only its form is judged
    except ValueError as error:
        raise FormatError(f"conflict has no true time: {path!r}") from error

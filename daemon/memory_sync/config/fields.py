"""What one setting can be: checked types, with a reason in plain words for what they refuse.

No reason repeats the value: a token that was pasted into the wrong line must not be shown.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field

from memory_sync.sync.patterns import Glob
from memory_sync.vault.paths import ROOT_NAME, safe_device

WEEK = 7 * 24 * 3600.0
MAX_SIZE = 256 * 1024**2
"""No file larger than this, in bytes: an object has 9,999 parts of 32 KiB at most."""

NO_CERTIFICATE = "holds no certificate (PEM: -----BEGIN CERTIFICATE-----)"
NO_RECIPIENT = "must be a public key: age1... or ssh-ed25519 AAAA..."
LOOPBACK = ("localhost", "127.0.0.1", "::1")
GITHUB = re.compile(r"github:[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")
PROJECT_FOLDER = re.compile(r"-[^/\x00-\x1f\x7f]{0,254}\Z")
"""What an agent calls the folder of a project: its path, so that it begins with a `-`."""


def host_name() -> str:
    """Return the host's name without its domain, in the letters that a name may have."""
    return safe_device(os.uname().nodename.partition(".")[0])


def _name(text: str) -> str:
    if not ROOT_NAME.match(text):
        raise ValueError("must be 1 to 64 of A-Z a-z 0-9 . _ -, with no dot first")
    return text


def _left_out(text: str) -> str:
    return text if PROJECT_FOLDER.match(text) else _name(text)


def _remote(text: str) -> str:
    folder = text.startswith("file:///") and len(text) > len("file:///")
    if _has_control(text) or not (folder or GITHUB.match(text)):
        raise ValueError("must be github:OWNER/REPO or file:///path/vault.git")
    return text


def _recovery(text: str) -> str:
    words = text.split()
    if _has_control(text) or not words:
        raise ValueError(NO_RECIPIENT)
    if words[0] == "ssh-ed25519" and len(words) > 1:
        # What follows names a person or a machine, and vault.json is there for all to see.
        return " ".join(words[:2])
    if len(words) > 1 or not words[0].startswith("age1"):
        raise ValueError(NO_RECIPIENT)
    return words[0]


def _base_url(text: str) -> str:
    problem = ValueError("must be https://HOST or https://HOST/PATH")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise problem from None
    if not host or parts.query or parts.fragment or _has_control(text):
        raise problem
    if "@" in parts.netloc:
        raise ValueError("must hold no user or password: a token belongs into token_file")
    # A token would cross the network in the clear.
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("must begin with https:// (http:// only for this machine itself)")
    return text.rstrip("/")


def _proxy(text: str) -> str:
    problem = ValueError("must be http://HOST:PORT, or https:// or USER:PASSWORD@ with it")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise problem from None
    blank = any(char.isspace() for char in text) or _has_control(text)
    if parts.scheme not in ("http", "https") or not host or blank:
        raise problem
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise problem
    return text.rstrip("/")


def _ca_file(path: Path) -> Path:
    # What takes time to import is needed by those alone who set it.
    import ssl

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("is no file")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise ValueError(NO_CERTIFICATE) from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if not context.cert_store_stats()["x509"]:
        raise ValueError(NO_CERTIFICATE)
    return path


def _absolute(value: Any) -> Any:
    """Expand `~`; what is no path at all is left for pydantic to refuse."""
    if not isinstance(value, (str, Path)):
        return value
    text = os.path.expanduser(value)
    if not os.path.isabs(text):
        raise ValueError("must be a path that begins with / or ~")
    if _has_control(text):
        raise ValueError("has a control character")
    return Path(os.path.normpath(text))


def _pattern(text: str) -> str:
    parts = text.split("/")
    if not any(part not in ("", ".") for part in parts) or ".." in parts:
        raise ValueError("must be a path below the root, without .. parts")
    if text.startswith(("/", "~")):
        raise ValueError("must not begin with / or ~: patterns start at the root's folder")
    if "\\" in text or _has_control(text):
        raise ValueError("has a backslash or a control character")
    try:
        Glob(text).matches("x")
    except re.error:
        raise ValueError("is no pattern") from None
    return text


def _has_control(text: str) -> bool:
    """Tell whether the text has control characters, or halves of characters (surrogates)."""
    return any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def name_of(remote: str) -> str:
    """Make a vault's name from its remote: the repository's, in the letters a name may have."""
    last = unquote(remote).rstrip("/").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-")[:64] or "vault"


Name = Annotated[str, AfterValidator(_name)]
LeftOut = Annotated[str, AfterValidator(_left_out)]
Recovery = Annotated[str, AfterValidator(_recovery)]
RemoteUrl = Annotated[str, AfterValidator(_remote)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Proxy = Annotated[str, AfterValidator(_proxy)]
AbsolutePath = Annotated[Path, BeforeValidator(_absolute)]
CaFile = Annotated[AbsolutePath, AfterValidator(_ca_file)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Size = Annotated[ByteSize, Field(ge=1, le=MAX_SIZE)]
Lower = BeforeValidator(_lower)
Seconds = Annotated[float, Field(ge=0, le=WEEK, allow_inf_nan=False)]
Interval = Annotated[float, Field(ge=0.05, le=WEEK, allow_inf_nan=False)]
Caps = Annotated[
    Mapping[Pattern, Annotated[int, Field(ge=1)]],
    AfterValidator(lambda caps: MappingProxyType(dict(caps))),
]

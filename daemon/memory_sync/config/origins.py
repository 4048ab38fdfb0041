"""Which project it is, on whatever machine: from the `origin` of its git repository to a name.

Pure: nothing here looks at a disk. What names a secret in a URL is dropped before anything else.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote, urlsplit

DEFAULT_PORTS = {"ssh": 22, "git": 9418, "http": 80, "https": 443}
SCHEMES = {**DEFAULT_PORTS, "git+ssh": 22, "ssh+git": 22, "git+https": 443, "git+http": 80}
"""The ways to a host, with the port that each has by default."""
ALIASES = {
    "ssh.github.com": "github.com",
    "www.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Names that a host has besides: GitHub, GitLab and Bitbucket take ssh on the port of https so."""
CASELESS = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")
"""Hosts that do not tell upper from lower case in a repository's path."""
SCP = re.compile(r"(?:[^@/]*@)?(?P<host>\[[^\]/]+\]|[^:/\[\]@]+):(?P<path>(?!//|:).+)\Z", re.DOTALL)
HERE = re.compile(r"localhost|127(\.\d+){3}|::1|0\.0\.0\.0")
LONGEST = 2000
"""Letters that a URL has at most."""
PREFIXES = {"claude-code": "claude"}
"""What the names of an agent's roots begin with."""
WORD = 40
"""Letters of the repository's name in a root's."""


def normalised(url: str) -> str | None:
    """Return one form for all URLs of a repository, such as `github.com/owner/repo`.

    No user, password, query or fragment is in it. None for what is no place that several machines
    share: a path on this one, or something that is not understood.
    """
    text = url.strip()
    if len(text) > LONGEST or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        return None
    found = _of_url(text) if "://" in text else _of_scp(text)
    if found is None:
        return None
    host, port, path = found
    host = host.lower().rstrip(".")
    if host in ALIASES:
        host, port = ALIASES[host], None
    parts = [part for part in unquote(path).split("/") if part]
    if not host or HERE.fullmatch(host) or not parts or ".." in parts:
        return None
    place = unicodedata.normalize("NFC", "/".join(_bare(parts)))
    if not place or any(unicodedata.category(char) in ("Cc", "Cs") for char in place):
        return None
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}{f':{port}' if port else ''}/{place.lower() if host in CASELESS else place}"


def _of_url(text: str) -> tuple[str, int | None, str] | None:
    """Return host, port if it is not the usual one, and path."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in SCHEMES or not host:
        return None
    return unquote(host), None if port in (None, SCHEMES[parts.scheme]) else port, parts.path


def _of_scp(text: str) -> tuple[str, int | None, str] | None:
    found = SCP.match(text)
    return (found["host"].strip("[]"), None, found["path"]) if found else None


def _bare(parts: list[str]) -> list[str]:
    """Return a path's parts without the `.git` at its end."""
    last = parts[-1]
    bare = last[:-4] if last.lower().endswith(".git") else last
    return [*parts[:-1], *([bare] if bare else [])]


def root_name(agent: str, origin: str, subfolder: str = "") -> str:
    """Return what all devices call the root of a project, in the letters that a name may have.

    `subfolder` is the project's place in its repository, "" where it is the whole of it.
    """
    place = unicodedata.normalize("NFC", subfolder)
    last = (place or origin).rpartition("/")[2].lower()
    word = re.sub(r"[^a-z0-9._]+", "-", last)[:WORD].strip(".-") or "project"
    mark = hashlib.sha256(f"{origin}\0{place}".encode()).hexdigest()[:10]
    return f"{PREFIXES[agent]}-{word}-{mark}"

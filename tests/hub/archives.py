"""Archives: where GitHub's tarball links lead, and what lies there."""

from __future__ import annotations

import io
import secrets
import tarfile
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tests.hub import trees
from tests.hub.wire import Answer, RefusedError, raw_answer

if TYPE_CHECKING:
    from tests.hub.objects import CommitObject, Entry, Objects
    from tests.hub.repository import Repository
    from tests.hub.wire import Request

PREFIX = "/_codeload/"


@dataclass
class Archives:
    """The links that were given out."""

    _offers: dict[str, tuple[Repository, str]] = field(default_factory=dict)

    def offer(self, repo: Repository, commit: str) -> str:
        """Make the secret of a link."""
        secret = secrets.token_hex(12)
        self._offers[secret] = (repo, commit)
        return secret

    def serve(self, request: Request) -> Answer:
        """Answer a link; it is the secret in it that opens it, not a token."""
        repo, sha = self._offers.get(request.query.get("token", ""), (None, ""))
        if repo is None or request.method != "GET" or not request.path.endswith(sha):
            raise RefusedError(404, "Not Found")
        commit = repo.objects.commit(sha)
        top = f"{repo.full_name.replace('/', '-')}-{sha[:7]}"
        disposition = {"Content-Disposition": f"attachment; filename={top}.tar.gz"}
        return raw_answer(pack(repo.objects, commit, top), "application/x-gzip", disposition)


def pack(objects: Objects, commit: CommitObject, top: str) -> bytes:
    """Pack a commit's tree the way that `git archive` does."""
    buffer = io.BytesIO()
    ignored = _ignored(objects, commit.tree)
    with tarfile.open(
        fileobj=buffer,
        mode="w:gz",
        format=tarfile.PAX_FORMAT,
        pax_headers={"comment": commit.sha},
        compresslevel=1,
    ) as tar:
        _add(tar, top, commit, None)
        skipped: tuple[str, ...] = ()
        for entry in trees.walk(objects, commit.tree):
            if entry.path.startswith(skipped) or _matches(entry, ignored):
                skipped = (*skipped, f"{entry.path}/")
                continue
            data = objects.blob(entry.sha) if entry.type == "blob" else None
            _add(tar, f"{top}/{entry.path}", commit, data, entry.mode)
    return buffer.getvalue()


def _add(
    tar: tarfile.TarFile, name: str, commit: CommitObject, data: bytes | None, mode: int = 0
) -> None:
    info = tarfile.TarInfo(name)
    info.mtime = commit.committer.time
    info.uname = info.gname = "root"
    info.mode = 0o775 if data is None or mode & 0o100 else 0o664
    if data is None:
        info.type = tarfile.DIRTYPE
    elif mode == 0o120000:
        info.type, info.linkname = tarfile.SYMTYPE, data.decode()
    else:
        info.size = len(data)
    tar.addfile(info, io.BytesIO(data or b""))


def _ignored(objects: Objects, tree: str) -> list[str]:
    """Read the patterns that the root's `.gitattributes` keeps out of archives."""
    entry = trees.lookup(objects, tree, ".gitattributes")
    text = (objects.blob(entry.sha) or b"").decode() if entry else ""
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return [words[0] for words in lines if "export-ignore" in words[1:]]


def _matches(entry: Entry, patterns: list[str]) -> bool:
    """Tell whether a pattern meets this path, or its last part if the pattern has no slash."""
    for pattern in patterns:
        bare = pattern.rstrip("/")
        subject = entry.path if "/" in bare else entry.path.rpartition("/")[2]
        if fnmatchcase(subject, bare.removeprefix("/")):
            return entry.is_tree or not pattern.endswith("/")
    return False

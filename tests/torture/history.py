"""The history of a vault, read by the second reader: every version that was ever committed."""

from __future__ import annotations

import itertools
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.reader import File, config, git, seals
from tests.reader.objects import Reader, _parts

Parts = tuple[str, ...]


@dataclass(frozen=True)
class History:
    """A whole chain: commits from the oldest to the newest, and the versions of each object."""

    commits: tuple[git.Commit, ...]
    versions: dict[tuple[str, Parts], File]
    objects: tuple[dict[str, Parts], ...]
    """For each commit the blobs of each object's parts, by its name."""

    def contents(self) -> list[bytes]:
        return [file.content for file in self.versions.values()]

    def at_head(self) -> dict[str, bytes]:
        """Return the newest commit's files by path."""
        newest = self.objects[-1].items()
        return {self.versions[key].path: self.versions[key].content for key in newest}

    def repeated(self) -> list[str]:
        """Name the commits that change nothing, and the files that were sent though unchanged."""
        found: list[str] = []
        pairs = itertools.pairwise(zip(self.commits, self.objects, strict=True))
        for (older, before), (newer, after) in pairs:
            if newer.tree == older.tree:
                found.append(f"commit {newer.id[:8]} has the tree of its parent")
            for name, parts in after.items():
                old = before.get(name)
                if old is None or old == parts:
                    continue
                was, now = self.versions[name, old], self.versions[name, parts]
                if was.content == now.content:
                    found.append(
                        f"commit {newer.id[:8]} by {now.device} sends {now.path} again, "
                        f"which {was.device} had sent as it is"
                    )
        return found


def read_history(repository: Path, identity: str, key: Path) -> History:
    """Open every version of every object that is in any commit of the branch."""
    commits = tuple(reversed(git.chain(repository, "HEAD")))
    about = git.blobs(repository, [f"{commits[-1].id}:vault.json"])[0]
    reader = Reader(repository, identity, key, config.parse(about).id, 1)
    objects: list[dict[str, Parts]] = []
    wanted: dict[tuple[str, Parts], dict[str, git.Entry]] = {}
    for commit in commits:
        found = _parts(git.files(repository, commit.id))
        objects.append({name: _blobs(parts) for name, parts in found.items()})
        wanted |= {(name, _blobs(parts)): parts for name, parts in found.items()}
    return History(commits, _open(reader, wanted), tuple(objects))


def _blobs(parts: dict[str, git.Entry]) -> Parts:
    return tuple(entry.id for entry in parts.values())


def _open(
    reader: Reader, wanted: dict[tuple[str, Parts], dict[str, git.Entry]]
) -> dict[tuple[str, Parts], File]:
    """Decrypt each blob once, whatever number of versions it is a part of."""
    names = {entry.id: part for parts in wanted.values() for part, entry in parts.items()}
    data = git.blobs(reader.repository, names)
    plain = {
        blob: reader._open(name, one or b"")
        for (blob, name), one in zip(names.items(), data, strict=True)
    }
    return {
        (name, blobs): reader._file(name, [plain[blob] for blob in blobs]) for name, blobs in wanted
    }


def numbers(history: History, repository: Path, identity: str) -> list[int]:
    """Judge the seal of every commit; return their numbers, the oldest first."""
    abouts = git.blobs(repository, [f"{commit.id}:vault.json" for commit in history.commits])
    vault_id = config.parse(abouts[0]).id
    return [
        seals.judge(commit, about, identity, vault_id).n
        for commit, about in zip(history.commits, abouts, strict=True)
    ]


def fsck(repository: Path) -> str:
    """Return what the real git has to say against the repository."""
    words = ["git", "-C", str(repository), "fsck", "--full", "--strict", "--no-dangling"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    text = (done.stdout + done.stderr).strip()
    return text if done.returncode or text else ""

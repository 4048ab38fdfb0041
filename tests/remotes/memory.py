"""The simulation's repository in memory, held to the same suite by way of a real one.

Git can look only at files. So each commit is written to a bare repository too, where it must get
the same id; and what another program writes there is taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from memory_sync.model import Change
from memory_sync.ports.folder import FolderRemote
from tests.remotes.case import BRANCH, RemoteCase, git_output
from tests.simulation.remote import AUTHOR, MemoryRemote, Repository


class MirroredRepository(Repository):
    """A repository in memory whose commits are written to a real one too."""

    git_dir: Path

    def add(self, parent: str | None, change: Change) -> str:
        made = super().add(parent, change)
        commit = self.commits[made]
        message = commit.message.encode()
        lines = [
            f"commit {BRANCH}\ncommitter {AUTHOR} {commit.time} +0000\n".encode(),
            b"data %d\n%s\n" % (len(message), message),
            *([f"from {parent}\n".encode()] if parent else []),
            b"deleteall\n",
        ]
        written = set(change.writes)
        for path, entry in self.listings[made].items():
            if path in written:
                content = change.writes[path]
                lines.append(f"M {entry.mode} inline {path}\n".encode())
                lines.append(b"data %d\n%s\n" % (len(content), content))
            else:
                lines.append(f"M {entry.mode} {entry.id} {path}\n".encode())
        git_output(self.git_dir, "fast-import", "--quiet", given=b"".join(lines))
        assert git_output(self.git_dir, "rev-parse", BRANCH).strip() == made
        return made

    def take_over(self) -> None:
        """Take over what another program has written to the real one."""
        real = FolderRemote(f"file://{self.git_dir}")
        self.head = real.head()
        for commit in real.history(self.head or ""):
            self.commits[commit.id] = commit
            self.listings[commit.id] = real.listing(commit)
            ids = {entry.id for entry in self.listings[commit.id].values()}
            self.blobs |= dict(real.blobs(ids - self.blobs.keys()))


class MirroredRemote(MemoryRemote):
    """A client that makes the real repository together with that in memory."""

    repository: MirroredRepository

    def create(self, *, public: bool = False) -> None:
        git_dir = self.repository.git_dir
        with self.repository.lock:
            if not git_dir.exists():
                git_output(git_dir, "init", "--quiet", "--bare", "--initial-branch=main")
        super().create(public=public)


@dataclass(frozen=True)
class MemoryCase(RemoteCase):
    """A case in which another program writes to the real repository."""

    repository: MirroredRepository | None = None

    def write_as_another_program(self, stream: bytes) -> str:
        head = super().write_as_another_program(stream)
        assert self.repository
        self.repository.take_over()
        return head


def memory_case(git_dir: Path) -> MemoryCase:
    """Make a case of a repository in memory that is not there yet."""
    repository = MirroredRepository()
    repository.git_dir = git_dir
    return MemoryCase(lambda: MirroredRemote(repository), git_dir, repository=repository)

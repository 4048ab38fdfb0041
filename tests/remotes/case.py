"""What the tests of a remote work with, whichever adapter it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memory_sync.model import Change, Entry
from memory_sync.model.remote import FILE_MODE
from memory_sync.ports.remote import Remote
from memory_sync.vault.trees import blob_id, root_tree

BRANCH = "refs/heads/main"
MESSAGE = f"sync\n\nMemory-Sync-Seal: 1 1 {'5e' * 32}\n"


@dataclass(frozen=True)
class RemoteCase:
    """One adapter under test: a repository that is not there yet, and ways to it.

    `connect` makes a fresh client, like another device's. `git_dir` is the bare repository behind
    it, once it is made, or a mirror of it: real `git` reads and writes it as other programs would.
    """

    connect: Callable[[], Remote]
    git_dir: Path
    lands_first: bool = False
    """Whether a commit lands before the tree that it made is known."""

    def git(self, *words: str, given: bytes = b"") -> str:
        """Run git on the repository and return what it prints, stripped."""
        return self.raw(*words, given=given).strip()

    def raw(self, *words: str, given: bytes = b"") -> str:
        """Run git on the repository and return what it prints, to the byte."""
        return git_output(self.git_dir, *words, given=given)

    def head(self) -> str | None:
        """Return the branch's head as git sees it."""
        found = self.git("for-each-ref", "--format=%(objectname)", BRANCH)
        return found or None

    def files(self, commit: str) -> dict[str, Entry]:
        """Return a commit's files as git sees them."""
        return _entries(self.raw("ls-tree", "-r", "-z", "--full-tree", commit))

    def top(self, commit: str) -> dict[str, Entry]:
        """Return the entries of a commit's root tree as git sees them."""
        return _entries(self.raw("ls-tree", "-z", "--full-tree", commit))

    def message(self, commit: str) -> str:
        """Return a commit's message, all that follows its headers, to the byte."""
        return self.raw("cat-file", "commit", commit).partition("\n\n")[2]

    def chain(self) -> list[str]:
        """Return the first parents of the branch as git sees them, newest first."""
        return self.git("rev-list", "--first-parent", BRANCH).split()

    def write_as_another_program(self, stream: bytes) -> str:
        """Feed `git fast-import` and return the branch's new head."""
        self.git("fast-import", "--quiet", "--force", given=stream)
        head = self.head()
        assert head
        return head

    def check(self) -> None:
        """Let git look for anything that is wrong with the repository."""
        assert self.git("fsck", "--full", "--strict", "--no-dangling") == ""


Adapter = Callable[[pytest.FixtureRequest], RemoteCase]
CHOSEN = pytest.StashKey[Mapping[str, Adapter]]()
"""Where a plugin puts the adapters on which the suite is to run instead of the usual ones."""


@dataclass
class Vault:
    """One device's view: it knows the tree it wrote last and makes changes that fit it."""

    remote: Remote
    head: str | None = None
    tree: dict[str, Entry] = field(default_factory=dict)

    def change(
        self,
        writes: Mapping[str, str],
        deletes: Iterable[str] = (),
        message: str = MESSAGE,
    ) -> Change:
        """Make a change whose tree id is right, without commit."""
        data = {path: text.encode() for path, text in writes.items()}
        return Change(message, root_tree(self._after(data, deletes)), data, tuple(deletes))

    def commit(
        self,
        writes: Mapping[str, str],
        deletes: Iterable[str] = (),
        message: str = MESSAGE,
    ) -> str:
        """Commit on the head that this device knows, and remember the outcome."""
        change = self.change(writes, deletes, message)
        self.head = self.remote.commit(self.head, change)
        self.tree = self._after(change.writes, change.deletes)
        return self.head

    def catch_up(self) -> None:
        """Take the remote's head and its tree for one's own."""
        self.head = self.remote.head()
        assert self.head
        self.tree = dict(self.remote.listing(next(iter(self.remote.history(self.head)))))

    def _after(self, writes: Mapping[str, bytes], deletes: Iterable[str]) -> dict[str, Entry]:
        gone = set(deletes)
        tree = {path: entry for path, entry in self.tree.items() if path not in gone}
        tree.update({path: Entry(FILE_MODE, blob_id(data)) for path, data in writes.items()})
        return tree


def begin(case: RemoteCase) -> Vault:
    """Create the repository and make its first commit: one file, as every vault begins."""
    vault = Vault(case.connect())
    vault.remote.create()
    vault.commit({"vault.json": '{"format": 1}\n'})
    return vault


def object_name(number: int) -> str:
    """Return a name like those of a vault's objects, spread over 256 folders."""
    return f"objects/{number % 256:02x}/{number:030x}.age"


def git_output(
    git_dir: Path, *words: str, given: bytes = b"", settings: Mapping[str, str] | None = None
) -> str:
    """Return what git prints about a bare repository; the caller's configuration plays no part.

    `settings` are added to git's environment.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "LC_ALL": "C"}
    env |= settings or {}
    done = subprocess.run(
        ["git", "--git-dir", str(git_dir), *words],
        input=given,
        capture_output=True,
        env=env,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode("utf-8", "surrogateescape")


def _entries(listing: str) -> dict[str, Entry]:
    found = {}
    for line in listing.split("\0")[:-1]:
        facts, _, path = line.partition("\t")
        mode, _, oid = facts.split()
        found[path] = Entry(mode, oid)
    return found

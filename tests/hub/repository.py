"""One hosted repository: a bare git repository on disk and what GitHub knows about it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dulwich.objects import ObjectID
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from tests.hub.history import reachable
from tests.hub.objects import FILE, CommitObject, Entry, Objects, Person, is_sha
from tests.hub.trees import edit, lookup, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HEADS = "refs/heads/"
GITHUB = ("GitHub", "noreply@github.com")


@dataclass(frozen=True)
class Move:
    """A branch moved, and where it was before."""

    when: float
    branch: str
    former: str | None


@dataclass
class Repository:
    """A repository; whoever reads a branch in order to move it holds `lock` all the while."""

    full_name: str
    id: int
    path: Path
    private: bool = True
    description: str | None = None
    archived: bool = False
    default_branch: str = "main"
    now: Callable[[], float] = time.time
    created: int = field(init=False)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _moves: list[Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Create it on disk."""
        self.created = int(self.now())
        branch = self.default_branch.encode()
        self._git = Repo.init_bare(str(self.path), mkdir=True, default_branch=branch)
        self.objects = Objects(self._git.object_store)

    @property
    def owner(self) -> str:
        """The login before the slash."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """What stands after the slash."""
        return self.full_name.partition("/")[2]

    def close(self) -> None:
        """Let go of the files."""
        self._git.close()

    def branches(self) -> list[str]:
        """List the branches."""
        names = self._git.refs.keys(base=Ref(HEADS.rstrip("/").encode()))
        return sorted(name.decode() for name in names)

    def head(self, branch: str | None = None, lag: float = 0.0) -> str | None:
        """Give the commit that a branch points to, or pointed to `lag` seconds ago."""
        branch = branch or self.default_branch
        with self.lock:
            horizon = self.now() - lag
            for move in self._moves:
                if lag and move.branch == branch and move.when > horizon:
                    return move.former
            try:
                return self._git.refs[Ref((HEADS + branch).encode())].decode()
            except KeyError:
                return None

    def set_head(self, branch: str, sha: str | None) -> None:
        """Point a branch to a commit; None deletes it."""
        ref = Ref((HEADS + branch).encode())
        with self.lock:
            self._moves.append(Move(self.now(), branch, self.head(branch)))
            if sha is None:
                self._git.refs.remove_if_equals(ref, None)
            else:
                self._git.refs[ref] = ObjectID(sha.encode())

    def rename_branch(self, new: str, old: str | None = None) -> None:
        """Give a branch another name, the default one if none is named; it stays the default."""
        old = old or self.default_branch
        with self.lock:
            head = self.head(old)
            if self.head(new) is not None or (head is None and old != self.default_branch):
                raise ValueError(f"{old} cannot be renamed to {new}")
            if head is not None:
                self.set_head(new, head)
                self.set_head(old, None)
            if old == self.default_branch:
                self.default_branch = new
                self._git.refs.set_symbolic_ref(HEADREF, Ref((HEADS + new).encode()))

    def delete_branch(self, branch: str | None = None) -> None:
        """Take a branch away, the default one if none is named."""
        branch = branch or self.default_branch
        if self.head(branch) is None:
            raise KeyError(branch)
        self.set_head(branch, None)

    def is_empty(self, lag: float = 0.0) -> bool:
        """Tell whether there is no branch at all."""
        return all(self.head(branch, lag) is None for branch in self.branches())

    def resolve(self, ref: str, lag: float = 0.0) -> str | None:
        """Find the commit that a branch's name, `HEAD` or a commit id means."""
        branch = ref.removeprefix("refs/").removeprefix("heads/")
        head = self.head(None if ref == "HEAD" else branch, lag)
        if head is None and is_sha(ref) and self.objects.kind(ref) == "commit":
            return ref
        return head

    def tree_of(self, ref: str, lag: float = 0.0) -> str | None:
        """Find the tree that a tree id, a commit id or a branch's name means."""
        if self.objects.kind(ref) == "tree":
            return ref
        commit = self.resolve(ref, lag)
        return self.objects.commit(commit).tree if commit else None

    def commit(self, ref: str) -> CommitObject | None:
        """Read the commit that a name means."""
        sha = self.resolve(ref)
        return self.objects.commit(sha) if sha else None

    def is_fast_forward(self, branch: str, sha: str) -> bool:
        """Tell whether a branch would lose nothing by pointing to this commit."""
        head = self.head(branch)
        return head is None or head in reachable(self.objects, sha)

    def files(self, ref: str = "HEAD") -> dict[str, bytes]:
        """Read every file, for tests that look at the outcome."""
        tree = self.tree_of(ref)
        entries = walk(self.objects, tree) if tree else ()
        return {e.path: self.objects.blob(e.sha) or b"" for e in entries if e.type == "blob"}

    def change(
        self,
        files: Mapping[str, bytes | None],
        message: str,
        author: tuple[str, str] = GITHUB,
        *,
        branch: str | None = None,
        committer: tuple[str, str] = GITHUB,
    ) -> str:
        """Commit changed files on a branch, as a push would; a file keeps its mode."""
        branch = branch or self.default_branch
        now = int(self.now())
        with self.lock:
            head = self.head(branch)
            tree = self.objects.commit(head).tree if head else None
            changes = {path: self._entry(tree, path, data) for path, data in files.items()}
            sha = self.objects.add_commit(
                edit(self.objects, tree, changes),
                [head] if head else [],
                message,
                Person(*author, now),
                Person(*committer, now),
            )
            self.set_head(branch, sha)
        return sha

    def _entry(self, tree: str | None, path: str, data: bytes | None) -> Entry | None:
        if data is None:
            return None
        old = lookup(self.objects, tree, path) if tree else None
        mode = old.mode if old and old.type == "blob" else FILE
        return Entry(path, mode, self.objects.add_blob(data))

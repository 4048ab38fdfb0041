"""Whoever has the token, or the disk, but not the key: everything that git can do to a vault."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory_sync.engine.local import problem
from memory_sync.errors import HaltError
from memory_sync.model import Outcome, Problem
from tests.engine.devices import Device

BRANCH = "refs/heads/main"
PERSON = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@x", "GIT_COMMITTER_NAME": "x",
          "GIT_COMMITTER_EMAIL": "x@x", "PATH": "/usr/bin:/bin"}  # fmt: skip


@dataclass(frozen=True)
class Attacker:
    """Writes into the bare repository behind a vault, whichever remote it is."""

    git_dir: Path

    def git(self, *words: str, data: bytes = b"") -> bytes:
        """Run git in the repository."""
        done = subprocess.run(
            ["git", f"--git-dir={self.git_dir}", *words],
            input=data,
            capture_output=True,
            check=True,
            env=PERSON,
        )
        return done.stdout

    def text(self, *words: str, data: bytes = b"") -> str:
        """Run git, and return what it prints as text."""
        return self.git(*words, data=data).decode().strip()

    @property
    def head(self) -> str:
        """Where the branch is."""
        return self.text("rev-parse", BRANCH)

    def chain(self) -> list[str]:
        """Return the branch's commits, newest first."""
        return self.text("rev-list", "--first-parent", BRANCH).split()

    def point(self, commit: str) -> str:
        """Move the branch, whatever lies between."""
        self.git("update-ref", BRANCH, commit)
        return commit

    def files(self, rev: str = BRANCH) -> dict[str, str]:
        """Return a commit's files with their blobs."""
        lines = self.text("ls-tree", "-r", rev).splitlines()
        return {path: words.split()[2] for words, path in (line.split("\t") for line in lines)}

    def objects(self, rev: str = BRANCH) -> list[str]:
        """Return the names of all parts of objects."""
        return [path for path in self.files(rev) if path.startswith("objects/")]

    def content(self, path: str, rev: str = BRANCH) -> bytes:
        """Read a file of a commit."""
        return self.git("show", f"{rev}:{path}")

    def message(self, rev: str = BRANCH) -> str:
        """Return a commit's message, to the byte."""
        return self.git("cat-file", "commit", rev).decode().partition("\n\n")[2]

    def tree(self, changes: Mapping[str, bytes | None], rev: str = BRANCH) -> str:
        """Make a tree from a commit's tree with changes."""
        index = self.git_dir / "attack-index"
        index.unlink(missing_ok=True)
        env = {**PERSON, "GIT_INDEX_FILE": str(index)}
        git = ["git", f"--git-dir={self.git_dir}"]
        if rev:
            subprocess.run([*git, "read-tree", rev], env=env, check=True)
        lines = []
        for path, content in changes.items():
            if content is None:
                lines.append(f"0 {'0' * 40}\t{path}")
            else:
                blob = self.text("hash-object", "-w", "--stdin", data=content)
                lines.append(f"100644 {blob}\t{path}")
        told = "\n".join([*lines, ""]).encode()
        subprocess.run([*git, "update-index", "--index-info"], input=told, env=env, check=True)
        made = subprocess.run([*git, "write-tree"], env=env, check=True, capture_output=True)
        index.unlink(missing_ok=True)
        return made.stdout.decode().strip()

    def commit(self, tree: str, parents: Sequence[str] = (), message: str = "Update") -> str:
        """Make a commit, and move the branch to it."""
        words = [word for parent in parents for word in ("-p", parent)]
        made = self.text("commit-tree", tree, *words, data=message.encode())
        return self.point(made)

    def lose(self, blob: str) -> None:
        """Have the repository lose a blob for good."""
        held = self.git_dir / "objects" / blob[:2] / blob[2:]
        for pack in () if held.exists() else list((self.git_dir / "objects/pack").glob("*.pack")):
            content = pack.read_bytes()
            pack.unlink()
            pack.with_suffix(".idx").unlink()
            self.git("unpack-objects", "-q", data=content)
        held.unlink()

    def tamper(self, changes: Mapping[str, bytes | None], message: str = "Update") -> str:
        """Commit changes on the branch."""
        return self.commit(self.tree(changes), [self.head], message)


def halt(device: Device) -> Problem | None:
    """Sync, and return what halts the whole vault then."""
    try:
        outcome = device.sync()
    except HaltError as error:
        return problem(error)
    return next((found for found in outcome.halts if not found.root), None)


def repair(device: Device) -> Outcome:
    """Repair what the device says it is halted for, as it is now."""
    found = halt(device)
    assert found
    assert found.would
    return device.engine.confirm({"": found.would.plan})

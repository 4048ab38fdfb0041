"""Heads that are older than what was accepted, and histories that only pretend to be newer."""

import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from memory_sync.errors import ForkedError, RemoteTroubleError, StaleReadError
from memory_sync.model import Commit
from tests.engine.devices import Device, Meddler, settle
from tests.engine.test_interruptions import Killed, _kill_at
from tests.engine.test_trust import git, tamper


@pytest.fixture
def filled(laptop: Device, desktop: Device, vault: Path) -> Path:
    """Give a vault with a file that both devices have."""
    laptop.write("MEMORY.md", "one\n")
    settle(laptop, desktop)
    return vault


def forget_unreachable(vault: Path) -> None:
    """Let the repository drop what no branch leads to."""
    git(vault, "reflog", "expire", "--expire=now", "--all")
    git(vault, "gc", "--prune=now", "--quiet")


def test_i41_a_head_as_old_as_the_database_is_still_older_than_the_trust(
    filled: Path, laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill between the two records does not make a device accept what it had left behind."""
    old = git(filled, "rev-parse", "main")
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    with monkeypatch.context() as patch:
        _kill_at(desktop.opened().keystore, "set_trust", "after", patch)
        with pytest.raises(Killed):
            desktop.sync()
    desktop.restart()
    git(filled, "update-ref", "refs/heads/main", old)
    with pytest.raises(StaleReadError):
        desktop.sync()


def test_i41_a_commit_between_two_accepted_ones_is_a_stale_read(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """A replica that lags may show a head that this device never saw as one."""
    for text in ("two\n", "three\n", "four\n"):
        laptop.write("MEMORY.md", text)
        laptop.sync()
    desktop.sync()
    for back in ("main~1", "main~2"):
        new = git(filled, "rev-parse", "main")
        git(filled, "update-ref", "refs/heads/main", git(filled, "rev-parse", back))
        with pytest.raises(StaleReadError):
            desktop.sync()
        git(filled, "update-ref", "refs/heads/main", new)


def test_i42_a_fork_is_named_though_the_accepted_commit_is_gone(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """What was accepted need not be in the repository any more to be missed."""
    old = git(filled, "rev-parse", "main")
    laptop.write("MEMORY.md", "laptop\n")
    laptop.sync()
    git(filled, "update-ref", "refs/heads/main", old)
    forget_unreachable(filled)
    for text in ("desktop\n", "desktop again\n"):
        desktop.write("memory/a.md", text)
        desktop.sync()
    with pytest.raises(ForkedError):
        laptop.sync()
    assert laptop.read("MEMORY.md") == "laptop\n"


def test_i52_a_commit_with_another_content_than_its_id_says_is_not_believed(
    filled: Path, laptop: Device, desktop: Device
) -> None:
    """Whoever can write to the folder cannot pass a fork off as built on what was accepted."""
    old = git(filled, "rev-parse", "main")
    laptop.write("memory/l.md", "laptop\n")
    laptop.sync()
    accepted = git(filled, "rev-parse", "main")
    git(filled, "update-ref", "refs/heads/main", old)
    for number in range(3):
        desktop.write("memory/d.md", f"desktop {number}\n")
        desktop.sync()
    below = git(filled, "rev-parse", "main~2")
    words = ["git", "-C", str(filled), "cat-file", "commit", below]
    honest = subprocess.run(words, capture_output=True, check=True).stdout
    forged = honest.replace(old.encode(), accepted.encode())
    place = filled / "objects" / below[:2] / below[2:]
    place.chmod(0o644)
    place.write_bytes(zlib.compress(b"commit %d\0" % len(forged) + forged))
    with pytest.raises(RemoteTroubleError):
        laptop.sync()
    assert laptop.read("memory/l.md") == "laptop\n"


class TwoFaced(Meddler):
    """A remote that tells another tree when it is asked for a commit a second time."""

    forged = ""

    def history(self, head: str, since: str | None = None) -> Iterator[Commit]:
        self.asked.append("history")
        twice = self.asked.count("history") > 1
        for commit in super().history(head, since):
            yield replace(commit, tree=self.forged) if twice else commit


def test_i52_what_is_superseded_stands_in_the_tree_that_was_sealed(
    filled: Path, laptop: Device
) -> None:
    """A tree that nobody sealed cannot say that an old commit takes the place of a newer one."""
    old = git(filled, "rev-parse", "main")
    laptop.write("MEMORY.md", "two\n")
    laptop.sync()
    accepted = git(filled, "rev-parse", "main")
    git(filled, "update-ref", "refs/heads/main", old)
    tamper(filled, {"superseded": f"{accepted}\n".encode()})
    liar = TwoFaced(laptop.remote.inner)
    liar.forged = git(filled, "rev-parse", "main^{tree}")
    git(filled, "update-ref", "refs/heads/main", old)
    laptop.restart()
    laptop.remote = liar
    with pytest.raises(StaleReadError):
        laptop.sync()
    assert laptop.read("MEMORY.md") == "two\n"

"""The watcher where hearing ends: overflow, limits, dead watches, and 20,000 other folders."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from memory_sync.daemon import watch
from memory_sync.daemon.mailbox import Changed, Loss, Lost, Mailbox, Message
from memory_sync.daemon.watch import Watched, Watcher
from memory_sync.ports.clock import SystemClock
from memory_sync.sync.patterns import Patterns
from tests.daemon.serving import end_thread
from tests.files.bench import DiskBench
from tests.needs import needs_linux

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


class Clock(SystemClock):
    """The machine's clock, which can be moved."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Post:
    """A watcher of one root, its mailbox, and a door that holds the thread that listens."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mailbox: Mailbox[Message] = Mailbox()
        self.clock = Clock()
        self.door = threading.Event()
        self.door.set()
        self.watcher = Watcher([Watched("memory", root, Patterns())], self.put, self.clock)

    def put(self, message: Message) -> None:
        self.mailbox.put(message)
        self.door.wait()

    def lost(self, seconds: float = 5.0) -> Lost | None:
        """Wait for the news of a loss, past all hints."""
        while message := self.mailbox.get(seconds):
            if isinstance(message, Lost):
                return message
        return None

    def hears(self, path: str = "memory/a.md") -> bool:
        """Tell whether an edit is heard of."""
        while self.mailbox.get(0.05):
            pass
        (self.root / path).write_text(f"{self.clock.monotonic()}")
        return self.mailbox.get(5) == Changed("memory")


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    """Give a watcher of a workspace that is not open yet."""
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "a.md").write_text("a")
    made = Post(tmp_path)
    yield made
    made.door.set()


def _watches() -> int:
    """Count the inotify watches of this process, as the kernel tells."""
    count = 0
    for info in Path("/proc/self/fdinfo").iterdir():
        try:
            count += info.read_text().count("inotify wd:")
        except OSError:
            continue
    return count


def test_i57_an_overflow_is_noticed_and_the_folders_are_watched_anew(post: Post) -> None:
    """More events than the kernel keeps: one loss is told, and what came unseen is heard later."""
    needs_linux()
    with (
        open(post.root / "memory/a.md", "w") as a,
        open(post.root / "MEMORY.md", "w") as b,
        post.watcher,
    ):
        post.door.clear()
        a.write("the thread is held at this hint")
        a.flush()
        assert post.mailbox.get(5)
        for _ in range(int(QUEUE.read_text()) // 2 + 100):
            os.pwrite(a.fileno(), b"x", 0)
            os.pwrite(b.fileno(), b"x", 0)
        (post.root / "memory" / "new").mkdir()
        post.door.set()
        lost = post.lost()
        assert lost == Lost("memory", Loss.OVERFLOW)
        assert post.lost(0.2) is None
        post.watcher.renew(lost)
        assert post.hears("memory/new/b.md")


@contextmanager
def _no_handles() -> Iterator[None]:
    """Let this process open nothing more; what is open stays so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Scarce:
    """The system's inotify with so many watches left."""

    def __init__(self, add: Callable[[int, bytes, int], int], left: int) -> None:
        self._add = add
        self.left = left

    def __call__(self, handle: int, path: bytes, mask: int) -> int:
        if self.left <= 0:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        self.left -= 1
        return self._add(handle, path, mask)


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> Scarce:
    """Give as many watches as there are; the test takes them away."""
    needs_linux()
    from watchdog.observers import inotify_c

    system = Scarce(inotify_c.inotify_add_watch, 1000)
    monkeypatch.setattr(inotify_c, "inotify_add_watch", system)
    return system


def test_i58_without_handles_the_root_is_polled_and_watched_again_later(post: Post) -> None:
    """The limit is told once, also if the next try fails; once there are handles it is watched."""
    with _no_handles(), post.watcher:
        assert post.lost() == Lost("memory", Loss.LIMIT)
        assert post.watcher.polling
        post.clock.ahead += watch.RETRY_SECONDS + 1
        post.watcher.check()
        assert post.watcher.polling
        assert post.mailbox.get(0) is None
    post.clock.ahead += watch.RETRY_SECONDS + 1
    with post.watcher:
        assert not post.watcher.polling
        assert post.hears()


@pytest.mark.parametrize("left", [0, 1, 2])
def test_i58_without_watches_for_all_folders_the_root_is_polled(
    post: Post, scarce: Scarce, left: int
) -> None:
    """One folder that cannot be watched is enough, wherever it lies; no watch is kept then."""
    (post.root / "memory" / "deep").mkdir()
    before, scarce.left = _watches(), left
    with post.watcher:
        assert post.lost() == Lost("memory", Loss.LIMIT)
        assert post.watcher.polling
        assert _watches() == before
        scarce.left = 1000
        post.watcher.check()
        assert post.watcher.polling
        post.clock.ahead += watch.RETRY_SECONDS + 1
        post.watcher.check()
        assert not post.watcher.polling
        assert post.mailbox.get(0) == Changed("memory")
        assert post.hears("memory/deep/b.md")


def test_i58_a_later_folder_without_a_watch_makes_the_root_polled(
    post: Post, scarce: Scarce
) -> None:
    """The last watch is gone when a folder comes: the root is polled, not deaf for that folder."""
    with post.watcher:
        scarce.left = 0
        (post.root / "memory" / "new").mkdir()
        lost = post.lost()
        assert lost == Lost("memory", Loss.LIMIT)
        post.watcher.renew(lost)
        assert post.watcher.polling
        assert post.mailbox.get(0) is None


@pytest.mark.parametrize("way", ["made again", "another moved there", "link turned"])
def test_i57_another_folder_in_the_roots_place_is_watched_instead(post: Post, way: str) -> None:
    """A watch stays with the folder that it was made for; the check finds that it is another."""
    top = post.root
    (top / "one" / "memory").mkdir(parents=True)
    (top / "two" / "memory").mkdir(parents=True)
    (top / "link").symlink_to("one")
    place = top / ("link" if way == "link turned" else "one")
    post = Post(place)
    with post.watcher:
        assert post.hears()
        post.watcher.check()
        if way == "link turned":
            place.unlink()
            place.symlink_to("two")
        else:
            place.rename(top / "away")
            if way == "made again":
                (place / "memory").mkdir(parents=True)
            else:
                (top / "two").rename(place)
        assert not (place / "memory" / "a.md").exists()
        post.watcher.check()
        lost = post.lost()
        assert lost == Lost("memory", Loss.DEAD)
        post.watcher.renew(lost)
        assert post.hears()
        post.watcher.check()
        assert post.lost(0.2) is None


@pytest.mark.parametrize("way", ["handle closed", "thread ended"])
def test_i57_a_watch_that_died_is_replaced(post: Post, way: str) -> None:
    """Whatever ended the thread, or closed what it listens to, the check finds it."""
    needs_linux()
    from memory_sync.daemon.inotify import Inotify

    with post.watcher:
        ears = post.watcher._posts["memory"]._ears
        assert isinstance(ears, Inotify)
        assert post.hears()
        time.sleep(0.1)  # until it waits for more
        if way == "handle closed":
            os.close(ears._inotify_fd)
        else:
            end_thread(ears)
        post.watcher.check()
        lost = post.lost()
        assert lost == Lost("memory", Loss.DEAD)
        post.watcher.renew(lost)
        assert post.hears()


@pytest.fixture
def quick() -> Iterator[Path]:
    """Give a folder in memory, where there is one."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_20_000_other_folders_are_neither_watched_nor_walked(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel holds four watches and a look lists four folders: those that a pattern reaches."""
    needs_linux()
    disk = DiskBench(quick, patterns=Patterns())
    for number in range(100):
        os.mkdir(disk.root / f"other{number}")
        for below in range(199):
            os.mkdir(disk.root / f"other{number}" / f"{below}")
    disk.put("MEMORY.md", b"x")
    disk.put("memory/a/b/c.md", b"x")
    mailbox: Mailbox[Message] = Mailbox()
    before, listed = _watches(), []
    scandir = os.scandir

    def counted(place: Any) -> Any:
        listed.append(place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", counted)
    watcher = Watcher([Watched("memory", disk.root, Patterns())], mailbox.put, SystemClock())
    with watcher:
        assert len(listed) == 4
        assert _watches() - before == 4
        assert set(disk.tree.scan({}).files) == {"MEMORY.md", "memory/a/b/c.md"}
        assert len(listed) == 8
        assert mailbox.get(0.2) is None
        (disk.root / "other7" / "MEMORY.md").write_text("none of ours")
        assert mailbox.get(0.2) is None
        disk.put("memory/a/b/c.md", b"edited")
        assert mailbox.get(5) == Changed("memory")

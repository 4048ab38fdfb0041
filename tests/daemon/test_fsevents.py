"""What becomes of macOS's events, in watchdog's own thread, with a stand-in for its C part only."""

from __future__ import annotations

import importlib
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from memory_sync.daemon.mailbox import Changed, Loss, Lost, Mailbox, Message
from memory_sync.daemon.watch import Watched, Watcher
from memory_sync.ports.clock import SystemClock
from memory_sync.sync.patterns import Patterns

IS_FILE, IS_DIR = 0x10000, 0x20000
MODIFIED, CREATED = 0x1000, 0x100
Callback = Callable[[list[str], list[int], list[int], list[int]], None]


class Stream:
    """An event stream on which the test speaks."""

    made: list[Stream]
    refuses = False

    def __init__(self, paths: list[str], *, latency: float) -> None:
        self.paths = paths
        self.over = threading.Event()
        self.made.append(self)

    def run(self, callback: Callback, started: Callable[[], None]) -> None:
        if self.refuses:
            raise SystemError("cannot start the stream")
        self.callback = callback
        started()
        self.over.wait()

    def stop(self) -> None:
        self.over.set()

    def say(self, *events: tuple[str, int]) -> None:
        paths = [f"{self.paths[0]}/{path}" if path else self.paths[0] for path, _ in events]
        counts = list(range(len(events)))
        self.callback(paths, counts, [flags for _, flags in events], counts)


@pytest.fixture
def mailbox() -> Mailbox[Message]:
    """Give a mailbox."""
    return Mailbox()


@pytest.fixture
def watcher(
    tmp_path: Path, mailbox: Mailbox[Message], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watcher]:
    """Give a watcher of a folder, as it is on macOS; it is not open yet."""
    stand_in = ModuleType("_watchdog_fsevents")
    monkeypatch.setattr(Stream, "made", [], raising=False)
    vars(stand_in)["Stream"] = Stream
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "_watchdog_fsevents", stand_in)
        patch.delitem(sys.modules, "watchdog.observers.fsevents", raising=False)
        patch.delitem(sys.modules, "memory_sync.daemon.fsevents", raising=False)
        importlib.import_module("memory_sync.daemon.fsevents")
        patch.setattr(sys, "platform", "darwin")
        yield Watcher(
            [Watched("memory", tmp_path, Patterns(("*.md", "é/**/*.md")))],
            mailbox.put,
            SystemClock(),
        )
    sys.modules.pop("watchdog.observers.fsevents", None)
    sys.modules.pop("memory_sync.daemon.fsevents", None)


@pytest.mark.parametrize(
    ("path", "flags", "hint"),
    [
        ("a.md", IS_FILE | MODIFIED, True),
        ("a.txt", IS_FILE | MODIFIED, False),
        ("other/a.md", IS_FILE | MODIFIED, False),
        ("other", IS_DIR | CREATED, False),
        ("é", IS_DIR | CREATED, True),
        (unicodedata.normalize("NFD", "é/é/x.md"), IS_FILE | CREATED, True),
        (".memory-sync-0a.tmp", IS_FILE | CREATED, False),
        ("other/volume", 0x40, True),
        ("", IS_DIR | MODIFIED, True),
    ],
)
def test_only_what_a_pattern_reaches_is_a_hint(
    watcher: Watcher, mailbox: Mailbox[Message], path: str, flags: int, hint: bool
) -> None:
    """Of all that happens below the root, as one stream tells it."""
    with watcher:
        Stream.made[0].say(("other/b.md", IS_FILE | MODIFIED), (path, flags))
        assert mailbox.get(0) == (Changed("memory") if hint else None)
        watcher.check()
        assert mailbox.get(0) is None


@pytest.mark.parametrize(
    ("flag", "reason"),
    [(0x1, Loss.OVERFLOW), (0x2, Loss.OVERFLOW), (0x4, Loss.OVERFLOW), (0x20, Loss.DEAD)],
    ids=["scan below", "dropped here", "dropped in the kernel", "root changed"],
)
def test_i57_dropped_events_are_noticed(
    watcher: Watcher, mailbox: Mailbox[Message], flag: int, reason: Loss
) -> None:
    """The flags that watchdog passes over are told, once, and a new stream takes over."""
    with watcher:
        Stream.made[0].say(("a.md", IS_FILE), ("", flag))
        Stream.made[0].say(("", flag))
        lost = Lost("memory", reason)
        assert mailbox.get(0) == lost
        assert mailbox.get(0) is None
        watcher.renew(lost)
        assert Stream.made[0].over.is_set()
        Stream.made[1].say(("a.md", IS_FILE | MODIFIED))
        assert mailbox.get(0) == Changed("memory")


def test_i57_a_stream_that_ended_is_noticed(watcher: Watcher, mailbox: Mailbox[Message]) -> None:
    """Its thread is gone: the check finds it."""
    with watcher:
        Stream.made[0].stop()
        for thread in threading.enumerate():
            if type(thread).__name__ == "FSEvents":
                thread.join(5)
        watcher.check()
        assert mailbox.get(0) == Lost("memory", Loss.DEAD)


def test_i58_a_stream_that_does_not_start_makes_the_root_polled(
    watcher: Watcher, mailbox: Mailbox[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever keeps macOS from telling what happens."""
    monkeypatch.setattr(Stream, "refuses", True)
    with watcher:
        assert mailbox.get(0) == Lost("memory", Loss.LIMIT)
        assert watcher.polling

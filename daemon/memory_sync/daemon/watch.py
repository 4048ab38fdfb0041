"""File events (watchdog): hints that say "look soon". Any lost one is made up for by a scan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.polling import PollingObserver

from memory_sync.daemon.mailbox import Changed, Lost, Message
from memory_sync.sync.patterns import Patterns

QUIET = ("opened", "closed_no_write")
"""Events that come from reading, our own scans included."""
POLLING_SECONDS = 10

Put = Callable[[Message], None]


@dataclass(frozen=True)
class Watched:
    """What is to be watched of one root."""

    root: str
    path: Path
    patterns: Patterns


class Watcher:
    """Watches the roots of one vault while its context is open."""

    def __init__(self, roots: Iterable[Watched], put: Put) -> None:
        self._roots = tuple(roots)
        self._put = put
        self._watches: list[_RootWatch] = []

    def __enter__(self) -> Self:
        """Start watching."""
        self._watches = [_RootWatch(root, self._put) for root in self._roots]
        for watch in self._watches:
            watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for watch in self._watches:
            watch.stop()
        self._watches = []

    def renew(self) -> None:
        """Watch anew: a root's folder was gone and is there again, so its old watch is dead."""
        self.__exit__(None, None, None)
        self.__enter__()


class _RootWatch(FileSystemEventHandler):
    """Watches the folders of one root that its patterns reach, and no others."""

    def __init__(self, watched: Watched, put: Put) -> None:
        super().__init__()
        self._root = watched.root
        # Events name the folder as it was given to the observer: without links on the way.
        self._path = Path(watched.path).resolve()
        self._patterns = watched.patterns
        self._put = put
        self._observer: BaseObserver | None = None
        self._watches: dict[str, ObservedWatch] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start; where the system cannot watch, look at the files every ten seconds instead."""
        try:
            self._observer = Observer()
            self._observer.start()
            self._add(self._path)
        except OSError:
            self._poll_instead()

    def stop(self) -> None:
        """Stop, and wait for the observer's threads."""
        observer, self._observer = self._observer, None
        if observer:
            # One that was never started has nothing to stop.
            with suppress(RuntimeError):
                observer.stop()
                observer.join(timeout=5)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass on what may concern a synced file; a new folder is watched from now on."""
        if event.event_type in QUIET:
            return
        for raw in (event.src_path, event.dest_path):
            path = Path(raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw)
            relative = self._relative(path) if raw else None
            if relative is None:
                continue
            if event.is_directory and self._patterns.reaches(relative):
                self._folder_changed(path, event.event_type)
            elif relative and self._patterns.matches(relative):
                self._put(Changed(self._root))

    def _folder_changed(self, path: Path, kind: str) -> None:
        if kind != "modified":
            try:
                self._add(path)
            except OSError:
                self._put(Lost(self._root))
            self._put(Changed(self._root))

    def _relative(self, path: Path) -> str | None:
        try:
            relative = path.relative_to(self._path)
        except ValueError:
            return None
        return "" if relative == Path() else relative.as_posix()

    def _add(self, folder: Path) -> None:
        """Watch a folder and those below it that a pattern can reach.

        One watch serves a whole subtree where all of it is reached; else each folder has its own,
        so that 20,000 other folders beside the memory cost nothing.
        """
        relative, observer = self._relative(folder), self._observer
        if relative is None or observer is None or not self._patterns.reaches(relative):
            return
        with self._lock:
            if any(_below(relative, other) for other, w in self._watches.items() if w.is_recursive):
                return
            # A folder that was removed and made again needs a new watch under the same name.
            old = self._watches.pop(relative, None)
            if old:
                with suppress(KeyError, OSError):
                    observer.unschedule(old)
            if folder.is_symlink() or not folder.is_dir():
                return
            whole = self._patterns.covers(relative)
            self._watches[relative] = observer.schedule(self, str(folder), recursive=whole)
        if whole:
            return
        for child in folder.iterdir():
            if child.is_dir() and not child.is_symlink():
                self._add(child)

    def _poll_instead(self) -> None:
        self.stop()
        self._put(Lost(self._root))
        observer = PollingObserver(timeout=POLLING_SECONDS)
        observer.start()
        self._observer = observer
        with suppress(OSError):
            observer.schedule(self, str(self._path), recursive=True)


def _below(relative: str, folder: str) -> bool:
    """Tell whether a folder lies truly below another."""
    return relative != folder and (not folder or relative.startswith(f"{folder}/"))

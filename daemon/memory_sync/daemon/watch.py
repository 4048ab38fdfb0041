"""File events: hints that say "look soon". Any that is lost is made up for by a look."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from memory_sync.daemon.mailbox import Changed, Loss, Lost, Message
from memory_sync.ports import names
from memory_sync.ports.clock import Clock
from memory_sync.ports.look import MAX_DEPTH
from memory_sync.sync.patterns import Patterns

ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG)
"""What the system says of a folder that is not there or not ours to see. Any other error means that
it cannot watch (more), mostly that the user's watches are used up."""
RETRY_SECONDS = 3600.0
"""How long a root is polled before watching it is tried again."""

Put = Callable[[Message], None]


@dataclass(frozen=True)
class Watched:
    """What is to be watched of one root."""

    root: str
    path: Path
    patterns: Patterns

    def concerns(self, path: str, *, folder: bool) -> bool:
        """Tell whether a change at this path, as it is on the disk, may change what is synced."""
        path = names.composed(path)
        if path.count("/") > MAX_DEPTH:
            return False
        if names.is_ours(path.rpartition("/")[2]):
            return False
        return self.patterns.reaches(path) if folder else self.patterns.matches(path)


class Ears(Protocol):
    """What the system lets us hear of one root; made listening, and heard of no more once closed.

    It puts `Changed` after the change, and `Lost` at most once: it is of no use afterwards.
    """

    def well(self) -> bool:
        """Tell whether it still listens."""
        ...

    def close(self) -> None:
        """Stop listening, and give everything back."""
        ...


class Watcher:
    """Watches the roots of one vault while its context is open; for one thread only.

    Where the system has no watches left, a root is polled. For that there is no second kind of
    watcher: `polling` says that looks are due more often, and a look walks only folders that the
    patterns reach and reads nothing that is unchanged.
    """

    def __init__(self, roots: Iterable[Watched], put: Put, clock: Clock) -> None:
        self._posts = {watched.root: _Post(watched, put, clock) for watched in roots}
        self._put = put
        self._open = False

    def __enter__(self) -> Self:
        """Start watching."""
        self._open = True
        for post in self._posts.values():
            post.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        for post in self._posts.values():
            post.close()

    @property
    def polling(self) -> bool:
        """Tell whether there is a root that has to be polled."""
        return any(post.polled for post in self._posts.values())

    def check(self) -> None:
        """Look whether every watch still hears the folder at its root's path; a few calls each."""
        for post in self._posts.values():
            post.check()

    def adopt(self, rules: Mapping[str, Patterns]) -> None:
        """Watch by the patterns that the last look found; where they are others, begin anew.

        What changed in the folders that are new to it is found by the look that follows.
        """
        for root, patterns in rules.items():
            post = self._posts.get(root)
            if post and post.adopt(patterns):
                self._put(Changed(root))

    def renew(self, lost: Lost) -> None:
        """Watch a root anew after a loss, with all its folders, or poll it. A look must follow."""
        post = self._posts[lost.root]
        post.close()
        if lost.reason is Loss.LIMIT:
            post.poll()
        elif self._open:
            post.open()


class _Post:
    """The watch of one root, as long as it can be watched."""

    def __init__(self, watched: Watched, put: Put, clock: Clock) -> None:
        self._watched = watched
        self._put = put
        self._clock = clock
        self._ears: Ears | None = None
        self._place: tuple[int, int] | None = None
        self._retry: float | None = None

    @property
    def polled(self) -> bool:
        return self._retry is not None

    def open(self) -> None:
        # What the place was before: if it changes under the opening, the next check finds that.
        self._place = _place(self._watched.path)
        if self._place is None:
            return
        try:
            # Events name the folder as it was given: without links on the way.
            self._ears = listen(self._watched, os.path.realpath(self._watched.path), self._put)
        except OSError as error:
            if error.errno in ABSENT:
                return
            if not self.polled:
                self._put(Lost(self._watched.root, Loss.LIMIT))
            self.poll()
        else:
            self._retry = None

    def adopt(self, patterns: Patterns) -> bool:
        """Watch by other patterns; tell whether they are others, and there was a watch."""
        if patterns == self._watched.patterns:
            return False
        self._watched = replace(self._watched, patterns=patterns)
        if self._ears is None:
            return False
        self.close()
        self.open()
        return True

    def close(self) -> None:
        ears, self._ears = self._ears, None
        if ears:
            ears.close()

    def poll(self) -> None:
        self._retry = self._clock.monotonic() + RETRY_SECONDS

    def check(self) -> None:
        if self._retry is not None:
            if self._clock.monotonic() >= self._retry:
                self._try_again()
        elif self._ears is None:
            # It was not there, or not to be opened.
            self._try_again()
        elif _place(self._watched.path) != self._place or not self._ears.well():
            self._put(Lost(self._watched.root, Loss.DEAD))

    def _try_again(self) -> None:
        self.open()
        if self._ears:
            self._put(Changed(self._watched.root))


def listen(watched: Watched, top: str, put: Put) -> Ears:
    """Listen to a root whose real path is `top`, in the system's own way.

    Raises OSError, with one of ABSENT if the root's folder is the reason.
    """
    if sys.platform == "darwin":
        from memory_sync.daemon.fsevents import FSEvents

        return FSEvents(watched, top, put)
    from memory_sync.daemon.inotify import Inotify

    return Inotify(watched, top, put)


def _place(path: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one that takes its path; None if there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino

"""Hints from Linux's inotify: one thread and one handle for a root, one watch for each folder.

It builds on watchdog's `InotifyFD` and not on its observers. Those swallow the limit of watches
below the first folder, need a thread for each folder where not all of a tree is watched, and ask
for the events of our own reading: a first look at 10,000 files makes more than their queue holds.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress

from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchDescriptor
from watchdog.observers.inotify_c import InotifyConstants as In

from memory_sync.daemon.mailbox import Changed, Loss, Lost
from memory_sync.daemon.watch import ABSENT, Put, Watched

COMES = In.IN_MOVED_TO | In.IN_CREATE
GOES = In.IN_MOVED_FROM | In.IN_DELETE
CHANGES = In.IN_MODIFY | In.IN_ATTRIB | In.IN_CLOSE_WRITE
OWN = In.IN_DELETE_SELF | In.IN_MOVE_SELF
MASK = Mask(COMES | GOES | CHANGES | OWN | In.IN_ONLYDIR | In.IN_DONT_FOLLOW)
OURS = CallbackId(0)


class Inotify(InotifyFD):
    """Listens to the folders of a root that its patterns reach, and to no others.

    `_folders` maps watches to folders, as they are on the disk; once the thread runs it is the
    thread's alone.
    """

    def __init__(self, watched: Watched, top: str, put: Put) -> None:
        super().__init__()
        self.name = f"watch-{watched.root}"
        self._watched = watched
        self._top = top
        self._put = put
        self._folders: dict[WatchDescriptor, str] = {}
        self._heard = False
        self._reason: Loss | None = None
        self._given_back = False
        try:
            self._add("")
            self.start()
        except (OSError, RuntimeError) as error:
            self._close_resources()
            if isinstance(error, OSError):
                raise
            raise OSError(errno.EAGAIN, str(error)) from error  # no more threads

    def well(self) -> bool:
        """Tell whether the thread runs and its handle is open."""
        return self.is_alive() and self._is_open()

    def close(self) -> None:
        """Stop the thread and give handles and watches back."""
        self._stopped_event.set()
        with suppress(OSError):
            super().close()
        if self.is_alive():
            self.join()
        self._close_resources()

    def _close_resources(self) -> None:
        """Give the handles back, once: also those that the library leaves after an error."""
        if self._given_back:
            return
        self._given_back = True
        for handle in (self._inotify_fd, self._kill_r, self._kill_w):
            with suppress(OSError):
                os.close(handle)

    def run(self) -> None:
        """Turn events into hints, until it is closed or can no longer hear all.

        One hint for all that came in one go, at its end: what is new is watched by then.
        """
        while self.should_keep_running():
            self._heard = False
            self._listen()
            if self._heard:
                self._put(Changed(self._watched.root))
            if self._reason:
                self._put(Lost(self._watched.root, self._reason))
                return

    def _listen(self) -> None:
        """Take what there is to hear; note why it cannot go on."""
        try:
            events = self.read_events()
        except (OSError, ValueError):
            events = []
        if not events and self.should_keep_running() and not self._is_open():
            self._reason = Loss.DEAD
        try:
            for event in events:
                self.handle_event(event)
        except OSError:
            self._reason = Loss.LIMIT

    def _is_open(self) -> bool:
        with suppress(OSError):
            os.fstat(self._inotify_fd)
            return True
        return False

    # --- what `handle_event` calls

    def on_queue_overflow(self) -> None:
        """Note that the kernel's queue was full, and events were dropped."""
        self._reason = Loss.OVERFLOW

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a folder that is gone; that the root is gone, no other folder tells."""
        # On closing it is called by another thread.
        if self.should_keep_running() and self._folders.pop(wd, None) == "":
            self._heard = True

    def on_event(self, event: InotifyEvent) -> None:
        """Follow the folders that come and go, and note whether the event is worth a look."""
        folder = self._folders.get(event.wd)
        if folder is None:
            return
        if not event.name:
            # About the folder itself: its parent tells of it, but for the root there is none.
            self._heard = self._heard or (not folder and bool(event.mask & OWN))
            return
        path = os.path.join(folder, os.fsdecode(event.name))
        if not self._watched.concerns(path, folder=event.is_directory):
            return
        self._heard = True
        if event.is_directory and event.mask & (GOES | COMES):
            self._drop(path)
        if event.is_directory and event.mask & (COMES | In.IN_ATTRIB):
            self._add(path)

    # --- folders

    def _add(self, path: str) -> None:
        """Watch a folder and those below it that a pattern can reach, but for what is watched.

        One that is not ours to see is passed over, as a look holds it. Raises OSError if no more
        can be watched, or if there is no root.
        """
        known = set(self._folders.values())
        waiting = [path]
        while waiting:
            path = waiting.pop()
            try:
                place = os.fsencode(os.path.join(self._top, path))
                if path not in known:
                    # First the watch, then the entries: what comes meanwhile is seen twice.
                    self._watch(place, path)
                waiting += self._below(place, path)
            except OSError as error:
                if error.errno not in ABSENT or not path:
                    raise

    def _watch(self, place: bytes, path: str) -> None:
        watch = self.add_callback(place, MASK, self, OURS)
        if watch < 0:
            # The library is silent about a folder that may not be read.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        self._folders[watch] = path

    def _below(self, place: bytes, path: str) -> Iterator[str]:
        with os.scandir(place) as entries:
            for entry in entries:
                below = os.path.join(path, os.fsdecode(entry.name))
                # The pattern is asked first: it spares asking the disk about 20,000 others.
                if self._watched.concerns(below, folder=True) and entry.is_dir(
                    follow_symlinks=False
                ):
                    yield below

    def _drop(self, path: str) -> None:
        """Forget a folder that went away with all below it; elsewhere it is none of ours."""
        below = f"{path}/"
        gone = [w for w, name in self._folders.items() if name == path or name.startswith(below)]
        for watch in gone:
            del self._folders[watch]
        self.remove_callbacks([(watch, OURS) for watch in gone])

"""The watcher: which events become a hint."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from memory_sync.daemon import watch
from memory_sync.daemon.mailbox import Changed, Lost, Mailbox, Message
from memory_sync.daemon.watch import Watched, Watcher
from memory_sync.sync.patterns import Patterns

Deed = Callable[[Path], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a workspace with memory and other folders."""
    folder = tmp_path / "workspace"
    (folder / "memory" / "deep").mkdir(parents=True)
    (folder / "node_modules" / "x").mkdir(parents=True)
    (folder / "memory" / "a.md").write_text("a")
    (folder / "MEMORY.md").write_text("x")
    return folder


def _hint(mailbox: Mailbox[Message], seconds: float = 5.0) -> bool:
    """Wait for a hint, and for the quiet after it."""
    found = mailbox.get(seconds)
    while mailbox.get(0.3):
        pass
    return isinstance(found, Changed | Lost)


def _save_by_rename(root: Path) -> None:
    (root / "MEMORY.md.tmp.1.abc").write_text("new")
    (root / "MEMORY.md.tmp.1.abc").rename(root / "MEMORY.md")


def _save_from_outside(root: Path) -> None:
    (root.parent / "draft").write_text("new")
    (root.parent / "draft").rename(root / "MEMORY.md")


def _new_tree(root: Path) -> None:
    (root / "memory" / "n" / "e").mkdir(parents=True)
    (root / "memory" / "n" / "e" / "w.md").write_text("x")


def _moved_tree(root: Path) -> None:
    (root.parent / "tree").mkdir()
    (root.parent / "tree" / "t.md").write_text("x")
    (root.parent / "tree").rename(root / "memory" / "tree")


@pytest.mark.parametrize(
    "deed",
    [
        lambda root: (root / "MEMORY.md").write_text("y"),
        lambda root: (root / "memory/a.md").write_text("y"),
        lambda root: (root / "memory/deep/n.md").write_text("y"),
        lambda root: (root / "MEMORY.md").unlink(),
        lambda root: (root / "memory/a.md").rename(root / "memory/b.md"),
        lambda root: (root / "memory/a.md").chmod(0o600),
        _save_by_rename, _save_from_outside, _new_tree, _moved_tree,
    ],
    ids=["edit", "below", "deeper", "delete", "rename", "chmod", "save by rename", "from outside",
         "new tree", "moved tree"],
)  # fmt: skip
def test_i56_every_way_to_save_is_a_hint(root: Path, deed: Deed) -> None:
    """Editors and agents save in many ways; each one is noticed."""
    mailbox: Mailbox[Message] = Mailbox()
    with Watcher([Watched("memory", root, Patterns())], mailbox.put):
        time.sleep(0.1)
        deed(root)
        assert _hint(mailbox)


def test_a_memory_folder_that_is_made_later_is_watched(root: Path) -> None:
    """Removed and made again: what is written into it afterwards is noticed."""
    mailbox: Mailbox[Message] = Mailbox()
    for folder in ("memory/deep", "memory"):
        for file in (root / folder).glob("*.md"):
            file.unlink()
        (root / folder).rmdir()
    with Watcher([Watched("memory", root, Patterns())], mailbox.put):
        for _ in range(2):
            (root / "memory").mkdir()
            assert _hint(mailbox)
            (root / "memory" / "new.md").write_text("x")
            assert _hint(mailbox)
            (root / "memory" / "new.md").unlink()
            (root / "memory").rmdir()
            assert _hint(mailbox)


@pytest.mark.parametrize(
    "deed",
    [
        lambda root: (root / "node_modules/x/MEMORY.md").write_text("y"),
        lambda root: (root / "other.txt").write_text("y"),
        lambda root: (root / "memory/a.txt").write_text("y"),
        lambda root: (root / "MEMORY.md").read_text(),
        lambda root: list(os.walk(root)),
        lambda root: (root / "elsewhere").mkdir(),
    ],
    ids=["other folder", "other file", "other ending", "read", "walk", "new other folder"],
)
def test_what_no_pattern_names_is_no_hint(root: Path, deed: Deed) -> None:
    """Neither other files nor our own reading wake anybody."""
    mailbox: Mailbox[Message] = Mailbox()
    with Watcher([Watched("memory", root, Patterns())], mailbox.put):
        time.sleep(0.1)
        deed(root)
        assert not _hint(mailbox, 0.7)


def test_only_folders_that_a_pattern_reaches_are_watched(root: Path) -> None:
    """Two thousand other folders in the workspace take no watch."""
    for number in range(2000):
        (root / "node_modules" / f"p{number}").mkdir()
    mailbox: Mailbox[Message] = Mailbox()
    with Watcher([Watched("memory", root, Patterns())], mailbox.put) as watcher:
        paths = {watch.path for watch in watcher._watches[0]._watches.values()}
        assert paths == {str(root), str(root / "memory")}


def test_a_root_behind_a_link_is_watched(root: Path, tmp_path: Path) -> None:
    """The root's own path may be a symbolic link."""
    link = tmp_path / "link"
    link.symlink_to(root)
    mailbox: Mailbox[Message] = Mailbox()
    with Watcher([Watched("memory", link, Patterns())], mailbox.put):
        (root / "memory" / "a.md").write_text("new")
        assert _hint(mailbox)


def _used_up(*_args: object, **_kwargs: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "inotify watch limit reached")


@pytest.mark.parametrize("limit", ["instances", "watches"])
def test_i58_where_the_watches_are_used_up_the_files_are_polled(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """A full look is asked for at once, and changes are noticed all the same."""

    def limited() -> BaseObserver:
        observer: BaseObserver = Observer()
        monkeypatch.setattr(observer, "schedule", _used_up)
        return observer

    monkeypatch.setattr(watch, "Observer", limited if limit == "watches" else _used_up)
    monkeypatch.setattr(watch, "POLLING_SECONDS", 0.1)
    mailbox: Mailbox[Message] = Mailbox()
    with Watcher([Watched("memory", root, Patterns())], mailbox.put):
        assert isinstance(mailbox.get(1), Lost)
        time.sleep(0.3)
        (root / "memory" / "a.md").write_text("changed")
        assert _hint(mailbox)


def test_a_root_that_is_not_there_yet_ends_nothing(tmp_path: Path) -> None:
    """There is nothing to watch, and the others go on."""
    (tmp_path / "there").mkdir()
    mailbox: Mailbox[Message] = Mailbox()
    missing = Watched("a", tmp_path / "missing", Patterns())
    with Watcher([missing, Watched("b", tmp_path / "there", Patterns())], mailbox.put):
        (tmp_path / "there" / "MEMORY.md").write_text("x")
        assert mailbox.get(5) == Changed("b")


def test_a_root_that_comes_back_is_watched_anew(root: Path) -> None:
    """After its folder was gone, a renewed watch sees changes again."""
    mailbox: Mailbox[Message] = Mailbox()
    with Watcher([Watched("memory", root, Patterns())], mailbox.put) as watcher:
        away = root.rename(root.with_name("away"))
        _hint(mailbox, 1.0)
        away.rename(root)
        watcher.renew()
        (root / "MEMORY.md").write_text("again")
        assert _hint(mailbox)

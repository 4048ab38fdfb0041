"""The watcher: which events become a hint."""

import os
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.daemon.mailbox import Changed, Loss, Lost, Mailbox, Message
from memory_sync.daemon.watch import Watched, Watcher
from memory_sync.ports.clock import SystemClock
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


def watching(watched: Watched, mailbox: Mailbox[Message]) -> Watcher:
    """Make a watcher of one root."""
    return Watcher([watched], mailbox.put, SystemClock())


def _hint(mailbox: Mailbox[Message], seconds: float = 5.0) -> bool:
    """Wait for a hint, and for the quiet after it."""
    found = mailbox.get(seconds)
    while mailbox.get(0.3):
        pass
    return isinstance(found, Changed)


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
    with watching(Watched("memory", root, Patterns()), mailbox):
        deed(root)
        assert _hint(mailbox)


def test_a_memory_folder_that_is_made_later_is_watched(root: Path) -> None:
    """Removed and made again: what is written into it afterwards is noticed."""
    mailbox: Mailbox[Message] = Mailbox()
    for folder in ("memory/deep", "memory"):
        for file in (root / folder).glob("*.md"):
            file.unlink()
        (root / folder).rmdir()
    with watching(Watched("memory", root, Patterns()), mailbox):
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
    with watching(Watched("memory", root, Patterns()), mailbox):
        deed(root)
        assert not _hint(mailbox, 0.4)


def test_a_root_behind_a_link_is_watched(root: Path, tmp_path: Path) -> None:
    """The root's own path may be a symbolic link."""
    link = tmp_path / "link"
    link.symlink_to(root)
    mailbox: Mailbox[Message] = Mailbox()
    with watching(Watched("memory", link, Patterns()), mailbox):
        (root / "memory" / "a.md").write_text("new")
        assert _hint(mailbox)


def test_i63_a_folder_is_reached_however_its_accents_are_encoded(tmp_path: Path) -> None:
    """A pattern in one form reaches the folder and the file whose names are in the other."""
    pattern = unicodedata.normalize("NFC", "mémoire/é.md")
    folder = tmp_path / unicodedata.normalize("NFD", "mémoire")
    folder.mkdir()
    mailbox: Mailbox[Message] = Mailbox()
    with watching(Watched("memory", tmp_path, Patterns((pattern,))), mailbox):
        (folder / unicodedata.normalize("NFD", "é.md")).write_text("x")
        assert _hint(mailbox)


def test_a_folder_that_moves_is_heard_at_its_new_place_only(root: Path) -> None:
    """Moved within the root it is watched under its new name; moved out it is nobody's."""
    mailbox: Mailbox[Message] = Mailbox()
    with watching(Watched("memory", root, Patterns()), mailbox):
        moved = (root / "memory" / "deep").rename(root / "memory" / "other")
        assert _hint(mailbox)
        (moved / "x.md").write_text("x")
        assert _hint(mailbox)
        away = moved.rename(root / "node_modules" / "other")
        assert _hint(mailbox)
        (away / "x.md").write_text("y")
        assert not _hint(mailbox, 0.5)


def test_a_root_that_is_not_there_yet_ends_nothing(tmp_path: Path) -> None:
    """There is nothing to watch, and the others go on; once it is there it is watched too."""
    (tmp_path / "there").mkdir()
    mailbox: Mailbox[Message] = Mailbox()
    missing = Watched("a", tmp_path / "missing", Patterns())
    there = Watched("b", tmp_path / "there", Patterns())
    with Watcher([missing, there], mailbox.put, SystemClock()) as watcher:
        (tmp_path / "there" / "MEMORY.md").write_text("x")
        assert mailbox.get(5) == Changed("b")
        watcher.check()
        _hint(mailbox, 0.1)
        (tmp_path / "missing").mkdir()
        watcher.check()
        assert mailbox.get(0.1) == Changed("a")
        (tmp_path / "missing" / "MEMORY.md").write_text("x")
        assert mailbox.get(5) == Changed("a")


def test_a_watcher_that_is_closed_gives_everything_back(root: Path) -> None:
    """No thread, no handle and no watch is left, however often it was opened."""
    handles, threads = os.listdir("/dev/fd"), threading.active_count()
    mailbox: Mailbox[Message] = Mailbox()
    watcher = Watcher([Watched("memory", root, Patterns())], mailbox.put, SystemClock())
    for _ in range(20):
        with watcher:
            watcher.renew(Lost("memory", Loss.DEAD))
    assert os.listdir("/dev/fd") == handles
    assert threading.active_count() == threads
    assert mailbox.get(0) is None

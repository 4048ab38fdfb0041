"""Files of our own."""

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from memory_sync.config.durable import make_private_folder, take_lock, write_durably
from memory_sync.errors import DiskFullError


def test_a_file_is_private_and_whole(tmp_path: Path) -> None:
    """A file is written for its owner only, whatever stood there and whatever the umask."""
    path = tmp_path / "f"
    path.write_bytes(b"old and longer")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        write_durably(path, b"new")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, DiskFullError), (errno.EDQUOT, DiskFullError), (errno.EIO, OSError)],
)
def test_i36_a_write_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    """A full or failing disk leaves the old file whole and nothing beside it."""
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail(_handle: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(kind):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_private_folder(tmp_path: Path) -> None:
    """A folder is made for its owner only, with its parents, and made once."""
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_lock_is_for_one_and_ends_with_its_handle(tmp_path: Path) -> None:
    """Who comes second is told so, until the first one lets go."""
    (tmp_path / "lock").touch()
    with (tmp_path / "lock").open() as one, (tmp_path / "lock").open() as two:
        assert take_lock(one.fileno())
        assert not take_lock(two.fileno())
        one.close()
        assert take_lock(two.fileno())


def test_where_there_are_no_locks_nobody_is_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system without them must not look as if somebody else were always at work."""

    def refuse(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "lock").open("w") as file:
        assert take_lock(file.fileno())


def test_a_private_folder_is_private_from_the_first_missing_one_on(tmp_path: Path) -> None:
    """Folders that are made on the way let nobody in either; one that was there stays as it was."""
    there = tmp_path / "there"
    there.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        make_private_folder(there / "one" / "two")
        make_private_folder(there / "one" / "two")
    finally:
        os.umask(before)
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (there, there / "one", there / "one/two")
    ]
    assert modes == [0o755, 0o700, 0o700]

"""The file of the log: bounded, private, and there again after whatever happened to it."""

import errno
import multiprocessing
import os
import resource
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memory_sync.config.logfile import LogFile, log_files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "logs" / "daemon.log"


@pytest.fixture
def file(path: Path) -> Iterator[LogFile]:
    """Return a log of up to three files of 100 bytes."""
    log = LogFile(path, 100, 3)
    yield log
    log.close()


@contextmanager
def only(size: int) -> Iterator[None]:
    """Have a disk on which no file can grow over a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def texts(path: Path) -> list[list[str]]:
    """Return the lines of each file, the newest file first."""
    return [place.read_text().splitlines() for place in log_files(path, 5) if place.exists()]


def test_full_files_are_put_aside(path: Path, file: LogFile) -> None:
    """A line that does not fit begins a new file; of the old ones only so many are kept."""
    for number in range(10):
        file.write(f"{number} ".ljust(40, "x"))
    assert [[line[0] for line in lines] for lines in texts(path)] == [
        ["8", "9"],
        ["6", "7"],
        ["4", "5"],
    ]


def test_a_line_that_is_larger_than_a_file_is_kept(path: Path, file: LogFile) -> None:
    """It has a file of its own, and none is put aside empty for it."""
    file.write("x" * 200)
    file.write("y")
    assert texts(path) == [["y"], ["x" * 200]]


def test_i36_a_log_folder_that_was_removed_is_made_again(path: Path, file: LogFile) -> None:
    """The next line is there, in a private file in a private folder."""
    file.write("one")
    shutil.rmtree(path.parent)
    file.write("two")
    assert texts(path) == [["two"]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_i36_a_log_that_cannot_begin_on_a_full_disk_begins_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no space even for an empty file, that is no reason not to start."""
    real = os.open

    def full(name: object, flags: int, mode: int = 0o777) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    monkeypatch.setattr(os, "open", full)
    log = LogFile(path, 100, 3)
    log.write("lost")
    monkeypatch.setattr(os, "open", real)
    log.write("there")
    log.close()
    assert texts(path) == [["there"]]


def test_i36_a_log_that_has_no_place_comes_back(path: Path, file: LogFile) -> None:
    """While something stands where the folder should be, lines are lost; then they are there."""
    shutil.rmtree(path.parent)
    path.parent.touch()
    file.write("lost")
    path.parent.unlink()
    file.write("there")
    assert texts(path) == [["there"]]


def test_a_file_that_was_put_aside_by_another_is_not_written_to(path: Path, file: LogFile) -> None:
    """Where another process has begun a new file, the next line goes there."""
    other = LogFile(path, 100, 3)
    file.write("x" * 80)
    other.write("y" * 80)
    file.write("z")
    assert texts(path) == [["y" * 80, "z"], ["x" * 80]]
    other.close()


def test_i36_a_cut_line_spoils_no_other(path: Path, file: LogFile) -> None:
    """What a full disk took of a line stands alone; the next one begins on its own line."""
    file.write("one")
    with only(8):
        file.write("two two two")
        file.write("lost")
    file.write("three")
    assert texts(path) == [["one", "two ", "three"]]


def test_a_line_cut_by_a_crash_spoils_no_other(path: Path, file: LogFile) -> None:
    """A log that ends in the middle of a line gets an end of line first."""
    path.write_text("whole\ncut sho")
    later = LogFile(path, 100, 3)
    later.write("next")
    later.close()
    assert texts(path) == [["whole", "cut sho", "next"]]


def _write_many(path: Path, name: str) -> None:
    log = LogFile(path, 20_000, 5)
    for number in range(300):
        log.write(f"{name} {number} ".ljust(100, "x"))
    log.close()


def test_processes_do_not_mix_lines(path: Path) -> None:
    """Two processes write into one log; each line is whole, whoever wrote it."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    found = [line for lines in texts(path) for line in lines]
    assert {len(line) for line in found} == {100}
    assert {line[0] for line in found} <= {"a", "b"}


def test_it_is_closed_for_programs_that_are_started(path: Path, file: LogFile) -> None:
    """No child inherits it."""
    assert not os.get_inheritable(file._handle)


@pytest.mark.parametrize("number", [1, 2])
def test_i36_a_folder_in_the_way_of_old_files_stops_no_log(
    path: Path, file: LogFile, number: int
) -> None:
    """It stays, or moves on as a file would; each line is written, and nothing grows on."""
    way = path.with_name(f"daemon.log.{number}")
    (way / "kept").mkdir(parents=True)
    for count in range(10):
        file.write(f"{count} ".ljust(40, "x"))
        assert path.read_text().splitlines()[-1][0] == str(count)
        assert path.stat().st_size <= 100
    assert len(list(path.parent.glob("*/kept"))) == 1


def test_i36_a_log_that_cannot_be_moved_begins_anew(
    path: Path, file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in which nothing can be renamed costs old lines, not new ones."""

    def refuse(_: object, to: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), to)

    monkeypatch.setattr(os, "replace", refuse)
    for number in range(5):
        file.write(f"{number} ".ljust(40, "x"))
    assert [[line[0] for line in lines] for lines in texts(path)] == [["4"]]


def test_i36_a_pipe_in_the_place_of_a_log_is_not_waited_for(path: Path, file: LogFile) -> None:
    """Nobody reads it: what it does not take is lost, and the writer goes on."""
    path.unlink()
    os.mkfifo(path)
    for _ in range(20):
        file.write("x" * 8000)
    path.unlink()
    file.write("there")
    assert texts(path) == [["there"]]

"""The log read as one stream: nothing twice, nothing lost, and little memory."""

import json
import os
import random
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_sync.cli import tail as tails
from memory_sync.cli.tail import Tail, backwards
from memory_sync.config.logfile import FILES, LogFile, log_files


def number_of(line: bytes) -> int:
    """Return the number that a line begins with."""
    return int(line.split()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log lies."""
    return tmp_path / "daemon.log"


class Writer:
    """Writes numbered lines, two on average into a file of 50 bytes."""

    def __init__(self, path: Path, size: int = 50) -> None:
        self.log = LogFile(path, size, FILES)
        self.count = 0

    def write(self, lines: int = 1) -> None:
        for _ in range(lines):
            self.log.write(f"{self.count} ".ljust(20, "x"))
            self.count += 1


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    """Return a writer that puts its file aside after every second line."""
    writer = Writer(path)
    yield writer
    writer.log.close()


@pytest.fixture
def tail(path: Path, writer: Writer) -> Iterator[Tail]:
    """Return a reader that has read nothing yet."""
    reader = Tail(path)
    reader.begin(lambda _: True, None)
    yield reader
    reader.close()


@pytest.mark.parametrize("seed", range(20))
def test_a_follower_gets_each_line_once(writer: Writer, tail: Tail, seed: int) -> None:
    """However writing, putting aside and looking come in turn, each line comes once, in order."""
    chance = random.Random(seed)
    found: list[int] = []
    for _ in range(200):
        # Ten lines are five files: more than that between two looks are gone for anybody.
        writer.write(chance.randint(0, 6))
        found += map(number_of, tail.lines())
    assert found == list(range(writer.count))


def test_a_follower_that_was_overtaken_goes_on(writer: Writer, tail: Tail) -> None:
    """Where all files changed between two looks, the follower goes on with the oldest one left."""
    writer.write(2)
    assert [number_of(line) for line in tail.lines()] == [0, 1]
    writer.write(20)
    assert [number_of(line) for line in tail.lines()] == list(range(12, 22))


def test_a_follower_keeps_up_with_a_thread(tmp_path: Path) -> None:
    """A writer that puts files aside at full speed, in bursts, loses nothing for the reader."""
    writer = Writer(tmp_path / "busy.log", size=20_000)
    reader = Tail(tmp_path / "busy.log")
    reader.begin(lambda _: True, None)
    found: list[int] = []
    for _ in range(5):
        thread = threading.Thread(target=writer.write, args=(3000,))
        thread.start()
        while thread.is_alive():
            found += map(number_of, reader.lines())
        thread.join()
        found += map(number_of, reader.lines())
    reader.close()
    writer.log.close()
    assert found == list(range(15_000))


def test_a_log_that_was_removed_is_followed_anew(path: Path, writer: Writer, tail: Tail) -> None:
    """Older files that are still there do not come again, and the new one is read."""
    writer.write(5)
    assert len(list(tail.lines())) == 5
    path.unlink()
    assert list(tail.lines()) == []
    writer.write()
    assert [number_of(line) for line in tail.lines()] == [5]


def test_a_log_that_is_not_there_yet(path: Path) -> None:
    """Its first line comes as soon as it is written."""
    reader = Tail(path)
    reader.begin(lambda _: True, 20)
    assert list(reader.lines()) == []
    writer = Writer(path)
    writer.write()
    assert [number_of(line) for line in reader.lines()] == [0]
    reader.close()
    writer.log.close()


@pytest.mark.parametrize("count", range(12))
def test_the_last_lines(writer: Writer, path: Path, count: int) -> None:
    """The last wanted ones, over as many files as they lie in, and then what comes."""
    writer.write(9)
    reader = Tail(path)
    reader.begin(lambda line: number_of(line) % 2 == 0, count)
    found = [number_of(line) for line in reader.lines()]
    assert [number for number in found if number % 2 == 0] == [0, 2, 4, 6, 8][max(0, 5 - count) :]
    writer.write(3)
    assert [number_of(line) for line in reader.lines()] == [9, 10, 11]
    reader.close()


def test_files_older_than_wanted_are_not_read(writer: Writer, path: Path) -> None:
    """With a time, reading begins in the first file that was written to after it, or the newest."""
    writer.write(9)
    for place in log_files(path, 5)[2:]:
        if place.exists():
            os.utime(place, (1000, 1000))
    reader = Tail(path)
    reader.begin(lambda _: True, None, since=5000)
    assert [number_of(line) for line in reader.lines()] == [6, 7, 8]
    for place in log_files(path, 5)[:2]:
        os.utime(place, (1000, 1000))
    reader.begin(lambda _: True, None, since=5000)
    writer.write(4)
    assert [number_of(line) for line in reader.lines()] == [8, 9, 10, 11, 12]
    reader.close()


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_backwards(path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Each whole line comes with its place, the last one first, wherever blocks end."""
    monkeypatch.setattr(tails, "BLOCK", block)
    content = b"one\n\nthree\nfour five six\ncut"
    path.write_bytes(content)
    with path.open("rb") as file:
        found = list(backwards(file.fileno(), len(content)))
    assert found == [(11, b"four five six"), (5, b"three"), (4, b""), (0, b"one")]
    assert all(content[at:].startswith(line + b"\n") for at, line in found)


def test_a_file_without_an_end_of_line_holds_no_line(path: Path) -> None:
    """What is still being written is no line yet, in either direction."""
    path.write_bytes(b"cut")
    reader = Tail(path)
    reader.begin(lambda _: True, 1)
    assert list(reader.lines()) == []
    with path.open("ab") as file:
        file.write(b" short\n")
    assert list(reader.lines()) == [b"cut short"]
    reader.close()


def test_garbage_without_an_end_takes_no_memory(path: Path) -> None:
    """Twenty-five megabytes without an end of line are passed over; the lines around them come."""
    with path.open("wb") as file:
        file.write(b"1\n")
        for _ in range(25):
            file.write(b"\0" * 2**20)
        file.write(b"\n2\n3\n")
    tracemalloc.start()
    reader = Tail(path)
    reader.begin(lambda line: line.isdigit(), 3)
    found = list(reader.lines())
    reader.begin(lambda line: line.isdigit(), 2)
    last = list(reader.lines())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reader.close()
    assert found == [b"1", b"2", b"3"]
    assert last == [b"2", b"3"]
    assert most < 8 * 2**20


def test_a_large_log_takes_little_memory(path: Path) -> None:
    """A log of 25 MB is read in blocks, from its end and from its beginning."""
    line = json.dumps({"ts": "2026-01-02T03:04:05Z", "level": "info", "event": "x" * 100}) + "\n"
    for place in log_files(path, 5):
        place.write_text(line * (5 * 2**20 // len(line)))
    tracemalloc.start()
    reader = Tail(path)
    reader.begin(lambda _: True, None)
    lines = sum(1 for _ in reader.lines())
    reader.close()
    reader = Tail(path)
    reader.begin(lambda _: False, 10)
    reader.close()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines == 5 * (5 * 2**20 // len(line))
    assert most < 4 * 2**20

"""Small files of our own, in whose place anybody may have put something else."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memory_sync.config.pausing import Pause, read_pause
from memory_sync.config.small import read_small
from memory_sync.daemon.client import find_socket
from memory_sync.daemon.notices import Notices


def _text(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text)


def _huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 200 * 10**9)


PLACED: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "huge": _huge,
    "link to itself": lambda path: path.symlink_to(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "deep": _text("[" * 60_000),
    "no text": lambda path: path.write_bytes(b"1\n\xff\n"),
}
UNTIL = ["1" + "0" * 400, "1e300", "-1", "NaN", "Infinity", "253370764800", "true", "[]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file would be."""
    return tmp_path / "file"


@pytest.fixture
def bounded() -> Iterator[None]:
    """End a test that waits."""

    def late(number: int, _: object) -> None:
        raise AssertionError(f"it waits: signal {number}")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("kind", PLACED)
def test_whatever_stands_in_its_place_is_as_good_as_none(path: Path, kind: str) -> None:
    """Nobody waits for a pipe, and no memory is filled: no pause, no notices, the usual socket."""
    PLACED[kind](path)
    assert read_pause(path) is None
    assert Notices(path)._told == {}
    assert find_socket(path, Path("usual")) == "usual"


@pytest.mark.parametrize("until", UNTIL)
def test_a_pause_until_a_time_that_is_none(path: Path, until: str) -> None:
    """It pauses nothing: no calendar could show when it is over."""
    path.write_text(f'{{"until": {until}}}')
    assert read_pause(path) is None


@pytest.mark.parametrize("until", [None, 0.0, 1.8e9])
def test_a_pause_that_is_one(path: Path, until: float | None) -> None:
    """Until a time, or until somebody resumes."""
    path.write_text(f'{{"until": {"null" if until is None else until}}}')
    assert read_pause(path) == Pause(until)


@pytest.mark.parametrize("when", [*UNTIL[:5], '"soon"'])
def test_a_notice_at_a_time_that_is_none(path: Path, when: str) -> None:
    """The others are known still."""
    path.write_text(f'{{"one": {when}, "two": 1.5}}')
    assert Notices(path)._told == {"two": 1.5}


def test_a_small_file_is_read_to_its_bound(path: Path) -> None:
    """One byte more is too much."""
    path.write_bytes(b"x" * 100)
    assert read_small(path, 100) == b"x" * 100
    with pytest.raises(ValueError, match="large"):
        read_small(path, 99)

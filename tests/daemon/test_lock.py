"""The lock of a home."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from memory_sync.daemon.supervisor import locked
from memory_sync.errors import DaemonRunningError, FileUnwritableError

HOLD = """
import sys
from pathlib import Path
from memory_sync.daemon.supervisor import locked
with locked(Path(sys.argv[1]), Path("socket")):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_i38_the_lock_of_a_home_dies_with_its_process(tmp_path: Path) -> None:
    """A second daemon is told which process runs; one that was killed keeps nobody out."""
    lock = tmp_path / "run" / "daemon.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(DaemonRunningError) as caught, locked(lock, Path("socket")):
            pass
        assert str(process.pid) in caught.value.message
        process.kill()
    assert lock.read_text().startswith(str(process.pid))
    try:
        with locked(lock, Path("socket")):
            pass
    except DaemonRunningError:
        pytest.fail("a process that is dead keeps the home")


def test_i36_a_full_disk_does_not_keep_the_daemon_from_starting(tmp_path: Path) -> None:
    """There is no room for its process number, and the lock holds all the same."""
    lock = tmp_path / "daemon.lock"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heed = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with (
            locked(lock, Path("socket")),
            pytest.raises(DaemonRunningError),
            locked(lock, Path("socket")),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heed)
    assert lock.read_text() == ""


def test_a_lock_that_cannot_be_opened_is_a_named_error(tmp_path: Path) -> None:
    """A folder stands in its place, or a file where its folder should be: no fault of ours."""
    (tmp_path / "daemon.lock").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "daemon.lock", tmp_path / "file" / "daemon.lock"):
        with pytest.raises(FileUnwritableError) as caught, locked(path, Path("socket")):
            pass
        assert str(path) in caught.value.message

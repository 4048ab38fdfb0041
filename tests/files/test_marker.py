"""The marker: whose folder it is, and who serves it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from memory_sync.errors import (
    MarkerForeignError,
    MarkerMissingError,
    MemorySyncError,
    RootBusyError,
    RootGoneError,
)
from memory_sync.ports.files import Glance
from tests.files.bench import DiskBench
from tests.files.test_disk import acts
from tests.files.test_local_tree import digest

ACTS = ("scan", "read", "write", "remove")

HOLD = """
import fcntl, os, sys
handle = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(handle, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


def gone(disk: DiskBench) -> None:
    """Rename the root away."""
    disk.root.rename(disk.base / "moved")


def a_file(disk: DiskBench) -> None:
    """Put a file in the root's place."""
    gone(disk)
    disk.root.write_bytes(b"a file")


def dangling(disk: DiskBench) -> None:
    """Put a link to nowhere in the root's place."""
    gone(disk)
    disk.root.symlink_to(disk.base / "nowhere")


def unmarked(disk: DiskBench) -> None:
    """Take the marker away."""
    (disk.root / ".memory-sync").unlink()


def empty(disk: DiskBench) -> None:
    """Put an empty folder in the root's place, as a mount point is."""
    gone(disk)
    disk.root.mkdir()


def other_vault(disk: DiskBench) -> None:
    """Make it another vault's root."""
    disk.another(vault="vault-2").adopt(replace=True)


def other_root(disk: DiskBench) -> None:
    """Make it another root of the same vault."""
    disk.another(name="other").adopt(replace=True)


def garbage(disk: DiskBench) -> None:
    """Break the marker."""
    (disk.root / ".memory-sync").write_bytes(b"\x00\x1b[31m")


def linked(disk: DiskBench) -> None:
    """Put a link to the right marker in its place."""
    (disk.root / ".memory-sync").rename(disk.base / "marker")
    (disk.root / ".memory-sync").symlink_to(disk.base / "marker")


TROUBLES = [
    (gone, RootGoneError),
    (a_file, RootGoneError),
    (dangling, RootGoneError),
    (unmarked, MarkerMissingError),
    (empty, MarkerMissingError),
    (other_vault, MarkerForeignError),
    (other_root, MarkerForeignError),
    (garbage, MarkerForeignError),
    (linked, MarkerForeignError),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("trouble", "error"), TROUBLES)
def test_i21_i22_a_root_that_is_not_itself_is_left_alone(
    disk: DiskBench,
    act: str,
    trouble: Callable[[DiskBench], None],
    error: type[MemorySyncError],
) -> None:
    """Root gone, replaced, unmarked or another's: every operation stops before it begins."""
    disk.put("MEMORY.md", b"old")
    trouble(disk)
    with pytest.raises(error) as caught:
        acts(disk)[act]()
    assert caught.value.message.isprintable()
    for folder in (disk.root, disk.base / "moved"):
        if (folder / "MEMORY.md").exists():
            assert (folder / "MEMORY.md").read_bytes() == b"old"


class Meanwhile(Mapping[str, Glance]):
    """What is known of no file, and what happens while it is asked."""

    def __init__(self, happen: Callable[[], object]) -> None:
        self._happen = happen

    def __getitem__(self, key: str) -> Glance:
        self._happen()
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_i21_a_root_that_goes_during_a_look_halts(disk: DiskBench) -> None:
    """What was seen of a root that is no longer there is not shown as a whole."""
    disk.put("MEMORY.md", b"old")
    with pytest.raises(RootGoneError):
        disk.tree.scan(Meanwhile(lambda: gone(disk)))


def test_i22_a_marker_that_goes_during_a_look_halts(disk: DiskBench) -> None:
    """A folder that is being emptied loses its marker too."""
    disk.put("MEMORY.md", b"old")
    with pytest.raises(MarkerMissingError):
        disk.tree.scan(Meanwhile(lambda: unmarked(disk)))


def test_a_marker_is_one_line_of_json(disk: DiskBench) -> None:
    """A person can read whose folder it is."""
    text = (disk.root / ".memory-sync").read_text()
    assert text.count("\n") == 1
    marker = json.loads(text)
    assert len(marker.pop("folder")) == 16
    assert marker == {"device": "laptop", "root": "main", "vault": "vault-1"}


def test_adopt_leaves_its_own_marker_as_it_is(disk: DiskBench) -> None:
    """A lock on the marker survives a second set-up of the same root."""
    before = (disk.root / ".memory-sync").stat()
    disk.another().adopt()
    after = (disk.root / ".memory-sync").stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


@pytest.mark.parametrize("trouble", [other_vault, other_root, garbage])
def test_adopt_takes_anothers_folder_only_when_told(
    disk: DiskBench, trouble: Callable[[DiskBench], None]
) -> None:
    """A folder of another vault is refused, until a person decides."""
    trouble(disk)
    with pytest.raises(MarkerForeignError):
        disk.tree.adopt()
    disk.tree.adopt(replace=True)
    disk.tree.scan({})


def test_adopt_takes_no_folder_that_is_served(disk: DiskBench) -> None:
    """Even when told, a folder that another daemon serves is not taken from it."""
    disk.tree.lock()
    with pytest.raises(RootBusyError):
        disk.another(vault="vault-2").adopt(replace=True)
    disk.tree.unlock()
    disk.another(vault="vault-2").adopt(replace=True)


def test_adopt_needs_a_folder(disk: DiskBench) -> None:
    """A folder that is not there is not made."""
    gone(disk)
    with pytest.raises(RootGoneError):
        disk.tree.adopt()
    assert not disk.root.exists()


def test_only_one_serves_a_root(disk: DiskBench) -> None:
    """The second is told so, and can come when the first has gone."""
    other = disk.another()
    disk.tree.lock()
    with pytest.raises(RootBusyError):
        other.lock()
    disk.tree.unlock()
    other.lock()
    other.unlock()


def test_i38_the_lock_dies_with_its_process(disk: DiskBench) -> None:
    """A daemon that was killed keeps nobody out."""
    marker = Path(disk.root / ".memory-sync")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(marker)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(RootBusyError):
            disk.tree.lock()
        process.kill()
    disk.tree.lock()
    disk.tree.unlock()


@pytest.mark.parametrize("act", ACTS)
def test_a_marker_written_anew_is_locked_anew(disk: DiskBench, act: str) -> None:
    """Two daemons that each hold a marker of the same name are found out before either acts."""
    disk.put("MEMORY.md", b"old")
    disk.tree.lock()
    unmarked(disk)
    other = disk.another()
    other.adopt()
    other.lock()
    with pytest.raises(RootBusyError):
        acts(disk)[act]()
    other.unlock()
    disk.tree.read("MEMORY.md", digest(b"old"))
    with pytest.raises(RootBusyError):
        other.lock()
    disk.tree.unlock()

"""A folder that somebody swaps for a symbolic link while a file in it is written or removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from memory_sync.errors import MemorySyncError
from memory_sync.ports import switch
from tests.files.bench import DiskBench, without_exchange
from tests.files.test_local_tree import digest

OLD, OURS, THEIRS = b"old", b"ours", b"theirs"
FILE = "memory/sub/day.md"
CALLS = (
    *("open", "stat", "fstat", "mkdir", "rename", "link", "unlink", "rmdir", "fsync"),
    *("listdir", "scandir", "replace", "fchmod", "read", "close"),
)
"""Everything of the system by which files are reached, of `os`; the two renames come besides."""


class Swap:
    """Swaps a folder for a link to another one just before the n-th call to the system."""

    def __init__(self, folder: Path, outside: Path, number: int) -> None:
        self.done = False
        self._folder = folder
        self._outside = outside
        self._left = number

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Count the calls, and swap."""
        with pytest.MonkeyPatch.context() as patch:
            real = {name: getattr(os, name) for name in CALLS}
            for name in CALLS:
                patch.setattr(os, name, self._before(real[name], real))
            for name in ("exchange", "rename_new"):
                patch.setattr(switch, name, self._before(getattr(switch, name), real))
            yield

    def _before(
        self, call: Callable[..., Any], real: dict[str, Callable[..., Any]]
    ) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self._left -= 1
            if self._left < 0 and not self.done:
                self.done = True
                with suppress(FileNotFoundError):
                    real["rename"](self._folder, self._outside.parent / "away")
                    os.symlink(self._outside, self._folder)
            return call(*args, **kwargs)

        return counted


def new(disk: DiskBench) -> None:
    """Write a file that was not there."""
    disk.tree.write("memory/sub/new.md", OURS, mode=0o644, expect=None)


def new_folders(disk: DiskBench) -> None:
    """Write a file whose folders are not there either."""
    disk.tree.write("memory/sub/a/b/new.md", OURS, mode=0o644, expect=None)


def over(disk: DiskBench) -> None:
    """Replace a file."""
    disk.tree.write(FILE, OURS, mode=0o644, expect=digest(OLD))


def away(disk: DiskBench) -> None:
    """Remove a file, with its folders that are empty then."""
    disk.tree.remove(FILE, digest(OLD))


def back(disk: DiskBench) -> None:
    """Restore a file over what is there, as `restore` does; what it reads is never another's."""
    present = disk.tree.present(FILE)
    assert present is None or present[0] == OLD
    disk.tree.write(FILE, OURS, mode=0o644, expect=digest(OLD) if present else None)


def look(disk: DiskBench) -> None:
    """Look at all files; what lies outside is none of them."""
    scan = disk.tree.scan({})
    assert digest(THEIRS) not in {file.digest for file in scan.files.values()}


def durable(disk: DiskBench) -> None:
    """Make a file durable, and read it."""
    disk.tree.flush([FILE])
    assert disk.tree.read(FILE, digest(OLD)) == OLD


def below(top: Path) -> dict[str, bytes | None]:
    """Return all files and folders below a folder, links not followed."""
    return {
        str(place.relative_to(top)): place.read_bytes() if place.is_file() else None
        for place in sorted(top.rglob("*"))
        if not place.is_symlink()
    }


def set_up(base: Path, theirs: bytes) -> tuple[DiskBench, Path]:
    """Make a root with a file, a trash in use, and a folder outside that looks like both."""
    base.mkdir()
    disk = DiskBench(base)
    disk.put(FILE, b"older")
    disk.tree.write(FILE, OLD, mode=0o644, expect=digest(b"older"))
    outside = base / "outside"
    for name in ("sub/day.md", "day.md", "memory/sub/day.md", "sub/day.md.d/x"):
        (outside / name).parent.mkdir(parents=True, exist_ok=True)
        (outside / name).write_bytes(theirs)
    return disk, outside


DEEDS: dict[Callable[[DiskBench], None], tuple[str, ...]] = {
    new: ("root", "root/memory", "root/memory/sub"),
    new_folders: ("root", "root/memory/sub"),
    over: ("root", "root/memory", "root/memory/sub", "trash/main", "trash/main/memory/sub"),
    away: ("root", "root/memory", "root/memory/sub", "trash/main", "trash/main/memory/sub"),
    back: ("root/memory/sub", "trash/main/memory"),
    look: ("root", "root/memory", "root/memory/sub"),
    durable: ("root", "root/memory/sub"),
}
"""What is done, and which folders are swapped meanwhile."""
CASES = [
    (deed, swapped, disk)
    for deed, folders in DEEDS.items()
    for swapped in folders
    for disk in ("exchange", "links", "neither")
    if disk == "exchange" or (deed in (over, away) and swapped.endswith("sub"))
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: nothing here is about what survives a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.parametrize(("deed", "swapped", "kind"), CASES)
def test_i66_a_link_put_in_place_at_any_moment_leads_nowhere(
    tmp_path: Path, quick: None, deed: Callable[[DiskBench], None], swapped: str, kind: str
) -> None:
    """Before each single call: nothing outside is read, written or removed, and nothing is lost."""
    moments = 0
    while True:
        base = tmp_path / str(moments)
        # What is replaced or removed has to look like what was meant.
        disk, outside = set_up(base, OLD if deed in (over, away) else THEIRS)
        before = below(outside)
        swap = Swap(base / swapped, outside, moments)
        with ExitStack() as stack:
            if kind != "exchange":
                stack.enter_context(without_exchange(links=kind == "links"))
            stack.enter_context(swap.armed())
            with suppress(MemorySyncError):
                deed(disk)
        assert below(outside) == before, moments
        if not swap.done:
            break
        kept = {content for path, content in below(base).items() if not path.startswith("outside")}
        assert OLD in kept, moments
        shutil.rmtree(base)
        moments += 1
    assert moments > 10

"""What is special about files on a disk: names, links, permissions, space, times."""

from __future__ import annotations

import errno
import os
import resource
import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from memory_sync.errors import (
    DiskFullError,
    FileChangedError,
    FileInTheWayError,
    FileNameError,
    FileSpecialError,
    FileUnreadableError,
    FileUnwritableError,
)
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports import handles, switch
from memory_sync.sync.patterns import Patterns
from tests.files.bench import DiskBench, ignoring_case, without_exchange
from tests.files.test_local_tree import digest

NOBODY = 65534


@contextmanager
def nobody(disk: DiskBench) -> Iterator[None]:
    """Act as an account that permissions hold for, which root is not."""
    before, is_root = os.getcwd(), os.geteuid() == 0
    os.chdir(disk.base)  # the folders above may be closed to others
    if is_root:
        for place in (disk.base, *disk.base.rglob("*")):
            os.chown(place, NOBODY, NOBODY, follow_symlinks=False)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        os.chdir(before)


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- symbolic links and special files


def test_i67_a_link_is_noted_held_and_not_followed(disk: DiskBench) -> None:
    """A symbolic link in a file's place is neither read nor taken for a delete."""
    (disk.base / "secret.md").write_bytes(b"secret")
    (disk.root / "MEMORY.md").symlink_to(disk.base / "secret.md")
    (disk.root / "other.txt").symlink_to(disk.base / "secret.md")
    scan = disk.tree.scan({})
    assert not scan.files
    assert {path: type(error) for path, error in scan.held.items()} == {
        "MEMORY.md": FileSpecialError
    }
    assert [note.facts["kind"] for note in scan.notes] == ["symbolic link"]
    with pytest.raises(FileSpecialError):
        disk.tree.read("MEMORY.md", digest(b"secret"))
    with pytest.raises(FileInTheWayError):
        disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"secret"))
    with pytest.raises(FileInTheWayError):
        disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=None)
    with pytest.raises(FileChangedError):
        disk.tree.remove("MEMORY.md", digest(b"secret"))
    assert (disk.root / "MEMORY.md").is_symlink()
    assert (disk.base / "secret.md").read_bytes() == b"secret"


@pytest.mark.parametrize("target", ["outside", "nowhere"])
def test_i66_i67_a_linked_folder_is_held_as_a_whole(disk: DiskBench, target: str) -> None:
    """A link where the patterns want a folder holds all that would be in it; it may dangle."""
    disk.make_folder("../outside/sub")
    disk.put("../outside/a.md", b"outside")
    (disk.root / "memory").symlink_to(disk.base / target)
    scan = disk.tree.scan({})
    assert not scan.files
    assert set(scan.held) == {"memory/"}
    assert len(scan.notes) == 1
    with pytest.raises(FileInTheWayError):
        disk.tree.write("memory/sub/new.md", b"new", mode=0o644, expect=None)
    with pytest.raises(FileInTheWayError):
        disk.tree.write("memory/a.md", b"new", mode=0o644, expect=digest(b"outside"))
    with pytest.raises(FileChangedError):
        disk.tree.read("memory/a.md", digest(b"outside"))
    with pytest.raises(FileInTheWayError):
        disk.tree.remove("memory/a.md", digest(b"outside"))
    assert disk.get("../outside/a.md") == b"outside"
    assert not (disk.base / "outside/sub/new.md").exists()


def test_i66_a_link_put_in_between_leads_nowhere(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that becomes a link after it was checked takes no file out of the root."""
    disk.put("memory/a/old.md", b"old")
    disk.make_folder("../outside")
    make_file = handles.make_file

    def bend(folder: int, content: bytes, mode: int) -> tuple[str, int]:
        (disk.root / "memory/a").rename(disk.root / "memory/moved")
        (disk.root / "memory/a").symlink_to(disk.base / "outside")
        return make_file(folder, content, mode)

    monkeypatch.setattr(handles, "make_file", bend)
    disk.tree.write("memory/a/new.md", b"new", mode=0o644, expect=None)
    assert list((disk.base / "outside").iterdir()) == []
    assert disk.get("memory/moved/new.md") == b"new"


def test_i67_special_files_are_noted_and_held(disk: DiskBench) -> None:
    """A named pipe is not opened, which would wait for ever."""
    disk.make_folder("memory")
    os.mkfifo(disk.root / "memory/pipe.md")
    scan = disk.tree.scan({})
    assert set(scan.held) == {"memory/pipe.md"}
    assert [note.facts["kind"] for note in scan.notes] == ["named pipe"]
    with pytest.raises(FileSpecialError):
        disk.tree.read("memory/pipe.md", digest(b""))


def test_the_root_itself_may_be_a_link(disk: DiskBench) -> None:
    """A root is followed, once for each operation."""
    (disk.base / "link").symlink_to(disk.root)
    tree = disk.another(path=str(disk.base / "link"))
    tree.write("MEMORY.md", b"new", mode=0o644, expect=None)
    assert disk.get("MEMORY.md") == b"new"
    assert set(tree.scan({}).files) == {"MEMORY.md"}


# --- permissions and errors


def test_i26_what_cannot_be_read_is_held(disk: DiskBench) -> None:
    """A file or folder without permission is an error for its path, never a delete."""
    disk.put("MEMORY.md", b"readable")
    disk.put("memory/closed.md", b"closed", 0o000)
    disk.put("memory/folder/a.md", b"inside")
    disk.put("memory/listed/a.md", b"inside")
    (disk.root / "memory/folder").chmod(0o000)
    (disk.root / "memory/listed").chmod(0o600)
    with nobody(disk):
        scan = disk.another(path="root").scan({})
    (disk.root / "memory/folder").chmod(0o755)
    (disk.root / "memory/listed").chmod(0o755)
    assert set(scan.files) == {"MEMORY.md"}
    assert set(scan.held) == {"memory/closed.md", "memory/folder/", "memory/listed/a.md"}
    assert {type(error) for error in scan.held.values()} == {FileUnreadableError}


def test_i26_a_folder_that_vanishes_while_it_is_looked_at_is_held(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was listed and cannot be opened is held: it is moved about, perhaps."""
    disk.put("memory/a/b.md", b"one")

    def vanish(_: int, name: str) -> int:
        raise FileNotFoundError(errno.ENOENT, "gone", name)

    monkeypatch.setattr(handles, "open_folder", vanish)
    scan = disk.tree.scan({})
    assert {path: type(error) for path, error in scan.held.items()} == {"memory/": FileChangedError}


def test_a_folder_without_permission_is_not_written_to(disk: DiskBench) -> None:
    """A folder that is read only refuses new files, changes and deletes, each by name."""
    disk.put("memory/a.md", b"old")
    (disk.root / "memory").chmod(0o555)
    with nobody(disk):
        tree = disk.another(path="root")
        with pytest.raises(FileUnwritableError):
            tree.write("memory/new.md", b"new", mode=0o644, expect=None)
        with pytest.raises(FileUnwritableError):
            tree.write("memory/a.md", b"new", mode=0o644, expect=digest(b"old"))
        with pytest.raises(FileUnwritableError):
            tree.remove("memory/a.md", digest(b"old"))
    (disk.root / "memory").chmod(0o755)
    assert disk.names() == {"memory/", "memory/a.md"}
    assert disk.get("memory/a.md") == b"old"


def test_a_replaced_file_keeps_its_group(disk: DiskBench) -> None:
    """The new content belongs to whom the old one did."""
    disk.put("MEMORY.md", b"old")
    group = NOBODY if os.geteuid() == 0 else (os.getgroups() or [os.getegid()])[-1]
    os.chown(disk.root / "MEMORY.md", -1, group)
    disk.tree.write("MEMORY.md", b"new", mode=0o640, expect=digest(b"old"))
    assert (disk.root / "MEMORY.md").stat().st_gid == group
    assert disk.mode("MEMORY.md") == 0o640


def test_i36_a_full_disk_cuts_nothing_short(disk: DiskBench) -> None:
    """Without space the old file stays, no new one comes, nothing is left; later it works."""
    disk.put("MEMORY.md", b"old")
    with small_disk(600):
        for path, expect in (("MEMORY.md", digest(b"old")), ("memory/new.md", None)):
            with pytest.raises(DiskFullError):
                disk.tree.write(path, b"x" * 900, mode=0o644, expect=expect)
    assert disk.get("MEMORY.md") == b"old"
    assert disk.names() == {"MEMORY.md", "memory/"}
    disk.tree.write("MEMORY.md", b"x" * 900, mode=0o644, expect=digest(b"old"))
    assert disk.get("MEMORY.md") == b"x" * 900


# --- names


@pytest.mark.parametrize("name", [b"bell\x07.md", b"back\\slash.md", b"latin-\xe9.md"])
def test_i65_a_bad_name_is_held_alone_and_shown_escaped(disk: DiskBench, name: bytes) -> None:
    """A name that the vault cannot hold delays no other, and reaches no terminal as it is."""
    disk.put("memory/good.md", b"good")
    with suppress(OSError):  # there are disks that have only UTF-8
        Path(os.fsdecode(os.fsencode(disk.root) + b"/memory/" + name)).write_bytes(b"bad")
    there = len(list((disk.root / "memory").iterdir())) == 2
    scan = disk.tree.scan({})
    assert set(scan.files) == {"memory/good.md"}
    assert [type(error) for error in scan.held.values()] == [FileNameError] * there
    for path, error in scan.held.items():
        assert path.isprintable()
        assert error.message.isprintable()
        assert "\\" in path


def test_i65_a_path_that_is_too_long_is_held(disk: DiskBench) -> None:
    """A path of more than 1,024 bytes, its root's name included, is held."""
    folder = "memory/" + "/".join(["x" * 200] * 5)
    before = os.getcwd()
    disk.make_folder("memory")
    os.chdir(disk.root)
    try:
        for part in folder.split("/"):
            Path(part).mkdir(exist_ok=True)
            os.chdir(part)
        Path("fits.md").write_bytes(b"fits")
        Path("does-not-fit.md").write_bytes(b"does not fit")
    finally:
        os.chdir(before)
    scan = disk.tree.scan({})
    assert set(scan.files) == {f"{folder}/fits.md"}
    assert set(scan.held) == {f"{folder}/does-not-fit.md"}


def test_i65_a_name_that_the_disk_cannot_hold_fails_alone(disk: DiskBench) -> None:
    """A part of a path that the vault allows can be too long for a disk."""
    with pytest.raises(FileNameError):
        disk.tree.write("memory/" + "x" * 300 + ".md", b"new", mode=0o644, expect=None)


def test_i63_two_names_that_are_one_path_are_both_held(disk: DiskBench) -> None:
    """A disk may hold a name in both encodings; neither is taken for the other."""
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    for name in (composed, decomposed):
        disk.put(f"memory/{name}.md", name.encode())
        disk.put(f"memory/folder-{name}/a.md", name.encode())
    disk.put("memory/plain.md", b"plain")
    two = len(list((disk.root / "memory").iterdir())) == 5
    scan = disk.tree.scan(disk.tree.scan({}).glances)
    twins = {f"memory/{composed}.md", f"memory/folder-{composed}/"}
    assert set(scan.held) == (twins if two else set())
    assert "memory/plain.md" in scan.files


@pytest.fixture
def folding(disk: DiskBench) -> Iterator[DiskBench]:
    """Give a disk that finds a file by its name in any case."""
    with ignoring_case():
        yield disk


def test_i64_a_name_of_other_case_is_another_file(folding: DiskBench) -> None:
    """On a disk that ignores case, neither a file nor a folder is taken for its twin."""
    folding.put("memory/a.md", b"one")
    for path in ("memory/A.md", "Memory/b.md"):
        for expect in (None, digest(b"one")):
            with pytest.raises(FileInTheWayError):
                folding.tree.write(path, b"two", mode=0o644, expect=expect)
        with pytest.raises(FileChangedError):
            folding.tree.read(path, digest(b"one"))
        folding.tree.remove(path, digest(b"one"))
    assert folding.get("memory/a.md") == b"one"
    assert folding.names() == {"memory/", "memory/a.md"}
    folding.tree.write("memory/a.md", b"new", mode=0o644, expect=digest(b"one"))
    assert folding.get("memory/a.md") == b"new"


def test_a_name_with_a_joiner_is_synced(disk: DiskBench) -> None:
    """What a terminal cannot print may still be a good path, and is held as itself."""
    name = "memory/\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}.md"
    disk.put(name, b"x" * 5000)
    assert set(disk.tree.scan({}).held) == {name}
    disk.put(name, b"x")
    assert set(disk.tree.scan({}).files) == {name}


def test_conflict_copies_lie_in_a_root_of_their_own(disk: DiskBench) -> None:
    """The reserved root holds what has a conflict copy's name, and nothing else."""
    disk.patterns = Patterns(("**",))
    tree = disk.another(name=CONFLICTS)
    tree.adopt(replace=True)
    path = "main/memory/a.md/20260921T141320Z-laptop"
    tree.write("main/MEMORY.md/20260921T141320Z-laptop", b"one", mode=0o600, expect=None)
    tree.write(path, b"two", mode=0o600, expect=None)
    disk.put("main/memory/b.md", b"no conflict copy")
    with pytest.raises(FileNameError):
        tree.write("main/memory/a.md", b"two", mode=0o600, expect=None)
    scan = tree.scan({})
    assert set(scan.files) == {"main/MEMORY.md/20260921T141320Z-laptop", path}
    assert set(scan.held) == {"main/memory/b.md"}
    tree.remove(path, digest(b"two"))
    assert disk.get(path) is None


def test_deep_folders_are_held_and_harm_nothing(disk: DiskBench) -> None:
    """A tree of hundreds of folders in one another ends the look there, not the program."""
    disk.put("memory/" + "d/" * 400 + "a.md", b"deep")
    disk.put("memory/b.md", b"good")
    scan = disk.tree.scan({})
    assert set(scan.files) == {"memory/b.md"}
    assert [type(error) for error in scan.held.values()] == [FileNameError]


# --- times


def test_i61_an_edit_of_the_same_size_and_time_is_found(disk: DiskBench) -> None:
    """A program that sets the old time after its edit is found out."""
    disk.put("MEMORY.md", b"one")
    place = disk.root / "MEMORY.md"
    before = place.stat()
    known = disk.tree.scan({}).glances
    assert known["MEMORY.md"].settled
    place.write_bytes(b"two")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    scan = disk.tree.scan(known)
    assert scan.glances["MEMORY.md"].mtime_ns == before.st_mtime_ns
    assert scan.files["MEMORY.md"].digest == digest(b"two")


@pytest.mark.parametrize(("age", "settled"), [(-5.0, False), (1.0, False), (3.0, True)])
def test_i61_a_young_file_is_not_settled(disk: DiskBench, age: float, settled: bool) -> None:
    """A file of the last two seconds, or of the future, will be read again."""
    disk.put("MEMORY.md", b"one")
    disk.clock.time = (disk.root / "MEMORY.md").stat().st_ctime + age
    assert disk.tree.scan({}).glances["MEMORY.md"].settled is settled


def test_i62_touch_and_chmod_change_no_digest(disk: DiskBench) -> None:
    """A file whose times or permissions change is still the same content."""
    disk.put("MEMORY.md", b"one")
    first = disk.tree.scan({})
    (disk.root / "MEMORY.md").chmod(0o600)
    os.utime(disk.root / "MEMORY.md")
    second = disk.tree.scan(first.glances)
    assert second.files["MEMORY.md"].digest == first.files["MEMORY.md"].digest
    assert second.glances["MEMORY.md"] != first.glances["MEMORY.md"]


@pytest.mark.parametrize(("writes", "held"), [(1, False), (3, True)])
def test_i60_a_torn_read_is_never_shown(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch, writes: int, held: bool
) -> None:
    """A file that changes while it is read is read again, and held if it goes on."""
    disk.put("MEMORY.md", b"start")
    read, left = handles._read, [writes]

    def write_meanwhile(handle: int, size: int) -> bytes:
        content = read(handle, size)
        if left[0] and content.startswith(b"start"):
            left[0] -= 1
            with (disk.root / "MEMORY.md").open("ab") as stream:
                stream.write(b"+")
        return content

    known = disk.tree.scan({}).glances
    monkeypatch.setattr(handles, "_read", write_meanwhile)
    scan = disk.tree.scan({path: replace(glance, settled=False) for path, glance in known.items()})
    if held:
        assert isinstance(scan.held["MEMORY.md"], FileChangedError)
        assert not scan.files
    else:
        assert scan.files["MEMORY.md"].digest == digest(b"start+")


# --- at every moment old or new


@pytest.mark.parametrize("way", ["exchange", "plain"])
def test_i34_a_reader_sees_the_old_or_the_new_file(disk: DiskBench, way: str) -> None:
    """While a file is replaced, whoever opens it finds one whole content."""
    contents = [bytes([65 + number]) * 900 for number in range(20)]
    disk.put("MEMORY.md", contents[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add((disk.root / "MEMORY.md").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    try:
        with without_exchange() if way == "plain" else nullcontext():
            for old, new in pairwise(contents):
                disk.tree.write("MEMORY.md", new, mode=0o644, expect=digest(old))
    finally:
        done.set()
        reader.join()
    assert seen <= set(contents)


@pytest.mark.parametrize("way", ["exchange", "plain"])
def test_i34_at_every_step_of_a_write_the_file_is_old_or_new(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Before and after all that a write asks of the system, one whole content is in its place."""
    disk.put("MEMORY.md", b"old")
    seen: list[bytes | None] = []

    def looked_at(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **keywords: object) -> object:
            seen.append(disk.get("MEMORY.md"))
            try:
                return real(*arguments, **keywords)
            finally:
                seen.append(disk.get("MEMORY.md"))

        return call

    with without_exchange() if way == "plain" else nullcontext():
        for name in ("open", "fchmod", "fsync", "link", "rename", "unlink"):
            monkeypatch.setattr(os, name, looked_at(getattr(os, name)))
        monkeypatch.setattr(switch, "_rename", looked_at(switch._rename))
        disk.tree.write("MEMORY.md", b"new" * 300, mode=0o644, expect=digest(b"old"))
    assert set(seen) == {b"old", b"new" * 300}
    assert disk.trashed() == [b"old"]


@pytest.mark.parametrize("old", [None, b"old"])
def test_i35_a_write_is_durable_when_it_returns(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch, old: bytes | None
) -> None:
    """First the content is synced, then the name is given, then that is synced."""
    if old:
        disk.put("memory/a.md", old)
    disk.put("memory/b.md", b"other")
    place, deeds = disk.root / "memory/a.md", list[int]()
    fsync, rename = os.fsync, switch._rename

    def seen_fsync(handle: int) -> None:
        deeds.append(os.fstat(handle).st_ino)
        fsync(handle)

    def seen_rename(folder: int, name: str, target: int, new: str, flag: int) -> bool:
        done = rename(folder, name, target, new, flag)
        deeds.extend([0] if new == place.name else [])
        return done

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(switch, "_rename", seen_rename)
    disk.tree.write("memory/a.md", b"new", mode=0o644, expect=digest(old) if old else None)
    words = {place.stat().st_ino: "content", 0: "name", place.parent.stat().st_ino: "folder"}
    told = [words[deed] for deed in deeds if deed in words]
    assert list(dict.fromkeys(told)) == ["content", "name", "folder"]


def acts(disk: DiskBench) -> dict[str, Callable[[], object]]:
    """Return each operation on `MEMORY.md` whose content was `old`."""
    tree = disk.tree
    return {
        "scan": lambda: tree.scan({}),
        "read": lambda: tree.read("MEMORY.md", digest(b"old")),
        "write": lambda: tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old")),
        "remove": lambda: tree.remove("MEMORY.md", digest(b"old")),
    }

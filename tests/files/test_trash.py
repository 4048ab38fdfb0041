"""The trash, and that nothing is lost when it fails."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memory_sync.errors import DiskFullError, FileUnwritableError, MemorySyncError
from memory_sync.ports import replace, strays, trash
from memory_sync.ports.files import Echo
from memory_sync.ports.names import Told, is_temporary, telling_name, temporary_name
from memory_sync.ports.switch import rename_new
from memory_sync.ports.trash import Trash
from tests.files.bench import DiskBench
from tests.files.dying import Killed, Steps, after
from tests.files.test_disk import small_disk
from tests.files.test_local_tree import digest

DAY = 86_400
WEEK = 7 * DAY


def bounded(disk: DiskBench, *, keep: float = 30 * DAY, max_size: float = 10**9) -> Trash:
    """Return the bench's trash with other bounds."""
    return Trash(disk.trash.folder, disk.clock, keep=keep, max_size=max_size)


@pytest.fixture
def other_disk(monkeypatch: pytest.MonkeyPatch, disk: DiskBench) -> DiskBench:
    """Give a bench whose trash lies on another file system than its root."""

    def move(folder: int, name: str, target: int, new: str) -> None:
        if os.fstat(folder).st_ino != os.fstat(target).st_ino:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename_new(folder, name, target, new)

    monkeypatch.setattr(trash, "rename_new", move)
    return disk


def test_a_trashed_file_lies_under_its_path_by_time_and_digest(disk: DiskBench) -> None:
    """The place in the trash tells root, path, time, content; only its owner enters."""
    disk.clock.time = 1_790_000_000.0
    disk.put("memory/a.md", b"old")
    disk.tree.remove("memory/a.md", digest(b"old"))
    [place] = (disk.trash.folder / "main/memory/a.md").iterdir()
    mtime_ns = place.stat().st_mtime_ns
    assert place.name == f"20260921T141320Z-3-{mtime_ns}-{digest(b'old')}"
    assert place.read_bytes() == b"old"
    folders = [disk.trash.folder, *(p for p in disk.trash.folder.rglob("*") if p.is_dir())]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_i19_what_an_agent_goes_on_writing_is_in_the_trash(disk: DiskBench) -> None:
    """A program that still has the replaced file open writes into the trashed one."""
    disk.put("MEMORY.md", b"old")
    with (disk.root / "MEMORY.md").open("ab", buffering=0) as agent:
        disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
        agent.write(b", and more")
    assert disk.trashed() == [b"old, and more"]
    assert disk.get("MEMORY.md") == b"new"


def test_i19_two_equal_files_in_one_second_are_both_kept(disk: DiskBench) -> None:
    """A trashed file never takes another's place."""
    for _ in range(3):
        disk.put("MEMORY.md", b"same")
        disk.tree.remove("MEMORY.md", digest(b"same"))
    assert disk.trashed() == [b"same"] * 3


def test_i19_a_file_comes_to_a_trash_on_another_disk(other_disk: DiskBench) -> None:
    """Where a file cannot be moved it is copied, with its time and a mode for nobody else."""
    other_disk.put("MEMORY.md", b"old")
    os.utime(other_disk.root / "MEMORY.md", (1, 1_600_000_000))
    other_disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
    other_disk.tree.remove("MEMORY.md", digest(b"new"))
    assert sorted(other_disk.trashed()) == [b"new", b"old"]
    assert all(is_temporary(name) for name in other_disk.names())
    places = [Path(item.place) for item in other_disk.trash.entries()]
    assert 1_600_000_000 in {place.stat().st_mtime for place in places}
    assert {stat.S_IMODE(place.stat().st_mode) for place in places} == {0o600}


def test_i36_a_full_trash_stops_the_change(other_disk: DiskBench) -> None:
    """If the trash has no space for the old file, that stays in its place, whole."""
    other_disk.put("MEMORY.md", b"old" * 300)
    with small_disk(600):
        with pytest.raises(DiskFullError):
            other_disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old" * 300))
        with pytest.raises(DiskFullError):
            other_disk.tree.remove("MEMORY.md", digest(b"old" * 300))
    assert other_disk.get("MEMORY.md") == b"old" * 300
    assert {name for name in other_disk.names() if not is_temporary(name)} == {"MEMORY.md"}
    assert set(other_disk.trashed()) <= {b"new"}  # it was to be seen for a moment


def test_i19_a_trash_that_cannot_be_written_stops_the_change(disk: DiskBench) -> None:
    """If the old file cannot be kept it is not replaced."""
    disk.put("MEMORY.md", b"old")
    disk.trash.folder.write_bytes(b"a file where the trash should be")
    with pytest.raises((MemorySyncError, OSError)):
        disk.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
    with pytest.raises((MemorySyncError, OSError)):
        disk.tree.remove("MEMORY.md", digest(b"old"))
    assert disk.get("MEMORY.md") == b"old"
    assert disk.names() == {"MEMORY.md"}


def test_purge_deletes_what_is_older_and_nothing_else(disk: DiskBench) -> None:
    """Old files go, with the folders that are empty then; young ones and foreign files stay."""
    disk.put("memory/old.md", b"old")
    disk.tree.remove("memory/old.md", digest(b"old"))
    disk.clock.sleep(WEEK)
    disk.put("memory/young.md", b"young")
    disk.tree.remove("memory/young.md", digest(b"young"))
    (disk.trash.folder / "foreign.txt").write_bytes(b"foreign")
    assert bounded(disk, keep=WEEK + 1).purge() == 0
    assert bounded(disk, keep=WEEK - 1).purge() == 1
    assert disk.trashed() == [b"young"]
    assert (disk.trash.folder / "foreign.txt").exists()
    assert not (disk.trash.folder / "main/memory/old.md").exists()


def test_purge_of_a_trash_that_was_never_used(disk: DiskBench) -> None:
    """A device on which nothing was replaced has nothing to purge."""
    assert bounded(disk, keep=0).purge() == 0


def test_i33_what_a_crash_has_left_goes_to_the_trash(disk: DiskBench) -> None:
    """A temporary file can be what a program had just saved: it is kept, and out of the way."""
    disk.put("memory/.memory-sync-0123456789abcdef.tmp", b"displaced")
    disk.clock.time -= 3000
    assert not disk.tree.scan({}).files
    assert disk.trashed() == []
    disk.tree.lock()
    try:
        disk.tree.scan({})
    finally:
        disk.tree.unlock()
    assert disk.names() == {"memory/"}
    assert disk.trashed() == [b"displaced"]


def test_i33_a_leftover_of_yesterday_needs_no_lock(disk: DiskBench) -> None:
    """A temporary file of more than a day ago belongs to nobody any more."""
    disk.put("memory/.memory-sync-0123456789abcdef.tmp", b"displaced")
    disk.clock.sleep(86_400)
    disk.tree.scan({})
    assert disk.trashed() == [b"displaced"]
    [item] = disk.trash.entries()
    assert (item.path, item.record and item.record.digest) == (
        "memory/.memory-sync-0123456789abcdef.tmp",
        digest(b"displaced"),
    )


# --- late writes


def removed(disk: DiskBench, path: str, content: bytes) -> Path:
    """Remove a file that is there by now; return where it lies in the trash."""
    before = {item.place for item in disk.trash.entries()}
    disk.put(path, content)
    disk.tree.remove(path, digest(content))
    [place] = {item.place for item in disk.trash.entries()} - before
    return Path(place)


def test_i19_a_start_finds_what_was_written_while_nothing_ran(disk: DiskBench) -> None:
    """A full look finds it, and from then on a quick one looks at that file, too."""
    place = removed(disk, "MEMORY.md", b"old\n")
    with place.open("ab") as stream:
        stream.write(b"late\n")
    disk.trash = Trash(disk.trash.folder, disk.clock)
    started = disk.another()
    assert started.echoes(recent=True) == ()
    [echo] = started.echoes(recent=False)
    assert echo.content == b"old\nlate\n"
    started.settle(echo)
    [item] = disk.trash.entries()
    with open(item.place, "ab") as stream:
        stream.write(b"later\n")
    [echo] = started.echoes(recent=True)
    assert echo.before == b"old\nlate\n"


def test_i19_a_late_write_of_the_same_size_is_heard(disk: DiskBench) -> None:
    """What was written over cannot be told any more; what is there now is."""
    place = removed(disk, "MEMORY.md", b"old\n")
    place.write_bytes(b"new\n")
    [echo] = disk.tree.echoes(recent=False)
    assert (echo.before, echo.content) == (None, b"new\n")


def test_a_touched_file_is_read_once_and_says_nothing(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another time alone is no late write, and is remembered."""
    place = removed(disk, "MEMORY.md", b"old\n")
    os.utime(place, (1, 1_600_000_000))
    assert disk.tree.echoes(recent=False) == ()
    read: list[object] = []
    monkeypatch.setattr(trash, "look_again", lambda *args, **_: read.append(args))
    assert disk.tree.echoes(recent=False) == ()
    assert read == []


def test_i60_half_a_line_waits_for_its_rest(disk: DiskBench) -> None:
    """What was written just now is told up to its last whole line, and wholly once it is quiet."""
    place = removed(disk, "MEMORY.md", b"old\n")
    place.write_bytes(b"old\none\ntw")
    disk.clock.time = place.stat().st_mtime + 1
    [echo] = disk.tree.echoes(recent=True)
    assert echo.content == b"old\none\n"
    disk.tree.settle(echo)
    assert disk.tree.echoes(recent=True) == ()
    disk.clock.sleep(2)
    [echo] = disk.tree.echoes(recent=True)
    assert (echo.before, echo.content) == (b"old\none\n", b"old\none\ntw")


def test_a_late_write_beyond_the_largest_size_waits(disk: DiskBench) -> None:
    """A file larger than any that is synced is not read; it stays in the trash."""
    place = removed(disk, "MEMORY.md", b"old\n")
    place.write_bytes(b"x" * (disk.max_size + 1))
    assert disk.tree.echoes(recent=False) == ()
    disk.clock.sleep(60 * DAY)
    assert disk.trash.purge() == 0


def test_what_was_displaced_long_ago_is_looked_at_only_in_full(disk: DiskBench) -> None:
    """A quick look costs nothing for what nobody has written to within an hour."""
    place = removed(disk, "MEMORY.md", b"old\n")
    disk.clock.sleep(3601)
    place.write_bytes(b"old\nlate\n")
    assert disk.tree.echoes(recent=True) == ()
    assert len(disk.tree.echoes(recent=False)) == 1


def test_the_former_form_of_a_name_is_read(disk: DiskBench) -> None:
    """It is listed and purged; what is written into it cannot be told."""
    disk.clock.time = 1_767_312_000.0  # 2026-01-02
    folder = disk.trash.folder / "main/memory/a.md"
    folder.mkdir(parents=True)
    (folder / "20260101T000000Z-0123abcd").write_bytes(b"old")
    (folder / "20260101T000000Z-0123abcd-2").write_bytes(b"older")
    (folder / "20261399T000000Z-0123abcd").write_bytes(b"no time")
    for place in folder.iterdir():
        os.utime(place, (1, 1_600_000_000))
    found = sorted((item.path, item.number, item.record) for item in disk.trash.entries())
    assert found == [("memory/a.md", 1, None), ("memory/a.md", 2, None)]
    assert disk.tree.echoes(recent=False) == ()
    disk.clock.sleep(60 * DAY)
    assert disk.trash.purge() == 2
    assert [place.name for place in folder.iterdir()] == ["20261399T000000Z-0123abcd"]


# --- across file systems


def test_i19_what_is_appended_is_heard_across_file_systems(other_disk: DiskBench) -> None:
    """The file itself stays in the root, out of the way, and is looked at as in the trash."""
    tree = other_disk.tree
    other_disk.put("memory/deep/a.md", b"old\n")
    with other_disk.appending("memory/deep/a.md") as append:
        tree.remove("memory/deep/a.md", digest(b"old\n"))
        assert tree.echoes(recent=False) == ()
        append(b"one\n")
        [echo] = tree.echoes(recent=True)
        tree.settle(echo)
        assert tree.echoes(recent=True) == tree.echoes(recent=False) == ()
        append(b"two\n")
        [more] = tree.echoes(recent=True)
    assert (echo.path, echo.before, echo.content) == (
        "memory/deep/a.md",
        b"old\n",
        b"old\none\n",
    )
    assert (more.before, more.content) == (b"old\none\n", b"old\none\ntwo\n")
    assert other_disk.trashed() == [b"old\n"]
    [name] = other_disk.names()
    assert is_temporary(name)


def test_i19_a_start_leaves_what_stays_in_the_root(other_disk: DiskBench) -> None:
    """It is no leftover of a crash: no append is lost, nothing comes to the trash twice."""
    other_disk.put("memory/a.md", b"old\n")
    with other_disk.appending("memory/a.md") as append:
        other_disk.tree.write("memory/a.md", b"new\n", mode=0o644, expect=digest(b"old\n"))
        other_disk.trash = Trash(other_disk.trash.folder, other_disk.clock)
        started = other_disk.another()
        started.lock()
        started.scan({})
        append(b"late\n")
        started.scan({})
        [echo] = started.echoes(recent=False)
        started.unlock()
    assert (echo.path, echo.content) == ("memory/a.md", b"old\nlate\n")
    assert other_disk.trashed() == [b"old\n"]


def test_i33_a_crash_on_the_way_to_the_top_loses_nothing(
    other_disk: DiskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noted and not yet moved, it is found in the folder where it was."""

    class Killed(BaseException):
        """The process is gone."""

    def die(*_: object) -> None:
        raise Killed

    other_disk.put("memory/a.md", b"old\n")
    with other_disk.appending("memory/a.md") as append:
        with monkeypatch.context() as patch:
            patch.setattr(strays, "rename_new", die)
            patch.setattr(replace, "_put_back", lambda *_: None)
            with pytest.raises(Killed):
                other_disk.tree.remove("memory/a.md", digest(b"old\n"))
        started = other_disk.another()
        started.lock()
        started.scan({})
        append(b"late\n")
        [echo] = started.echoes(recent=False)
        started.unlock()
    assert (echo.path, echo.content) == ("memory/a.md", b"old\nlate\n")
    assert other_disk.trashed() == [b"old\n"]


@pytest.mark.parametrize(
    ("moment", "act"),
    [
        ("rename", lambda disk: disk.tree.remove("memory/a.md", digest(b"old\n"))),
        (
            "exchange",
            lambda disk: disk.tree.write("memory/a.md", b"", mode=0o644, expect=digest(b"old\n")),
        ),
    ],
)
def test_i32_a_save_before_a_kill_is_heard_across_file_systems(
    other_disk: DiskBench, moment: str, act: Callable[[DiskBench], None]
) -> None:
    """What a kill has left stays in the root like other displaced files, and is heard like them."""
    other_disk.put("memory/a.md", b"old\n")

    def save() -> None:
        (other_disk.root / "memory/a.md").write_bytes(b"old\nsaved\n")

    with pytest.MonkeyPatch.context() as patch:
        Steps(patch, after(moment, save))
        with pytest.raises(Killed):
            act(other_disk)
    started = other_disk.another()
    started.lock()
    started.scan({})
    [echo] = started.echoes(recent=True)
    started.settle(echo)
    started.unlock()
    assert (echo.path, echo.before, echo.content) == (
        "memory/a.md",
        b"old\n",
        b"old\nsaved\n",
    )
    assert other_disk.another().echoes(recent=False) == ()
    assert {item.path for item in other_disk.trash.entries()} == {"memory/a.md"}
    assert other_disk.trashed() == [b"old\nsaved\n"]


def test_i63_a_leftover_stands_for_the_composed_name(other_disk: DiskBench) -> None:
    """A disk that decomposes names gives back a temporary one decomposed as well."""
    told = Told("e\u0301.md", 4, digest(b"old\n"), digest(b"new\n")[:16])
    other_disk.put(f"memory/{telling_name(temporary_name(), told)}", b"saved\n")
    other_disk.tree.lock()
    other_disk.tree.scan({})
    [echo] = other_disk.tree.echoes(recent=True)
    other_disk.tree.unlock()
    assert (echo.path, echo.content) == ("memory/\u00e9.md", b"saved\n")


def test_what_stays_in_the_root_goes_after_a_quiet_day(other_disk: DiskBench) -> None:
    """Not before, and not while it holds something that nobody has taken up."""
    quiet, tree = other_disk, other_disk.tree
    quiet.clock.time = time.time()
    quiet.put("MEMORY.md", b"old\n")
    with quiet.appending("MEMORY.md") as append:
        tree.remove("MEMORY.md", digest(b"old\n"))
        append(b"late\n")
    quiet.clock.sleep(DAY + 10)
    [echo] = tree.echoes(recent=False)
    assert quiet.names()
    tree.settle(echo)
    assert tree.echoes(recent=False) == ()
    assert quiet.names() == set()
    assert [place for place in quiet.trash.folder.rglob("*.tmp") if place.is_file()] == []
    assert quiet.trashed() == [b"old\n"]


def test_i36_a_full_trash_keeps_the_file_in_its_place(other_disk: DiskBench) -> None:
    """If the note on what stays cannot be written, the file is as it was."""
    other_disk.put("MEMORY.md", b"old\n")
    (other_disk.trash.folder / ".strays").mkdir(parents=True)
    (other_disk.trash.folder / ".strays" / "main").write_bytes(b"a file in the way")
    with pytest.raises((MemorySyncError, OSError)):
        other_disk.tree.remove("MEMORY.md", digest(b"old\n"))
    assert other_disk.get("MEMORY.md") == b"old\n"
    assert other_disk.names() == {"MEMORY.md"}


def test_a_note_that_makes_no_sense_harms_nothing(other_disk: DiskBench) -> None:
    """What it is about stays where it is."""
    removed(other_disk, "MEMORY.md", b"old\n")
    [note] = (other_disk.trash.folder / ".strays/main").iterdir()
    for text in ("", "[]", "{}", '{"path": 1, "record": 2}', '{"path": "", "record": {}}'):
        note.write_text(text)
        assert other_disk.tree.echoes(recent=False) == ()
        assert len(other_disk.names()) == 1


# --- bounds


def test_the_oldest_goes_first_beyond_the_size(disk: DiskBench) -> None:
    """The trash comes down to its bound, and no further."""
    for number in range(4):
        removed(disk, f"memory/{number}.md", b"%d" % number * 100)
        disk.clock.sleep(DAY)
    disk.clock.sleep(DAY)
    assert bounded(disk, max_size=400).purge() == 0
    assert bounded(disk, max_size=250).purge() == 2
    assert sorted(disk.trashed()) == [b"2" * 100, b"3" * 100]


def test_nothing_younger_than_a_day_goes(disk: DiskBench) -> None:
    """A trash that is too large today stays so until tomorrow."""
    removed(disk, "MEMORY.md", b"old\n")
    disk.clock.sleep(DAY - 1)
    assert bounded(disk, keep=0, max_size=0).purge() == 0
    disk.clock.sleep(DAY)
    assert bounded(disk, max_size=0).purge() == 1


def test_i19_nothing_goes_that_was_not_taken_up_or_was_written_to_today(disk: DiskBench) -> None:
    """However old and large it is; once it is settled and quiet, it goes."""
    place = removed(disk, "MEMORY.md", b"old\n")
    place.write_bytes(b"old\nlate\n")
    disk.clock.sleep(60 * DAY)
    assert bounded(disk, max_size=0).purge() == 0
    [echo] = disk.tree.echoes(recent=False)
    disk.tree.settle(echo)
    [item] = disk.trash.entries()
    os.utime(item.place, (1, disk.clock.time - 60))
    assert bounded(disk, max_size=0).purge() == 0
    os.utime(item.place, (1, disk.clock.time - 2 * DAY))
    assert bounded(disk, max_size=0).purge() == 1


def test_a_daemon_purges_once_an_hour(disk: DiskBench) -> None:
    """A full look at late writes is the moment, and a second one soon after costs nothing."""
    disk.trash = bounded(disk, keep=WEEK)
    tree = disk.another()
    removed(disk, "memory/a.md", b"a")
    disk.clock.sleep(WEEK + 1)
    tree.echoes(recent=True)
    assert disk.trashed() == [b"a"]
    tree.echoes(recent=False)
    assert disk.trashed() == []
    removed(disk, "memory/b.md", b"b")
    [item] = disk.trash.entries()
    old = item.place.replace(os.path.basename(item.place), "20200101T000000Z-01234567")
    os.rename(item.place, old)
    os.utime(old, (1, 1))
    tree.echoes(recent=False)
    assert disk.trashed() == [b"b"]
    disk.clock.sleep(3601)
    tree.echoes(recent=False)
    assert disk.trashed() == []


def test_i33_a_copy_that_was_cut_short_goes_after_a_day(disk: DiskBench) -> None:
    """Its original is still where it was."""
    removed(disk, "memory/a.md", b"a")
    half = disk.trash.folder / "main/memory/a.md/.memory-sync-0123456789abcdef.tmp"
    half.write_bytes(b"hal")
    disk.clock.time = time.time()
    disk.trash.purge()
    assert half.exists()
    disk.clock.sleep(DAY + 10)
    disk.trash.purge()
    assert not half.exists()
    assert disk.trashed() == [b"a"]


def test_settling_what_is_gone_is_no_error(disk: DiskBench) -> None:
    """Somebody may have emptied the trash by hand."""
    place = removed(disk, "MEMORY.md", b"old\n")
    disk.tree.settle(Echo("MEMORY.md", None, b"x", str(place.with_name("gone"))))
    assert disk.trashed() == [b"old\n"]


def test_i20_a_trash_that_cannot_be_written_is_a_named_error(
    disk: DiskBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late write that cannot be settled is told again, and stops nothing else."""
    place = removed(disk, "MEMORY.md", b"old\n")
    place.write_bytes(b"old\nlate\n")
    [echo] = disk.tree.echoes(recent=True)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(trash, "rename_new", refuse)
        with pytest.raises(FileUnwritableError):
            disk.tree.settle(echo)
    assert disk.tree.echoes(recent=True) == (echo,)


def test_i68_a_clock_that_jumps_does_not_empty_the_trash(disk: DiskBench) -> None:
    """Months ahead, or back: nothing goes for a day; then time is believed as before."""
    disk.put("memory/a.md", b"a")
    disk.tree.remove("memory/a.md", digest(b"a"))
    trash = bounded(disk, keep=WEEK)
    assert trash.purge() == 0
    for jump in (60 * DAY, -200 * DAY, 300 * DAY):
        disk.clock.time += jump
        assert trash.purge() == 0
        disk.clock.time += 3600.0
        assert trash.purge() == 0
    disk.clock.time += DAY
    assert trash.purge() == 1

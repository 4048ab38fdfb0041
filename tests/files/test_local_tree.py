"""What every adapter of `LocalTree` holds to."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace

import pytest

from memory_sync.errors import (
    FileChangedError,
    FileError,
    FileInTheWayError,
    FileNameError,
    FileTooLargeError,
)
from tests.files.bench import MAX_SIZE, Bench

BYTES = [
    b"",
    b"\x00\x01\xff\x00",
    b"one\r\ntwo\r\n",
    b"\xef\xbb\xbfwith a mark",
    b"no last newline",
    b"\n\n\n",
    bytes(range(256)) * 3,
]

BAD_PATHS = [
    "../outside.md",
    "memory/../../outside.md",
    "/etc/outside.md",
    "memory//a.md",
    "memory/./a.md",
    "memory/a\x00.md",
    "memory/a\\b.md",
    "memory/a\n.md",
    "memory/" + unicodedata.normalize("NFD", "é") + ".md",
    "memory/" + "x/" * 600 + "a.md",
    "",
    ".memory-sync",
    ".Memory-Sync",
    "memory/.memory-sync-0011.tmp",
    "memory/.memory-sync/a.md",
]


def digest(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def test_a_scan_shows_what_the_patterns_match(bench: Bench) -> None:
    """Included files are seen, with digest, size, mode; excluded and other files are not."""
    bench.put("MEMORY.md", b"top", 0o600)
    bench.put("memory/a/b.md", b"deep")
    for path in ("other.md", "memory/a/b.txt", "memory/private/x.md", "elsewhere/MEMORY.md"):
        bench.put(path, b"not seen")
    scan = bench.tree.scan({})
    assert set(scan.files) == set(scan.glances) == {"MEMORY.md", "memory/a/b.md"}
    top = scan.files["MEMORY.md"]
    assert (top.digest, top.size, top.mode) == (digest(b"top"), 3, 0o600)
    assert not scan.held
    assert not scan.notes


def test_a_scan_of_an_empty_root_shows_nothing(bench: Bench) -> None:
    """An empty root is no error for a scan; whether it is a mistake is the guards' question."""
    scan = bench.tree.scan({})
    assert not scan.files
    assert not scan.held


def test_a_settled_file_is_taken_over_from_the_last_look(bench: Bench) -> None:
    """What nothing has touched is not read again: the digest is that of the glance."""
    bench.put("MEMORY.md", b"one")
    glance = bench.tree.scan({}).glances["MEMORY.md"]
    assert glance.settled
    marked = replace(glance, digest="0" * 64)
    assert bench.tree.scan({"MEMORY.md": marked}).files["MEMORY.md"].digest == "0" * 64


def test_an_unsettled_file_is_read_again(bench: Bench) -> None:
    """A glance that was too early is not trusted."""
    bench.put("MEMORY.md", b"one")
    glance = bench.tree.scan({}).glances["MEMORY.md"]
    marked = replace(glance, digest="0" * 64, settled=False)
    assert bench.tree.scan({"MEMORY.md": marked}).files["MEMORY.md"].digest == digest(b"one")


def test_a_changed_file_is_read_again(bench: Bench) -> None:
    """An edit is seen by the next look."""
    bench.put("MEMORY.md", b"one")
    known = bench.tree.scan({}).glances
    bench.put("MEMORY.md", b"two, longer")
    assert bench.tree.scan(known).files["MEMORY.md"].digest == digest(b"two, longer")


def test_a_file_over_max_size_is_held_alone(bench: Bench) -> None:
    """A file one byte too large is held, one of exactly the size is synced."""
    bench.put("memory/fits.md", b"x" * MAX_SIZE)
    bench.put("memory/large.md", b"x" * (MAX_SIZE + 1))
    scan = bench.tree.scan({})
    assert set(scan.files) == {"memory/fits.md"}
    assert isinstance(scan.held["memory/large.md"], FileTooLargeError)


def test_a_deleted_file_is_absent_and_not_held(bench: Bench) -> None:
    """A delete is a delete."""
    bench.put("MEMORY.md", b"one")
    bench.put("memory/a.md", b"two")
    known = bench.tree.scan({}).glances
    bench.drop("memory/a.md")
    scan = bench.tree.scan(known)
    assert set(scan.files) == {"MEMORY.md"}
    assert not scan.held


def test_read_gives_the_expected_content(bench: Bench) -> None:
    """A file is read if it has the digest that was asked for."""
    bench.put("memory/a.md", b"content")
    assert bench.tree.read("memory/a.md", digest(b"content")) == b"content"


@pytest.mark.parametrize("path", ["memory/a.md", "memory/gone.md", "memory/no/folder.md"])
def test_i32_read_refuses_another_content(bench: Bench, path: str) -> None:
    """Another content, a missing file and a missing folder all mean: look again."""
    bench.put("memory/a.md", b"content")
    with pytest.raises(FileChangedError):
        bench.tree.read(path, digest(b"other"))


def test_read_refuses_a_file_over_max_size(bench: Bench) -> None:
    """A file that has grown too large is not read."""
    content = b"x" * (MAX_SIZE + 1)
    bench.put("memory/a.md", content)
    with pytest.raises(FileTooLargeError):
        bench.tree.read("memory/a.md", digest(content))


@pytest.mark.parametrize("content", BYTES)
def test_i69_bytes_go_round_exactly(bench: Bench, content: bytes) -> None:
    """What is written, new or over another, is read and scanned to the byte."""
    bench.tree.write("memory/new.md", content, mode=0o644, expect=None)
    bench.put("memory/old.md", b"before")
    bench.tree.write("memory/old.md", content, mode=0o644, expect=digest(b"before"))
    for path in ("memory/new.md", "memory/old.md"):
        assert bench.get(path) == content
        assert bench.tree.read(path, digest(content)) == content
        assert bench.tree.scan({}).files[path].digest == digest(content)


def test_write_makes_folders_and_sets_the_mode(bench: Bench) -> None:
    """Missing folders are made; the file has the permission bits that were asked for."""
    bench.tree.write("memory/a/b/c.md", b"new", mode=0o640, expect=None)
    assert bench.mode("memory/a/b/c.md") == 0o640
    assert bench.names() == {"memory/", "memory/a/", "memory/a/b/", "memory/a/b/c.md"}


def test_i19_a_replaced_file_is_in_the_trash(bench: Bench) -> None:
    """The content that was written over can be found again."""
    bench.put("MEMORY.md", b"old")
    bench.tree.write("MEMORY.md", b"new", mode=0o600, expect=digest(b"old"))
    assert bench.trashed() == [b"old"]
    assert bench.mode("MEMORY.md") == 0o600
    assert bench.names() == {"MEMORY.md"}


def test_i32_write_replaces_only_what_was_expected(bench: Bench) -> None:
    """A content that nobody has planned with stays, and nothing is left lying about."""
    bench.put("MEMORY.md", b"newer")
    with pytest.raises(FileChangedError):
        bench.tree.write("MEMORY.md", b"new", mode=0o644, expect=digest(b"old"))
    assert bench.get("MEMORY.md") == b"newer"
    assert bench.names() == {"MEMORY.md"}
    assert bench.trashed() == []


def test_i32_write_brings_no_deleted_file_back(bench: Bench) -> None:
    """A file that is to be replaced and is gone is looked at again, folders are not made for it."""
    for path in ("MEMORY.md", "memory/a.md"):
        with pytest.raises(FileChangedError):
            bench.tree.write(path, b"new", mode=0o644, expect=digest(b"old"))
    assert bench.names() == set()


def test_i32_write_replaces_no_file_that_should_not_be_there(bench: Bench) -> None:
    """A new file never overwrites one that has come meanwhile."""
    bench.put("memory/a.md", b"theirs")
    with pytest.raises(FileChangedError):
        bench.tree.write("memory/a.md", b"ours", mode=0o644, expect=None)
    assert bench.get("memory/a.md") == b"theirs"
    assert bench.names() == {"memory/", "memory/a.md"}


@pytest.mark.parametrize("expect", [None, digest(b"old")])
def test_write_refuses_a_folder_in_the_way(bench: Bench, expect: str | None) -> None:
    """Where a folder stands no file is written, and the folder stays."""
    bench.put("memory/a.md/b.md", b"inside")
    with pytest.raises(FileInTheWayError):
        bench.tree.write("memory/a.md", b"new", mode=0o644, expect=expect)
    assert bench.names() == {"memory/", "memory/a.md/", "memory/a.md/b.md"}


def test_write_refuses_a_file_where_a_folder_is_needed(bench: Bench) -> None:
    """Where a file stands no folder is made, and the file stays."""
    bench.put("memory/a.md", b"file")
    with pytest.raises(FileInTheWayError):
        bench.tree.write("memory/a.md/b.md", b"new", mode=0o644, expect=None)
    assert bench.get("memory/a.md") == b"file"
    assert bench.names() == {"memory/", "memory/a.md"}


@pytest.mark.parametrize("path", BAD_PATHS)
def test_i66_bad_paths_are_refused(bench: Bench, path: str) -> None:
    """A path that leaves the root, or is no path of a vault, is refused by every operation."""
    with pytest.raises(FileNameError):
        bench.tree.read(path, digest(b""))
    with pytest.raises(FileNameError):
        bench.tree.write(path, b"bad", mode=0o644, expect=None)
    with pytest.raises(FileNameError):
        bench.tree.remove(path, digest(b""))
    assert bench.names() == set()


def test_i63_accents_are_one_path_however_they_are_encoded(bench: Bench) -> None:
    """A decomposed name shows as its composed path, is replaced in place and removed by it."""
    path = "memory/café/été.md"
    bench.put(unicodedata.normalize("NFD", path), b"old")
    assert set(bench.tree.scan({}).files) == {path}
    assert bench.tree.read(path, digest(b"old")) == b"old"
    with pytest.raises(FileChangedError):
        bench.tree.write(path, b"twin", mode=0o644, expect=None)
    before = bench.names()
    bench.tree.write(path, b"new", mode=0o644, expect=digest(b"old"))
    assert bench.names() == before
    assert bench.tree.read(path, digest(b"new")) == b"new"
    bench.tree.remove(path, digest(b"new"))
    assert bench.names() == set()


def test_i19_a_removed_file_is_in_the_trash(bench: Bench) -> None:
    """A removed file is gone from the root and can be found again."""
    bench.put("MEMORY.md", b"old")
    bench.tree.remove("MEMORY.md", digest(b"old"))
    assert bench.names() == set()
    assert bench.trashed() == [b"old"]


def test_i32_remove_takes_only_what_was_expected(bench: Bench) -> None:
    """A content that nobody has planned with stays."""
    bench.put("memory/a.md", b"newer")
    with pytest.raises(FileChangedError):
        bench.tree.remove("memory/a.md", digest(b"old"))
    assert bench.get("memory/a.md") == b"newer"
    assert bench.names() == {"memory/", "memory/a.md"}


def test_removing_what_is_gone_is_no_error(bench: Bench) -> None:
    """A file, or its folder, that somebody else has deleted is what was wanted."""
    bench.make_folder("memory/empty")
    bench.tree.remove("memory/empty/a.md", digest(b"old"))
    bench.tree.remove("memory/none/a.md", digest(b"old"))
    bench.tree.remove("MEMORY.md", digest(b"old"))
    assert bench.names() == {"memory/", "memory/empty/"}


def test_remove_takes_empty_folders_along(bench: Bench) -> None:
    """Folders that are empty then go, up to the first that is not; the root stays."""
    bench.put("memory/a/b/c.md", b"one")
    bench.make_folder("memory/empty")
    bench.tree.remove("memory/a/b/c.md", digest(b"one"))
    assert bench.names() == {"memory/", "memory/empty/"}
    assert not bench.tree.scan({}).files


def test_i29_other_files_in_a_folder_stay_when_it_is_deleted(bench: Bench) -> None:
    """A folder with a file that is not synced is not removed."""
    bench.put("memory/a/b.md", b"synced")
    bench.put("memory/a/notes.txt", b"not synced")
    bench.tree.remove("memory/a/b.md", digest(b"synced"))
    assert bench.names() == {"memory/", "memory/a/", "memory/a/notes.txt"}


def test_errors_name_the_file(bench: Bench) -> None:
    """What a person reads says which file it is about."""
    bench.put("memory/large.md", b"x" * (MAX_SIZE + 1))
    errors: list[FileError] = list(bench.tree.scan({}).held.values())
    assert ["memory/large.md" in error.message for error in errors] == [True]


def test_i19_what_is_appended_to_a_replaced_file_is_heard(bench: Bench) -> None:
    """It is told with where the file was and what it held before; the live file is untouched."""
    bench.put("memory/a.md", b"old\n")
    with bench.appending("memory/a.md") as append:
        bench.tree.write("memory/a.md", b"new\n", mode=0o644, expect=digest(b"old\n"))
        assert bench.tree.echoes(recent=True) == bench.tree.echoes(recent=False) == ()
        append(b"late\n")
        if not bench.keeps_what_is_open:
            assert bench.trashed() == [b"old\n"]
            return
        [echo] = bench.tree.echoes(recent=True)
        assert (echo.path, echo.before, echo.content) == ("memory/a.md", b"old\n", b"old\nlate\n")
        assert bench.tree.echoes(recent=False) == (echo,)
    assert bench.get("memory/a.md") == b"new\n"


def test_i19_what_is_appended_to_a_removed_file_is_heard(bench: Bench) -> None:
    """The same for a file that was removed, and the folder that was empty then is gone."""
    bench.put("memory/deep/a.md", b"old\n")
    with bench.appending("memory/deep/a.md") as append:
        bench.tree.remove("memory/deep/a.md", digest(b"old\n"))
        append(b"late\n")
        [echo] = bench.tree.echoes(recent=True)
    assert (echo.path, echo.content) == ("memory/deep/a.md", b"old\nlate\n")
    assert bench.names() == set()


def test_i19_a_late_write_is_heard_until_it_is_settled(bench: Bench) -> None:
    """It is told each time it is asked for, then no more, until the file changes again."""
    bench.put("MEMORY.md", b"old\n")
    with bench.appending("MEMORY.md") as append:
        bench.tree.remove("MEMORY.md", digest(b"old\n"))
        append(b"one\n")
        [echo] = bench.tree.echoes(recent=True)
        assert bench.tree.echoes(recent=True) == (echo,)
        bench.tree.settle(echo)
        assert bench.tree.echoes(recent=True) == bench.tree.echoes(recent=False) == ()
        append(b"two\n")
        [more] = bench.tree.echoes(recent=True)
        bench.tree.settle(more)
        assert bench.tree.echoes(recent=False) == ()
    assert (more.before, more.content) == (b"old\none\n", b"old\none\ntwo\n")


def test_i19_a_write_after_the_look_is_heard_though_that_look_is_settled(bench: Bench) -> None:
    """Settling is about the content that was told, not about what came since."""
    bench.put("MEMORY.md", b"old\n")
    with bench.appending("MEMORY.md") as append:
        bench.tree.remove("MEMORY.md", digest(b"old\n"))
        append(b"one\n")
        [echo] = bench.tree.echoes(recent=True)
        append(b"two\n")
        bench.tree.settle(echo)
        [more] = bench.tree.echoes(recent=True)
    assert (more.before, more.content) == (b"old\none\n", b"old\none\ntwo\n")


def test_i19_each_displaced_file_of_a_path_is_heard(bench: Bench) -> None:
    """Two programs that each have another former version open are both told of."""
    bench.put("MEMORY.md", b"1\n")
    with bench.appending("MEMORY.md") as first:
        bench.tree.remove("MEMORY.md", digest(b"1\n"))
        bench.put("MEMORY.md", b"2\n")
        with bench.appending("MEMORY.md") as second:
            bench.tree.remove("MEMORY.md", digest(b"2\n"))
            first(b"late\n")
            second(b"late\n")
            contents = {echo.content for echo in bench.tree.echoes(recent=False)}
    assert contents == {b"1\nlate\n", b"2\nlate\n"}


def test_i35_flush_answers_with_what_is_not_durable(bench: Bench) -> None:
    """Files that are there are; one that is gone, or a folder in its place, has nothing to lose."""
    bench.put("MEMORY.md", b"one")
    bench.put("memory/deep/a.md", b"two")
    paths = ["MEMORY.md", "memory/deep/a.md", "memory/gone.md", "memory/deep", "MEMORY.md/x.md"]
    assert bench.tree.flush(paths) == frozenset()

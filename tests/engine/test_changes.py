"""What two devices do to each other's files, over a real vault on a real disk."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from memory_sync.errors import DiskFullError
from memory_sync.model.trees import CONFLICTS
from memory_sync.sync.patterns import Patterns
from tests.engine.devices import Device, settle


def _commits(vault: Path) -> int:
    words = ["git", "-C", str(vault), "rev-list", "--count", "HEAD"]
    return int(subprocess.run(words, capture_output=True, check=True).stdout)


def _files(device: Device) -> tuple[dict[str, bytes], dict[str, bytes]]:
    return device.files(), device.files(CONFLICTS)


def test_a_new_file_an_edit_and_a_delete_travel(laptop: Device, desktop: Device) -> None:
    """Each change on one side is on the other after one cycle of each."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/a/b.md", "deep\n")
    assert set(laptop.sync().up) == {"memory/MEMORY.md", "memory/memory/a/b.md"}
    assert set(desktop.sync().down) == {"memory/MEMORY.md", "memory/memory/a/b.md"}
    assert desktop.files() == laptop.files()
    desktop.write("MEMORY.md", "two\n")
    desktop.delete("memory/a/b.md")
    settle(desktop, laptop)
    assert laptop.files() == {"MEMORY.md": b"two\n"}
    assert not (laptop.folder() / "memory" / "a").exists()


def test_i19_what_a_pull_replaces_or_removes_is_in_the_trash(
    laptop: Device, desktop: Device
) -> None:
    """The device keeps what a change from elsewhere took away."""
    laptop.write("MEMORY.md", "old\n")
    laptop.write("memory/x.md", "gone\n")
    laptop.write("memory/y.md", "stays\n")
    settle(laptop, desktop)
    desktop.write("MEMORY.md", "new\n")
    desktop.delete("memory/x.md")
    settle(desktop, laptop)
    assert sorted(laptop.trash()) == [b"gone\n", b"old\n"]


def test_i6_a_change_on_one_side_wins_with_an_older_time(laptop: Device, desktop: Device) -> None:
    """Time decides nothing: an edit that carries an old date is an edit."""
    laptop.write("MEMORY.md", "first\n")
    settle(laptop, desktop)
    desktop.write("MEMORY.md", "second\n")
    os.utime(desktop.folder() / "MEMORY.md", (0, 0))
    settle(desktop, laptop)
    assert laptop.read("MEMORY.md") == "second\n"


def test_i7_equal_changes_on_both_sides_move_nothing(
    laptop: Device, desktop: Device, vault: Path
) -> None:
    """No transfer and no conflict; the base moves on, so that a delete of it later is a delete."""
    laptop.write("MEMORY.md", "a\n")
    settle(laptop, desktop)
    for device in (laptop, desktop):
        device.write("MEMORY.md", "b\n")
    laptop.sync()
    before = _commits(vault)
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.merged, outcome.conflicts) == ((), (), (), 0)
    assert _commits(vault) == before
    desktop.delete("MEMORY.md")
    assert desktop.sync().up == ("memory/MEMORY.md",)
    settle(laptop, desktop)
    assert laptop.files() == desktop.files() == {}


@pytest.mark.parametrize("editor_first", [True, False])
def test_i8_an_edit_survives_a_delete(laptop: Device, desktop: Device, editor_first: bool) -> None:
    """Whoever is first, the edited file is on both devices in the end."""
    laptop.write("MEMORY.md", "keep\n")
    laptop.write("memory/x.md", "old\n")
    settle(laptop, desktop)
    laptop.write("memory/x.md", "edited\n")
    desktop.delete("memory/x.md")
    settle(*((laptop, desktop) if editor_first else (desktop, laptop)))
    expected = {"MEMORY.md": b"keep\n", "memory/x.md": b"edited\n"}
    assert laptop.files() == desktop.files() == expected


def test_i9_delete_against_delete_is_nothing(laptop: Device, desktop: Device) -> None:
    """Both removed it: nothing is left to do, and no base row."""
    laptop.write("MEMORY.md", "keep\n")
    laptop.write("memory/x.md", "old\n")
    settle(laptop, desktop)
    laptop.delete("memory/x.md")
    desktop.delete("memory/x.md")
    laptop.sync()
    before = desktop.remote.commits
    outcome = desktop.sync()
    assert (outcome.up, outcome.down, outcome.conflicts) == ((), (), 0)
    assert desktop.remote.commits == before
    assert set(desktop.opened().state.base()) == {"memory/MEMORY.md"}


def test_i18_appends_on_both_sides_keep_both_the_remotes_first(
    laptop: Device, desktop: Device
) -> None:
    """Two devices append to one log, and both end with the same lines in the same order."""
    laptop.write("memory/log.md", "start\n")
    settle(laptop, desktop)
    laptop.write("memory/log.md", "start\nlaptop\n")
    desktop.write("memory/log.md", "start\ndesktop\n")
    settle(laptop, desktop)
    assert laptop.read("memory/log.md") == "start\nlaptop\ndesktop\n"
    assert desktop.read("memory/log.md") == laptop.read("memory/log.md")
    assert laptop.conflicts() == []


def test_a_log_that_both_begin_on_one_day_keeps_both(laptop: Device, desktop: Device) -> None:
    """A file that is new on both sides of a root in sync began as an empty one."""
    laptop.write("MEMORY.md", "x\n")
    settle(laptop, desktop)
    laptop.write("memory/today.md", "# today\n- from laptop\n")
    desktop.write("memory/today.md", "# today\n- from desktop\n")
    settle(laptop, desktop)
    assert desktop.read("memory/today.md") == "# today\n- from laptop\n- from desktop\n"
    assert laptop.read("memory/today.md") == desktop.read("memory/today.md")


def test_i18_what_overlaps_is_a_conflict_that_everybody_sees(
    laptop: Device, desktop: Device
) -> None:
    """The remote version stays in the file, the local one lies in .conflicts on every device."""
    laptop.write("MEMORY.md", "color: red\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "color: green\n")
    desktop.write("MEMORY.md", "color: blue\n")
    laptop.sync()
    outcome = desktop.sync()
    assert outcome.conflicts == 1
    assert outcome.new_conflicts[0].startswith(".conflicts/memory/MEMORY.md/")
    assert outcome.new_conflicts[0].endswith("Z-desktop")
    settle(laptop, desktop)
    assert laptop.read("MEMORY.md") == desktop.read("MEMORY.md") == "color: green\n"
    assert laptop.conflicts() == desktop.conflicts() == [b"color: blue\n"]
    assert laptop.sync().conflicts == 1


def test_i17_after_a_conflict_idle_cycles_make_nothing(
    laptop: Device, desktop: Device, vault: Path
) -> None:
    """No file and no commit comes of cycles in which nobody changed anything, on any device."""
    laptop.write("MEMORY.md", "a\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "b\n")
    desktop.write("MEMORY.md", "c\n")
    settle(laptop, desktop)
    before = (_commits(vault), _files(laptop), _files(desktop))
    for _ in range(3):
        laptop.sync()
        desktop.sync()
    for device in (laptop, desktop):
        device.restart()
        device.sync()
    assert (_commits(vault), _files(laptop), _files(desktop)) == before


def test_binary_content_goes_to_conflicts_whole(laptop: Device, desktop: Device) -> None:
    """What is not text is never merged by line."""
    laptop.write("MEMORY.md", b"\x00one\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", b"\x00one\ntwo\n")
    desktop.write("MEMORY.md", b"\x00one\nthree\n")
    settle(laptop, desktop)
    assert laptop.files()["MEMORY.md"] == b"\x00one\ntwo\n"
    assert laptop.conflicts() == [b"\x00one\nthree\n"]


def test_i30_joining_unites_and_deletes_nothing(laptop: Device, desktop: Device) -> None:
    """Each side keeps its own; only a content that differs is a conflict."""
    laptop.write("MEMORY.md", "the laptop's\n")
    laptop.write("memory/same.md", "same\n")
    laptop.write("memory/l.md", "l\n")
    desktop.write("MEMORY.md", "the desktop's\n")
    desktop.write("memory/same.md", "same\n")
    desktop.write("memory/d.md", "d\n")
    laptop.sync()
    settle(desktop, laptop)
    assert laptop.files() == desktop.files()
    assert set(laptop.files()) == {"MEMORY.md", "memory/same.md", "memory/l.md", "memory/d.md"}
    assert laptop.conflicts() == [b"the desktop's\n"]


def test_joining_with_the_beginning_of_a_log_is_no_conflict(
    laptop: Device, desktop: Device
) -> None:
    """A version whose lines are all in the other needs no second place."""
    laptop.write("memory/log.md", "a\nb\nc\n")
    desktop.write("memory/log.md", "a\nb\n")
    laptop.sync()
    settle(desktop, laptop)
    assert desktop.read("memory/log.md") == "a\nb\nc\n"
    assert desktop.conflicts() == []


def test_i59_writing_a_remote_change_causes_no_upload(
    laptop: Device, desktop: Device, vault: Path
) -> None:
    """What a device wrote itself is no change of its own."""
    laptop.write("MEMORY.md", "x\n")
    laptop.sync()
    desktop.sync()
    before = _commits(vault)
    assert desktop.sync().up == ()
    assert _commits(vault) == before


def test_i62_touch_and_chmod_cause_no_upload(laptop: Device) -> None:
    """Only content is a change, also where the same content comes in another file's place."""
    laptop.write("MEMORY.md", "x\n")
    laptop.sync()
    place = laptop.folder() / "MEMORY.md"
    commits = laptop.remote.commits
    os.utime(place, (0, 0))
    place.chmod(0o600)
    assert laptop.sync().up == ()
    laptop.write("draft", "x\n")
    (laptop.folder() / "draft").replace(place)
    assert laptop.sync().up == ()
    assert laptop.remote.commits == commits


def test_a_rename_moves_the_file_in_one_commit(laptop: Device, desktop: Device) -> None:
    """The file is never missing in between on the other device."""
    laptop.write("memory/old.md", "text\n")
    laptop.write("MEMORY.md", "x\n")
    settle(laptop, desktop)
    before = laptop.remote.commits
    (laptop.folder() / "memory/old.md").rename(laptop.folder() / "memory/new.md")
    settle(laptop, desktop)
    assert laptop.remote.commits == before + 1
    assert desktop.files() == {"MEMORY.md": b"x\n", "memory/new.md": b"text\n"}


def test_i47_many_files_are_one_commit_and_very_many_a_few(laptop: Device) -> None:
    """A batch holds up to 100 blobs; more are split by file, each commit a whole vault."""
    for number in range(250):
        laptop.write(f"memory/{number}.md", f"{number}\n")
    laptop.sync()
    assert laptop.remote.commits == 1 + 3


def test_a_file_larger_than_a_batch_is_one_commit(laptop: Device, desktop: Device) -> None:
    """All parts of an object change together, however many they are."""
    for device in (laptop, desktop):
        device.max_size = 20 * 1024 * 1024
    content = os.urandom(10 * 1024 * 1024)
    laptop.write("MEMORY.md", content)
    laptop.sync()
    assert laptop.remote.commits == 1 + 1
    desktop.sync()
    assert desktop.files() == {"MEMORY.md": content}


def test_only_patterns_travel(tmp_path: Path, vault: Path) -> None:
    """What no pattern names stays where it is; what one device leaves out is not deleted."""
    one = Device(tmp_path, "one", vault)
    two = Device(tmp_path, "two", vault, {"memory": Patterns(("MEMORY.md",))})
    two.join(one.found())
    one.write("MEMORY.md", "x\n")
    one.write("memory/a.md", "a\n")
    one.write("secret.txt", "no\n")
    settle(one, two)
    assert two.files() == {"MEMORY.md": b"x\n"}
    assert set(one.files()) == {"MEMORY.md", "memory/a.md", "secret.txt"}


@pytest.mark.parametrize(
    ("edit_here", "gone"),
    [("a\nmine\n", ""), (None, ""), ("a\n", "there")],
    ids=["edited-here", "deleted-here", "deleted-there"],
)
def test_i28_a_new_exclude_deletes_nothing_and_taking_it_away_unites(
    tmp_path: Path, vault: Path, edit_here: str | None, gone: str
) -> None:
    """Leaving a file out on one device changes nothing anywhere; later it is new on both sides."""
    one, two = Device(tmp_path, "one", vault), Device(tmp_path, "two", vault)
    two.join(one.found())
    one.write("MEMORY.md", "x\n")
    one.write("memory/a.md", "a\n")
    settle(one, two)
    two.restart()
    two.patterns = {"memory": Patterns(exclude=("memory/**",))}
    settle(two, one)
    assert one.files() == two.files() == {"MEMORY.md": b"x\n", "memory/a.md": b"a\n"}
    if edit_here is None:
        two.delete("memory/a.md")
    else:
        two.write("memory/a.md", edit_here)
    if gone:
        one.delete("memory/a.md")
    settle(two, one)
    assert ("memory/a.md" in one.files(), "memory/a.md" in two.files()) == (
        not gone, edit_here is not None,
    )  # fmt: skip
    two.restart()
    two.patterns = {"memory": Patterns()}
    settle(two, one)
    assert one.read("memory/a.md") == two.read("memory/a.md") == (edit_here or "a\n")


def test_i29_ignored_files_stay_in_a_folder_that_was_deleted_elsewhere(
    tmp_path: Path, vault: Path
) -> None:
    """What no include names or an exclude does is nobody's to delete, and goes nowhere."""
    one = Device(tmp_path, "one", vault)
    two = Device(tmp_path, "two", vault, {"memory": Patterns(exclude=("memory/**/draft*",))})
    two.join(one.found())
    one.write("MEMORY.md", "x\n")
    one.write("memory/old/a.md", "a\n")
    one.write("memory/old/deep/b.md", "b\n")
    settle(one, two)
    two.write("memory/old/draft.md", "a draft\n")
    two.write("memory/old/deep/notes.txt", "notes\n")
    shutil.rmtree(one.folder() / "memory" / "old")
    one.write("memory/other.md", "o\n")
    settle(one, two)
    assert two.files() == {
        "MEMORY.md": b"x\n",
        "memory/old/draft.md": b"a draft\n",
        "memory/old/deep/notes.txt": b"notes\n",
        "memory/other.md": b"o\n",
    }
    assert set(one.files()) == {"MEMORY.md", "memory/other.md"}


def test_one_vault_keeps_several_roots_apart(tmp_path: Path, vault: Path) -> None:
    """Two roots with a file of one name do not touch each other."""
    roots = {"work": Patterns(), "home": Patterns()}
    one, two = Device(tmp_path, "one", vault, roots), Device(tmp_path, "two", vault, roots)
    two.join(one.found())
    one.write("MEMORY.md", "at work\n", "work")
    one.write("MEMORY.md", "at home\n", "home")
    settle(one, two)
    assert (two.read("MEMORY.md", "work"), two.read("MEMORY.md", "home")) == (
        "at work\n", "at home\n",
    )  # fmt: skip


def test_push_and_pull_change_their_own_side_only(laptop: Device, desktop: Device) -> None:
    """`push` writes no file here, `pull` makes no commit."""
    laptop.write("MEMORY.md", "x\n")
    settle(laptop, desktop)
    laptop.write("memory/l.md", "l\n")
    laptop.sync()
    desktop.write("memory/d.md", "d\n")
    pushed = desktop.sync(down=False)
    assert (pushed.up, pushed.down) == (("memory/memory/d.md",), ())
    assert "memory/l.md" not in desktop.files()
    desktop.write("memory/e.md", "e\n")
    before = desktop.remote.commits
    pulled = desktop.sync(up=False)
    assert (pulled.up, pulled.down) == ((), ("memory/memory/l.md",))
    assert pulled.pending == 1
    assert desktop.remote.commits == before


def test_i13_a_push_alone_does_not_make_a_root_one_in_sync(laptop: Device, desktop: Device) -> None:
    """What differs on joining stays a conflict, also if the first command was `push`."""
    laptop.write("MEMORY.md", "one\n")
    laptop.sync()
    desktop.write("MEMORY.md", "two\n")
    desktop.sync(down=False)
    desktop.sync()
    assert desktop.read("MEMORY.md") == "one\n"
    assert desktop.conflicts() == [b"two\n"]


def test_a_preview_changes_nothing(laptop: Device, desktop: Device) -> None:
    """A dry run says what would be done and leaves both sides as they are."""
    laptop.write("MEMORY.md", "x\n")
    laptop.sync()
    desktop.write("memory/d.md", "d\n")
    actions = {action.path: action.kind.value for action in desktop.engine.preview().plan.actions}
    assert actions == {"memory/MEMORY.md": "download", "memory/memory/d.md": "upload"}
    assert desktop.files() == {"memory/d.md": b"d\n"}
    assert desktop.remote.commits == 0


def test_i20_i46_a_file_over_the_limit_is_left_out_alone_and_named(
    laptop: Device, desktop: Device
) -> None:
    """The others go on, and it clears itself once it is small enough."""
    laptop.write("MEMORY.md", "x" * (laptop.max_size + 1))
    laptop.write("memory/a.md", "a\n")
    outcome = laptop.sync()
    assert outcome.up == ("memory/memory/a.md",)
    assert [problem.code for problem in outcome.problems] == ["file-too-large"]
    assert "MEMORY.md" in outcome.problems[0].message
    laptop.write("MEMORY.md", "small\n")
    outcome = laptop.sync()
    assert (outcome.up, outcome.problems) == (("memory/MEMORY.md",), ())
    desktop.sync()
    assert desktop.read("MEMORY.md") == "small\n"


def test_a_merge_that_would_grow_past_its_cap_is_a_conflict(
    laptop: Device, desktop: Device
) -> None:
    """An agent that refuses files over a size keeps a file of that size."""
    desktop.merge_caps = {"MEMORY.md": 20}
    laptop.write("MEMORY.md", "0123456789\n")
    settle(laptop, desktop)
    laptop.write("MEMORY.md", "0123456789\nlaptop\n")
    desktop.write("MEMORY.md", "0123456789\ndesktop\n")
    laptop.sync()
    settle(desktop, laptop)
    assert desktop.read("MEMORY.md") == "0123456789\nlaptop\n"
    assert desktop.conflicts() == [b"0123456789\ndesktop\n"]


def test_i36_a_full_disk_here_does_not_keep_from_sending(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is named and tried again; what was written here goes up all the same."""
    laptop.write("MEMORY.md", "one\n")
    laptop.sync()
    desktop.write("memory/mine.md", "mine\n")
    files = desktop.opened().roots["memory"].files

    def full(*_args: object, **_kwargs: object) -> None:
        raise DiskFullError(path="x")

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        outcome = desktop.sync()
    assert [problem.code for problem in outcome.problems] == ["disk-full"]
    assert (outcome.up, outcome.down) == (("memory/memory/mine.md",), ())
    assert desktop.engine.cycle(look=False).down == ("memory/MEMORY.md",)


@pytest.mark.parametrize("deed", ["vanishes", "changes"])
def test_i32_a_file_that_changes_under_the_push_waits_for_the_next_look(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    """Between the look and the read: no torn upload, the others go, and it is looked at again."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/a.md", "a\n")
    files = laptop.opened().roots["memory"].files
    real = files.read

    def read(path: str, expect: str) -> bytes:
        if path == "MEMORY.md" and deed == "vanishes":
            laptop.delete(path)
        elif path == "MEMORY.md":
            laptop.write(path, "one\ntwo\n")
        return real(path, expect)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", read)
        outcome = laptop.sync()
    assert (outcome.up, outcome.again, outcome.problems) == (("memory/memory/a.md",), True, ())
    settle(laptop, desktop)
    assert desktop.files() == laptop.files()


def test_i20_a_file_that_can_be_read_no_more_delays_no_other(
    laptop: Device, desktop: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the read it became a link: it is named, and goes up once mended."""
    laptop.write("MEMORY.md", "one\n")
    laptop.write("memory/a.md", "a\n")
    files = laptop.opened().roots["memory"].files
    real = files.read

    def read(path: str, expect: str) -> bytes:
        if path == "MEMORY.md":
            laptop.delete(path)
            (laptop.folder() / path).symlink_to("memory/a.md")
        return real(path, expect)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read", read)
        outcome = laptop.sync()
    assert outcome.up == ("memory/memory/a.md",)
    assert [(found.code, found.path) for found in outcome.problems] == [
        ("file-special", "memory/MEMORY.md")
    ]
    laptop.delete("MEMORY.md")
    laptop.write("MEMORY.md", "mended\n")
    assert laptop.sync().problems == ()
    settle(laptop, desktop)
    assert desktop.files() == {"MEMORY.md": b"mended\n", "memory/a.md": b"a\n"}

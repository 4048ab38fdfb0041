"""The state database."""

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest

from memory_sync.errors import DiskFullError, StateBusyError, StateNewerError, StateUnusableError
from memory_sync.model import BaseFile, Entry, FileVersion, Part, RemoteFile
from memory_sync.ports.files import Glance
from memory_sync.ports.schema import MIGRATIONS
from memory_sync.ports.state import Broken, Snapshot, State

NAME = "objects/aa/" + "b" * 30 + ".age"
FILE = RemoteFile(FileVersion("d" * 64, 5, 0o644, 17), "laptop", (Part("1" * 40, "2" * 64),))
SHOT = Snapshot(
    "f" * 40,
    {NAME: Entry("100644", "1" * 40), "odd\udcff": Entry("100755", "2" * 40)},
    {NAME: ("memory/x.md", FILE)},
    {"objects/cc/" + "d" * 30 + ".age": Broken(("3" * 40,), "it is cut short")},
)

SOON = {"timeout": 0.05}
"""How long a locked database is waited for here, in seconds."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of a database in a folder that is not there yet."""
    return tmp_path / "state" / "state.db"


def test_a_snapshot_goes_round_and_only_differences_are_written(path: Path) -> None:
    """What was stored is loaded by another process, and a newer one takes its place."""
    state = State.open(path)
    state.save_snapshot(Snapshot(), SHOT)
    state.close()
    state = State.open(path)
    assert state.snapshot() == SHOT
    newer = Snapshot("e" * 40, {"README.md": Entry("100644", "9" * 40)})
    state.save_snapshot(SHOT, newer)
    assert state.snapshot() == newer
    state.close()


def test_base_and_glances_go_round(path: Path) -> None:
    """Rows are replaced and removed; another root's stay."""
    state = State.open(path)
    state.save_base(
        {"a/x": BaseFile("d" * 64, ("1" * 40,)), "b/x": BaseFile("e" * 64, ("2" * 40,))}
    )
    state.save_base({"a/x": None})
    assert state.base() == {"b/x": BaseFile("e" * 64, ("2" * 40,))}
    glance = Glance(1, 2, 3, 2**64 - 1, 0o100644, "d" * 64, settled=True)
    state.save_glances("a", {}, {"x": glance, "y": glance})
    state.save_glances("b", {}, {"x": glance})
    state.save_glances("a", {"x": glance, "y": glance}, {"y": glance})
    assert (state.glances("a"), state.glances("b")) == ({"y": glance}, {"x": glance})
    state.close()


def test_forgetting_a_root_forgets_no_other(path: Path) -> None:
    """Also not one whose name begins the same."""
    state = State.open(path)
    row = BaseFile("d" * 64, ("1" * 40,))
    state.save_base(dict.fromkeys(("a/x", "a.b/x", "ab/x", "a-/x"), row))
    state.establish(["a", "ab"])
    state.forget_root("a")
    assert set(state.base()) == {"a.b/x", "ab/x", "a-/x"}
    assert state.established() == {"ab"}
    state.close()


@pytest.mark.parametrize(
    "row",
    [
        ("memory/x", "short", '["%s"]' % ("1" * 40)),
        ("no-root", "d" * 64, '["%s"]' % ("1" * 40)),
        ("memory/x", "d" * 64, "[]"),
        ("memory/x", "d" * 64, "no json"),
        ("memory/x", None, "[1]"),
    ],
)
def test_i14_the_schema_cannot_hold_an_impossible_row(path: Path, row: tuple[object, ...]) -> None:
    """What would mislead the planner is refused by the database itself."""
    State.open(path).close()
    with sqlite3.connect(path) as database, pytest.raises(sqlite3.DatabaseError):
        database.execute("INSERT INTO base VALUES (?, ?, ?)", row)
    database.close()


@pytest.mark.parametrize("bad", [BaseFile("short", ("1" * 40,)), BaseFile("e" * 64, ())])
def test_i14_a_base_is_stored_whole_or_not_at_all(path: Path, bad: BaseFile) -> None:
    """With one impossible row among good ones the base stays as it was."""
    state, good = State.open(path), BaseFile("d" * 64, ("1" * 40,))
    state.save_base({"memory/x": good})
    with pytest.raises(sqlite3.IntegrityError):
        state.save_base({"memory/x": None, "memory/a": good, "memory/y": bad})
    assert state.base() == {"memory/x": good}
    state.close()


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    """An error inside takes back what was written before it."""
    state = State.open(path)
    with contextlib.suppress(KeyError), state.transaction():
        state.put("head", "x")
        raise KeyError
    assert state.get("head") is None
    state.close()


def test_an_older_schema_is_migrated_with_its_rows(path: Path) -> None:
    """A database of each earlier version opens, keeps its base and gains what is new."""
    for version in range(1, len(MIGRATIONS)):
        path.unlink(missing_ok=True)
        old = State.open(path, migrations=MIGRATIONS[:version])
        assert old.version == version
        old._db.execute(
            "INSERT INTO base VALUES (?, ?, ?)", ("memory/a/b.md", "d" * 64, '["%s"]' % ("1" * 40))
        )
        old.close()
        new = State.open(path)
        assert new.version == len(MIGRATIONS)
        assert set(new.base()) == {"memory/a/b.md"}
        assert new.established() == ({"memory"} if version < 2 else frozenset())
        assert new.in_history("d" * 64, "memory/a/b.md")
        new.close()


def test_a_migration_that_is_cut_short_leaves_the_older_version(path: Path) -> None:
    """Each step is one transaction."""
    State.open(path, migrations=MIGRATIONS[:1]).close()
    broken = (MIGRATIONS[0], "CREATE TABLE half (x TEXT); CREATE TABLE half (x TEXT);")
    with pytest.raises(StateUnusableError):
        State.open(path, migrations=broken)
    state = State.open(path)
    assert state.version == len(MIGRATIONS)
    state.close()


def test_a_newer_schema_is_refused(path: Path) -> None:
    """An older program does not guess, and leaves the file as it is."""
    State.open(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StateNewerError):
        State.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", [b"garbage" * 600, b"SQLite format 3\0" + b"\xff" * 4000])
def test_i37_a_corrupt_file_is_set_aside_with_a_number(path: Path, damage: bytes) -> None:
    """Each corrupt file is kept; a new database takes its place."""
    for number in (1, 2):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(damage)
        state = State.open(path)
        assert state.snapshot() == Snapshot()
        state.close()
        assert path.with_name(f"state.db.corrupt-{number}").read_bytes() == damage


def test_i37_a_database_with_one_bad_page_is_set_aside(path: Path) -> None:
    """Damage in the middle is noticed when it is opened, and not only when it is read; once."""
    state = State.open(path)
    state.save_base({f"memory/{n}.md": BaseFile("d" * 64, ("1" * 40,)) for n in range(500)})
    page: int = state._db.execute("PRAGMA page_size").fetchone()[0]
    state.close()
    content = path.read_bytes()
    half = len(content) // 2 // page * page
    path.write_bytes(content[:half] + b"\xff" * page + content[half + page :])
    for _ in range(2):
        state = State.open(path)
        assert state.base() == {}
        state.close()
    assert [file.name for file in path.parent.glob("*.corrupt*")] == ["state.db.corrupt-1"]


def test_i37_a_database_that_others_have_locked_is_not_set_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot even be opened; when it is free again all of it is there."""
    state = State.open(path)
    state.put("a", "b")
    state.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with monkeypatch.context() as patch:
        connect = sqlite3.connect
        patch.setattr(sqlite3, "connect", lambda *place, **how: connect(*place, **how | SOON))
        with pytest.raises(StateBusyError):
            State.open(path)
    other.close()
    state = State.open(path)
    assert state.get("a") == "b"
    state.close()
    assert not list(path.parent.glob("*.corrupt*"))


def test_i36_a_full_disk_leaves_the_database_as_it_was(path: Path) -> None:
    """What does not fit is a named error and no half of it is there; with space it is stored."""
    rows: dict[str, BaseFile | None] = {
        f"memory/{n}.md": BaseFile("d" * 64, ("1" * 40,)) for n in range(500)
    }
    state = State.open(path)
    state.put("a", "b")
    pages: int = state._db.execute("PRAGMA page_count").fetchone()[0]
    state._db.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(DiskFullError):
        state.save_base(rows)
    assert (state.base(), state.get("a")) == ({}, "b")
    state._db.execute(f"PRAGMA max_page_count = {pages + 5000}")
    state.save_base(rows)
    assert state.base() == rows
    state.close()
    assert not list(path.parent.glob("*.corrupt*"))


def test_i37_a_locked_database_is_not_corrupt(path: Path) -> None:
    """It is busy, and stays where it is."""
    state = State.open(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    state._db.execute("PRAGMA busy_timeout = 50")
    with pytest.raises(StateBusyError):
        state.put("a", "b")
    other.execute("ROLLBACK")
    other.close()
    state.put("a", "b")
    assert state.get("a") == "b"
    state.close()
    assert not list(path.parent.glob("*.corrupt*"))


def test_the_database_is_private(path: Path) -> None:
    """Names of files and their digests are for the owner alone."""
    State.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

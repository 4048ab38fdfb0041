"""From a save to the vault, however it was saved and whatever was heard of it."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from memory_sync.daemon import watch, worker
from memory_sync.daemon.mailbox import Loss, Lost
from memory_sync.daemon.watch import Watched
from memory_sync.model import Outcome
from memory_sync.ports.clock import SystemClock
from memory_sync.sync.patterns import Patterns
from tests.daemon.homes import Home, wait
from tests.daemon.serving import SELDOM, changed, commits, digests, end_thread, serving
from tests.daemon.test_worker import Bench

Save = Callable[[Path, str], None]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a machine with a vault, on which nothing runs."""
    top = tmp_path_factory.mktemp("saves")
    made = Home(top, "one")
    made.run("init", str(made.root), "--remote", f"file://{top}/vault.git", "--yes")
    return made


@pytest.fixture
def home(machine: Home) -> Home:
    """Give the machine with three files, as if no other test had been there."""
    shutil.rmtree(machine.root / "memory", ignore_errors=True)
    for name in "abc":
        machine.write(f"memory/{name}.md", f"old {name}\n")
    return machine


@pytest.fixture(scope="module")
def other(machine: Home) -> Home:
    """Give a second machine, which has joined the vault, on which nothing runs."""
    keys = "".join(file.read_text() for file in (machine.top / "keys").iterdir() if file.is_file())
    (key,) = re.findall(r"AGE-SECRET-KEY-\w+", keys)
    top = machine.top.parents[1]
    made = Home(top, "two", MEMORY_SYNC_IDENTITY=key)
    made.run("init", str(made.root), "--remote", f"file://{top}/vault.git", "--yes")
    return made


# --- 56: every way to save


def _in_place(place: Path, text: str) -> None:
    place.write_text("")
    time.sleep(0.05)
    place.write_text(text)


def _beside_and_renamed(place: Path, text: str) -> None:
    draft = place.with_name(f"{place.name}.tmp.123")
    draft.write_text(text)
    draft.replace(place)


def _from_outside(place: Path, text: str) -> None:
    draft = place.parents[2] / f"draft-{place.name}"
    draft.write_text(text)
    draft.replace(place)


def _with_a_backup(place: Path, text: str) -> None:
    backup = place.with_name(f"{place.name}~")
    place.rename(backup)
    time.sleep(0.05)
    place.write_text(text)
    backup.unlink()


def _deleted_and_made_again(place: Path, text: str) -> None:
    place.unlink()
    time.sleep(0.05)
    place.write_text(text)


def _linked(place: Path, text: str) -> None:
    draft = place.with_name(f"{place.name}.new")
    draft.write_text(text)
    place.unlink()
    os.link(draft, place)
    draft.unlink()


SAVES: tuple[Save, ...] = (
    _in_place, _beside_and_renamed, _from_outside, _with_a_backup, _deleted_and_made_again, _linked,
)  # fmt: skip


def test_i56_a_save_is_one_upload_of_the_final_bytes_and_no_delete(home: Home) -> None:
    """Six files, each saved twice in its editor's way, are one commit that changes six objects."""
    vault = home.top.parents[1] / "vault.git"
    names = [f"memory/{save.__name__}.md" for save in SAVES]
    for name in names:
        home.write(name, "old\n")
    with serving(home, debounce=1.0, max_delay=30.0) as served:
        (before, *_) = commits(vault)
        for text in ("draft\n", "final\n"):
            for save, name in zip(SAVES, names, strict=True):
                save(home.root / name, text)
        served.sends(len(SAVES))
        time.sleep(1.5)
    assert commits(vault)[1] == before
    assert changed(vault, before) == ["M"] * len(SAVES)
    final = hashlib.sha256(b"final\n").hexdigest()
    found = digests(home)
    assert {found[f"memory/{name}"] for name in names} == {final}


# --- 57, 58: whatever was heard


def _unheard(home: Home) -> None:
    """Change one file, keeping its size and time, make a new one, and delete a third."""
    place = home.root / "memory/a.md"
    times = place.stat().st_atime_ns, place.stat().st_mtime_ns
    place.write_text("new a\n")
    os.utime(place, ns=times)
    home.write("memory/new/d.md", "new d\n")
    (home.root / "memory/b.md").unlink()


def test_i57_what_no_event_told_of_is_found_within_one_scan(home: Home) -> None:
    """A daemon that hears nothing at all finds an edit, a new file and a delete by itself."""
    with serving(home, watched=(), scan=1.0) as served:
        _unheard(home)
        served.sends(3)
        home.write("memory/a.md", "again\n")
        served.sends(4)


@pytest.mark.parametrize("reason", [Loss.OVERFLOW, Loss.DEAD])
def test_i57_a_loss_is_made_up_for_at_once(home: Home, reason: Loss) -> None:
    """With the next scan an hour away: a look at once, a line in the log, and it hears again."""
    with serving(home) as served:
        _deafen(served.worker)
        _unheard(home)
        served.worker.mailbox.put(Lost("memory", reason))
        served.sends(3)
        fields = {"vault": "vault", "root": "memory", "reason": reason.value}
        assert served.told("watch.lost") == [fields]
        home.write("memory/new/d.md", "edited\n")
        served.sends(4)


def test_i57_a_dead_watch_is_noticed_by_the_next_poll(home: Home) -> None:
    """Nobody tells that the thread has ended; the poll looks, and what was missed is found."""
    with serving(home, poll=0.5) as served:
        _deafen(served.worker)
        _unheard(home)
        served.sends(3)
        assert [fields["reason"] for fields in served.told("watch.lost")] == ["dead"]
        home.write("memory/new/d.md", "edited\n")
        served.sends(4)


def _deafen(served: worker.Worker) -> None:
    """End the thread that listens to the root, without a word."""
    end_thread(served._watcher._posts["memory"]._ears)


def _used_up(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "no watches left")


def test_i58_a_daemon_without_watches_polls_and_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One warning for each root, and changes go up all the same, time after time."""
    monkeypatch.setattr(watch, "listen", _used_up)
    monkeypatch.setattr(worker, "POLLING_SECONDS", 0.3)
    monkeypatch.setattr(worker, "POLLING_SHARE", 1)
    with serving(home) as served:
        _unheard(home)
        served.sends(3)
        home.write("memory/a.md", "again\n")
        served.sends(4)
        losses = [(fields["root"], fields["reason"]) for fields in served.told("watch.lost")]
        assert losses == [("memory", "limit"), (".conflicts", "limit")]


def test_i58_polling_is_more_seldom_where_a_look_takes_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks of 0.2 s come with ten times that between them, though more are allowed."""
    monkeypatch.setattr(watch, "listen", _used_up)
    monkeypatch.setattr(worker, "POLLING_SECONDS", 0.01)
    monkeypatch.setattr(worker, "POLLING_SHARE", 10)

    def slow() -> Outcome:
        time.sleep(0.2)
        return Outcome()

    bench = Bench(slow)
    job = replace(bench.worker.job, watched=(Watched("memory", tmp_path, Patterns()),))
    bench.worker = worker.Worker(job, bench.board, SystemClock(), bench.log)
    with bench:
        # The first look also asks the remote, and counts for nothing.
        wait(lambda: bench.script.calls == 2, "it has looked")
        time.sleep(1.2)
        assert bench.script.calls == 2


# --- 59: right after a write of our own


def test_i59_an_edit_a_millisecond_after_a_remote_change_is_kept(home: Home, other: Home) -> None:
    """Of the same size and with the same time: it stays, and is on the other device soon."""
    place = other.root / "memory/a.md"
    with serving(home, poll=0.3), serving(other, poll=0.3):
        for number in range(3):
            theirs, ours = f"theirs {number}\n", f"edited {number}\n"
            home.write("memory/a.md", theirs)
            while place.read_text() != theirs:
                time.sleep(0.0002)
            time.sleep(0.001)
            seen = place.stat()
            place.write_text(ours)
            os.utime(place, ns=(seen.st_atime_ns, seen.st_mtime_ns))
            wait(partial(_holds, home, ours), "the edit is there")
            assert place.read_text() == ours


def _holds(home: Home, text: str) -> bool:
    return home.read("memory/a.md") == text


# --- 60: no pause


PIECES = 16
PIECE = 16 * 1024


class Writer(threading.Thread):
    """Writes a file over in place, version after version, with no pause that counts as quiet."""

    def __init__(self, place: Path) -> None:
        super().__init__(daemon=True)
        self._handle = os.open(place, os.O_WRONLY)
        self.over = threading.Event()
        self.version = 0
        self.write()

    def write(self) -> None:
        self.version += 1
        for piece in range(PIECES):
            os.pwrite(self._handle, b"%07d\n" % self.version * (PIECE // 8), piece * PIECE)

    def run(self) -> None:
        while not self.over.wait(0.1):
            self.write()
        os.close(self._handle)


def test_i60_a_file_that_never_rests_syncs_all_the_same(home: Home, other: Home) -> None:
    """Version after version comes while it is written, and each of them is whole."""
    place = other.root / "memory/a.md"
    writer = Writer(home.root / "memory/a.md")
    slow = serving(home, debounce=0.6, max_delay=1.2, poll=SELDOM)
    with slow, serving(other, poll=0.2):
        wait(lambda: place.stat().st_size == PIECES * PIECE, "the first version is there")
        writer.start()
        seen: set[bytes] = set()
        began = time.monotonic()
        while len(seen) < 4:
            content = place.read_bytes()
            assert content == content[:8] * (PIECES * PIECE // 8)
            seen.add(content[:8])
            assert time.monotonic() - began < 30, "it waits for the writer to rest"
            time.sleep(0.01)
        writer.over.set()
        writer.join()
        final = b"%07d\n" % writer.version
        wait(lambda: place.read_bytes()[:8] == final, "the last version is there")

"""What real daemons write into their log."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memory_sync.daemon.events import told
from memory_sync.errors import (
    DiskFullError,
    FileNameError,
    MemorySyncError,
    OfflineError,
    RootGoneError,
)
from tests.daemon.homes import Home, wait
from tests.daemon.logged import check
from tests.hub import Hub

Pair = tuple[Home, Home]


def has(home: Home, event: str) -> Callable[[], bool]:
    """Return what tells whether an event stands in a daemon's log."""
    path = home.top / "logs" / "daemon.log"
    return lambda: path.exists() and any(line["event"] == event for line in home.log())


def live(one: Home, two: Home) -> None:
    """Have everything happen that a day brings: batches, a conflict, a bad file, a lost remote."""
    one.write("memory/plum.md", "one\n")
    for home in (one, two):
        home.start()
        home.idle()
    wait(lambda: two.read("memory/plum.md"), "it is there")
    (one.root / "memory/pear.md").symlink_to("plum.md")
    wait(has(one, "file.held"), "the link is held")
    two.stop()
    two.write("memory/plum.md", "two\n")
    one.write("memory/plum.md", "other\n")
    wait(lambda: one.status()["vaults"][0]["pending"] == 0, "it is sent")
    two.start()
    wait(has(two, "conflict.kept"), "there is a conflict")
    vault = one.top.parents[1] / "vault.git"
    vault.rename(vault.with_suffix(".away"))
    wait(has(one, "vault.trouble"), "the remote is gone")
    vault.with_suffix(".away").rename(vault)
    wait(has(one, "vault.recovered"), "the remote is back")
    shutil.move(one.root, one.root.with_name("elsewhere"))
    wait(has(one, "root.halted"), "the folder is gone")


@pytest.mark.parametrize("paths", [False, True])
def test_i53_names_of_files_stand_in_the_log_only_if_that_is_wanted(
    pair: Pair, paths: bool
) -> None:
    """All that daemons write on a busy day fits the table, and names stand there only if asked."""
    one, two = pair
    for home in pair:
        home.configure(log_paths=paths)
    live(one, two)
    for home in pair:
        home.stop()
    names = check(one.log()) | check(two.log())
    assert names >= {"daemon.started", "daemon.stopped", "batch.up", "batch.down", "conflict.kept"}
    for home in pair:
        text = (home.top / "logs" / "daemon.log").read_text()
        assert ("plum" in text) == paths
        assert ("pear" in text) == (paths and home is one)


def test_each_batch_is_one_line(pair: Pair) -> None:
    """With the number of files, their size as it travelled, and how long it took."""
    one, two = pair
    for home in pair:
        home.start()
        home.idle()
    before = len(one.log()), len(two.log())
    one.write("memory/fig.md", "x" * 10_000)
    wait(lambda: two.read("memory/fig.md"), "it is there")
    wait(lambda: len(two.log()) > before[1], "the line is there")
    [up], [down] = one.log()[before[0] :], two.log()[before[1] :]
    assert (up["event"], up["vault"], up["files"]) == ("batch.up", "vault", 1)
    assert (down["event"], down["vault"], down["files"]) == ("batch.down", "vault", 1)
    assert up["head"] == down["head"]
    assert 0 < up["bytes"] < 40_000
    assert 0 < down["bytes"] < 40_000
    assert 0 < up["seconds"] < 20


def test_names_are_taken_up_with_the_configuration(pair: Pair) -> None:
    """`log_paths` is heeded while the daemon runs, in both directions."""
    one, _ = pair
    one.start()
    one.idle()
    for paths in (True, False):
        (one.top / "logs" / "daemon.log").unlink()
        one.configure(log_paths=paths)
        wait(has(one, "config.loaded"), "it is taken up")
        one.write("memory/fig.md", f"{paths}\n")
        wait(has(one, "batch.up"), "the batch is there")
        [line] = [line for line in one.log() if line["event"] == "batch.up"]
        assert line.get("paths") == (["memory/memory/fig.md"] if paths else None)


def test_i36_a_log_folder_that_is_removed_comes_back(pair: Pair) -> None:
    """The daemon goes on, and the next event is in a new log."""
    one, two = pair
    for home in pair:
        home.start()
        home.idle()
    shutil.rmtree(one.top / "logs")
    one.write("memory/fig.md", "fig\n")
    wait(lambda: two.read("memory/fig.md"), "it is there")
    wait((one.top / "logs" / "daemon.log").exists, "the log is there")
    assert [line["event"] for line in one.log()] == ["batch.up"]
    assert one.stop()[0] == 0


FOLDER = "/home/ada/agent"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DiskFullError(path=f"{FOLDER}/memory/plum.md"), f"write a file in {FOLDER};"),
        (DiskFullError(path="/home/ada/state.db"), "write /home/ada/state.db;"),
        (RootGoneError(path=FOLDER, root="memory"), f"The folder {FOLDER} of root memory"),
        (OfflineError(remote="github:a/b", detail="no route"), "github:a/b cannot be reached"),
    ],
)
def test_i53_an_error_is_told_without_a_name(error: MemorySyncError, text: str) -> None:
    """The folder of a root may be named, what lies in it only where that was asked for."""
    without = told(error, [FOLDER, "/other"], paths=False)
    assert without["code"] == error.code
    assert text in without["message"]
    assert "plum" not in without["message"]
    assert told(error, [FOLDER], paths=True)["message"] == error.message


def test_i53_an_error_of_a_file_is_told_by_its_code() -> None:
    """All that its message says is about the name."""
    error = FileNameError(path="memory/plum.md", detail="plum.md is odd")
    assert told(error, [FOLDER], paths=False) == {"code": "file-name"}
    assert "plum" in told(error, [FOLDER], paths=True)["message"]


def test_i53_a_folder_with_an_odd_name_is_found_in_an_error() -> None:
    """An error has a path as it can be printed; the folder is known as it is."""
    error = DiskFullError(path="/home/a\\x1bb/plum.md")
    assert "plum" not in told(error, ["/home/a\x1bb"], paths=False)["message"]


def loaded(home: Home, tmp_path: Path) -> set[str]:
    """Return the packages of which a daemon imports something, until it is idle and has ended.

    A package that consists of one module is not among them, nor one that could not be imported.
    """
    seen = tmp_path / "imports"
    command = [sys.executable, "-X", "importtime", "-m", "memory_sync", "daemon"]
    with seen.open("w") as stream:
        process = subprocess.Popen(command, env=home.env, stderr=stream, cwd="/")
    try:
        home.idle()
        wait(has(home, "batch.up"), "it has worked")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    names = (line.rpartition("|")[2].strip() for line in seen.read_text().splitlines())
    return {name.partition(".")[0] for name in names if "." in name}


def test_a_daemon_with_a_folder_loads_no_more_than_it_needs(pair: Pair, tmp_path: Path) -> None:
    """Neither what colours tracebacks nor what talks to GitHub."""
    one, _ = pair
    one.write("memory/new.md", "new\n")
    packages = loaded(one, tmp_path)
    assert packages >= {"memory_sync", "structlog", "dulwich"}
    assert packages & {"rich", "pygments", "github", "requests"} == set()


@pytest.fixture
def hosted(tmp_path: Path, hub: Hub) -> Iterator[Home]:
    """Give a home whose vault is on GitHub."""
    home = Home(tmp_path, "hosted")
    home.top.mkdir(parents=True)
    (home.top / "token").write_text(hub.add_user("ada"))
    (home.top / "token").chmod(0o600)
    (home.top / "config.toml").write_text(
        f'[github]\nbase_url = "{hub.base_url}"\ntoken_file = "{home.top}/token"\n'
    )
    home.write("MEMORY.md", "# memory\n")
    home.run("init", str(home.root), "--remote", "github:ada/vault", "--yes")
    home.configure()
    yield home
    home.close()


def test_a_daemon_with_github_loads_no_more_than_it_needs(hosted: Home, tmp_path: Path) -> None:
    """Neither what colours tracebacks nor what reads git repositories in folders."""
    hosted.write("memory/new.md", "new\n")
    packages = loaded(hosted, tmp_path)
    assert packages >= {"memory_sync", "structlog", "github"}
    assert packages & {"rich", "pygments", "dulwich"} == set()

"""A root on a disk that never answers: it costs its own vault, and nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from memory_sync.config import overlap
from memory_sync.config.overlap import inner_folders, same_folder
from tests.daemon.homes import Home, wait
from tests.needs import needs, needs_linux, needs_root

HANG = """
import ctypes, os, sys
folder = sys.argv[1].encode()
handle = os.open("/dev/fuse", os.O_RDWR)
options = b"fd=%d,rootmode=40000,user_id=0,group_id=0" % handle
mount = ctypes.CDLL(None, use_errno=True).mount
failed = mount(b"hung", folder, b"fuse", ctypes.c_ulong(0), options)
print("no" if failed else "hung", flush=True)
sys.stdin.read()
"""
"""Mounts a file system whose server answers nothing, until its standard input is closed."""

Type = Callable[..., subprocess.Popen[str]]


@contextmanager
def hung(folder: Path) -> Iterator[Type]:
    """Give what starts commands to which a folder is on a disk that never answers."""
    needs_linux()
    needs_root()
    needs("unshare", "nsenter")
    holder = subprocess.Popen(
        ["unshare", "--mount", sys.executable, "-c", HANG, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdout.readline() == "hung\n"
    inside = ["nsenter", f"--target={holder.pid}", "--mount", "--wd=/"]

    def type_(home: Home, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*inside, sys.executable, "-m", "memory_sync", *words],
            env=home.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    try:
        yield type_
    finally:
        holder.communicate(timeout=10)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a home with two vaults, of which the first keeps the folder `elsewhere`."""
    made = Home(tmp_path, "one")
    for vault, folder in (("far", tmp_path / "elsewhere"), ("near", made.root)):
        folder.mkdir(exist_ok=True)
        (folder / "MEMORY.md").write_text("# memory\n")
        remote = f"file://{tmp_path}/{vault}.git"
        made.run("init", str(folder), "--remote", remote, "--vault", vault, "--yes")
    made.configure()
    yield made
    made.close()


def test_i74_status_answers_while_a_root_hangs(home: Home, tmp_path: Path) -> None:
    """Without a daemon it loads the configuration, and shows all vaults."""
    with hung(tmp_path / "elsewhere") as types:
        began = time.monotonic()
        process = types(home, "status", "--json")
        out, _ = process.communicate(timeout=20)
        assert time.monotonic() - began < 10
    shown: dict[str, Any] = json.loads(out)
    assert [row["name"] for row in shown["data"]["vaults"]] == ["far", "near"]


def test_a_daemon_serves_the_other_vaults_while_a_root_hangs(home: Home, tmp_path: Path) -> None:
    """Started anew, it waits for the disk in one vault alone."""
    with hung(tmp_path / "elsewhere") as types:
        home.daemon = types(home, "daemon")
        try:
            wait(lambda: home.status()["daemon"]["version"], "the daemon answers")
            home.write("memory/a.md", "a\n")
            wait(lambda: _sent(home, "near"), "it is sent")
            assert not _sent(home, "far")
        finally:
            home.daemon.kill()
            home.daemon.communicate(timeout=10)


def _sent(home: Home, vault: str) -> bool:
    return any(line["event"] == "batch.up" and line["vault"] == vault for line in home.log())


def test_a_folder_that_is_not_seen_in_time_goes_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in what is still known, and each further look at it waits no longer."""
    outer, inner, slow = tmp_path / "a", tmp_path / "a/b/c", tmp_path / "a/b/slow"
    inner.mkdir(parents=True)
    see = overlap._Look.run

    def never(look: overlap._Look) -> None:
        if look._folder == slow:
            time.sleep(3)
        see(look)

    monkeypatch.setattr(overlap._Look, "run", never)
    folders = {"outer": outer, "inner": inner, "slow": slow, "below": slow / "x"}
    expected = {"outer": ("b/c", "b/slow", "b/slow/x"), "slow": ("x",), "inner": (), "below": ()}
    assert inner_folders(folders) == expected
    began = time.monotonic()
    assert inner_folders(folders, patience=0.3) == expected
    assert same_folder(folders) is None
    assert same_folder({"one": slow, "two": slow}) == ("one", "two")
    assert time.monotonic() - began < 0.2

"""Daemons with 10,000 files and nothing to do, beside Syncthing (Debian's package `syncthing`)."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.daemon.homes import Home, wait
from tests.hub import Hub, load_schema
from tests.hub.fetch import SCHEMA

FILES = 10_000
MINUTES = 3
SELDOM = 86_400.0
TICKS = os.sysconf("SC_CLK_TCK")
QUIET = {
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "relaysEnabled": "false",
    "natEnabled": "false",
    "crashReportingEnabled": "false",
    "urAccepted": "-1",
    "autoUpgradeIntervalH": "0",
    "startBrowser": "false",
    "listenAddress": "tcp://127.0.0.1:0",
}
"""Settings of Syncthing with which it talks to this machine only."""


@dataclass(frozen=True)
class Idle:
    """What a program took: milliseconds of the processor in a minute, megabytes of memory."""

    name: str
    cpu: float
    memory: float


def fill(folder: Path) -> None:
    """Write the files."""
    for number in range(FILES):
        place = folder / "memory" / str(number % 100) / f"{number}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"# note {number}\n\nWhat there is to know of {number}.\n")


def idle(top: Path) -> Iterable[Idle]:
    """Let all of them do nothing at the same time, and measure."""
    with ExitStack() as stack:
        kinds: dict[str, Callable[[Path], Iterator[list[int]]]] = {
            "folder vault, polls each 15 s": _folder(15.0),
            "folder vault, no polls": _folder(SELDOM),
            "GitHub vault, polls each 15 s": _github(15.0),
            "GitHub vault, no polls": _github(SELDOM),
            "Syncthing": _syncthing,
        }
        processes = {
            name: stack.enter_context(contextmanager(kind)(top / str(number)))
            for number, (name, kind) in enumerate(kinds.items())
        }
        time.sleep(30)
        before = {name: sum(map(_cpu, pids)) for name, pids in processes.items()}
        time.sleep(60 * MINUTES)
        for name, pids in processes.items():
            spent = (sum(map(_cpu, pids)) - before[name]) / MINUTES
            yield Idle(name, spent * 1000, sum(map(_memory, pids)))


def _cpu(pid: int) -> float:
    """Return the seconds of the processor that a process has used: proc(5), utime and stime."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def _folder(poll: float) -> Callable[[Path], Iterator[list[int]]]:
    def serve(top: Path) -> Iterator[list[int]]:
        home = Home(top, "home")
        yield from _serve(home, f"file://{top}/vault.git", poll)

    return serve


def _github(poll: float) -> Callable[[Path], Iterator[list[int]]]:
    def serve(top: Path) -> Iterator[list[int]]:
        home = Home(top, "home")
        with Hub(load_schema(SCHEMA)) as hub:
            home.top.mkdir(parents=True)
            token = home.top / "token"
            token.touch(0o600)
            token.write_text(hub.add_user("ada"))
            settings = f'[github]\nbase_url = "{hub.base_url}"\ntoken_file = "{token}"\n'
            (home.top / "config.toml").write_text(settings)
            yield from _serve(home, "github:ada/vault", poll)

    return serve


def _serve(home: Home, remote: str, poll: float) -> Iterator[list[int]]:
    fill(home.root)
    words = ("init", str(home.root), "--remote", remote, "--yes")
    # Ten thousand files take as long as GitHub's limits want, and longer than a test may.
    home.run(*words, seconds=1800)
    home.configure(poll=poll)
    home.start()
    try:
        home.idle()
        assert home.daemon
        yield [home.daemon.pid]
    finally:
        home.close()


def _syncthing(top: Path) -> Iterator[list[int]]:
    """Serve a folder with Syncthing as it comes, but for its ways to the outside."""
    settings, folder = top / "settings", top / "folder"
    fill(folder)
    words = ["syncthing", "generate", "--home", str(settings), "--no-default-folder"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    path = settings / "config.xml"
    text = path.read_text()
    for name, value in QUIET.items():
        text = re.sub(rf"<{name}>[^<]*</{name}>", f"<{name}>{value}</{name}>", text)
    text = re.sub(r"<address>[^<]*:\d+</address>", "<address>127.0.0.1:0</address>", text)
    mine = re.search(r'<device id="([^"]+)"', text)
    made = f'<folder id="bench" path="{folder}"><device id="{mine[1] if mine else ""}"/></folder>'
    path.write_text(text.replace("<device ", f"{made}\n    <device ", 1))
    log = top / "log"
    serve = ["syncthing", "serve", "--home", str(settings), "--no-browser", f"--logfile={log}"]
    with open(os.devnull, "wb") as nowhere, subprocess.Popen(serve, stdout=nowhere) as program:
        try:
            wait(lambda: "Completed initial scan" in _text(log), "Syncthing has scanned", 300)
            yield [program.pid, *_children(program.pid)]
        finally:
            program.terminate()


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""


def _children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for place in lists for word in place.read_text().split()]

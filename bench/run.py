"""Measure, and print the table of docs/performance.md: `scripts/bench`."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.idle import idle
from bench.prose import Writer
from tests.daemon.homes import DEBOUNCE, POLL, Home, edits_to_and_fro, share_vault
from tests.engine.devices import Device

FILES = 10_000
RUNS = 7


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    limit: str
    ours: str


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _paired(ours: Callable[[], object], peer: Callable[[], object]) -> float:
    """Return the median ratio of two actions that take turns, so that both see the same noise."""
    ours()
    peer()
    return statistics.median(_seconds(ours) / _seconds(peer) for _ in range(RUNS))


def _quiet(*words: str, cwd: Path | None = None) -> Callable[[], object]:
    def run() -> None:
        subprocess.run(words, cwd=cwd, check=True, stdout=subprocess.DEVNULL)

    return run


def rescan(top: Path) -> Iterable[Row]:
    """Look at 10,000 unchanged files, against `git status` on the same tree."""
    device = Device(top, "rescan", top / "rescan.git")
    device.found()
    for number in range(FILES):
        device.write(f"memory/{number % 100}/{number}.md", f"note {number}\n")
    folder = device.folder()
    for words in (("init", "-q"), ("add", "memory"), ("-c", "user.name=x", "-c", "user.email=x",
                                                       "commit", "-qm", "x")):  # fmt: skip
        subprocess.run(["git", *words], cwd=folder, check=True)
    device.sync()
    time.sleep(2.5)  # files younger than two seconds are read again, by either
    files = device.opened().roots["memory"].files
    known = files.scan({}).glances
    ratio = _paired(lambda: files.scan(known), _quiet("git", "status", "--short", cwd=folder))
    yield Row("rescan of 10,000 unchanged files", "5 times `git status`", f"{ratio:.1f} times")


def appends(top: Path) -> Iterable[Row]:
    """Append 300 characters to a log of 1 MB, again and again."""
    writer = Writer()
    device = Device(top, "appends", top / "appends.git")
    device.max_size = 10 * 1024 * 1024
    device.found()
    text = writer.lines(1_000_000)
    device.write("MEMORY.md", text)
    device.sync()
    sent: list[int] = []
    for _ in range(500):
        text += writer.lines(300)
        device.write("MEMORY.md", text)
        sent.append(device.engine.cycle(fetch=False).sent)
    mean, most = statistics.mean(sent[:100]) / 1000, max(sent[:100]) / 1000
    yield Row("sent for an append to a 1 MB log, on average", "13 KB", f"{mean:.1f} KB")
    yield Row("the same, ever", "28 KB", f"{most:.1f} KB")
    vault = top / "appends.git"
    subprocess.run(["git", "-C", str(vault), "gc", "-q"], check=True)
    size = sum(file.stat().st_size for file in vault.rglob("*") if file.is_file()) / 1e6
    yield Row("repository after 500 such commits and `git gc`", "8 MB", f"{size:.1f} MB")


def daemons(top: Path) -> Iterable[Row]:
    """Two daemons over a folder vault: the way of an edit, `status`, and memory."""
    one, two = Home(top, "one"), Home(top, "two")
    share_vault(one, two, f"file://{top}/daemons.git")
    try:
        for home in (one, two):
            home.start()
            home.idle()
        middle = statistics.median(edits_to_and_fro(one, two)) - DEBOUNCE - POLL
        yield Row("an edit here to the file there, beyond debounce and poll", "+ 1 s",
                  f"{middle:+.2f} s")  # fmt: skip
        status = [sys.executable, "-m", "memory_sync", "status"]

        def ask() -> None:
            subprocess.run(status, env=one.env, check=True, stdout=subprocess.DEVNULL)

        ratio = _paired(ask, _quiet(sys.executable, "-c", "pass"))
        yield Row("`memory-sync status`", "5 times `python -c pass`", f"{ratio:.1f} times")
        assert one.daemon
        lines = Path(f"/proc/{one.daemon.pid}/status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        yield Row("memory of an idle daemon, folder vault", "50 MB", f"{memory / 1000:.0f} MB")
    finally:
        for home in (one, two):
            home.close()


def idleness(top: Path) -> Iterable[Row]:
    """Do nothing for three minutes, beside Syncthing."""
    found = list(idle(top))
    peer = found[-1]
    for one in found:
        ratio = "" if one is peer else f" ({one.cpu / peer.cpu:.1f} times Syncthing)"
        limit = "50 MB" if "folder" in one.name else "75 MB"
        yield Row(f"idle, 10,000 files: {one.name}", "-" if one is peer else limit,
                  f"{one.cpu:.0f} ms a minute{ratio}, {one.memory:.0f} MB")  # fmt: skip


def needs_syncthing() -> None:
    """End with a sentence where the peer is not there."""
    if shutil.which("syncthing") is None:
        sys.exit("syncthing is missing: install the Debian package syncthing")


def main() -> None:
    """Print the table."""
    needs_syncthing()
    print("| what | limit | measured |\n|---|---|---|")
    for part in (rescan, appends, daemons, idleness):
        with tempfile.TemporaryDirectory() as folder:
            for row in part(Path(folder)):
                print(f"| {row.what} | {row.limit} | {row.ours} |", flush=True)


if __name__ == "__main__":
    main()

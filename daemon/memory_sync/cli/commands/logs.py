"""`memory-sync logs`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from memory_sync.cli.options import example
from memory_sync.cli.records import LEVELS, Record, for_people, read_record
from memory_sync.cli.render import plain
from memory_sync.cli.result import Result
from memory_sync.config.directories import directories

ROTATED = 4
"""How many older files of the log there may be."""
LOOK_EVERY = 0.25
"""Seconds between looks at a log that is followed."""


@click.command("logs", epilog=example("memory-sync logs -f --level warning"))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option(
    "-n", "count", metavar="N", type=click.IntRange(min=0), default=20, help="How many lines [20]."
)
@click.option(
    "--level", type=click.Choice(LEVELS), default="debug", help="Only this level and above."
)
@click.option("--json", "raw", is_flag=True, help="Show the lines as they are: JSON.")
def command(follow: bool, count: int, level: str, raw: bool) -> Result:
    """Show the end of the daemon's log."""
    path = directories(os.environ).log_file
    least = LEVELS.index(level)
    tail = Tail(path) if follow else None
    for record in last(path, count, least):
        _write(record, raw=raw)
    if not path.exists():
        print(plain(f"There is no log yet: {path}"), file=sys.stderr)
    while tail:
        for line in tail.lines():
            new = read_record(line)
            if new and new.rank >= least:
                _write(new, raw=raw)
        time.sleep(LOOK_EVERY)
    return Result(written=True)


def _write(record: Record, *, raw: bool) -> None:
    print(record.line if raw else for_people(record), flush=True)


def last(path: Path, count: int, least: int) -> list[Record]:
    """Return the last records of at least this level, also those in files that were put aside."""
    found: list[Record] = []
    for file in (path, *(path.with_name(f"{path.name}.{n + 1}") for n in range(ROTATED))):
        if len(found) >= count:
            break
        try:
            text = file.read_text("utf-8", errors="replace")
        except OSError:
            continue
        records = filter(None, map(read_record, text.splitlines()))
        found = [record for record in records if record.rank >= least] + found
    return found[-count:] if count else []


class Tail:
    """What is written to a log from now on, over the change to a new file, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._rest = b""
        self._open()
        if self._handle is not None:
            os.lseek(self._handle, 0, os.SEEK_END)

    def _open(self) -> None:
        try:
            self._handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._handle = None

    def lines(self) -> Iterator[str]:
        """Return the whole lines that are new."""
        if self._handle is None:
            self._open()
        while self._handle is not None:
            yield from self._more(self._handle)
            if not self._replaced(self._handle):
                return
            # What came between the last read and the change is still in the old file.
            yield from self._more(self._handle)
            os.close(self._handle)
            self._rest = b""
            self._open()

    def _more(self, handle: int) -> Iterator[str]:
        while chunk := os.read(handle, 65536):
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace")

    def _replaced(self, handle: int) -> bool:
        try:
            now = self._path.stat()
        except OSError:
            return False
        return now.st_ino != os.fstat(handle).st_ino

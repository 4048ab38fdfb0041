"""`memory-sync logs`."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime

import click

from memory_sync.cli.options import example, vault_option
from memory_sync.cli.records import Record, Wanted, read_record, read_since
from memory_sync.cli.render import plain
from memory_sync.cli.result import Result
from memory_sync.cli.tail import Tail
from memory_sync.config.directories import directories
from memory_sync.config.lines import LEVELS, for_people

COUNT = 20
LOOK_EVERY = 0.25
"""Seconds between looks at a log that is followed."""


def _read_since(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> datetime | None:
    """Read the value of --since; a bad one is told what it could be."""
    try:
        return None if text is None else read_since(text, datetime.now(UTC))
    except ValueError:
        message = f"{text!r} is no time: 10m, 2h, 3d, or 2026-01-31T18:00."
        raise click.BadParameter(message) from None


@click.command("logs", epilog=example("memory-sync logs -f --level warning --since 2h"))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option(
    "-n",
    "count",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"How many lines [{COUNT}; with --since all].",
)
@click.option(
    "--level", type=click.Choice(tuple(LEVELS)), default="debug", help="Only this level and above."
)
@click.option(
    "--since",
    callback=_read_since,
    metavar="TIME",
    help="Only from then on: 10m, 2h, 3d, or a time.",
)
@vault_option
@click.option("--json", "raw", is_flag=True, help="Show the lines as they are: JSON.")
def command(
    *,
    follow: bool,
    count: int | None,
    level: str,
    since: datetime | None,
    vault: str | None,
    raw: bool,
) -> Result:
    """Show the end of the daemon's log."""
    path = directories(os.environ).log_file
    wanted = Wanted(level, vault, since)
    if count is None and since is None:
        count = COUNT
    try:
        with closing(Tail(path)) as tail:
            tail.begin(
                lambda line: _picked(line, wanted) is not None,
                count,
                since.timestamp() if since else 0.0,
            )
            _write(tail.lines(), wanted, raw=raw)
            if not path.exists():
                print(plain(f"There is no log yet: {path}"), file=sys.stderr)
            while follow:
                if _is_unread():
                    raise BrokenPipeError
                time.sleep(LOOK_EVERY)
                _write(tail.lines(), wanted, raw=raw)
    except KeyboardInterrupt:
        if not follow:
            raise
        # That is how one ends it.
        return Result(written=True, status=130)
    return Result(written=True)


def _write(lines: Iterable[bytes], wanted: Wanted, *, raw: bool) -> None:
    for line in lines:
        if record := _picked(line, wanted):
            print(record.line if raw else for_people(record.data))
    sys.stdout.flush()


def _picked(line: bytes, wanted: Wanted) -> Record | None:
    record = read_record(line)
    return record if record and record in wanted else None


def _is_unread() -> bool:
    """Tell whether nobody reads standard output any more: a pipe that was closed."""
    try:
        handle = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    asked = select.poll()
    asked.register(handle, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0))

"""`memory-sync pause`."""

from __future__ import annotations

import os
import time

import click

from memory_sync.cli.options import example, json_option
from memory_sync.cli.result import Line, Result
from memory_sync.cli.spans import span_option
from memory_sync.cli.words import moment
from memory_sync.config.directories import directories
from memory_sync.config.pausing import Pause, write_pause
from memory_sync.errors import FileUnwritableError


@click.command("pause", epilog=example("memory-sync pause --for 2h"))
@click.option(
    "--for", "span", callback=span_option, metavar="TIME", help="End it after that: 30m, 2h, 1d."
)
@json_option
def command(span: float | None) -> Result:
    """Let the daemon do nothing by itself for a while.

    It ends with `resume`, or with --for after that time; a restart or a reboot does not end it.
    What is under way is brought to its end, and `now`, `push` and `pull` still do what they are
    told. Nothing is lost: what changes meanwhile is found afterwards.
    """
    path = directories(os.environ).pause_file
    until = None if span is None else time.time() + span
    try:
        write_pause(path, Pause(until))
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileUnwritableError(path=path, detail=detail) from None
    text = "until `memory-sync resume`" if until is None else f"until {moment(until)}"
    return Result({"paused": True, "until": until}, (Line(f"Paused {text}."),))

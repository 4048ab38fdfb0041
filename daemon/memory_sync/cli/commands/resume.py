"""`memory-sync resume`."""

from __future__ import annotations

import os

import click

from memory_sync.cli.options import example, json_option
from memory_sync.cli.result import Line, Result
from memory_sync.config.directories import directories
from memory_sync.config.pausing import end_pause
from memory_sync.errors import FileUnwritableError


@click.command("resume", epilog=example("memory-sync resume"))
@json_option
def command() -> Result:
    """End a pause.

    The daemon looks at everything and goes on.
    """
    path = directories(os.environ).pause_file
    try:
        was = end_pause(path)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileUnwritableError(path=path, detail=detail) from None
    text = "The pause is over." if was else "Nothing was paused."
    return Result({"paused": False, "was_paused": was}, (Line(text),))

"""The entry: runs one command, renders its result, and turns whatever fails into an exit status.

Nothing that exists on Unix only is imported before the platform is known.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from memory_sync.cli.render import render
from memory_sync.cli.result import Result, failed
from memory_sync.errors import MemorySyncError, PlatformError
from memory_sync.model import Problem

INTERRUPTED = Result(errors=(Problem("interrupted", "Interrupted.", "", 130),), status=130)
DEBUG = "MEMORY_SYNC_DEBUG"
COMPLETE = "_MEMORY_SYNC_COMPLETE"
"""The variable in which a shell that completes a command says what it wants."""


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit status."""
    words = list(sys.argv[1:] if args is None else args) or ["--help"]
    before_dashes = words[: words.index("--")] if "--" in words else words
    as_json = "--json" in before_dashes
    command = next((word for word in words if not word.startswith("-")), "")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a letter shows its number.
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            result = run(words, command)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                # The terminal has written ^C where the cursor was.
                print(file=sys.stderr)
            result = INTERRUPTED
        status = render(command, result, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED.status
    return status


def run(words: Sequence[str], command: str) -> Result:
    """Run one command; whatever it raises becomes a result."""
    if sys.platform not in ("linux", "darwin"):
        return failed(PlatformError(system={"win32": "Windows"}.get(sys.platform, sys.platform)))
    try:
        if command == "status" and COMPLETE not in os.environ:
            from memory_sync.cli.looking import quick

            if found := quick(words):
                return found
        return _by_click(words)
    except MemorySyncError as error:
        return failed(error)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - a person never meets a traceback
        return _fault(error, command)


def _by_click(words: Sequence[str]) -> Result:
    import click

    from memory_sync.cli.group import group

    if instruction := os.environ.get(COMPLETE):
        from memory_sync.cli.completing import complete

        return Result(status=complete(instruction), written=True)
    try:
        with group.make_context("memory-sync", list(words)) as context:
            answer = group.invoke(context)
            return answer if isinstance(answer, Result) else Result(written=True)
    except click.exceptions.Exit as end:
        return Result(status=end.exit_code, written=True)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "memory-sync"
        # Choices come one to a line.
        message = " ".join(error.format_message().split())
        problem = Problem("usage", message, f"{path} --help", 2)
        return Result(errors=(problem,), status=2)


def _fault(error: Exception, command: str) -> Result:
    """Answer what should not happen; the log has where it did."""
    if os.environ.get(DEBUG) == "1":
        import traceback

        traceback.print_exception(error)
    with suppress(Exception):
        _note(error, command)
    detail = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        detail += f" ({error.strerror}{f': {error.filename}' if error.filename else ''})"
    return failed(MemorySyncError(detail=detail))


def _note(error: Exception, command: str) -> None:
    from memory_sync.config.directories import directories
    from memory_sync.config.logs import open_log

    log = open_log(directories(os.environ).log_file, "info", console=False)
    log.error("command.fault", command=command, exc_info=error)


def _hush() -> None:
    """Keep the interpreter from complaining at its end that nobody reads any more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())

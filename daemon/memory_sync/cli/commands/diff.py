"""`memory-sync diff`."""

from __future__ import annotations

import os
import sys

import click

from memory_sync.cli.options import FILES, example, json_option, vault_option
from memory_sync.cli.result import Line, Result, problem_of, worst

STYLES = {"+": "good", "-": "bad", "@": "dim"}


@click.command(
    "diff",
    epilog=example("memory-sync diff MEMORY.md", "memory-sync diff MEMORY.md --from 1a2b3c4d5e"),
)
@click.argument("path", shell_complete=FILES)
@click.option("--from", "one", metavar="REV", help="The older state. Default: the newest one.")
@click.option("--to", "other", metavar="REV", help="The newer state. Default: this disk.")
@vault_option
@json_option
def command(path: str, *, one: str | None, other: str | None, vault: str | None) -> Result:
    """Show how a file or folder differs from what the vault has.

    PATH is a file or folder as it lies on this disk, or as the vault names it: <root>/<path>. REV
    is the beginning of a revision that `history` shows, or head. In a pipe it is a plain unified
    difference.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.differing import compare
    from memory_sync.cli.render import RAW, waiting

    context = load_context(os.environ)
    with waiting("Reading the vault"):
        found = compare(context, vault, path, one, other)
    data = {
        "vault": found.vault,
        "from": found.one,
        "to": found.other,
        "files": [
            {
                "path": file.path,
                "size_before": file.before,
                "size": file.after,
                "diff": None if file.lines is None else list(file.lines),
            }
            for file in found.files
        ],
    }
    lines: list[Line] = []
    for file in found.files:
        if file.lines is None:
            lines.append(Line(f"{file.path} differs and is no text."))
            continue
        heads = file.lines[:2]
        lines += [Line(line, "bold") for line in heads]
        lines += [Line(line, STYLES.get(line[:1], "")) for line in file.lines[2:]]
    if sys.stdout.isatty():
        lines = [line._replace(text=line.text.expandtabs()) for line in lines]
    else:
        lines = [Line(line.text, RAW) for line in lines]
    errors = tuple(map(problem_of, found.failed))
    return Result(data, tuple(lines), errors, worst(error.status for error in errors))

"""`memory-sync history`."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from memory_sync.cli.options import FILES, example, json_option, vault_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from memory_sync.app.past import Page
    from memory_sync.engine.changes import Change, Edit

SHORT = 12
"""Hex digits of a commit's id that are shown."""
NAMED = 10
"""Files of one commit that are named; a first upload has hundreds."""


@click.command(
    "history",
    epilog=example("memory-sync history -n 5", "memory-sync history memory/MEMORY.md"),
)
@click.argument("path", required=False, shell_complete=FILES)
@vault_option
@click.option(
    "-n", "count", default=10, type=click.IntRange(1, 1000), help="So many changes. Default: 10."
)
@click.option("--before", metavar="REV", help="Only what is older: the next page.")
@json_option
def command(path: str | None, *, vault: str | None, count: int, before: str | None) -> Result:
    """Show what was changed when, and by which device.

    PATH is a file or folder as it lies on this disk, or as the vault names it: <root>/<path>. REV
    is the beginning of a revision as it is shown here. Only commits that were made with the key are
    read, and everything is checked; how many others were left out is said.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.past import page
    from memory_sync.cli.render import waiting

    context = load_context(os.environ)
    with waiting("Reading the history"):
        found = page(context, vault, path, count=count, before=before or "")
    next_page = ""
    if found.next:
        words = ["memory-sync", "history", *([path] if path else []), "--before"]
        words += [found.next[:SHORT], *(["-n", str(count)] if count != 10 else [])]
        words += ["--vault", vault] if vault else []
        next_page = shlex.join(words)
    data = {
        "vault": found.vault.name,
        "path": found.path or None,
        "changes": [_data(change) for change in found.changes],
        "left_out": found.left_out,
        "turned": found.turned,
        "next": found.next or None,
    }
    return Result(data, tuple(_lines(found, next_page)))


def _data(change: Change) -> dict[str, Any]:
    return {
        "revision": change.commit,
        "time": datetime.fromtimestamp(change.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "devices": list(change.devices),
        "rekeyed": change.rekeyed,
        "files": [
            {
                "path": edit.path,
                "change": edit.kind,
                "device": edit.device or None,
                "size_before": edit.before,
                "size": edit.after,
                "lines_added": edit.lines_added,
                "lines_removed": edit.lines_removed,
            }
            for edit in change.edits
        ],
    }


def _lines(found: Page, next_page: str) -> list[Line]:
    from memory_sync.cli.words import TURNED, many, moment

    lines: list[Line] = []
    for change in found.changes:
        by = ", ".join(change.devices)
        head = f"{change.commit[:SHORT]}  {moment(change.time)}{f'  {by}' if by else ''}"
        lines.append(Line(head, "bold"))
        if change.rekeyed and not change.edits:
            lines.append(Line("    everything encrypted anew: for a new key, or recovery keys"))
        lines += [Line(f"    {_said(edit)}") for edit in change.edits[:NAMED]]
        if len(change.edits) > NAMED:
            lines.append(Line(f"    and {many(len(change.edits) - NAMED, 'file')} more"))
    if not lines:
        lines.append(Line("Nothing of it was changed in what was looked at."))
    if found.left_out:
        commits = many(found.left_out, "commit")
        text = f"{commits} without a seal that counts left out; pairing makes such commits, too."
        lines.append(Line(text, "warning"))
    if found.turned:
        lines.append(Line(TURNED, "warning"))
    if next_page:
        lines.append(Line(f"Older: {next_page}", "dim"))
    return lines


def _said(edit: Edit) -> str:
    """Say in one line what became of a file."""
    from memory_sync.cli.words import size

    if edit.kind == "unreadable":
        return f"unreadable  {edit.path}"
    sizes = size(edit.after if edit.after is not None else edit.before or 0)
    if edit.kind == "changed" and edit.before is not None and edit.before != edit.after:
        sizes = f"{size(edit.before)} to {sizes}"
    lines = ""
    if edit.lines_added is not None:
        lines = f", +{edit.lines_added} -{edit.lines_removed} lines"
    return f"{edit.kind:<7}  {edit.path}  ({sizes}{lines})"

"""`memory-sync ignored`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import FILES, example, json_option, vault_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from memory_sync.app.ignored import Decided

ONE_WAY = {
    "push": "The root goes one way: what is here is sent, and nothing comes down.",
    "pull": "The root goes one way: what is in the vault comes down, and nothing here is sent.",
}


@click.command("ignored", epilog=example("memory-sync ignored memory/notes.md"))
@click.argument("path", shell_complete=FILES)
@vault_option
@json_option
def command(path: str, *, vault: str | None) -> Result:
    """Say whether a file is synced, and which rule decides.

    PATH is a file or folder in a synced folder, there or not, or one as the vault names it:
    <root>/<path>. The exit status is 0 whichever it is; --json has it as `synced`.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.ignored import decide

    found = decide(load_context(os.environ), vault, path)
    data = {
        "vault": found.vault,
        "path": found.path,
        "file": str(found.place),
        "synced": found.synced,
        "why": found.why,
        "rule": found.rule,
        "source": found.source,
        "line": found.line,
        "direction": found.direction,
    }
    return Result(data, tuple(map(Line, _said(found))))


def _said(found: Decided) -> list[str]:
    if found.synced:
        lines = [f"{found.path} is {'looked into' if found.folder else 'synced'}."]
        return lines + ([ONE_WAY[found.direction]] if found.direction in ONE_WAY else [])
    lines = [f"{found.path} is not synced: {found.reason}."]
    if found.why == "default":
        lines.append(f"A line !{found.rule} in .memorysyncignore brings it back.")
    return lines

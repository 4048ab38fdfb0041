"""What a shell asks while a command is typed, and the script that lets it ask."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class, shell_complete

from memory_sync.cli.group import group
from memory_sync.cli.main import COMPLETE

NAME = "memory-sync"


def complete(instruction: str) -> int:
    """Answer a shell with the words that fit, and return the exit status."""
    return shell_complete(group, {}, NAME, COMPLETE, instruction)


def script(shell: str) -> str:
    """Return the script of a shell that click knows."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is no shell that can be told")
    return kind(group, {}, NAME, COMPLETE).source().rstrip("\n")

"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

JSON_HELP = "Answer with one line of JSON, for programs."

Command = Callable[..., Any]


def json_option(command: Command) -> Command:
    """Add `--json`; that it was given is seen by `main`, which renders."""
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        help=JSON_HELP,
    )(command)


def vault_option(command: Command) -> Command:
    """Add `--vault NAME`."""
    return click.option("--vault", metavar="NAME", help="Only this vault.")(command)


def yes_option(command: Command) -> Command:
    """Add `--yes`."""
    return click.option("--yes", is_flag=True, help="Take every question as answered with yes.")(
        command
    )


def example(*lines: str) -> str:
    """Return an epilogue with an example in it."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)

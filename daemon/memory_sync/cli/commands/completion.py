"""`memory-sync completion`."""

from __future__ import annotations

import click

from memory_sync.cli.options import example
from memory_sync.cli.result import Result

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", epilog=example('eval "$(memory-sync completion bash)"'))
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> Result:
    """Print what lets a shell complete the words of this program.

    For bash (4.4 or newer), put the line below into ~/.bashrc. For zsh, put the same with zsh into
    ~/.zshrc, after compinit. For fish, write it to ~/.config/fish/completions/memory-sync.fish.
    """
    # Imported here because only a shell that completes needs it.
    from memory_sync.cli.completing import script

    click.echo(script(shell))
    return Result(written=True)

"""The commands by name; each is loaded when it is asked for."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING

import click

from memory_sync import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "init": "Set up a vault for a folder or for agents, or join one.",
    "now": "Sync now, in both directions.",
    "push": "Send now what changed here.",
    "pull": "Fetch now what changed elsewhere.",
    "status": "Show how every vault is, and what mends it.",
    "pause": "Let the daemon do nothing by itself for a while.",
    "resume": "End a pause.",
    "confirm": "Let pass what a halt has stopped.",
    "repair": "Mend a vault that was changed or turned back without its key.",
    "move-remote": "Say that a vault lies in another remote now.",
    "leave": "Stop syncing a vault, or one root of it, on this machine.",
    "ignored": "Say whether a file is synced, and which rule decides.",
    "roots": "List what is synced, add a folder, and map a project.",
    "conflicts": "List conflicts, show one, and resolve it.",
    "history": "Show what was changed when, and by which device.",
    "diff": "Show how a file or folder differs from what the vault has.",
    "restore": "Bring back what a sync replaced or removed, or an older state.",
    "logs": "Show the end of the daemon's log.",
    "export-key": "Write the key of a vault to a file.",
    "import-key": "Take in the key of a vault from another machine.",
    "join": "Join a vault without carrying its key.",
    "pair": "Give the key of a vault to a machine that asks for it.",
    "move-key": "Move the key of a vault into the system's keyring, or back.",
    "rotate-key": "Give a vault a new key; the old one opens the past alone.",
    "daemon": "Run the daemon in the foreground.",
    "service": "Have the daemon run by itself, after every login or boot.",
    "doctor": "Check everything that a sync needs, and show what mends it.",
    "completion": "Print what lets a shell complete the words of this program.",
    "demo": "Show two machines that keep one memory.",
}
"""Each command with its summary, in the order in which `--help` lists them."""

EPILOG = """\b
Example:
  memory-sync init ~/agent --remote github:OWNER/REPO

\b
Exit status:
  0 ok              3 conflicts present    6 daemon not running  9 key missing or wrong
  1 error           4 authentication       7 halted              130 interrupted
  2 usage, config   5 offline, try again   8 busy"""


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's interface
        cmd_name: str,
    ) -> click.Command | None:
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"memory_sync.cli.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        gc.enable()
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command, without loading any, or an option."""
        # Imported here because only a shell that completes needs it.
        from click.shell_completion import CompletionItem

        items = [
            CompletionItem(name, help=summary)
            for name, summary in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's interface
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(__version__, prog_name="memory-sync", message="%(prog)s %(version)s")
def group() -> None:
    """Keep the memory files of AI agents the same on all of your machines.

    A daemon watches MEMORY.md and memory/**/*.md, encrypts what changes and keeps it in a vault: a
    private GitHub repository, or a git repository in a folder. MEMORY_SYNC_HOME=DIR puts all that
    the program stores under DIR.
    """

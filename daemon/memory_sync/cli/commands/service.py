"""`memory-sync service`."""

from __future__ import annotations

import os
from dataclasses import asdict

import click

from memory_sync.cli.options import example, json_option, yes_option
from memory_sync.cli.result import Line, Result


@click.group("service", no_args_is_help=False, epilog=example("memory-sync service install"))
def command() -> None:
    """Have the daemon run by itself, after every login or boot.

    On Linux it is a service of your user's systemd, on macOS an agent of launchd. Nothing of it
    needs administrator rights.
    """


@command.command("install", epilog=example("memory-sync service install --linger"))
@click.option("--print", "show", is_flag=True, help="Only show the files; change nothing.")
@click.option(
    "--linger/--no-linger",
    default=None,
    help="Have it run from boot on, without a login, or do not ask about that (Linux).",
)
@click.option(
    "--sandbox/--no-sandbox",
    default=True,
    help="Confine it to its own folders and the synced ones, where that works (Linux).",
)
@yes_option
@json_option
def install(*, show: bool, linger: bool | None, sandbox: bool, yes: bool) -> Result:
    """Install the service and start it.

    Doing it again renews it: after an upgrade, after a change of the folders that are synced. Where
    nothing has changed, nothing is done.
    """
    # Imported here so that --help is quick.
    from memory_sync.app.context import load_context
    from memory_sync.app.service import service_here
    from memory_sync.cli.serving import installed

    context = load_context(os.environ)
    if show:
        texts = service_here(context).texts()
        lines = [
            Line(line)
            for path, text in texts.items()
            for line in (f"# {path}", *text.splitlines(), "")
        ]
        return Result({str(path): text for path, text in texts.items()}, tuple(lines))
    return installed(context, linger=linger, sandbox=sandbox, yes=yes)


@command.command("uninstall", epilog=example("memory-sync service uninstall"))
@json_option
def uninstall() -> Result:
    """Stop the service and remove it.

    Vaults, keys and settings stay. So does lingering: `loginctl disable-linger` ends that.
    """
    from memory_sync.cli.render import waiting
    from memory_sync_service import service_for

    with waiting("Stopping the service"):
        changed = service_for(os.environ).uninstall()
    text = "The service is removed." if changed else "No service is installed."
    return Result({"changed": changed}, (Line(text),))


@command.command("start", epilog=example("memory-sync service start"))
@json_option
def start() -> Result:
    """Start the service that is installed."""
    from memory_sync.app.service import other_named
    from memory_sync.cli.render import waiting
    from memory_sync_service import service_for

    with waiting("Starting the service"), other_named(os.environ):
        service_for(os.environ).start()
    return Result({}, (Line("The service runs.", "good"),))


@command.command("stop", epilog=example("memory-sync service stop"))
@json_option
def stop() -> Result:
    """Stop the service until the next login or boot."""
    from memory_sync.cli.render import waiting
    from memory_sync_service import service_for

    with waiting("Stopping the service"):
        service_for(os.environ).stop()
    return Result({}, (Line("The service is stopped until the next login or boot."),))


@command.command("restart", epilog=example("memory-sync service restart"))
@json_option
def restart() -> Result:
    """Stop the service and start it again, after an upgrade for example."""
    from memory_sync.app.service import other_named
    from memory_sync.cli.render import waiting
    from memory_sync_service import service_for

    with waiting("Restarting the service"), other_named(os.environ):
        service_for(os.environ).restart()
    return Result({}, (Line("The service runs.", "good"),))


@command.command("status", epilog=example("memory-sync service status --json"))
@json_option
def status() -> Result:
    """Show how the service stands: installed, up to date, running.

    How the vaults are says `memory-sync status`.
    """
    from memory_sync.app.service import look
    from memory_sync.cli.serving import told

    standing = look(os.environ)
    return Result(asdict(standing), tuple(told(standing)))

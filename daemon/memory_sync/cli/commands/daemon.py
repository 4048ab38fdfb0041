"""`memory-sync daemon`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click

from memory_sync.cli.options import example
from memory_sync.cli.result import Result, failed
from memory_sync.errors import UsageError

SYSTEMD_CONFIG = 78
"""EX_CONFIG: the unit tells systemd not to start the daemon again after this status."""


@click.command("daemon", epilog=example("memory-sync daemon"))
def command() -> Result:
    """Run the daemon in the foreground.

    It watches the folders of all vaults, sends what changes in them and fetches what other devices
    wrote, until it gets SIGTERM or Ctrl-C. It takes up a changed configuration by itself.
    """
    from memory_sync.app.jobs import run_daemon

    try:
        run_daemon(os.environ, console=sys.stderr.isatty())
    except UsageError as error:
        return failed(error)._replace(status=status_of_broken(os.environ))
    return Result(written=True)


def status_of_broken(env: Mapping[str, str]) -> int:
    """Return the exit status over a configuration that cannot be used.

    Who started the daemon must not start it again and again: systemd is told by a status of its
    own, launchd restarts after anything but 0.
    """
    if env.get("INVOCATION_ID") or env.get("NOTIFY_SOCKET"):
        return SYSTEMD_CONFIG
    if env.get("XPC_SERVICE_NAME", "0") != "0":
        return 0
    return UsageError.status

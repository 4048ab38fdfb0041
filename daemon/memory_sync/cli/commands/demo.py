"""`memory-sync demo`."""

from __future__ import annotations

import click

from memory_sync.cli.options import example
from memory_sync.cli.result import Result


@click.command("demo", epilog=example("memory-sync demo"))
def command() -> Result:
    """Show two machines that keep one memory.

    Everything happens in a temporary folder, which is removed at the end: two homes, two daemons,
    and a vault in a folder. It takes about ten seconds, needs no account, and touches nothing else.
    """
    import shutil
    import tempfile
    from pathlib import Path

    from memory_sync.cli.ending import ended_by_signals
    from memory_sync.cli.machines import machines
    from memory_sync.cli.story import Story

    top = Path(tempfile.mkdtemp(prefix="memory-sync-demo-")).resolve()
    try:
        with ended_by_signals(), machines(top, "laptop", "desktop") as (laptop, desktop):
            Story(laptop, desktop, top).tell()
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return Result(written=True)

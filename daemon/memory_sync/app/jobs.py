"""What the daemon serves, made from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from memory_sync.app.context import Context, load_context
from memory_sync.app.vaults import EVERYTHING, open_vault, patterns_of
from memory_sync.config.logs import open_log
from memory_sync.config.settings import VaultSettings, nested
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.supervisor import Places, Supervisor
from memory_sync.daemon.watch import Watched
from memory_sync.daemon.worker import Job
from memory_sync.model.trees import CONFLICTS


def run_daemon(env: Mapping[str, str], *, console: bool) -> None:
    """Run the daemon in the foreground until it is told to stop.

    Raises what is wrong with the configuration, or DaemonRunningError.
    """
    context = load_context(env)
    context.vaults()
    places = context.directories
    settings = context.settings.daemon
    log = open_log(places.log_file, settings.log_level, console, paths=settings.log_paths)
    supervisor = Supervisor(
        Places(places.config_file, places.socket, places.daemon_lock),
        lambda: jobs(replace(load_context(env), paces=context.paces)),
        context.clock,
        log,
    )
    supervisor.run()


def jobs(context: Context) -> tuple[Job, ...]:
    """Make a job of each vault."""
    return tuple(_job(context, vault) for vault in context.vaults())


def _job(context: Context, vault: VaultSettings) -> Job:
    daemon = context.settings.daemon
    inner = nested(context.settings)
    watched = tuple(
        Watched(root.name, root.path, patterns_of(root, inner.get((vault.name, root.name), ())))
        for root in vault.root
    )
    hidden = context.directories.vault_state(vault.name) / "conflicts"
    watched += (Watched(CONFLICTS, hidden, EVERYTHING),)
    concerns = (
        repr(vault),
        repr(context.settings.github),
        repr(daemon),
        repr(context.settings.trash),
        context.settings.device,
        str(watched),
    )
    return Job(
        name=vault.name,
        remote=vault.remote,
        roots=tuple((root.name, str(root.path)) for root in vault.root),
        open=partial(open_vault, context, vault),
        watched=watched,
        timing=Timing(daemon.debounce, daemon.max_delay, daemon.poll, daemon.scan),
        fingerprint="\n".join(concerns),
        log_paths=daemon.log_paths,
    )

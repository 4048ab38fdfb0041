"""What the daemon serves, made from the configuration."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace
from functools import partial

from memory_sync.app.context import Context, load_context
from memory_sync.app.projects import Scouting
from memory_sync.app.standing import remembered
from memory_sync.app.vaults import EVERYTHING, open_vault, patterns_of
from memory_sync.config.journal import open_journal
from memory_sync.config.logs import open_log
from memory_sync.config.settings import VaultSettings, nested
from memory_sync.daemon.notices import Desktop
from memory_sync.daemon.notify import take_notifier
from memory_sync.daemon.places import Places
from memory_sync.daemon.schedule import Timing
from memory_sync.daemon.scout import Scout
from memory_sync.daemon.supervisor import Orders, Supervisor
from memory_sync.daemon.watch import Watched
from memory_sync.daemon.worker import Job
from memory_sync.model.trees import CONFLICTS

PATIENCE, REQUESTS = 120.0, 4
"""Seconds that one step may take: a large file, or so many waits on the network."""


def run_daemon(env: MutableMapping[str, str], *, console: bool) -> None:
    """Run the daemon in the foreground until it is told to stop.

    Raises what is wrong with the configuration, or DaemonRunningError.
    """
    context = load_context(env)
    _vaults(context)
    places = context.directories
    settings = context.settings.daemon
    journal = open_journal(env)
    log = open_log(places.log_file, settings.log_level, console, journal=journal)
    supervisor = Supervisor(
        Places(
            config=places.config_file,
            socket=places.socket,
            lock=places.daemon_lock,
            pause=places.pause_file,
            notices=places.notices_file,
            silence=places.silence_file,
            projects=places.projects_file,
        ),
        lambda: _orders(replace(load_context(env), paces=context.paces)),
        context.clock,
        log,
        notifier=take_notifier(env),
        screen=Desktop(env),
        scout=Scout(Scouting(context), log),
    )
    supervisor.run()


def _orders(context: Context) -> Orders:
    return Orders(jobs(context), context.settings.daemon.notifications)


def jobs(context: Context) -> tuple[Job, ...]:
    """Make a job of each vault."""
    return tuple(_job(context, vault) for vault in _vaults(context))


def _vaults(context: Context) -> tuple[VaultSettings, ...]:
    """Return all vaults; none only where the configuration says so. Raises NotConfiguredError.

    A file that is gone, or empty for a moment while somebody saves it, does not say so.
    """
    return () if context.settings.left_all else context.vaults()


def _job(context: Context, vault: VaultSettings) -> Job:
    daemon = context.settings.daemon
    inner = nested(context.settings, own=context.directories.own)
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
        before=remembered(context, vault),
        patience=PATIENCE + REQUESTS * context.settings.github_of(vault).timeout,
    )

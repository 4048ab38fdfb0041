"""Errors between processes: the daemon does not run (6), or another one holds a lock (8)."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


class DaemonError(MemorySyncError):
    """The daemon does not run."""

    code = "daemon-not-running"
    status = 6
    text = "The daemon does not run."
    hint = "memory-sync service install"


class DaemonSilentError(DaemonError):
    """The daemon holds its lock and does not answer."""

    code = "daemon-silent"
    text = "The daemon (process {pid}) does not answer."
    hint = "memory-sync service restart"


class DaemonVersionError(DaemonError):
    """The daemon that runs is of another version and does not know the request."""

    code = "daemon-version"
    text = "The daemon that runs is version {daemon}, this command is {command}."
    hint = "memory-sync service restart"


class SocketError(DaemonError):
    """The daemon cannot listen where its control socket has to be."""

    code = "socket-unusable"
    text = "The daemon cannot listen at {path}: {reason}."
    hint = "ls -lad {path}"


class DaemonStuckError(DaemonError):
    """The daemon's main thread hangs; its workers and its socket may go on."""

    code = "daemon-stuck"
    text = "The daemon looks after nothing since {seconds} s; vaults may go on."
    hint = "memory-sync service restart"


class VaultStuckError(MemorySyncError):
    """A vault's worker has given no sign of life for too long."""

    code = "vault-stuck"
    text = "Vault {vault} has been at one step for {minutes} minutes; other vaults go on."
    hint = "memory-sync service restart"


class NoSuccessError(MemorySyncError):
    """A vault could not be synced for hours."""

    code = "no-success"
    text = "Vault {vault} has not been in sync for {hours} h or more, while this machine was awake."
    hint = "memory-sync doctor"


class BusyError(MemorySyncError):
    """Another process is at work on the same thing."""

    code = "busy"
    status = 8
    text = "Another memory-sync works on vault {vault} right now."
    hint = "memory-sync status"


class DaemonBusyError(BusyError):
    """The daemon is at work for others, or for longer than a command waits."""

    code = "daemon-busy"
    text = "The daemon (process {pid}) gives no answer yet: {reason}."
    hint = "memory-sync status"


class DaemonRunningError(BusyError):
    """A daemon already serves this home."""

    code = "daemon-running"
    text = "A daemon already runs here (process {pid})."
    hint = "memory-sync status"


class RootBusyError(BusyError):
    """Another daemon serves the same folder."""

    code = "root-busy"
    text = "Another memory-sync serves the folder {path}."
    hint = "memory-sync status"


class RaceLostError(BusyError):
    """Other devices were quicker every time."""

    code = "race-lost"
    text = "Other devices wrote to vault {vault} at each of {tries} tries; nothing is lost."
    hint = "memory-sync now"


class StateBusyError(BusyError):
    """The state database is locked by another program."""

    code = "state-busy"
    text = "{path} is locked by another program."
    hint = "memory-sync status"

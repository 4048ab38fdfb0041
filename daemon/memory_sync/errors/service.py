"""Errors of the service: what a service manager cannot or will not do (1)."""

from __future__ import annotations

from memory_sync.errors.base import MemorySyncError


class ServiceError(MemorySyncError):
    """The service manager did not do what it was asked for."""

    code = "service"
    text = "The service: {detail}."
    hint = "memory-sync logs -n 50"


class ServiceManagerMissingError(ServiceError):
    """Neither systemd nor launchd runs here."""

    code = "service-manager-missing"
    text = "No service manager is here: neither systemd nor launchd runs on this machine."
    hint = "memory-sync daemon"


class ServiceUnreachableError(ServiceError):
    """The person's service manager runs for a login, and this session has no way to it."""

    code = "service-unreachable"
    text = "The service manager of your user cannot be reached: {detail}."
    hint = "loginctl user-status"


class ServiceMissingError(ServiceError):
    """The service is not installed."""

    code = "service-missing"
    text = "The service is not installed."
    hint = "memory-sync service install"


class ServiceTemporaryError(ServiceError):
    """The program lies where it will be gone."""

    code = "service-temporary"
    text = "memory-sync runs from {path}, which does not last: a service would be lost with it."
    hint = "pipx install ."


class ServiceUnfitError(ServiceError):
    """A path holds what a service's file cannot."""

    code = "service-unfit"
    text = "The path {word} has a character in it that a service's file cannot hold."
    hint = "memory-sync daemon"

"""All checks in their order, each alone in a thread, and all within one deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from memory_sync.app.doctor import github, program, roots, running, settings
from memory_sync.app.doctor.finding import ALWAYS, Finding, bad, wrong
from memory_sync.app.doctor.later import LateError, Later
from memory_sync.app.doctor.machine import Disk, Inotify
from memory_sync.app.doctor.patient import Patient
from memory_sync.app.doctor.permissions import permissions
from memory_sync.app.doctor.state import state
from memory_sync.config.settings import VaultSettings
from memory_sync.errors import MemorySyncError, VaultUnknownError


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its name: of the installation, or of each vault."""

    name: str
    whole: Callable[[Patient], list[Finding]] | None = None
    each: Callable[[Patient, VaultSettings], list[Finding]] | None = None


CHECKS = (
    Check("python", whole=program.python),
    Check("installation", whole=program.installation),
    Check("configuration", whole=settings.configuration),
    Check("permissions", whole=permissions),
    Check("key", each=settings.key),
    Check("token", each=github.token),
    Check("rate-limit", each=github.rate_limit),
    Check("private", each=github.private),
    Check("clock", whole=github.clock),
    Check("inotify", whole=Inotify()),
    Check("service", whole=running.service),
    Check("linger", whole=running.linger),
    Check("daemon", whole=running.daemon),
    Check("disk", whole=Disk()),
    Check("state", each=state),
    Check("remote", each=github.remote),
    Check("roots", each=roots.roots),
    Check("leftovers", whole=roots.leftovers),
    Check("sync", each=running.sync),
)
"""The checks, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    vault: str
    later: Later[list[Finding]]


def examine(
    patient: Patient, only: str | None = None, checks: tuple[Check, ...] = CHECKS
) -> list[Finding]:
    """Make all checks, of all vaults or of one, and return what was found, in order.

    Raises VaultUnknownError where the configuration can be read and has no such vault.
    """
    tasks = list(_tasks(patient, only, checks))
    for task in tasks:
        task.later.begin()
    return [
        replace(finding, name=task.name, vault=task.vault)
        for task in tasks
        for finding in _made(task.later, patient)
    ]


def _tasks(patient: Patient, only: str | None, checks: tuple[Check, ...]) -> Iterator[_Task]:
    vaults = _vaults(patient, only)
    for check in checks:
        if check.whole:
            yield _Task(check.name, "", _whole(check.whole, patient))
        elif check.each and not vaults:
            yield _Task(check.name, "", Later(lambda: [settings.none_known(patient)]))
        elif check.each:
            for vault in vaults:
                yield _Task(check.name, vault.name, _each(check.each, patient, vault))


def _whole(look: Callable[[Patient], list[Finding]], patient: Patient) -> Later[list[Finding]]:
    return Later(lambda: look(patient))


def _each(
    look: Callable[[Patient, VaultSettings], list[Finding]],
    patient: Patient,
    vault: VaultSettings,
) -> Later[list[Finding]]:
    return Later(lambda: look(patient, vault))


def _vaults(patient: Patient, only: str | None) -> tuple[VaultSettings, ...]:
    vaults = patient.vaults()
    chosen = tuple(vault for vault in vaults if only in (None, vault.name))
    if vaults and not chosen:
        raise VaultUnknownError(name=only, known=", ".join(vault.name for vault in vaults))
    return chosen


def _made(later: Later[list[Finding]], patient: Patient) -> list[Finding]:
    """Return what a check has found; one that breaks or takes too long is an error of its own."""
    try:
        return later.get(patient.deadline.left())
    except LateError:
        detail = f"the check took longer than {patient.deadline.seconds:g} s"
        return [bad(detail, "memory-sync doctor")]
    except MemorySyncError as error:
        return [wrong(error)]
    except Exception as error:  # noqa: BLE001 - one that breaks stops no other
        detail = f"the check itself failed: {type(error).__name__}"
        if isinstance(error, OSError) and error.strerror:
            detail += f" ({error.strerror}{f': {error.filename}' if error.filename else ''})"
        return [bad(detail, ALWAYS)]

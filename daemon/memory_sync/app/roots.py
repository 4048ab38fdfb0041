"""What is synced on this device, what is not, and a project that is mapped by hand."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from memory_sync.app.context import Context, load_settings
from memory_sync.app.doctor.later import LateError, Later
from memory_sync.app.projects import Projects, mark
from memory_sync.app.setup import marked, naming
from memory_sync.app.standing import remembered_files, remembered_roots
from memory_sync.config.found import MEMORY, Project, read_projects
from memory_sync.config.projects import ProjectRoot, root_of, with_projects
from memory_sync.config.settings import ProjectsSettings, RootSettings, VaultSettings
from memory_sync.config.writing import add_root
from memory_sync.errors import (
    MarkerForeignError,
    ProjectUnknownError,
    RootBusyError,
    RootGoneError,
    RootNameTakenError,
    UsageError,
)
from memory_sync.model import split_root
from memory_sync.ports.names import shown
from memory_sync.ports.projects import encoded

PATIENCE = 5.0
"""Seconds that a look at all projects may take, before what was found last is told instead."""
LET_GO = 20.0
"""Seconds in which a daemon lets go of a folder that the configuration names anew."""


class Listing(NamedTuple):
    """The roots of this device, the projects that are none, and what the vault has besides.

    `naming` has the patterns that name its files for each of the latter, by vault and name.
    """

    roots: list[dict[str, Any]]
    projects: list[Project]
    elsewhere: list[dict[str, Any]]
    naming: Mapping[tuple[str, str], tuple[str, ...]]


class Target(NamedTuple):
    """A project that is to be mapped by hand."""

    vault: VaultSettings
    settings: ProjectsSettings
    memory: Path


def listing(context: Context, name: str | None) -> Listing:
    """Tell all that is known without asking a remote; nothing is changed. Raises VaultUnknownError.

    Files are counted as the vault had them when it was last asked.
    """
    context.vaults(name)
    found = _found(context)
    context = replace(context, settings=with_projects(context.settings, found))
    vaults = context.vaults(name)
    roots: list[dict[str, Any]] = []
    elsewhere: list[dict[str, Any]] = []
    patterns: dict[tuple[str, str], tuple[str, ...]] = {}
    for vault in vaults:
        counts = remembered_roots(context, vault)
        by_place = {row.memory: row for row in found if row.vault == vault.name and not row.reason}
        for root in vault.root:
            project = by_place.get(root.path) if isinstance(root, ProjectRoot) else None
            roots.append(_root(vault, root, counts.get(root.name, 0), project))
        here = {root.name.casefold() for root in vault.root}
        here |= {name.casefold() for part in vault.projects for name in part.leave_out}
        away = [root for root in counts if root.casefold() not in here]
        held = list(map(split_root, remembered_files(context, vault) or {})) if away else []
        for other in away:
            patterns[vault.name, other] = naming(path for root, path in held if root == other)
        elsewhere += [{"vault": vault.name, "name": root, "files": counts[root]} for root in away]
    names = {vault.name for vault in vaults}
    others = [row for row in found if row.reason and row.vault in names]
    return Listing(roots, others, elsewhere, patterns)


def _found(context: Context) -> tuple[Project, ...]:
    if not any(vault.projects for vault in context.settings.vault):
        return ()
    try:
        return Later(lambda: Projects().look(context, change=False)).get(PATIENCE)
    except LateError:
        return read_projects(context.directories.projects_file)


def _root(
    vault: VaultSettings, root: RootSettings, files: int, project: Project | None
) -> dict[str, Any]:
    return {
        "vault": vault.name,
        "name": root.name,
        "path": str(root.path),
        "direction": root.direction,
        "files": files,
        "source": "project" if isinstance(root, ProjectRoot) else "configuration",
        "project": {"path": project.path, "origin": project.origin} if project else None,
    }


def find_project(context: Context, vault: str | None, text: str) -> Target:
    """Find the project that a person means: by its own path, or by its folder of the agent's.

    Raises ProjectUnknownError.
    """
    path = os.path.abspath(os.path.expanduser(text))
    tops = [(one, settings) for one in context.vaults(vault) for settings in one.projects]
    for one, settings in tops:
        for place in dict.fromkeys((path, os.path.realpath(path))):
            if Path(place).is_relative_to(settings.path):
                folder = Path(place).relative_to(settings.path).parts[:1]
            else:
                folder = (encoded(place),)
            if folder and Path(settings.path, *folder).is_dir():
                return Target(one, settings, Path(settings.path, *folder, MEMORY))
    known = (
        ", ".join(shown(settings.path) for _, settings in tops) or "no [[vault.projects]] is set"
    )
    raise ProjectUnknownError(path=shown(path), tops=known)


def wanted_root(context: Context, target: Target, name: str) -> RootSettings | None:
    """Return the root that a project is to be; None if it is that root already.

    Raises RootNameTakenError, MarkerForeignError, UsageError before anything is changed.
    """
    vault, settings, memory = target
    for known in vault.root:
        same_name = known.name.casefold() == name.casefold()
        if known.path == memory and not isinstance(known, ProjectRoot):
            if same_name:
                return None
            raise UsageError(
                detail=f"{shown(memory)} is the root {known.name} by the configuration.",
                hint=f"${{EDITOR:-vi}} '{context.directories.config_file}'",
            )
        if same_name and known.path != memory:
            hint = "memory-sync roots map PROJECT OTHER-NAME"
            raise RootNameTakenError(name=name, path=known.path, hint=hint)
    trust = context.keystore.trust(vault.name)
    if trust is None:
        hint = f"memory-sync now --vault {vault.name}"
        raise UsageError(detail=f"The vault {vault.name} was not opened here yet.", hint=hint)
    root = root_of(Project(vault.name, str(settings.path), memory.parent.name, name), settings)
    try:
        found = marked(root)
    except RootGoneError:
        found = None
    if found and found.vault != trust.vault_id:
        raise MarkerForeignError(path=shown(memory), found=str(found))
    return RootSettings(**{key: getattr(root, key) for key in RootSettings.model_fields})


def assign(context: Context, target: Target, root: RootSettings) -> Context:
    """Write a project's root into the configuration and mark its folder so.

    A daemon lets go of the folder under its old name as soon as it has read that. Raises
    RootBusyError where something does not.
    """
    add_root(context.directories.config_file, target.vault.name, root)
    end = time.monotonic() + LET_GO
    while True:
        try:
            mark(context, target.vault, root, over=True)
            break
        except RootBusyError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    return replace(context, settings=load_settings(context.directories, context.env))

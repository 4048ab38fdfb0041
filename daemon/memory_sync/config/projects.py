"""Roots that stand in no configuration: one for each project that was found and is mapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from memory_sync.config.fields import PROJECT_FOLDER
from memory_sync.config.found import MEMORY, Project
from memory_sync.config.settings import ProjectsSettings, RootSettings, Settings, VaultSettings


class ProjectRoot(RootSettings):
    """A root that is not in the configuration: it was made of a project that was found."""


def root_of(project: Project, settings: ProjectsSettings) -> ProjectRoot:
    """Return the root that a project is. Raises ValidationError for a name that is none."""
    return ProjectRoot(
        path=project.memory,
        name=project.name,
        include=settings.include,
        exclude=settings.exclude,
        direction=settings.direction,
        max_size=settings.max_size,
        merge_cap=settings.merge_cap,
    )


def is_memory(path: Path, settings: ProjectsSettings) -> bool:
    """Tell whether a folder is one in which a project's memory is looked for."""
    folder, top = path.parent.name, path.parent.parent
    return (top, path.name) == (settings.path, MEMORY) and bool(PROJECT_FOLDER.match(folder))


def is_left_out(project: Project, settings: ProjectsSettings) -> bool:
    """Tell whether this device leaves a project out: by its root's name, or by its folder."""
    names = {name.casefold() for name in settings.leave_out}
    return project.folder in settings.leave_out or project.name.casefold() in names


def with_projects(settings: Settings, found: Iterable[Project]) -> Settings:
    """Return the settings with a root for each project that is mapped, and for no other.

    A root of the configuration comes before a project with its name or its folder.
    """
    rows = tuple(found)
    if not any(vault.projects for vault in settings.vault):
        return settings
    settings = without_projects(settings)
    taken = {root.path for vault in settings.vault for root in vault.root}
    vaults = tuple(_with_roots(vault, rows, taken) for vault in settings.vault)
    return settings.model_copy(update={"vault": vaults})


def without_projects(settings: Settings) -> Settings:
    """Return the settings with the roots of the configuration alone."""
    vaults = tuple(
        vault.model_copy(update={"root": tuple(filter(_is_configured, vault.root))})
        for vault in settings.vault
    )
    return settings.model_copy(update={"vault": vaults})


def _is_configured(root: RootSettings) -> bool:
    return not isinstance(root, ProjectRoot)


def _with_roots(vault: VaultSettings, rows: Iterable[Project], taken: set[Path]) -> VaultSettings:
    roots = tuple(_roots(vault, rows, taken))
    return vault.model_copy(update={"root": (*vault.root, *roots)}) if roots else vault


def _roots(
    vault: VaultSettings, rows: Iterable[Project], taken: set[Path]
) -> Iterator[ProjectRoot]:
    tops = {str(settings.path): settings for settings in vault.projects}
    names = {known.casefold() for root in vault.root for known in (root.name, *root.formerly)}
    for project in rows:
        settings = tops.get(project.top)
        if settings is None or project.vault != vault.name or project.reason:
            continue
        # The file lies where others cannot write, but a slip in it must not lead elsewhere.
        if "/" in project.folder or not project.folder.startswith("-"):
            continue
        if project.name.casefold() in names or project.memory in taken:
            continue
        if is_left_out(project, settings):
            continue
        try:
            root = root_of(project, settings)
        except ValidationError:
            continue
        names.add(root.name.casefold())
        taken.add(root.path)
        yield root

"""Which agents are on this machine, and what of each a vault would keep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.config.presets import Preset, PresetRoot, load_preset, preset_names
from memory_sync.config.settings import ProjectsSettings, RootSettings
from memory_sync.errors import AgentMissingError
from memory_sync.ports import names
from memory_sync.vault.paths import ROOT_NAME


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that is here: its preset's name, its place, and what would be set up.

    `left` are folders that would be roots and cannot be, each with the reason.
    """

    name: str
    title: str
    place: Path
    roots: tuple[RootSettings, ...]
    projects: tuple[ProjectsSettings, ...]
    left: tuple[str, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of all roots, and those that hold projects."""
        roots = tuple(root.path for root in self.roots)
        return roots + tuple(projects.path for projects in self.projects)


def find_agents(context: Context) -> tuple[Agent, ...]:
    """Return the agents that are on this machine."""
    found = (_look(context, name, _places(context, name)) for name in preset_names())
    return tuple(agent for agent in found if agent)


def find_agent(context: Context, name: str, place: Path | None = None) -> Agent:
    """Return an agent, which is at `place` or where it usually is.

    Raises AgentUnknownError, AgentMissingError.
    """
    preset = load_preset(name)
    places = (place,) if place else _places(context, name)
    agent = _look(context, name, places)
    if agent is None:
        looked = [at / root.folder for at in places for root in preset.root if not root.beside]
        where = ", ".join(names.shown(path) for path in looked)
        raise AgentMissingError(title=preset.title, places=where, name=name)
    return agent


def _places(context: Context, name: str) -> tuple[Path, ...]:
    return load_preset(name).places(context.env)


def _look(context: Context, name: str, places: tuple[Path, ...]) -> Agent | None:
    """Return the agent at the first of these places that has something to sync."""
    preset = load_preset(name)
    for place in places:
        left: list[str] = []
        roots = tuple(_roots(preset, place, context.settings.device, left))
        projects = tuple(_projects(preset, place))
        if roots or projects:
            return Agent(name, preset.title, place, roots, projects, tuple(left))
    return None


def _roots(preset: Preset, place: Path, device: str, left: list[str]) -> Iterator[RootSettings]:
    """Return the roots whose folder is there."""
    taken: set[str] = set()
    for root in preset.root:
        for path, agent in _beside(place) if root.beside else [(place / root.folder, "")]:
            if not path.is_dir():
                left.append(f"{names.shown(path)} is not there")
                continue
            name = root.name.replace("{agent}", agent).replace("{device}", device)[:64]
            if not ROOT_NAME.match(name) or name.casefold() in taken:
                left.append(f"{names.shown(path)} cannot be a root by its name")
                continue
            taken.add(name.casefold())
            yield _root(root, name, path)


def _root(root: PresetRoot, name: str, path: Path) -> RootSettings:
    return RootSettings(
        path=path,
        name=name,
        include=root.include,
        exclude=root.exclude,
        direction=root.direction,
        merge_cap=root.merge_cap,
    )


def _beside(place: Path) -> Iterator[tuple[Path, str]]:
    """Return the folders beside a place that are called as it is and further, with what follows."""
    begin = f"{place.name}-"
    try:
        entries = sorted(os.listdir(place.parent))
    except OSError:
        return
    for entry in entries:
        if entry.startswith(begin) and (place.parent / entry).is_dir():
            yield place.parent / entry, entry.removeprefix(begin)


def _projects(preset: Preset, place: Path) -> Iterator[ProjectsSettings]:
    for projects in preset.projects:
        path = place / projects.folder
        if path.is_dir():
            yield ProjectsSettings(
                path=path,
                agent=projects.agent,
                include=projects.include,
                exclude=projects.exclude,
            )

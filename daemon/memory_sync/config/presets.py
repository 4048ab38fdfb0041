"""Presets: where an agent keeps its memory and what of it is synced, one file of data for each.

A preset names the places where the agent may be, and the roots below that place.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from memory_sync.config.fields import Caps, Pattern
from memory_sync.config.settings import Section
from memory_sync.errors import AgentUnknownError
from memory_sync.model import Direction
from memory_sync.vault.paths import ROOT_NAME


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", text):
        raise ValueError("must be the name of an environment variable")
    return text


def _below(text: str) -> str:
    parts = text.split("/")
    if text and (".." in parts or "" in parts or text.startswith("~")):
        raise ValueError("must be a folder below the agent's place")
    return text


Folder = Annotated[str, AfterValidator(_below)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1)]


class Place(Section):
    """Where the agent may be: in a variable, or in a path that is made of one, or below the home.

    A value in `unless` counts as if the variable were not set.
    """

    env: Annotated[str, AfterValidator(_variable)] | None = None
    unless: tuple[str, ...] = ()
    path: str = "{value}"

    @model_validator(mode="after")
    def _fits_its_variable(self) -> Place:
        names = re.findall(r"\{.*?\}", self.path)
        if self.env and names != ["{value}"]:
            raise ValueError("a path that is made of a variable has one {value}")
        if not self.env and (names or not self.path.startswith("~/")):
            raise ValueError("a path without a variable begins with ~/")
        return self


class PresetRoot(Section):
    """A root: its name on all devices, and a folder below the agent's place ("" is the place).

    `beside` takes instead every folder beside the place that is called as the place is, with a
    hyphen and a further agent's name behind it: {agent} in the root's name.
    """

    name: str
    folder: Folder = ""
    beside: bool = False
    include: Patterns
    exclude: tuple[Pattern, ...] = ()
    direction: Direction = "both"
    merge_cap: Caps = Field(default_factory=lambda: MappingProxyType({}))

    @model_validator(mode="after")
    def _name_fits(self) -> PresetRoot:
        names = re.findall(r"\{.*?\}", self.name)
        if not ROOT_NAME.match(re.sub(r"\{(device|agent)\}", "x", self.name)):
            raise ValueError("the name cannot be that of a root")
        if self.beside != ("{agent}" in names) or (self.beside and self.folder):
            raise ValueError("{agent} stands in the name of a root with beside, and of no other")
        if self.direction == "push" and "{device}" not in names:
            raise ValueError("a root that is only sent is one for each device: {device}")
        return self


class PresetProjects(Section):
    """A folder below the agent's place in which it keeps a memory for each project."""

    folder: Annotated[Folder, Field(min_length=1)]
    agent: Literal["claude-code"]
    include: Patterns
    exclude: tuple[Pattern, ...] = ()


class Preset(Section):
    """One agent."""

    title: Annotated[str, Field(min_length=1)]
    place: Annotated[tuple[Place, ...], Field(min_length=1)]
    root: Annotated[tuple[PresetRoot, ...], Field(min_length=1)]
    projects: tuple[PresetProjects, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Preset:
        if self.place[-1].env:
            raise ValueError("the last place is one below the home")
        names = [root.name.casefold() for root in self.root]
        if len(set(names)) < len(names):
            raise ValueError("two roots have the same name")
        return self

    def places(self, env: Mapping[str, str]) -> tuple[Path, ...]:
        """Return where the agent may be on this machine; the first variable that is set decides."""
        home = env.get("HOME") or os.path.expanduser("~")
        for first in self.place:
            if first.env is None or _value(first, env):
                break
        paths = [place.path for place in self.place if place.env == first.env]
        value = _value(first, env)
        return tuple(_path(path.replace("{value}", value), home) for path in paths)


def _value(place: Place, env: Mapping[str, str]) -> str:
    """Return what a place's variable says, "" if nothing."""
    value = env.get(place.env or "", "").strip()
    return "" if value in place.unless else value


def _path(text: str, home: str) -> Path:
    expanded = home + text[1:] if text == "~" or text.startswith("~/") else text
    return Path(os.path.abspath(expanded))


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, in order."""
    found = (file.name for file in files("memory_sync.config").joinpath("presets").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def load_preset(name: str) -> Preset:
    """Read a preset. Raises AgentUnknownError."""
    if name not in preset_names():
        raise AgentUnknownError(name=name, known=", ".join(preset_names()))
    file = files("memory_sync.config").joinpath("presets", f"{name}.toml")
    return parse_preset(file.read_text("utf-8"))


def parse_preset(text: str) -> Preset:
    """Read a preset from its text. Raises ValueError for one that is wrong."""
    return Preset(**tomllib.loads(text))

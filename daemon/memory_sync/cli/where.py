"""What `init` is about: which remote, which vault, which roots, from what the person gave."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pydantic import ValidationError

from memory_sync.app.agents import Agent
from memory_sync.app.context import Context
from memory_sync.cli.words import edit_command
from memory_sync.config.fields import GITHUB, name_of
from memory_sync.config.reasons import first_error, reason
from memory_sync.config.settings import (
    EnvironmentVault,
    ProjectsSettings,
    RootSettings,
    VaultSettings,
)
from memory_sync.errors import (
    EnvironmentBrokenError,
    NameInvalidError,
    RemoteInvalidError,
    RootOverlapError,
    UsageError,
    VaultAmbiguousError,
)
from memory_sync.vault.paths import ROOT_NAME

ON_GITHUB = re.compile(
    r"(?:github:|https://github\.com/|git@github\.com:)?"
    r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]*)/(?P<repo>[A-Za-z0-9._-]+?)(?:\.git)?/?"
)
Section = TypeVar("Section", VaultSettings, RootSettings)
DEFAULT_REPOSITORY = "memory-sync-vault"
DEFAULT_ROOT = "memory"


@dataclass(frozen=True)
class Options:
    """What was given on the command line of `init` or `join`; None or empty where nothing was.

    `root` is the current folder where none was given, which `here` tells.
    """

    root: Path
    here: bool = False
    remote: str | None = None
    vault: str | None = None
    name: str | None = None
    device: str | None = None
    include: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    direction: str | None = None
    allow_public: bool = False
    yes: bool = False
    service: bool | None = None
    command: str = "init"


@dataclass(frozen=True)
class Aim:
    """What is to be set up; `known` tells that the vault is configured.

    `present` are the names of those roots that are configured too; of the folders of projects
    those are configured that the vault has.
    """

    vault: VaultSettings
    roots: tuple[RootSettings, ...]
    projects: tuple[ProjectsSettings, ...]
    known: bool
    present: frozenset[str]


def options_of(
    *, root: Path | None, remote: str | None, yes: bool, command: str = "init", **given: Any
) -> Options:
    """Read what click has taken from the command line. Raises RemoteInvalidError."""
    return Options(
        root=Path(os.path.abspath(os.path.expanduser(root or "."))),
        here=root is None,
        remote=normalised(remote) if remote else None,
        yes=yes,
        command=command,
        **given,
    )


def command_of(options: Options) -> str:
    """Return the command line that was given, but for --yes and --json."""
    words = options.command.split()
    for name in options.agent:
        words += ["--agent", name]
    if not (options.agent and options.here):
        words.append(str(options.root))
    for option in ("remote", "vault", "name", "device", "direction"):
        value = getattr(options, option)
        words += [f"--{option}", value] if value else []
    for pattern in options.include:
        words += ["--include", pattern]
    words += ["--allow-public"] * options.allow_public
    if options.service is not None:
        words.append("--service" if options.service else "--no-service")
    return shlex.join(words)


def normalised(remote: str) -> str:
    """Return a remote as the configuration writes it. Raises RemoteInvalidError."""
    text = remote.strip()
    if found := ON_GITHUB.fullmatch(text):
        place = f"github:{found['owner']}/{found['repo']}"
        if GITHUB.match(place):
            return place
    if text.startswith(("/", "~/")) and text.rstrip("/").endswith(".git"):
        return "file://" + quote(os.path.normpath(os.path.expanduser(text)))
    if text.startswith("file:///"):
        return text.rstrip("/")
    # A token that was pasted with a URL is not shown.
    raise RemoteInvalidError(remote=re.sub(r"//[^/]*@", "//", remote))


def checked_name(name: str, what: str, hint: str = NameInvalidError.hint) -> str:
    """Return a name if it can be one. Raises NameInvalidError."""
    if not ROOT_NAME.match(name):
        raise NameInvalidError(name=name, what=what, hint=hint)
    return name


def known_vault(
    context: Context, options: Options, agents: tuple[Agent, ...] = ()
) -> VaultSettings | None:
    """Return the vault in the configuration that is meant, or None for a new one.

    Raises UsageError where name and remote contradict each other, VaultAmbiguousError.
    """
    vaults = context.settings.vault
    if any(isinstance(vault, EnvironmentVault) for vault in vaults):
        detail = f"{options.command} writes a configuration, which is not needed with it"
        raise EnvironmentBrokenError(name="MEMORY_SYNC_REMOTE", detail=detail)
    remote = options.remote
    twin = next((vault for vault in vaults if remote and same(vault.remote, remote)), None)
    if options.vault:
        wanted = options.vault.casefold()
        named = next((vault for vault in vaults if vault.name.casefold() == wanted), None)
        if named and remote and not same(named.remote, remote):
            raise UsageError(detail=f"The vault {named.name} lies in {named.remote}.")
        if twin and not named:
            raise UsageError(detail=f"{twin.remote} is set up here already, as vault {twin.name}.")
        return named
    if remote:
        return twin
    folders = [folder for agent in agents for folder in agent.folders]
    return _vault_of(vaults, folders or [options.root], command_of(options))


def _vault_of(
    vaults: tuple[VaultSettings, ...], folders: Sequence[Path], command: str
) -> VaultSettings | None:
    """Return the vault that keeps one of these folders, or the only one there is."""
    keeping = [vault for vault in vaults if any(keeps(vault, folder) for folder in folders)]
    if len(keeping or vaults) > 1:
        known = ", ".join(vault.name for vault in keeping or vaults)
        raise VaultAmbiguousError(known=known, command=command, first=(keeping or vaults)[0].name)
    return next(iter(keeping or vaults), None)


def keeps(vault: VaultSettings, folder: Path) -> bool:
    """Tell whether a folder is configured as one of a vault's."""
    kept = [root.path for root in vault.root] + [part.path for part in vault.projects]
    return any(same_place(path, folder) for path in kept)


def aim_at(
    context: Context,
    options: Options,
    known: VaultSettings | None,
    agents: tuple[Agent, ...] = (),
) -> Aim:
    """Work out the vault and the roots that are to be set up: an agent's, or one folder.

    Raises UsageError and its kin for what cannot be or contradicts the configuration.
    """
    vault = _vault_for(context, options, known)
    wanted = [_extended(root, options) for agent in agents for root in agent.roots]
    roots = []
    present = set()
    for root in wanted if agents else [_new_root(options)]:
        there = _present(vault, root, options)
        if there:
            _refuse_other_settings(context, options, there, root)
            present.add(there.name)
        roots.append(there or root)
        _refuse_overlap(context, vault.name, roots[-1])
    projects = tuple(part for agent in agents for part in agent.projects)
    _refuse_shared(context, vault.name, projects)
    return Aim(vault, tuple(roots), projects, known=known is not None, present=frozenset(present))


def _vault_for(context: Context, options: Options, known: VaultSettings | None) -> VaultSettings:
    """Return the vault as it is configured, or as it will be."""
    if known is not None:
        update = {"allow_public": known.allow_public or options.allow_public}
        return known.model_copy(update=update)
    remote = options.remote or ""
    name = checked_name(options.vault or name_of(remote), "vault")
    for other in context.settings.vault:
        if other.name.casefold() == name.casefold():
            detail = f"The name {name} stands for {other.remote} here; give another: --vault."
            raise UsageError(detail=detail)
    fields = {"name": name, "remote": remote, "allow_public": options.allow_public}
    return _made(VaultSettings, fields)


def _present(vault: VaultSettings, wanted: RootSettings, options: Options) -> RootSettings | None:
    """Return the root if the configuration has it, under the name that was given if one was."""
    for root in vault.root:
        named = options.name is None or root.name == options.name
        if named and same_place(root.path, wanted.path):
            return root
    return None


def _refuse_other_settings(
    context: Context, options: Options, present: RootSettings, wanted: RootSettings
) -> None:
    path = context.directories.config_file
    hint = edit_command(path)
    if options.include and present.include != wanted.include:
        detail = f"The root {present.name} has other patterns already: change them in {path}."
        raise UsageError(detail=detail, hint=hint)
    if options.direction and present.direction != wanted.direction:
        detail = f"The root {present.name} has another direction already: change it in {path}."
        raise UsageError(detail=detail, hint=hint)


def _extended(root: RootSettings, options: Options) -> RootSettings:
    """Return an agent's root with the patterns that were given besides its own."""
    if not options.include:
        return root
    fields = {name: getattr(root, name) for name in RootSettings.model_fields}
    return _made(RootSettings, {**fields, "include": (*root.include, *options.include)})


def _new_root(options: Options) -> RootSettings:
    fields: dict[str, Any] = {
        "path": options.root,
        "name": checked_name(options.name or DEFAULT_ROOT, "root"),
    }
    if options.include:
        fields["include"] = options.include
    if options.direction:
        fields["direction"] = options.direction
    return _made(RootSettings, fields)


def _refuse_overlap(context: Context, vault: str, root: RootSettings) -> None:
    """Refuse a folder that another root keeps already, or that is the program's."""
    if context.directories.closes(root.path):
        raise UsageError(detail=f"{root.path} is a folder of memory-sync's own.")
    for other in context.settings.vault:
        for known in other.root:
            itself = (other.name, known.name) == (vault, root.name)
            if not itself and same_place(known.path, root.path):
                raise RootOverlapError(
                    path=root.path,
                    first=f"{other.name}/{known.name}",
                    second=f"{vault}/{root.name}",
                    config=context.directories.config_file,
                )


def _refuse_shared(context: Context, vault: str, projects: tuple[ProjectsSettings, ...]) -> None:
    """Refuse a folder of projects that another vault keeps already."""
    for part in projects:
        for other in context.settings.vault:
            if other.name != vault and keeps(other, part.path):
                raise RootOverlapError(
                    path=part.path,
                    first=f"{other.name}/{part.path.name}",
                    second=f"{vault}/{part.path.name}",
                    config=context.directories.config_file,
                )


def same(first: str, second: str) -> bool:
    """Tell whether two remotes are one: GitHub does not mind upper and lower case."""
    if first.startswith("github:"):
        return first.casefold() == second.casefold()
    return unquote(first).rstrip("/") == unquote(second).rstrip("/")


def same_place(first: Path, second: Path) -> bool:
    """Tell whether two paths lead to one folder."""
    return os.path.realpath(first) == os.path.realpath(second)


def _made(kind: type[Section], fields: Mapping[str, Any]) -> Section:
    try:
        return kind(**fields)
    except ValidationError as error:
        details = first_error(error)
        raise UsageError(detail=f"--{details['loc'][0]}: it {reason(details)}.") from None

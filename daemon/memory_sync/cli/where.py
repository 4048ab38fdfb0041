"""What `init` is about: which remote, which vault, which root, from what the person gave."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from pydantic import ValidationError

from memory_sync.app.context import Context
from memory_sync.config.reasons import first_error, reason
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.errors import (
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
    """What was given on the command line of `init` or `join`; None or empty where nothing was."""

    root: Path
    remote: str | None = None
    vault: str | None = None
    name: str | None = None
    device: str | None = None
    include: tuple[str, ...] = ()
    allow_public: bool = False
    yes: bool = False
    service: bool | None = None
    command: str = "init"


@dataclass(frozen=True)
class Aim:
    """What is to be set up; `known` tells that the vault is configured, `present` the root too."""

    vault: VaultSettings
    root: RootSettings
    known: bool
    present: bool


def options_of(
    *, root: Path | None, remote: str | None, yes: bool, command: str = "init", **given: Any
) -> Options:
    """Read what click has taken from the command line. Raises RemoteInvalidError."""
    return Options(
        root=Path(os.path.abspath(os.path.expanduser(root or "."))),
        remote=normalised(remote) if remote else None,
        yes=yes,
        command=command,
        **given,
    )


def command_of(options: Options) -> str:
    """Return the command line that was given, but for --yes and --json."""
    words = [options.command, str(options.root)]
    for option in ("remote", "vault", "name", "device"):
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
        return f"github:{found['owner']}/{found['repo']}"
    if text.startswith(("/", "~/")) and text.rstrip("/").endswith(".git"):
        return "file://" + quote(os.path.normpath(os.path.expanduser(text)))
    if text.startswith("file:///"):
        return text.rstrip("/")
    raise RemoteInvalidError(remote=remote)


def name_of(remote: str) -> str:
    """Make a vault's name from its remote: the repository's, in the letters a name may have."""
    last = unquote(remote).rstrip("/").rpartition("/")[2].removesuffix(".git")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-")[:64] or "vault"


def checked_name(name: str, what: str) -> str:
    """Return a name if it can be one. Raises NameInvalidError."""
    if not ROOT_NAME.match(name):
        raise NameInvalidError(name=name, what=what)
    return name


def known_vault(context: Context, options: Options) -> VaultSettings | None:
    """Return the vault in the configuration that is meant, or None for a new one.

    Raises UsageError where name and remote contradict each other, VaultAmbiguousError.
    """
    vaults = context.settings.vault
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
    return _vault_of(vaults, options.root)


def _vault_of(vaults: tuple[VaultSettings, ...], folder: Path) -> VaultSettings | None:
    """Return the vault that keeps a folder, or the only one there is."""
    for vault in vaults:
        if any(same_place(root.path, folder) for root in vault.root):
            return vault
    if len(vaults) > 1:
        known = ", ".join(vault.name for vault in vaults)
        raise VaultAmbiguousError(known=known, command="init", first=vaults[0].name)
    return vaults[0] if vaults else None


def aim_at(context: Context, options: Options, known: VaultSettings | None) -> Aim:
    """Work out the vault and the root that are to be set up.

    Raises UsageError and its kin for what cannot be or contradicts the configuration.
    """
    if known is None:
        remote = options.remote or ""
        name = checked_name(options.vault or name_of(remote), "vault")
        for other in context.settings.vault:
            if other.name.casefold() == name.casefold():
                detail = f"The name {name} stands for {other.remote} here; give another: --vault."
                raise UsageError(detail=detail)
        fields = {"name": name, "remote": remote, "allow_public": options.allow_public}
        known_here, vault = False, _made(VaultSettings, fields)
    else:
        known_here, vault = True, known
        if options.allow_public:
            vault = vault.model_copy(update={"allow_public": True})
    present = _present(vault, options)
    if present and options.include and present.include != options.include:
        path = context.directories.config_file
        detail = f"The root {present.name} has other patterns already: change them in {path}."
        raise UsageError(detail=detail)
    root = present or _new_root(options)
    _refuse_overlap(context, vault.name, root)
    return Aim(vault, root, known=known_here, present=present is not None)


def _present(vault: VaultSettings, options: Options) -> RootSettings | None:
    """Return the root if the configuration has it, under the name that was given if one was."""
    for root in vault.root:
        named = options.name is None or root.name == options.name
        if named and same_place(root.path, options.root):
            return root
    return None


def _new_root(options: Options) -> RootSettings:
    fields: dict[str, Any] = {
        "path": options.root,
        "name": checked_name(options.name or DEFAULT_ROOT, "root"),
    }
    if options.include:
        fields["include"] = options.include
    return _made(RootSettings, fields)


def _refuse_overlap(context: Context, vault: str, root: RootSettings) -> None:
    """Refuse a folder that another root keeps already."""
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

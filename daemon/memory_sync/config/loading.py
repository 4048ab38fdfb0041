"""From `config.toml` and the environment to the settings, or to an error that a person can use."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings.sources import EnvSettingsSource

from memory_sync.config.fields import name_of
from memory_sync.config.overlap import same_folder
from memory_sync.config.reasons import UNKNOWN, Location, dotted, first_error, reason, with_nearest
from memory_sync.config.settings import (
    PREFIX,
    SECTIONS,
    EnvironmentVault,
    RootSettings,
    Settings,
    folders,
)
from memory_sync.errors import (
    ConfigBrokenError,
    EnvironmentBrokenError,
    RootOverlapError,
    SettingUnknownError,
    UsageError,
)

VAULT = f"{PREFIX}VAULT"
REMOTE, ROOT, ROOT_NAME = (f"{PREFIX}{name}" for name in ("REMOTE", "ROOT", "ROOT_NAME"))
"""What makes a vault with one root where none is configured."""
IN_VARIABLES = ("daemon", "github")
"""The tables whose settings the environment can set one by one."""


def load(path: Path, env: Mapping[str, str]) -> Settings:
    """Read the configuration; a file that is not there is an empty one.

    Raises ConfigBrokenError, EnvironmentBrokenError, SettingUnknownError or RootOverlapError.
    """
    settings = parse(read_text(path), path, env)
    _check_private(settings, path, env)
    return settings


def _check_private(settings: Settings, path: Path, env: Mapping[str, str]) -> None:
    """Refuse a file with a password in it that others can read."""
    proxy = settings.github.proxy
    if not proxy or "@" not in proxy or _variable_of(("github", "proxy"), _settings_of(env)):
        return
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if stat.S_IMODE(mode) & 0o077:
        detail = "github.proxy has a password, and others can read the file"
        raise ConfigBrokenError(path=path, detail=detail, hint=f"chmod 600 '{path}'")


def read_text(path: Path) -> str:
    """Read the file as text, "" if it is not there. Raises ConfigBrokenError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ConfigBrokenError(path=path, detail=error.strerror or type(error).__name__) from None
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigBrokenError(path=path, detail=f"line {line} is not UTF-8 text") from None


def parse(text: str, path: Path, env: Mapping[str, str]) -> Settings:
    """Read the configuration from its text; `path` is for messages. Raises as `load` does."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigBrokenError(path=path, detail=f"it is not TOML: {error}") from None
    for key in data:
        # Before pydantic sees it: some names are arguments of its own constructor.
        if key not in Settings.model_fields:
            raise SettingUnknownError(path=path, setting=with_nearest(dotted((key,), {}), (key,)))
    variables = _settings_of(env)
    data = _above(data, _Environment(variables)())
    if remote := env.get(REMOTE, "").strip():
        data = _with_remote(data, remote, env)
    try:
        settings = Settings(**data)
    except ValidationError as error:
        details = first_error(error)
        where = dotted(details["loc"], data)
        if details["type"] == UNKNOWN and _variable_of(details["loc"], variables) is None:
            setting = with_nearest(where, details["loc"])
            raise SettingUnknownError(path=path, setting=setting) from None
        raise _broken(details["loc"], f"{where}: {reason(details)}", path, variables) from None
    _check_poll(settings, path, variables)
    _check_overlap(settings, path)
    return settings


def _with_remote(data: Mapping[str, Any], remote: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Add the vault that the environment names, if none is configured.

    Raises EnvironmentBrokenError where others are: which of them is meant is not guessed.
    """
    vaults = data.get("vault")
    if not vaults:
        return {**data, "vault": (_vault_at(remote, env),)}
    tables = vaults if isinstance(vaults, list) else []
    known = [str(one.get("remote")) for one in tables if isinstance(one, Mapping)]
    if not known:
        return dict(data)  # no vaults as they have to be: that is said of them
    if remote.casefold() not in {one.casefold() for one in known}:
        detail = f"vaults are configured, and lie elsewhere ({', '.join(known)})"
        raise EnvironmentBrokenError(name=REMOTE, detail=detail)
    return dict(data)


def _vault_at(remote: str, env: Mapping[str, str]) -> EnvironmentVault:
    """Make a vault with one root of what the environment says. Raises EnvironmentBrokenError."""
    try:
        fields = {"path": os.path.abspath(os.path.expanduser(env.get(ROOT) or os.curdir))}
    except OSError:
        raise EnvironmentBrokenError(name=ROOT, detail="the current folder is gone") from None
    if name := env.get(ROOT_NAME):
        fields["name"] = name
    try:
        root = RootSettings.model_validate(fields)
    except ValidationError as error:
        details = first_error(error)
        blamed = ROOT_NAME if details["loc"] == ("name",) else ROOT
        raise EnvironmentBrokenError(name=blamed, detail=f"it {reason(details)}") from None
    try:
        return EnvironmentVault(name=name_of(remote), remote=remote, root=(root,))
    except ValidationError as error:
        detail = f"it {reason(first_error(error))}"
        raise EnvironmentBrokenError(name=REMOTE, detail=detail) from None


class _Environment(EnvSettingsSource):
    """The settings among some environment variables, which need not be the process's own."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.env_vars = {name.lower(): value for name, value in env.items()}


def _settings_of(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are settings; an empty one is as good as none.

    Other variables of ours (MEMORY_SYNC_HOME) have no table in their name.
    """
    found = {}
    for name, value in env.items():
        table, sign, key = name.removeprefix(PREFIX).lower().partition("__")
        if not name.startswith(PREFIX) or not value:
            continue
        if sign and (table not in IN_VARIABLES or key not in SECTIONS[table].model_fields):
            detail = with_nearest("there is no such setting", (table, key))
            raise EnvironmentBrokenError(name=name, detail=detail)
        if name == VAULT:
            _check_json(value)
        if sign or table in ("vault", "device"):
            found[name] = value
    return found


def _check_json(value: str) -> None:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        raise EnvironmentBrokenError(name=VAULT, detail="it is not JSON") from None


def _above(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Put settings above others: tables are joined, all else is replaced."""
    joined = dict(low)
    for key, value in high.items():
        both = isinstance(value, dict) and isinstance(low.get(key), dict)
        joined[key] = {**low[key], **value} if both else value
    return joined


def _variable_of(location: Location, variables: Mapping[str, str]) -> str | None:
    """Return the variable that set what stands at this place, if one did."""
    names = [str(part) for part in location]
    exact = PREFIX + "__".join(names[:2]).upper()
    for name in variables:
        whole_table = len(names) == 1 and name.startswith(f"{exact}__")
        if name == exact or whole_table or (names[:1] == ["vault"] and name == VAULT):
            return name
    return None


def _broken(
    location: Location, detail: str, path: Path, variables: Mapping[str, str]
) -> UsageError:
    """Blame the variable that set the value, if one did, else the file."""
    name = _variable_of(location, variables)
    if name is None:
        return ConfigBrokenError(path=path, detail=detail)
    return EnvironmentBrokenError(name=name, detail=detail)


def _check_poll(settings: Settings, path: Path, variables: Mapping[str, str]) -> None:
    """Hold a real GitHub to one question a second; a folder and a stand-in may be asked more."""
    real = any(
        vault.remote.startswith("github:")
        and settings.github_of(vault).base_url.startswith("https:")
        for vault in settings.vault
    )
    if real and settings.daemon.poll < 1:
        detail = "daemon.poll: must be at least 1 with a vault on GitHub"
        raise _broken(("daemon", "poll"), detail, path, variables)


def _check_overlap(settings: Settings, path: Path) -> None:
    places = folders(settings)
    if twins := same_folder(places):
        first, second = ("/".join(key) for key in twins)
        raise RootOverlapError(path=places[twins[0]], first=first, second=second, config=path)

"""What every command starts from: places, settings, keys, the clock."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from memory_sync.config.directories import Directories, directories
from memory_sync.config.found import read_projects
from memory_sync.config.loading import load
from memory_sync.config.projects import with_projects
from memory_sync.config.settings import Settings, VaultSettings
from memory_sync.errors import (
    EXPORT_ELSEWHERE,
    KeyInvalidError,
    NotConfiguredError,
    PlatformError,
    VaultAmbiguousError,
    VaultUnknownError,
)
from memory_sync.ports.clock import Clock, SystemClock
from memory_sync.ports.keystore import Keystore
from memory_sync.ports.pace import Paces
from memory_sync.ports.ring import IDENTITY, Ring
from memory_sync.vault.keys import CipherError, Identity, parse_identity


@dataclass(frozen=True)
class Context:
    """One installation of the program, as the environment and the configuration describe it."""

    env: Mapping[str, str]
    directories: Directories
    settings: Settings
    clock: Clock
    paces: Paces = field(compare=False)

    @property
    def keystore(self) -> Keystore:
        """The identities stored here, and the one in the environment."""
        return Keystore(self.directories.keys, identity_from(self.env), Ring(self.env))

    def vaults(self, name: str | None = None) -> tuple[VaultSettings, ...]:
        """Return the vault with this name, or all.

        Raises VaultUnknownError, NotConfiguredError.
        """
        vaults = self.settings.vault
        if not vaults:
            raise NotConfiguredError(path=self.directories.config_file)
        if name is None:
            return vaults
        for vault in vaults:
            if vault.name == name:
                return (vault,)
        raise VaultUnknownError(name=name, known=", ".join(vault.name for vault in vaults))

    def one_vault(self, name: str | None, command: str) -> VaultSettings:
        """Return the one vault that a command can mean.

        Raises VaultAmbiguousError as well.
        """
        vaults = self.vaults(name)
        if len(vaults) > 1:
            known = ", ".join(vault.name for vault in vaults)
            raise VaultAmbiguousError(known=known, command=command, first=vaults[0].name)
        return vaults[0]


def load_context(env: Mapping[str, str]) -> Context:
    """Read the configuration that the environment points to."""
    check_platform(sys.platform)
    places = directories(env)
    clock = SystemClock()
    return Context(env, places, load_settings(places, env), clock, Paces(clock))


def load_settings(places: Directories, env: Mapping[str, str]) -> Settings:
    """Read the settings; each project that is mapped is a root among them."""
    settings = load(places.config_file, env)
    return with_projects(settings, read_projects(places.projects_file))


def check_platform(platform: str) -> None:
    """Refuse an operating system that the program does not run on."""
    if platform not in ("linux", "darwin"):
        raise PlatformError(system={"win32": "Windows"}.get(platform, platform))


def identity_from(env: Mapping[str, str]) -> Identity | None:
    """Read the identity in MEMORY_SYNC_IDENTITY, if there is one. Raises KeyInvalidError."""
    text = env.get(IDENTITY, "")
    if not text.strip():
        return None
    try:
        return parse_identity(text)
    except CipherError:
        raise KeyInvalidError(source=IDENTITY, hint=EXPORT_ELSEWHERE) from None

"""The settings: every table of the configuration, with its defaults and what it refuses.

`loading.load` reads them from `config.toml` and the environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ByteSize, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from memory_sync.config.fields import (
    AbsolutePath,
    BaseUrl,
    CaFile,
    Caps,
    Interval,
    LeftOut,
    Lower,
    Name,
    Pattern,
    Proxy,
    Recovery,
    RemoteUrl,
    Seconds,
    Size,
    host_name,
)
from memory_sync.config.overlap import PATIENCE, inner_folders
from memory_sync.model import Direction
from memory_sync.sync.guards import MANY
from memory_sync.sync.patterns import DEFAULT_INCLUDE, Patterns

PREFIX = "MEMORY_SYNC_"


class Section(BaseModel):
    """A table of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DaemonSettings(Section):
    """`[daemon]`: when the daemon looks, in seconds, what it writes into its log, and notices."""

    debounce: Seconds = 2.0
    max_delay: Seconds = 30.0
    poll: Interval = 15.0
    scan: Interval = 3600.0
    log_paths: bool = False
    notifications: bool = True
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lower] = "info"

    @model_validator(mode="after")
    def _delay_holds_debounce(self) -> DaemonSettings:
        if self.max_delay < self.debounce:
            raise ValueError("max_delay must not be smaller than debounce")
        return self


class GitHubSettings(Section):
    """`[github]`: how GitHub is reached; `timeout` is in seconds, `proxy` may hold a password."""

    base_url: BaseUrl = "https://api.github.com"
    token_file: AbsolutePath | None = None
    timeout: Annotated[float, Field(ge=0.1, le=600, allow_inf_nan=False)] = 15.0
    proxy: Annotated[Proxy | None, Field(repr=False)] = None
    ca_file: CaFile | None = None


class TrashSettings(Section):
    """`[trash]`: what is kept of each vault's replaced files: `days` long, `max_size` in bytes."""

    days: Annotated[int, Field(ge=1, le=3650)] = 30
    max_size: Annotated[ByteSize, Field(ge=0)] = ByteSize(1024**3)


class RootSettings(Section):
    """`[[vault.root]]`: a folder; `max_size` is in bytes, `merge_cap` in characters by pattern."""

    path: AbsolutePath
    name: Name = "memory"
    include: Annotated[tuple[Pattern, ...], Field(min_length=1)] = DEFAULT_INCLUDE
    exclude: tuple[Pattern, ...] = ()
    direction: Annotated[Direction, Lower] = "both"
    max_size: Size = ByteSize(10 * 1024**2)
    max_deletes: Annotated[int, Field(ge=1)] = MANY
    merge_cap: Caps = Field(default_factory=lambda: MappingProxyType({}))
    formerly: tuple[Name, ...] = ()

    @property
    def patterns(self) -> Patterns:
        """Which files of the folder are synced."""
        return Patterns(self.include, self.exclude, ignore=())


class ProjectsSettings(Section):
    """`[[vault.projects]]`: a folder in which an agent keeps a memory for each project."""

    path: AbsolutePath
    agent: Literal["claude-code"] = "claude-code"
    leave_out: tuple[LeftOut, ...] = ()
    include: Annotated[tuple[Pattern, ...], Field(min_length=1)] = ("**/*.md",)
    exclude: tuple[Pattern, ...] = ()
    direction: Annotated[Direction, Lower] = "both"
    max_size: Size = ByteSize(10 * 1024**2)
    merge_cap: Caps = Field(default_factory=lambda: MappingProxyType({}))


class VaultSettings(Section):
    """`[[vault]]`: where a vault lies and which folders it keeps."""

    name: Name
    remote: RemoteUrl
    allow_public: bool = False
    secrets: Annotated[Literal["warn", "block", "off"], Lower] = "warn"
    base_url: BaseUrl | None = None
    token_file: AbsolutePath | None = None
    recovery_recipients: tuple[Recovery, ...] | None = None
    root: tuple[RootSettings, ...] = ()
    projects: tuple[ProjectsSettings, ...] = ()

    @field_validator("root")
    @classmethod
    def _root_names_differ(cls, roots: tuple[RootSettings, ...]) -> tuple[RootSettings, ...]:
        names = [root.name for root in roots]
        _refuse_twins(names, "roots of one vault")
        former = [name for root in roots for name in root.formerly]
        _refuse_twins([*names, *former], "roots of one vault, one of them formerly,")
        return roots


class EnvironmentVault(VaultSettings):
    """A vault that the environment alone describes: whoever syncs it marks its folder."""


class Settings(BaseSettings):
    """The whole configuration. Made by hand it takes nothing from the environment: `load` does."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    device: Name = Field(default_factory=host_name)
    daemon: DaemonSettings = DaemonSettings()
    github: GitHubSettings = GitHubSettings()
    trash: TrashSettings = TrashSettings()
    vault: tuple[VaultSettings, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library passes all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave the order of the sources to `load`, which knows which file and environment."""
        return (init_settings,)

    @field_validator("vault")
    @classmethod
    def _vault_names_differ(cls, vaults: tuple[VaultSettings, ...]) -> tuple[VaultSettings, ...]:
        _refuse_twins([vault.name for vault in vaults], "vaults")
        return vaults

    @property
    def left_all(self) -> bool:
        """Tell whether the configuration says in so many words that there is no vault."""
        return not self.vault and "vault" in self.model_fields_set

    def github_of(self, vault: VaultSettings) -> GitHubSettings:
        """Return how GitHub is reached for one vault: its own settings before those of all."""
        own = {"base_url": vault.base_url, "token_file": vault.token_file}
        update = {key: own[key] for key in own if own[key]}
        if self.elsewhere(vault):
            update["token_file"] = vault.token_file
        return self.github.model_copy(update=update)

    def elsewhere(self, vault: VaultSettings) -> bool:
        """Tell whether a vault lies on another server, which no token of all vaults may reach."""
        servers = [urlsplit(url).netloc for url in (vault.base_url, self.github.base_url) if url]
        return len(set(servers)) > 1


SECTIONS: Mapping[str, type[BaseModel]] = {
    "daemon": DaemonSettings,
    "github": GitHubSettings,
    "trash": TrashSettings,
    "vault": VaultSettings,
    "root": RootSettings,
    "projects": ProjectsSettings,
}


def folders(settings: Settings) -> dict[tuple[str, str], Path]:
    """Return the folder of every root, by (vault's name, root's name)."""
    return {(vault.name, root.name): root.path for vault in settings.vault for root in vault.root}


def nested(
    settings: Settings, patience: float = PATIENCE, own: Iterable[Path] = ()
) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return what each root leaves out: folders of other roots, and what is our `own`.

    From (vault's name, root's name) to paths relative to the root; a disk that does not answer
    is waited for `patience` seconds.
    """
    ours = {("", str(place)): place for place in own}
    return inner_folders({**ours, **folders(settings)}, patience)


def _refuse_twins(names: list[str], what: str) -> None:
    folded = [name.casefold() for name in names]
    if len(set(folded)) < len(folded):
        raise ValueError(f"two {what} have the same name (upper and lower case count as the same)")

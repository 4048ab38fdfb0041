"""Opening a vault: every adapter of one vault, wired into an engine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from glob import escape
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.tokens import find_token, supplying, variables_of
from memory_sync.config.durable import make_private_folder, take_lock
from memory_sync.config.settings import EnvironmentVault, RootSettings, VaultSettings, nested
from memory_sync.engine.cycle import Engine
from memory_sync.engine.found import look_into, trust_for
from memory_sync.engine.kit import Kit, Report, Root
from memory_sync.errors import (
    BusyError,
    HaltError,
    KeyMissingError,
    KeyRotatedError,
    KeyVariableError,
    MarkerMissingError,
    NothingToJoinError,
    RemoteInvalidError,
    TokenForbiddenError,
    TokenMissingError,
    TokenRejectedError,
)
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports.bases import Bases
from memory_sync.ports.disk import DiskTree
from memory_sync.ports.pulse import Beat, no_beat
from memory_sync.ports.readonly import ReadOnly
from memory_sync.ports.remote import Remote
from memory_sync.ports.ring import IDENTITY
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import State
from memory_sync.ports.token import Token
from memory_sync.ports.trash import DAY, Trash
from memory_sync.sync.patterns import Patterns
from memory_sync.vault.judge import Trust

EVERYTHING = Patterns(("**/*",))
WAKING = 5.0
"""Seconds that a disk has to wake, before what is left out of a root goes by paths alone."""


def make_remote(context: Context, vault: VaultSettings, beat: Beat = no_beat) -> Remote:
    """Make the adapter for a vault's remote; only what is needed is imported.

    Raises RemoteInvalidError, TokenMissingError.
    """
    kind, _, place = vault.remote.partition(":")
    if kind == "file":
        from memory_sync.ports.folder import FolderRemote

        return FolderRemote(vault.remote)
    if kind == "github":
        from memory_sync.ports.github import GitHubRemote

        settings = context.settings.github_of(vault)
        token = _token(context, vault)
        return GitHubRemote(
            place,
            token,
            settings.base_url,
            settings.timeout,
            proxy=settings.proxy,
            ca_file=settings.ca_file,
            pace=context.paces.of(settings.base_url, token.value),
            folder=context.directories.vault_state(vault.name),
            beat=beat,
        )
    raise RemoteInvalidError(remote=vault.remote)


def _token(context: Context, vault: VaultSettings) -> Token:
    """Find the token of a vault; the hint, if there is none, stores one and nothing else."""
    settings, variables = context.settings.github_of(vault), variables_of(context.settings, vault)
    try:
        return find_token(settings, context.env, vault.remote, variables)
    except TokenMissingError as error:
        hint = supplying(context.settings, vault)
        raise TokenMissingError(**error.facts, hint=hint) from None


@contextmanager
def variables_blamed(context: Context, vault: VaultSettings) -> Iterator[None]:
    """Say of a key or a token that is of no use that it came from the environment.

    Nothing that is stored on this device would help then. Raises KeyVariableError.
    """
    try:
        yield
    except (KeyMissingError, KeyRotatedError) as error:
        if not context.env.get(IDENTITY, "").strip() or context.keystore.recipients():
            raise
        raise KeyVariableError(**error.facts) from None
    except (TokenRejectedError, TokenForbiddenError) as error:
        if not isinstance(vault, EnvironmentVault) or "hint" in error.facts:
            raise
        hint = supplying(context.settings, vault)
        raise type(error)(**error.facts, hint=hint) from None


@contextmanager
def open_vault(
    context: Context,
    vault: VaultSettings,
    report: Report = lambda _: None,
    spool: Spool | None = None,
    beat: Beat = no_beat,
    *,
    read_only: bool = False,
) -> Iterator[Engine]:
    """Give a vault's engine while nobody else on this machine works on the vault.

    `report` is told how far a transfer is; `spool` may hold contents already; `beat` is called for
    each request and each file; `read_only` lets nothing write to the remote. On first contact the
    vault is joined, if its key is here. Raises BusyError, KeyMissingError and what the remote
    raises.
    """
    folder = context.directories.vault_state(vault.name)
    with (
        vault_lock(folder, vault.name),
        variables_blamed(context, vault),
        closing(make_remote(context, vault, beat)) as made,
    ):
        remote: Remote = ReadOnly(made) if read_only else made
        trust = trusted(context, vault, remote)
        state = State.open(folder / "state.db")
        roots: dict[str, Root] = {}
        try:
            trash = open_trash(context, vault.name)
            trash.tidy()
            roots = make_roots(context, vault, trust, trash, beat)
            if isinstance(vault, EnvironmentVault):
                take_folders(vault, roots, state)
            roots[CONFLICTS] = _conflicts(context, vault, trust, state)
            bases = open_bases(context, vault.name)
            bases.tidy(_copies_in(Path(roots[CONFLICTS].place)))
            kit = Kit(
                vault=vault.name,
                device=context.settings.device,
                remote=remote,
                state=state,
                keystore=context.keystore,
                roots=roots,
                spool=spool or Spool(folder),
                clock=context.clock,
                report=report,
                beat=beat,
                secrets=vault.secrets,
                recovery=vault.recovery_recipients,
                bases=bases,
                reach=partial(_reach, context, vault),
            )
            yield Engine(kit, allow_public=vault.allow_public)
        finally:
            for root in roots.values():
                root.files.unlock()
            state.close()


def _reach(context: Context, vault: VaultSettings, url: str) -> Remote:
    """Make the adapter for another remote of the same vault. Raises as `make_remote` does."""
    return make_remote(context, vault.model_copy(update={"remote": url}))


def open_trash(context: Context, vault: str) -> Trash:
    """Return the trash of a vault, with its bounds."""
    bounds = context.settings.trash
    return Trash(
        context.directories.trash / vault,
        context.clock,
        keep=bounds.days * DAY,
        max_size=bounds.max_size,
    )


def open_bases(context: Context, vault: str) -> Bases:
    """Return what the conflicts of a vault began with, as far as it is known on this device."""
    # In the trash, whose parts with a dot are no root's: what lies there is not synced or listed.
    return Bases(context.directories.trash / vault / ".bases")


def _copies_in(folder: Path) -> Iterator[str]:
    for above, _, found in os.walk(folder):
        yield from (os.path.relpath(os.path.join(above, name), folder) for name in found)


def trusted(context: Context, vault: VaultSettings, remote: Remote) -> Trust:
    """Return what is trusted of a vault; on first contact what lies there, if its key is here."""
    keystore = context.keystore
    trust = keystore.trust(vault.name)
    if trust is None:
        finding = look_into(remote)
        if isinstance(vault, EnvironmentVault) and finding.manifest is None:
            # What it takes to found one is a person, and a place where the key stays.
            raise NothingToJoinError(remote=vault.remote)
        trust = trust_for(finding, vault.name, remote, keystore)
    return trust


def take_folders(vault: VaultSettings, roots: Mapping[str, Root], state: State) -> None:
    """Mark the folders of a vault that the environment describes, where they bear no marker.

    They are new here, for all that is known: what both sides hold is united. Another root's marker
    stays, and halts the root.
    """
    for settings in vault.root:
        with suppress(OSError):
            settings.path.mkdir(parents=True, exist_ok=True)
        files = roots[settings.name].files
        try:
            files.check()
        except MarkerMissingError:
            state.forget_root(settings.name)
            files.adopt()
        except (HaltError, BusyError):
            continue  # the look says so


def make_roots(
    context: Context, vault: VaultSettings, trust: Trust, trash: Trash, beat: Beat = no_beat
) -> dict[str, Root]:
    """Make the roots of a vault; a root that lies in another is left out of that one."""
    inner = nested(context.settings, WAKING, context.directories.own)
    return {
        settings.name: Root(
            settings.name,
            str(settings.path),
            root_files(
                context,
                settings,
                trust,
                trash,
                inner.get((vault.name, settings.name), ()),
                beat=beat,
            ),
            patterns_of(settings, inner.get((vault.name, settings.name), ())),
            settings.max_size,
            settings.merge_cap,
            settings.max_deletes,
            settings.direction,
            settings.formerly,
        )
        for settings in vault.root
    }


def patterns_of(settings: RootSettings, inner: tuple[str, ...] = ()) -> Patterns:
    """Return which files of a root are synced, without the folders of other roots in it."""
    hidden = tuple(pattern for path in map(escape, inner) for pattern in (path, f"{path}/**"))
    return Patterns(settings.include, (*settings.exclude, *hidden), ignore=())


def root_files(
    context: Context,
    settings: RootSettings,
    trust: Trust,
    trash: Trash | None,
    inner: tuple[str, ...] = (),
    *,
    beat: Beat = no_beat,
) -> DiskTree:
    """Make the adapter to a root's files."""
    return DiskTree(
        settings.name,
        settings.path,
        patterns=patterns_of(settings, inner),
        max_size=settings.max_size,
        vault_id=trust.vault_id,
        device=context.settings.device,
        clock=context.clock,
        trash=trash,
        beat=beat,
        former=settings.formerly,
    )


def _conflicts(context: Context, vault: VaultSettings, trust: Trust, state: State) -> Root:
    """Make the root of conflict copies, which lies in the device's own state folder."""
    path = context.directories.vault_state(vault.name) / "conflicts"
    if not (path / ".memory-sync").exists():
        # A folder that is new here holds nothing yet: what the vault has comes, nothing goes.
        state.forget_root(CONFLICTS)
    make_private_folder(path)
    files = conflict_files(context, vault.name, trust)
    files.adopt(replace=True)
    return Root(CONFLICTS, str(path), files, EVERYTHING, max_size=2**40)


def conflict_files(
    context: Context, vault: str, trust: Trust, trash: Trash | None = None
) -> DiskTree:
    """Make the adapter to the conflict copies of a vault on this device."""
    return DiskTree(
        CONFLICTS,
        context.directories.vault_state(vault) / "conflicts",
        patterns=EVERYTHING,
        max_size=2**40,
        vault_id=trust.vault_id,
        device=context.settings.device,
        clock=context.clock,
        trash=trash,
    )


@contextmanager
def vault_lock(folder: Path, vault: str) -> Iterator[None]:
    """Hold the lock of a vault on this machine; it dies with the process.

    Raises BusyError.
    """
    make_private_folder(folder)
    handle = os.open(folder / "vault.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not take_lock(handle):
            raise BusyError(vault=vault)
        yield
    finally:
        os.close(handle)

"""Moving house: a root's name or folder, a vault's remote, and leaving either.

Each changes the configuration first or last, so that a kill leaves something that goes on by itself
or that the same command finishes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from memory_sync.app.context import Context, load_settings
from memory_sync.app.setup import examine, marked, vet
from memory_sync.app.standing import remembered_roots
from memory_sync.app.vaults import root_files, vault_lock
from memory_sync.config.loading import REMOTE, VAULT, parse, read_text
from memory_sync.config.projects import ProjectRoot
from memory_sync.config.settings import EnvironmentVault, RootSettings, VaultSettings
from memory_sync.config.writing import (
    leave_project,
    remove_root,
    remove_vault,
    rename_root,
    set_remote,
    set_root_path,
)
from memory_sync.daemon.client import Client, find_socket
from memory_sync.errors import (
    BusyError,
    DaemonError,
    EnvironmentBrokenError,
    HaltError,
    KeyMissingError,
    NotAVaultError,
    RemoteOtherError,
    RepositoryPublicError,
    RootFoundError,
    RootMarkedError,
    RootMissingError,
    RootNameTakenError,
    RootUnknownError,
    TokenMissingError,
    UsageError,
    VaultAmbiguousError,
)
from memory_sync.model import Kind
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports import marker
from memory_sync.ports.marker import Marker
from memory_sync.ports.names import MARKER
from memory_sync.ports.state import State

PICK_UP = 25.0
"""Seconds in which a running daemon takes up a changed configuration: it may be at work."""
Row = Mapping[str, Any]
ELSEWHERE = "memory-sync move-remote github:OWNER/PRIVATE-REPOSITORY"
"""What there is to do where a vault cannot move to a remote: any `init` would found another one."""


def root_of(
    context: Context, name: str, vault: str | None, command: str, *, projects: bool = False
) -> tuple[VaultSettings, RootSettings]:
    """Return the root of this name, with its vault; one that is a project only with `projects`.

    Raises RootUnknownError, RootFoundError, VaultAmbiguousError where several vaults have one.
    """
    vaults = context.vaults(vault)
    found = [(one, root) for one in vaults for root in one.root if root.name == name]
    if not found:
        known = ", ".join(sorted({root.name for one in vaults for root in one.root})) or "none"
        raise RootUnknownError(name=name, known=known)
    if len(found) > 1:
        names = ", ".join(one.name for one, _ in found)
        raise VaultAmbiguousError(known=names, command=command, first=found[0][0].name)
    if isinstance(found[0][1], ProjectRoot) and not projects:
        raise RootFoundError(name=name, path=found[0][1].path)
    check_written(context, found[0][0])
    return found[0]


def check_written(context: Context, vault: VaultSettings) -> None:
    """Refuse a vault that no file has that could be changed. Raises EnvironmentBrokenError."""
    path = context.directories.config_file
    if all(one.name != vault.name for one in parse(read_text(path), path, {}).vault):
        name = REMOTE if isinstance(vault, EnvironmentVault) else VAULT
        detail = f"vault {vault.name} stands in it alone: change it there"
        raise EnvironmentBrokenError(name=name, detail=detail)


def reloaded(context: Context) -> Context:
    """Return the context with what is configured by now."""
    return replace(context, settings=load_settings(context.directories, context.env))


def taken_up(context: Context, holds: Callable[[list[Row]], bool]) -> bool:
    """Wait until the daemon shows vaults of which something holds; True as well if none runs."""
    places = context.directories
    deadline = time.monotonic() + PICK_UP
    while time.monotonic() < deadline:
        try:
            with Client(find_socket(places.daemon_lock, places.socket), 1.0) as client:
                rows = client.status()["vaults"]
        except DaemonError:
            return True
        if holds(rows):
            return True
        time.sleep(0.1)
    return False


def serves(vault: str, root: RootSettings) -> Callable[[list[Row]], bool]:
    """Return what tells whether a daemon serves a root as the configuration has it."""
    wanted = {"name": root.name, "path": str(root.path)}
    return lambda rows: any(row["name"] == vault and wanted in row["roots"] for row in rows)


# --- a root's name ------------------------------------------------------------------------------


def rename(context: Context, vault: VaultSettings, root: RootSettings, new: str) -> Context:
    """Give a root another name in the configuration; all else follows from that.

    Raises RootNameTakenError, or what is wrong with the folder.
    """
    names = {known.casefold(): known for one in vault.root for known in (one.name, *one.formerly)}
    back = {known.casefold() for known in root.formerly}
    if new.casefold() == root.name.casefold():
        detail = f"{new} is the name that root {root.name} has, but for upper and lower case."
        raise UsageError(detail=detail, hint="memory-sync roots rename --help")
    if new.casefold() in names.keys() - back:
        taken = next((one.path for one in vault.root if one.name.casefold() == new.casefold()), "")
        hint = f"memory-sync roots rename {root.name} OTHER-NAME"
        raise RootNameTakenError(name=new, path=taken or "another root", hint=hint)
    _check_marker(context, vault, root)
    rename_root(context.directories.config_file, vault.name, root.name, new)
    return reloaded(context)


def vault_has(context: Context, vault: VaultSettings, root: RootSettings, new: str) -> int:
    """Return how many files the vault has under the new name of a root, besides those of the old.

    It is what was known when it was asked last. Raises UsageError for a root that is only fetched,
    which nothing carries to a name that the vault does not have.
    """
    counts = {name.casefold(): count for name, count in remembered_roots(context, vault).items()}
    if root.direction == "pull" and new.casefold() not in counts:
        detail = f"Root {root.name} is only fetched here, and the vault has no root {new}."
        raise UsageError(detail=detail, hint="memory-sync pull")
    back = {known.casefold() for known in root.formerly}
    both = root.name.casefold() in counts and new.casefold() not in back
    return counts.get(new.casefold(), 0) if both else 0


def _check_marker(context: Context, vault: VaultSettings, root: RootSettings) -> None:
    """Make sure that the folder is the root that is meant. Raises what a halt of it says."""
    trust = context.keystore.trust(vault.name)
    found = marked(root)
    if trust and found and found.vault == trust.vault_id and found.root in root.formerly:
        return
    if trust:
        root_files(context, root, trust, None).check()


# --- a root's folder ----------------------------------------------------------------------------


def move(context: Context, vault: VaultSettings, root: RootSettings, folder: Path) -> bool:
    """Let a root lie in another folder; tell whether that is the same folder, which was moved.

    A folder that is not it is marked anew: then what is known of the old one does not count, and
    both sides are united. Raises RootMissingError, RootMarkedError, RootOverlapError.
    """
    trust = context.keystore.trust(vault.name)
    if trust is None:
        raise KeyMissingError(vault=vault.name, recipient="its own")
    target = root.model_copy(update={"path": folder})
    if not folder.is_dir():
        raise RootMissingError(path=folder)
    wanted = Marker(context.settings.device, root.name, trust.vault_id)
    found = marked(target)
    if found and not found.is_of(wanted):
        raise RootMarkedError(path=folder, found=str(found))
    same, was_moved = _same(root.path, folder), _was_moved(context, vault, root, folder, wanted)
    config = context.directories.config_file
    if not was_moved:
        _check_overlap(context, vault, target)
        _mark(context, target, wanted, over=bool(found))
    set_root_path(config, vault.name, root.name, folder)
    return was_moved or same


def is_moved(context: Context, vault: VaultSettings, root: RootSettings, folder: Path) -> bool:
    """Tell whether a folder is the root's own, moved or under another path."""
    trust = context.keystore.trust(vault.name)
    wanted = Marker(context.settings.device, root.name, trust.vault_id if trust else "")
    return _same(root.path, folder) or _was_moved(context, vault, root, folder, wanted)


def _was_moved(
    context: Context, vault: VaultSettings, root: RootSettings, folder: Path, wanted: Marker
) -> bool:
    """Tell whether a folder is the root's own that was moved, and no copy or backup of it."""
    copied = not _same(root.path, folder) and _mark_at(root.path, wanted) is not None
    if copied or _mark_at(folder, wanted) is None:
        return False
    return _is_itself(context, vault, root, folder)


def _is_itself(context: Context, vault: VaultSettings, root: RootSettings, folder: Path) -> bool:
    """Tell whether files that were seen in a root lie here: a copy has none of them."""
    with closing(State.open(context.directories.vault_state(vault.name) / "state.db")) as state:
        known = state.glances(root.name)
    for path, glance in known.items():
        with suppress(OSError):
            seen = os.lstat(folder / path)
            if (seen.st_ino, seen.st_ctime_ns) == (glance.inode, glance.ctime_ns):
                return True
    return False


def _check_overlap(context: Context, vault: VaultSettings, target: RootSettings) -> None:
    """Refuse a folder that another root has, or that is the program's, before it is marked."""
    for one in context.settings.vault:
        for known in one.root:
            if (one.name, known.name) != (vault.name, target.name) and _same(
                known.path, target.path
            ):
                detail = f"{target.path} is the folder of root {known.name} of vault {one.name}."
                raise UsageError(detail=detail, hint="memory-sync status")
    if context.directories.closes(target.path):
        detail = f"{target.path} is a folder of memory-sync's own."
        raise UsageError(detail=detail, hint="memory-sync status")


def _mark(context: Context, root: RootSettings, wanted: Marker, *, over: bool) -> None:
    """Mark a folder as one that was never a root before. Raises RootBusyError."""
    fresh = replace(wanted, folder=context.clock.random_bytes(8).hex())
    handle = marker.open_root(root.path, root.name)
    try:
        lock = marker.lock(handle, root.path, root.name) if over else None
        try:
            marker.write(handle, fresh, over=over)
        finally:
            if lock is not None:
                os.close(lock)
    finally:
        os.close(handle)


def unmark(context: Context, vault_id: str, root: RootSettings) -> bool:
    """Take the marker out of a folder that is no root any more; False if it has to stay.

    It stays while somebody serves the folder, and where it cannot be removed.
    """
    wanted = Marker(context.settings.device, root.name, vault_id)
    if _mark_at(root.path, wanted) is None:
        return True
    try:
        handle = marker.open_root(root.path, root.name)
        try:
            lock = marker.lock(handle, root.path, root.name)
            try:
                os.unlink(MARKER, dir_fd=handle)
            finally:
                os.close(lock)
        finally:
            os.close(handle)
    except (OSError, HaltError, BusyError):
        return False
    return True


def _mark_at(folder: Path, wanted: Marker) -> Marker | None:
    """Return the marker in a folder if it is of this root, None else."""
    with suppress(HaltError):
        found = marked(RootSettings(path=folder, name=wanted.root))
        return found if found and found.is_of(wanted) else None
    return None


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


# --- a vault's remote ---------------------------------------------------------------------------


@dataclass(frozen=True)
class NewPlace:
    """What lies in the remote that a vault is to move to: the vault already, or room for it.

    `exists` is False where the repository is to be made first.
    """

    there: bool
    exists: bool
    names: tuple[str, ...]


def look_at(context: Context, vault: VaultSettings) -> NewPlace:
    """Look at the new remote of a vault, and refuse one that is something else's.

    Raises RemoteOtherError, NotAVaultError, RepositoryPublicError.
    """
    check_written(context, vault)
    trust = context.keystore.trust(vault.name)
    try:
        remote, condition, finding = examine(context, vault)
    except RepositoryPublicError as error:
        raise RepositoryPublicError(**error.facts, hint=ELSEWHERE) from None
    except TokenMissingError as error:
        # The usual hint stores one for the remote that the configuration has.
        hint = f"GITHUB_TOKEN=TOKEN memory-sync move-remote {vault.remote}"
        raise TokenMissingError(**error.facts, hint=hint) from None
    with closing(remote):
        if finding.manifest is not None:
            if trust and finding.manifest.id != trust.vault_id:
                raise RemoteOtherError(remote=vault.remote, vault=vault.name, hint=ELSEWHERE)
            return NewPlace(there=True, exists=True, names=finding.names)
        if not finding.adoptable or trust is None or not trust.commit:
            names = ", ".join(finding.names[:5]) or "nothing"
            raise NotAVaultError(remote=vault.remote, names=names, hint=ELSEWHERE)
        vet(remote, condition, finding)
    return NewPlace(there=False, exists=condition.exists, names=finding.names)


def make_place(context: Context, vault: VaultSettings) -> None:
    """Make the repository of a vault's new remote, private unless the vault says otherwise."""
    remote, condition, _ = examine(context, vault)
    with closing(remote):
        if not condition.exists:
            remote.create(public=vault.allow_public)


def set_place(context: Context, vault: VaultSettings, url: str) -> Context:
    """Write the new remote down, and wait until a daemon that runs has taken it up."""
    set_remote(context.directories.config_file, vault.name, url)
    context = reloaded(context)
    taken_up(context, lambda rows: any((r["name"], r["remote"]) == (vault.name, url) for r in rows))
    return context


# --- leaving ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What became of a leaving: folders whose marker is still there, and where the rest lies now.

    `kept` is None where a process that does not end holds the vault, and all stays where it was.
    """

    marked: tuple[Path, ...]
    kept: Path | None


def leave_root(context: Context, vault: VaultSettings, root: RootSettings) -> Left:
    """Sync a root no longer. Its files stay, and so does all that the vault has of it."""
    trust = context.keystore.trust(vault.name)
    config = context.directories.config_file
    if isinstance(root, ProjectRoot):
        leave_project(config, vault.name, root.path.parent.parent, root.name)
    else:
        remove_root(config, vault.name, root.name)
    taken_up(context, lambda rows: not serves(vault.name, root)(rows))
    gone = unmark(context, trust.vault_id, root) if trust else True
    return Left(() if gone else (root.path,), context.directories.trash / vault.name / root.name)


def leave_vault(context: Context, vault: VaultSettings) -> Left:
    """Sync a vault no longer. Files, remote and key stay; state and trash are put aside.

    Joined again, it is met as for the first time: both sides are united. Another vault of the same
    name finds nothing of this one.
    """
    keystore = context.keystore
    trust = keystore.trust(vault.name)
    remove_vault(context.directories.config_file, vault.name)
    taken_up(context, lambda rows: all(row["name"] != vault.name for row in rows))
    stay = [root.path for root in vault.root if trust and not unmark(context, trust.vault_id, root)]
    state = context.directories.vault_state(vault.name)
    try:
        with vault_lock(state, vault.name):
            kept = _put_aside(context, vault.name)
            keystore.drop_trust(vault.name)
    except BusyError:
        return Left(tuple(stay), None)
    return Left(tuple(stay), kept)


def _put_aside(context: Context, vault: str) -> Path:
    """Move what this device has of a vault where no other vault finds it."""
    places = context.directories
    top = places.left
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(context.clock.now()))
    os.makedirs(top, mode=0o700, exist_ok=True)
    aside = next(
        place
        for number in range(1, 1000)
        if not (place := top / f"{vault}-{stamp}{f'-{number}' if number > 1 else ''}").exists()
    )
    aside.mkdir(mode=0o700)
    for found, name in ((places.trash / vault, "trash"), (places.vault_state(vault), "state")):
        with suppress(FileNotFoundError):
            os.rename(found, aside / name)
    return aside


def unsent(row: Row) -> list[str]:
    """Return the files that a dry run says are not in the vault yet as they are here."""
    kinds = (Kind.UPLOAD, Kind.MERGE)
    return [str(action["path"]) for action in row.get("plan", ()) if action["kind"] in kinds]


def of_root(paths: Iterable[str], root: str) -> list[str]:
    """Return the paths of one root, with its conflict copies."""
    return [path for path in paths if path.startswith((f"{root}/", f"{CONFLICTS}/{root}/"))]

"""Moving house: a root's name or folder, a vault's remote, and leaving either.

Each changes the configuration first or last, so that a kill leaves something that goes on by itself
or that the same command finishes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from memory_sync.app.context import Context, load_settings
from memory_sync.app.projects import found_as
from memory_sync.app.setup import examine, marked, vet
from memory_sync.app.standing import remembered_roots
from memory_sync.app.vaults import root_files, vault_lock
from memory_sync.config.found import Project, read_projects
from memory_sync.config.loading import REMOTE, VAULT, parse, read_text
from memory_sync.config.projects import ProjectRoot, is_left_out, is_memory
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
    OfflineError,
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
from memory_sync.ports.names import MARKER, composed
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
    if vault.name not in written(context):
        name = REMOTE if isinstance(vault, EnvironmentVault) else VAULT
        detail = f"vault {vault.name} stands in it alone: change it there"
        raise EnvironmentBrokenError(name=name, detail=detail)


def written(context: Context) -> set[str]:
    """Return the vaults that the configuration's file has."""
    path = context.directories.config_file
    return {one.name for one in parse(read_text(path), path, {}).vault}


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

    Raises as `check_rename` does.
    """
    check_rename(context, vault, root, new)
    rename_root(context.directories.config_file, vault.name, root.name, new)
    return reloaded(context)


def check_rename(context: Context, vault: VaultSettings, root: RootSettings, new: str) -> None:
    """Refuse a name that the root cannot have on this machine, before anything is asked.

    Raises RootNameTakenError, UsageError, or what is wrong with the folder.
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
    both sides are united. The old one is not found again as a project's. Raises as `check_move`
    does.
    """
    wanted, found = check_move(context, vault, root, folder)
    target = root.model_copy(update={"path": folder})
    same, was_moved = _same(root.path, folder), _was_moved(context, vault, root, folder, wanted)
    config = context.directories.config_file
    if not was_moved:
        _mark(context, target, wanted, over=found)
    if not (was_moved or same):
        _stay_out(context, root)
    set_root_path(config, vault.name, root.name, folder)
    return was_moved or same


def check_move(
    context: Context, vault: VaultSettings, root: RootSettings, folder: Path
) -> tuple[Marker, bool]:
    """Refuse a folder in which a root cannot lie, before anything is asked.

    Answers with the marker of the root, and whether the folder has it. Raises KeyMissingError,
    RootMissingError, RootMarkedError, UsageError.
    """
    trust = context.keystore.trust(vault.name)
    if trust is None:
        raise KeyMissingError(vault=vault.name, recipient="its own")
    if not folder.is_dir():
        raise RootMissingError(path=folder)
    wanted = Marker(context.settings.device, root.name, trust.vault_id)
    target = root.model_copy(update={"path": folder})
    found = marked(target)
    if found and not found.is_of(wanted):
        raise RootMarkedError(path=folder, found=str(found))
    if not _was_moved(context, vault, root, folder, wanted):
        _check_overlap(context, vault, target)
    return wanted, bool(found)


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
    of = f" --vault {vault.name}" if len(context.settings.vault) > 1 else ""
    again = f"memory-sync move-remote {vault.remote}{of}"
    try:
        remote, condition, finding = examine(context, vault)
    except RepositoryPublicError as error:
        raise RepositoryPublicError(**{**error.facts, "hint": ELSEWHERE}) from None
    except TokenMissingError as error:
        # The usual hint stores one for the remote that the configuration has.
        hint = f"GITHUB_TOKEN=TOKEN {again}"
        raise TokenMissingError(**{**error.facts, "hint": hint}) from None
    except OfflineError as error:
        # `now` would ask the old remote.
        raise type(error)(**{**error.facts, "hint": again}) from None
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
    _stay_out(context, root)
    for top in _tops_of(context, vault, root):
        leave_project(config, vault.name, top, root.name)
    if not isinstance(root, ProjectRoot):
        remove_root(config, vault.name, root.name)
    taken_up(context, lambda rows: not serves(vault.name, root)(rows))
    gone = unmark(context, trust.vault_id, root) if trust else True
    return Left(() if gone else (root.path,), context.directories.trash / vault.name / root.name)


def _tops_of(context: Context, vault: VaultSettings, root: RootSettings) -> list[Path]:
    """Return the folders of projects in which a root's name may be found, here or in a twin."""
    rows = read_projects(context.directories.projects_file)
    known = {row.top for row in rows if (row.vault, row.name) == (vault.name, root.name)}
    return [
        settings.path
        for settings in vault.projects
        if not is_left_out(Project("", "", "", root.name), settings)
        and (str(settings.path) in known or is_memory(root.path, settings))
    ]


def _stay_out(context: Context, root: RootSettings, besides: str = "") -> None:
    """See to it that a folder that is no root any more is not found again as a project's.

    One that was found goes by its root's name, which its origin gives it, unless it has another by
    now; one that was mapped by hand may have none, or share it with another folder. It is written
    down for each vault that keeps such projects, but for the one `besides`.
    """
    folder, by_hand = root.path.parent.name, not isinstance(root, ProjectRoot)
    names = written(context) - {besides}
    for vault in (one for one in context.settings.vault if one.name in names):
        for settings in vault.projects:
            if not is_memory(root.path, settings) or folder in settings.leave_out:
                continue
            if by_hand or found_as(vault.name, settings, folder) not in ("", root.name):
                leave_project(context.directories.config_file, vault.name, settings.path, folder)


def heirs(context: Context, roots: Collection[RootSettings]) -> dict[str, str]:
    """Return the roots around those that are left, to which their files belong then, by name."""
    staying = {
        os.path.realpath(one.path): one
        for vault in context.settings.vault
        for one in vault.root
        if all(one.path != root.path for root in roots)
    }
    found = {}
    for root in roots:
        place = Path(os.path.realpath(root.path))
        for above in place.parents:
            if outer := staying.get(str(above)):
                # It alone: a root that is around that one leaves it out.
                if outer.patterns.reaches(composed(place.relative_to(above).as_posix())):
                    found[root.name] = outer.name
                break
    return found


def leave_vault(context: Context, vault: VaultSettings) -> Left:
    """Sync a vault no longer. Files, remote and key stay; state and trash are put aside.

    Joined again, it is met as for the first time: both sides are united. Another vault of the same
    name finds nothing of this one.
    """
    keystore = context.keystore
    trust = keystore.trust(vault.name)
    for root in vault.root:
        if not isinstance(root, ProjectRoot):
            _stay_out(context, root, besides=vault.name)
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
    kinds = (Kind.UPLOAD, Kind.MERGE, Kind.MERGE_DOWN, Kind.OVERRULE)
    return [str(action["path"]) for action in row.get("plan", ()) if action["kind"] in kinds]


def of_root(paths: Iterable[str], root: str) -> list[str]:
    """Return the paths of one root, with its conflict copies."""
    return [path for path in paths if path.startswith((f"{root}/", f"{CONFLICTS}/{root}/"))]

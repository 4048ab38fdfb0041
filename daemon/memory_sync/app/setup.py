"""The steps of `init`: look at folders and at a repository, found or join, configure.

Each step says what it found and changes nothing that it does not name; the command asks between.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from memory_sync.app.context import Context, load_settings
from memory_sync.app.vaults import make_remote, open_vault, root_files, vault_lock
from memory_sync.config.settings import ProjectsSettings, RootSettings, VaultSettings
from memory_sync.config.writing import add_projects, add_root, add_vault
from memory_sync.engine.found import Finding, found, look_into, trust_for
from memory_sync.engine.kit import Report
from memory_sync.errors import (
    Moved,
    NotAVaultError,
    RepositoryGoneError,
    RepositoryPublicError,
    RootMissingError,
    RootNameTakenError,
    UsageError,
)
from memory_sync.model import split_root
from memory_sync.model.trees import CONFLICTS
from memory_sync.ports import names
from memory_sync.ports.files import Scan
from memory_sync.ports.handles import FOLDER
from memory_sync.ports.ignoring import heeded
from memory_sync.ports.look import Bounds, Heard, Look, unheard
from memory_sync.ports.marker import Marker, open_root, read
from memory_sync.ports.remote import Condition, Remote
from memory_sync.ports.spool import Spool
from memory_sync.ports.state import State
from memory_sync.sync.ignores import IGNORE_FILE
from memory_sync.sync.patterns import Patterns, Why
from memory_sync.vault.judge import Trust

ENDS = 3
"""How many kinds of files are named one by one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A folder against a root of a vault, in numbers of files; `roots` counts every root's.

    What the root's patterns do not name does not come: `not_named` counts it, and `naming` are
    patterns that would name all.
    """

    only_here: int
    only_there: int
    different: int
    same: int
    roots: Mapping[str, int]
    not_named: int = 0
    naming: tuple[str, ...] = ()


def survey(context: Context, root: RootSettings, heard: Heard = unheard) -> Scan:
    """Look what a folder holds that would be synced, before anything is set up.

    `heard` is told the path and the content of each file. Raises RootMissingError, IgnoreFileError.
    """
    try:
        handle = os.open(root.path, FOLDER)
    except OSError:
        raise RootMissingError(path=root.path) from None
    try:
        shown = names.shown(root.path / IGNORE_FILE)
        patterns, notes = heeded(handle, root.name, root.patterns, shown=shown, limit=root.max_size)
        bounds = Bounds(root.name, root.path, patterns, root.max_size)
        now = int(context.clock.now() * 1e9)
        scan = Look(bounds, {}, now, {}, lambda *_: None, heard=heard).scan(handle)
        return replace(scan, notes=scan.notes + notes, patterns=patterns)
    finally:
        os.close(handle)


def watched(projects: ProjectsSettings) -> RootSettings:
    """Return a folder of projects as if it were one root, to look what there is."""
    return RootSettings(
        path=projects.path,
        name="projects",
        include=tuple(f"*/memory/{pattern}" for pattern in projects.include),
        exclude=tuple(f"*/memory/{pattern}" for pattern in projects.exclude),
        max_size=projects.max_size,
    )


def configured(context: Context, vault: str) -> VaultSettings | None:
    """Return the vault of this name as it is configured, None if there is none."""
    folded = vault.casefold()
    return next((one for one in context.settings.vault if one.name.casefold() == folded), None)


def check_name(context: Context, vault: str, root: RootSettings) -> None:
    """Refuse a root name that stands for another folder in the vault. Raises RootNameTakenError."""
    settings = configured(context, vault)
    for known in settings.root if settings else ():
        same_folder = known.path.resolve() == root.path.resolve()
        if known.name.casefold() == root.name.casefold() and not same_folder:
            hint = f"memory-sync init {shlex.quote(str(root.path))} --name OTHER-NAME"
            raise RootNameTakenError(name=root.name, path=known.path, hint=hint)


def examine(context: Context, vault: VaultSettings) -> tuple[Remote, Condition, Finding]:
    """Ask what the remote is and what lies in it; a missing repository is an empty finding.

    Raises RepositoryPublicError where that was not allowed.
    """
    remote = make_remote(context, vault)
    condition = remote.condition()
    if condition.public and not vault.allow_public:
        raise RepositoryPublicError(remote=vault.remote)
    return remote, condition, look_into(remote) if condition.exists else Finding()


def vet(remote: Remote, condition: Condition, finding: Finding) -> tuple[str, ...]:
    """Refuse a token that can do too little, and tell what it can do that is not needed.

    Raises TokenForbiddenError before anything is written.
    """
    if not remote.url.startswith("github:"):
        return ()
    from memory_sync.ports.github import GitHubRemote

    return remote.vet(condition, finding.head) if isinstance(remote, GitHubRemote) else ()


def establish(
    context: Context, vault: VaultSettings, remote: Remote, condition: Condition, finding: Finding
) -> tuple[Trust, bool]:
    """Found the vault, or join the one that is there; tell which (True: founded).

    The repository is created, private, if it is missing. Raises KeyMissingError before anything is
    written where the vault's key is not here, NotAVaultError where something else is.
    """
    keystore = context.keystore
    with vault_lock(context.directories.vault_state(vault.name), vault.name):
        before = keystore.trust(vault.name)
        if before and before.commit and not condition.exists:
            # A vault was there: a disk that is not mounted, or a token that no longer sees it.
            raise RepositoryGoneError(remote=vault.remote)
        if finding.manifest is None:
            if not finding.adoptable:
                raise NotAVaultError(remote=vault.remote, names=", ".join(finding.names[:5]))
            if not condition.exists:
                remote.create(public=vault.allow_public)
            try:
                return found(finding, vault.name, remote, keystore, context.clock), True
            except Moved:
                # Another device was quicker by a moment: its vault is the one.
                finding = look_into(remote)
        trust = trust_for(finding, vault.name, remote, keystore)
        known = keystore.trust(vault.name)
        if known and known.vault_id == trust.vault_id:
            return known, False
        if known and known.commit:
            raise UsageError(
                detail=f"The name {vault.name} stands for another vault on this machine."
            )
        keystore.set_trust(vault.name, trust)
        return trust, False


def files_there(
    context: Context, vault: VaultSettings, report: Report, spool: Spool
) -> dict[str, str]:
    """Ask what a vault holds: path, with its root, and hash of each file; nothing is changed.

    What each object is is remembered; the contents stay in the spool.
    """
    with open_vault(context, with_parts(vault, (), ()), report, spool) as engine:
        return {path: file.version.digest for path, file in engine.remote_files().items()}


def compare(context: Context, root: RootSettings, there: Mapping[str, str]) -> Comparison:
    """Compare a folder with the files of a vault under the root's name."""
    scan = survey(context, root)
    patterns = scan.patterns or root.patterns
    here = {path: version.digest for path, version in scan.files.items()}
    roots = Counter(split_root(path)[0] for path in there)
    roots.pop(CONFLICTS, None)
    held = {
        split_root(path)[1]: digest
        for path, digest in there.items()
        if split_root(path)[0] == root.name
    }
    mine = {path: digest for path, digest in held.items() if patterns.matches(path)}
    left = [path for path in held if patterns.why(path).why is Why.INCLUDE]
    both = here.keys() & mine.keys()
    same = sum(here[path] == mine[path] for path in both)
    return Comparison(
        only_here=len(here.keys() - mine.keys()),
        only_there=len(mine.keys() - here.keys()),
        different=len(both) - same,
        same=same,
        roots=dict(sorted(roots.items())),
        not_named=len(left),
        naming=naming([*here, *held]) if left else (),
    )


def naming(paths: Iterable[str]) -> tuple[str, ...]:
    """Return patterns that name all of these files of a root; none where the usual ones do."""
    files = sorted(path for path in paths if path != IGNORE_FILE)
    if all(map(Patterns().matches, files)):
        return ()
    if len(files) == 1 and Patterns((files[0],)).matches(files[0]):
        return (files[0],)
    ends = sorted({PurePosixPath(path).suffix for path in files})
    plain = all(end[1:].isalnum() for end in ends)
    return tuple(f"**/*{end}" for end in ends) if plain and len(ends) <= ENDS else ("**/*",)


def forget(context: Context, vault: str) -> None:
    """Undo a joining that the person did not want: as if the vault had never been looked at."""
    context.keystore.drop_trust(vault)
    with suppress(OSError):
        shutil.rmtree(context.directories.vault_state(vault))


def adopt(
    context: Context,
    vault: VaultSettings,
    roots: tuple[RootSettings, ...],
    projects: tuple[ProjectsSettings, ...],
    trust: Trust,
) -> Context:
    """Mark folders as the vault's roots and put all into the configuration.

    What is there already stays, so that it can be done again after it was cut short. Returns the
    context with what is configured now. Raises MarkerForeignError.
    """
    before = configured(context, vault.name)
    served = {settings.name for settings in (before.root if before else ())}
    for root in roots:
        if marked(root) is None or root.name not in served:
            # Another folder than the one that was synced, for all that is known: what both sides
            # hold is united. Until the marker is there nobody touches the root.
            forget_base(context, vault.name, root.name)
        root_files(context, root, trust, None).adopt()
    path = context.directories.config_file
    known = configured(context, vault.name)
    if known is None:
        add_vault(path, with_parts(vault, roots, projects))
        return replace(context, settings=load_settings(context.directories, context.env))
    names_here = {settings.name for settings in known.root}
    for root in roots:
        check_name(context, vault.name, root)
        if root.name not in names_here:
            add_root(path, known.name, root)
    places_here = {os.path.realpath(settings.path) for settings in known.projects}
    for part in projects:
        if os.path.realpath(part.path) not in places_here:
            add_projects(path, known.name, part)
    return replace(context, settings=load_settings(context.directories, context.env))


def outer_roots(context: Context, path: Path) -> list[str]:
    """Return the roots in which a folder lies that would be synced as a part of them."""
    place = os.path.realpath(path)
    found = []
    for vault in context.settings.vault:
        for root in vault.root:
            relative = os.path.relpath(place, os.path.realpath(root.path))
            inside = relative != "." and not relative.startswith("..")
            if inside and root.patterns.reaches(names.composed(relative)):
                found.append(f"{vault.name}/{root.name}")
    return found


def marked(root: RootSettings) -> Marker | None:
    """Return a folder's marker, None if it has none. Raises MarkerForeignError, RootGoneError."""
    handle = open_root(root.path, root.name)
    try:
        found = read(handle, root.path)
    finally:
        os.close(handle)
    return found[0] if found else None


def forget_base(context: Context, vault: str, root: str) -> None:
    """Forget what a root's two sides had in common: they are united, and nothing is deleted."""
    path = context.directories.vault_state(vault) / "state.db"
    if path.exists():
        state = State.open(path)
        try:
            state.forget_root(root)
        finally:
            state.close()


def with_parts(
    vault: VaultSettings,
    roots: tuple[RootSettings, ...],
    projects: tuple[ProjectsSettings, ...],
) -> VaultSettings:
    """Return the vault with other roots and other folders of projects."""
    return vault.model_copy(update={"root": roots, "projects": projects})

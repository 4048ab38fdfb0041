"""Projects: which of the folders that an agent keeps of them are roots, and of which name.

A marker settles it: a folder that has one is the root that it names, whatever became of the project
meanwhile. Else the project is looked for on the disk, and its repository's origin gives the name.
To be mapped means to be marked; what both sides hold is then united, and nothing is ever deleted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.doctor.later import LateError, Later
from memory_sync.app.setup import forget_base, marked
from memory_sync.app.standing import remembered_head, remembered_roots
from memory_sync.app.vaults import root_files
from memory_sync.config.found import MEMORY, Project, read_projects, write_projects
from memory_sync.config.loading import load
from memory_sync.config.origins import PREFIXES, root_name
from memory_sync.config.pausing import read_pause
from memory_sync.config.projects import is_left_out, root_of, with_projects, without_projects
from memory_sync.config.settings import ProjectsSettings, RootSettings, VaultSettings
from memory_sync.daemon.places import stamp
from memory_sync.daemon.worker import Log
from memory_sync.errors import MemorySyncError, UsageError
from memory_sync.ports.marker import Marker
from memory_sync.ports.names import MARKER, shown
from memory_sync.ports.projects import Exhausted, Finder
from memory_sync.sync.patterns import Patterns
from memory_sync.vault.judge import Trust
from memory_sync.vault.paths import ROOT_NAME

KEPT = 60.0
"""Seconds for which an answer about a project that is not mapped yet is not looked for again."""
PATIENCE = 10.0
"""Seconds that a command waits for a look: a disk may hang."""
ENOUGH = 1000
"""Entries of a memory folder among which a file that is synced is looked for."""


@dataclass(slots=True)
class _Case:
    """A project that may become a root; `before` tells that it was one at the last look.

    `lost` tells that its folder has a marker, and that no project is found for it on the disk.
    """

    project: Project
    settings: ProjectsSettings
    marked: bool = False
    files: bool = False
    before: bool = False
    lost: bool = False

    def has_checkout(self) -> bool | None:
        """Tell whether the project is where it was found; None where nobody can tell."""
        if not self.project.path:
            return False if self.lost else None
        try:
            return stat.S_ISDIR(os.stat(self.project.path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return None

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """What decides, among folders of one project, which is taken: the least."""
        return not self.before, not self.marked, not self.files, self.project.folder


@dataclass(frozen=True, slots=True)
class _Ground:
    """What is known of a vault when its projects are looked for.

    `held` are the roots that it holds, in lower case; `earlier` what was found last, by top and
    folder.
    """

    context: Context
    vault: VaultSettings
    trust: Trust | None
    held: frozenset[str]
    earlier: Mapping[tuple[str, str], Project]


class Projects:
    """Looks for projects, and keeps in mind what need not be looked for again; of one thread."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[float, Project]] = {}
        self._markers: dict[Path, tuple[object, Marker | str]] = {}
        self._held: dict[str, tuple[object, str, frozenset[str]]] = {}
        self._failed: dict[Path, tuple[float, Project]] = {}
        self._finder = Finder()

    def look(self, context: Context, *, change: bool = True) -> tuple[Project, ...]:
        """Return all projects; without `change` none is mapped, and nothing is written.

        Raises OSError, or what is wrong with the key folder or the state.
        """
        file = context.directories.projects_file
        before = read_projects(file)
        self._finder = Finder()
        context = replace(context, settings=without_projects(context.settings))
        found: list[Project] = []
        for vault in context.settings.vault:
            if vault.projects:
                earlier = {(row.top, row.folder): row for row in before if row.vault == vault.name}
                trust = context.keystore.trust(vault.name)
                held = self._roots_of(context, vault)
                ground = _Ground(context, vault, trust, held, earlier)
                found += self._vault(ground, change=change)
        if change and tuple(found) != before:
            write_projects(file, found)
        return tuple(found)

    def glance(self, context: Context) -> Iterator[object]:
        """Yield what changes when a project comes or goes, or its memory: quickly."""
        for vault in context.settings.vault:
            if vault.projects:
                yield self._roots_of(context, vault)
            for settings in vault.projects:
                yield from _glance_at(str(settings.path))

    def _vault(self, ground: _Ground, *, change: bool) -> Iterator[Project]:
        taken = {root.path for vault in ground.context.settings.vault for root in vault.root}
        cases = []
        for settings in ground.vault.projects:
            for folder in _listed(settings.path):
                blank = Project(ground.vault.name, str(settings.path), folder)
                if blank.memory not in taken:
                    cases.append(self._case(ground, settings, blank))
        for case in cases:
            if not case.project.reason and is_left_out(case.project, case.settings):
                case.project = _because(case.project, "left-out")
        _choose(cases, ground.vault.root)
        for case in cases:
            if not case.project.reason and not case.marked:
                known = ground.earlier.get(_key(case.project))
                failed = known is not None and known.reason == "failed"
                if change:
                    case.project = self._map(ground, case)
                else:
                    case.project = known if known and failed else _because(case.project, "soon")
            yield case.project

    def _case(self, ground: _Ground, settings: ProjectsSettings, blank: Project) -> _Case:
        known = ground.earlier.get(_key(blank))
        case = _Case(blank, settings, before=known is not None and not known.reason)
        if ground.trust is None:
            case.project = _because(blank, "not-open")
        elif not _is_folder_or_nothing(blank.memory):
            case.project = _because(blank, "no-folder")
        elif marker := self._marker(blank.memory):
            self._by_marker(ground, case, marker, known)
        else:
            self._by_origin(ground, case)
        return case

    def _by_marker(
        self, ground: _Ground, case: _Case, marker: Marker | str, known: Project | None
    ) -> None:
        own = ground.trust.vault_id if ground.trust else ""
        if isinstance(marker, str) or marker.vault != own or not ROOT_NAME.match(marker.root):
            case.project = _because(case.project, "foreign", shown(marker))
            return
        about = known if known and known.name == marker.root and not known.reason else None
        # Where another folder had it at the last look, this one is a copy, or was moved: it may
        # lack what came since, and may be of another project. It is marked anew.
        case.marked = about is not None or not any(
            row.name == marker.root and not row.reason for row in ground.earlier.values()
        )
        if about is None or not about.path:
            about = self._answer(ground, case)
        case.lost = about.reason == "not-found"
        name = marker.root if case.marked else about.name or marker.root
        case.project = case.project._replace(name=name, path=about.path, origin=about.origin)

    def _by_origin(self, ground: _Ground, case: _Case) -> None:
        case.files = _has_files(case.project.memory, case.settings)
        prefix = f"{PREFIXES[case.settings.agent]}-"
        if not case.files and not any(name.startswith(prefix) for name in ground.held):
            case.project = _because(case.project, "empty")
            return
        case.project = self._answer(ground, case)
        if case.project.name and not case.files and case.project.name not in ground.held:
            case.project = _because(case.project, "empty")

    def _answer(self, ground: _Ground, case: _Case) -> Project:
        """Return which project it is, by the disk; what was found a moment ago is taken for it."""
        blank = Project(ground.vault.name, case.project.top, case.project.folder)
        now, key = ground.context.clock.monotonic(), (blank.vault, str(blank.memory))
        until, answer = self._answers.get(key, (now, blank))
        if until <= now:
            answer = _resolved(self._finder, blank, case.settings)
            self._answers[key] = (now + KEPT, answer)
        return answer

    def _map(self, ground: _Ground, case: _Case) -> Project:
        """Mark a project's folder, which is made if it is missing; what fails stops no other."""
        memory, now = case.project.memory, ground.context.clock.monotonic()
        until, before = self._failed.get(memory, (now, case.project))
        if until > now:
            return before
        self._failed.pop(memory, None)
        try:
            root = root_of(case.project, case.settings)
            if isinstance(self._marker(root.path), Marker):
                mark(ground.context, ground.vault, root, over=True)
            else:
                mark(ground.context, ground.vault, root)
        except MemorySyncError as error:
            failed = _because(case.project, "failed", error.message)
        except OSError as error:
            failed = _because(case.project, "failed", f"{os.strerror(error.errno or 0)}.")
        else:
            return case.project
        self._failed[memory] = now + KEPT, failed
        return failed

    def _marker(self, memory: Path) -> Marker | str | None:
        """Return the marker of a folder, or what is wrong with it, or None if it has none."""
        seen = stamp(memory / MARKER)
        if seen is None:
            return None
        if self._markers.get(memory, (None,))[0] != seen:
            try:
                found: Marker | str | None = marked(RootSettings(path=memory))
            except MemorySyncError as error:
                found = str(error.facts.get("found", error.message))
            if found is None:
                return None
            self._markers[memory] = (seen, found)
        return self._markers[memory][1]

    def _roots_of(self, context: Context, vault: VaultSettings) -> frozenset[str]:
        """Return the roots of which the vault holds files, in lower case, as far as it is known."""
        state = context.directories.vault_state(vault.name) / "state.db"
        seen = (stamp(state), stamp(state.with_name("state.db-wal")))
        before = self._held.get(vault.name)
        if before and before[0] == seen:
            return before[2]
        head = remembered_head(context, vault)
        if before and before[1] == head:
            names = before[2]
        else:
            names = frozenset(name.casefold() for name in remembered_roots(context, vault))
        self._held[vault.name] = (seen, head, names)
        return names


def _key(project: Project) -> tuple[str, str]:
    return project.top, project.folder


def _because(project: Project, reason: str, detail: str = "") -> Project:
    return project._replace(reason=reason, detail=detail)


def _listed(top: Path) -> list[str]:
    """Return the folders of projects; none of a folder that is not there or cannot be listed."""
    try:
        with os.scandir(top) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.name.startswith("-") and entry.is_dir(follow_symlinks=False)
            )
    except OSError:
        return []


def _glance_at(top: str) -> Iterator[object]:
    for folder in _listed(Path(top)):
        yield folder
        for place in (f"{top}/{folder}", f"{top}/{folder}/{MEMORY}"):
            try:
                seen = os.lstat(place)
            except OSError as error:
                yield error.errno
            else:
                yield seen.st_mtime_ns, seen.st_ino


def _is_folder_or_nothing(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _has_files(memory: Path, settings: ProjectsSettings) -> bool:
    """Tell whether a file lies there that would be synced; among very many one is taken for so."""
    patterns = Patterns(settings.include, settings.exclude, ignore=())
    seen = 0
    for above, folders, files in os.walk(memory):
        inside = Path(above).relative_to(memory)
        for name in files:
            path = Path(above, name)
            if patterns.matches((inside / name).as_posix()) and not path.is_symlink():
                return True
        folders[:] = [name for name in folders if patterns.reaches((inside / name).as_posix())]
        seen += len(files) + len(folders)
        if seen > ENOUGH:
            return True
    return False


def _resolved(finder: Finder, blank: Project, settings: ProjectsSettings) -> Project:
    """Look which project it is, or why that cannot be told."""
    try:
        found = finder.find(blank.folder)
    except Exhausted:
        return _because(blank, "too-many")
    paths = ", ".join(shown(one.path) for one in found)
    if not found:
        return _because(blank, "not-found")
    if len({(one.origin, one.subfolder) for one in found}) > 1:
        return _because(blank, "ambiguous", paths)
    first = found[0]
    if not first.origin:
        return blank._replace(path=first.path, reason="no-origin")
    name = root_name(settings.agent, first.origin, first.subfolder)
    return blank._replace(name=name, path=first.path, origin=first.origin)


def _choose(cases: Iterable[_Case], roots: Iterable[RootSettings]) -> None:
    """Of several folders of one project let one be its root; a root of the configuration first.

    Its former names are not free either: what is sent under them is carried to it.
    """
    first = {
        name.casefold(): str(root.path) for root in roots for name in (root.name, *root.formerly)
    }
    rivals: dict[str, list[_Case]] = {}
    for case in cases:
        if case.project.name and not case.project.reason:
            rivals.setdefault(case.project.name.casefold(), []).append(case)
    for name, those in rivals.items():
        taken = first.get(name) or str(_best(those).project.memory)
        for case in those:
            if str(case.project.memory) != taken:
                case.project = _because(case.project, "twin", shown(taken))


def _best(rivals: list[_Case]) -> _Case:
    """Return which folder of one project is its root; not one whose checkout was moved elsewhere.

    The agent writes where the checkout is now. That folder is marked anew, so both sides are
    united, and the one before it is left as it is.
    """
    best = min(rivals, key=lambda case: case.rank)
    if len(rivals) > 1 and best.has_checkout() is False:
        present = [case for case in rivals if case.has_checkout()]
        return min(present, key=lambda case: case.rank, default=best)
    return best


def found_as(vault: str, settings: ProjectsSettings, folder: str) -> str:
    """Return the name under which a project's folder would be found; "" if it would not be."""
    return _resolved(Finder(), Project(vault, str(settings.path), folder), settings).name


def mark(context: Context, vault: VaultSettings, root: RootSettings, *, over: bool = False) -> None:
    """Mark a folder as a root: what lies in it is united with what the vault has of that root.

    It is made if it is missing; with `over` another root's marker is replaced. Raises
    MemorySyncError.
    """
    trust = context.keystore.trust(vault.name)
    if trust is None:
        raise UsageError(detail=f"The vault {vault.name} was not opened here yet: sync it first.")
    # Until the marker is there nobody touches the root.
    forget_base(context, vault.name, root.name)
    root_files(context, root, trust, None).adopt(replace=over, make=True)


def refreshed(context: Context, vault: VaultSettings) -> tuple[Context, VaultSettings]:
    """Look for projects, in bounded time, and return what is to be synced of a vault then."""
    if not vault.projects:
        return context, vault
    with suppress(LateError, MemorySyncError, OSError):
        Later(lambda: Projects().look(context)).get(PATIENCE)
    found = read_projects(context.directories.projects_file)
    context = replace(context, settings=with_projects(context.settings, found))
    roots = next((one.root for one in context.settings.vault if one.name == vault.name), vault.root)
    return context, vault.model_copy(update={"root": roots})


class Scouting:
    """What the daemon's scout does: look by the configuration of now, and tell the log.

    Where nothing that can be seen at a glance has changed, it does not look for a minute.
    """

    def __init__(self, context: Context) -> None:
        self._start = self._context = context
        self._config = stamp(context.directories.config_file)
        self._projects = Projects()
        self._glance: object = None
        self._due = 0.0

    def __call__(self, log: Log) -> None:
        """Look. Raises what a look may raise."""
        places, clock = self._start.directories, self._start.clock
        pause = read_pause(places.pause_file)
        if pause and not pause.over(clock.now()):
            return
        self._heed()
        glance = (*self._projects.glance(self._context), stamp(places.projects_file))
        if glance == self._glance and clock.monotonic() < self._due:
            return
        self._glance = None
        before = set(read_projects(places.projects_file))
        for project in self._projects.look(self._context):
            if project not in before:
                _tell(log, project)
        # Looked at before the look: what has changed meanwhile, by itself or by it, is seen next.
        self._glance, self._due = glance, clock.monotonic() + KEPT

    def _heed(self) -> None:
        """Take up a changed configuration; a broken one leaves the old in force here too."""
        config = self._start.directories.config_file
        now = stamp(config)
        if now != self._config:
            self._config, self._glance = now, None
            with suppress(MemorySyncError):
                settings = load(config, self._start.env)
                self._context = replace(self._start, settings=settings)


def _tell(log: Log, project: Project) -> None:
    if not project.reason:
        log.info("project.mapped", vault=project.vault, root=project.name)
    elif project.reason == "failed":
        log.warning(
            "project.failed", vault=project.vault, root=project.name, message=project.detail
        )

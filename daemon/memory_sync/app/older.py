"""Bringing back what a vault held: looking what that would do, and doing it.

It takes no lock and writes no state: a daemon may be serving the vault.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.ignored import left_out, too_large
from memory_sync.app.restore import present_in
from memory_sync.app.vaults import open_trash, root_files
from memory_sync.config.settings import RootSettings, VaultSettings
from memory_sync.engine.history import Held, Past, Version
from memory_sync.errors import (
    FileError,
    MemorySyncError,
    NotInVaultError,
    ObjectBrokenError,
    RestoreBehindError,
    RestoreOutsideError,
)
from memory_sync.model import split_root
from memory_sync.ports import handles, names
from memory_sync.ports.disk import DiskTree
from memory_sync.vault.objects import Decoded


@dataclass(frozen=True)
class _Here:
    """The place of a file in a root, and what is there now; without a digest there is nothing."""

    files: DiskTree
    folder: Path
    path: str
    size: int = 0
    mode: int = 0
    digest: str = ""

    def now(self) -> _Here:
        """Look what is there. Raises what a root's files raise."""
        found = present_in(self.files, self.folder, self.path)
        if found is None:
            return _Here(self.files, self.folder, self.path)
        content, mode = found
        digest = handles.digest_of(content)
        return _Here(self.files, self.folder, self.path, len(content), mode, digest)


@dataclass(frozen=True)
class Back:
    """A file that is to be brought back; `named` if it was asked for itself, not its folder.

    `path` is that of the vault, with the root's present name. `here` is its place in its root, None
    if it is to go elsewhere.
    """

    path: str
    version: Version
    mode: int
    size: int
    digest: str
    named: bool
    here: _Here | None = None

    @property
    def place(self) -> str:
        """Where it lies in its root."""
        return str(self.here.folder / self.here.path) if self.here else ""

    @property
    def size_now(self) -> int | None:
        """The size of what is there now, None if nothing is."""
        return self.here.size if self.here and self.here.digest else None


@dataclass(frozen=True)
class Plan:
    """What a restore would do: the files that differ, those that do not, and those that stay.

    `failed` says which files cannot be brought back, `outside` which are not synced on this device
    and why, so that nothing is written there. `root` is the one that is written to, if one is.
    """

    held: Held
    root: RootSettings | None
    back: tuple[Back, ...]
    same: tuple[str, ...]
    later: tuple[str, ...]
    failed: tuple[FileError, ...]
    outside: Mapping[str, str]


def plan(
    context: Context, vault: VaultSettings, past: Past, held: Held, paths: list[str], *, live: bool
) -> Plan:
    """Look what a restore would do; only objects that differ from what is here are fetched.

    `live` is back into the roots, otherwise all of it is to go elsewhere. Each file stands alone:
    what cannot be read or written keeps no other back. Raises NotInVaultError, RestoreOutsideError
    if all of it is outside, RestoreBehindError, ObjectBrokenError if nothing can be told, or what
    opens a root raises.
    """
    path, wanted = _wanted(past, vault, held, paths)
    root: RootSettings | None = None
    here: dict[str, _Here] = {}
    failed: dict[str, FileError] = {}
    outside: dict[str, str] = {}
    if live:
        root, places = _places(context, vault, held, path, wanted)
        reasons = left_out(context, vault.name, root, (one.path for one in places.values()))
        outside = {one: reasons[it.path] for one, it in places.items() if it.path in reasons}
        for one in sorted(places.keys() - outside.keys()):
            try:
                here[one] = places[one].now()
            except FileError as error:
                failed[one] = error
    known = {one: past.known_digest(version) for one, version in wanted.items()}
    same = {one for one in here if here[one].digest and here[one].digest == known[one]}
    settled = {*same, *failed, *outside}
    due = {one: version for one, version in sorted(wanted.items()) if one not in settled}
    past.fetch(due.values(), held)
    back: list[Back] = []
    for one, version in due.items():
        try:
            info, there = _opened(past, one, version).file.version, here.get(one)
        except ObjectBrokenError as error:
            failed[one] = error
            continue
        if there and there.digest == info.digest:
            same.add(one)
        elif root and (why := too_large(root, info.size)):
            outside[one] = why
        else:
            mode = there.mode if there and there.digest else info.mode
            named = one == path
            back.append(Back(one, version, mode & 0o777, info.size, info.digest, named, there))
    _refuse_behind(past, back)
    troubles = [failed[one] for one in sorted(failed)]
    if path not in wanted:
        troubles += _untold(past, path)
    if outside and not (back or same or troubles):
        raise _outside(vault, held, *next(iter(sorted(outside.items()))))
    later = past.later(path, wanted) if live and path not in wanted else []
    kept = tuple(sorted(same)), tuple(later)
    return Plan(held, root, tuple(back), *kept, tuple(troubles), outside)


def _refuse_behind(past: Past, back: list[Back]) -> None:
    """Refuse what a newer version, which has not come here yet, would take the place of again."""
    for path in past.newer({one.path: one.version for one in back if one.here}):
        raise RestoreBehindError(path=names.shown(path))


def _wanted(
    past: Past, vault: VaultSettings, held: Held, paths: list[str]
) -> tuple[str, Mapping[str, Version]]:
    """Return the first of several paths that a state had, and what, with the root's present name.

    Raises NotInVaultError, or ObjectBrokenError where that cannot be told.
    """
    for one in paths:
        path, known = _called(vault, one)
        for name in known:
            if version := held.named(name):
                return path, {path: version}
        wanted: dict[str, Version] = {}
        for name in known:
            for below, version in past.files(held, name).items():
                wanted.setdefault(path + below.removeprefix(name), version)
        if wanted:
            return path, wanted
    for error in _untold(past, paths[0]):
        raise error
    when = f"at {held.point.commit.id[:12]}"
    raise NotInVaultError(vault=vault.name, path=names.shown(paths[0]), when=when)


def _called(vault: VaultSettings, path: str) -> tuple[str, list[str]]:
    """Return a path with the present name of its root, and with each name that this has had."""
    name = split_root(path)[0]
    below = path.removeprefix(name)
    for root in vault.root:
        known = (root.name, *reversed(root.formerly))
        if name in known:
            return root.name + below, [one + below for one in known]
    return path, [path]


def _untold(past: Past, path: str) -> list[ObjectBrokenError]:
    """Name what could be of a folder or of anything else: it cannot be read, so nothing tells."""
    return [
        ObjectBrokenError(path=f"{name} (maybe of {names.shown(path)})", detail=why)
        for name, why in sorted(past.unread.items())
    ]


def _places(
    context: Context, vault: VaultSettings, held: Held, path: str, wanted: Mapping[str, Version]
) -> tuple[RootSettings, dict[str, _Here]]:
    """Open the root of a path, and say where in it the files lie. Raises RestoreOutsideError."""
    trust = context.keystore.trust(vault.name)
    name = split_root(path)[0]
    root = next((one for one in vault.root if one.name == name), None)
    if root is None or trust is None:
        why = "it has never synced this vault" if root else f"it has no root {names.shown(name)}"
        raise _outside(vault, held, path, why)
    files = root_files(context, root, trust, open_trash(context, vault.name))
    return root, {one: _Here(files, root.path, split_root(one)[1]) for one in wanted}


def _outside(vault: VaultSettings, held: Held, path: str, why: str) -> RestoreOutsideError:
    quoted = f"{shlex.quote(path)} --at {held.point.commit.id[:12]} --vault {vault.name}"
    return RestoreOutsideError(path=names.shown(path), why=why, quoted=quoted)


def _opened(past: Past, path: str, version: Version) -> Decoded:
    decoded = past.read(version)
    if isinstance(decoded, Decoded):
        return decoded
    raise ObjectBrokenError(path=names.shown(path), detail=decoded)


def content_of(past: Past, back: Back) -> bytes:
    """Return the content of a file that was planned. Raises ObjectBrokenError."""
    return _opened(past, back.path, back.version).content


@dataclass
class Done:
    """What was written, what was not and why, and whether a person broke it off."""

    written: list[Back] = field(default_factory=list)
    failed: list[MemorySyncError] = field(default_factory=list)
    interrupted: bool = False


def write_back(past: Past, planned: Plan) -> Done:
    """Write what was planned, each file alone; what was in its place goes to the trash.

    A file that has changed since it was shown, or cannot be written, stays as it is.
    """

    def write(back: Back) -> None:
        if back.here:
            content, expect = content_of(past, back), back.here.digest or None
            back.here.files.write(back.here.path, content, mode=back.mode, expect=expect)

    return one_by_one(planned.back, write)


def one_by_one(files: Iterable[Back], write: Callable[[Back], None]) -> Done:
    """Write files, each alone; where none can be written any more, and after Ctrl-C, it ends.

    Whatever ends it: what is done by then is told.
    """
    done, now = Done(), None
    try:
        for now in files:
            try:
                write(now)
            except FileError as error:
                done.failed.append(error)
            else:
                done.written.append(now)
    except MemorySyncError as error:
        done.failed.append(error)
    except KeyboardInterrupt:
        done.interrupted = True
        if now and now not in done.written and _is_there(now):
            done.written.append(now)
    return done


def _is_there(back: Back) -> bool:
    """Tell whether a file has come to its place, though its writing was broken off."""
    try:
        return back.here is not None and back.here.now().digest == back.digest
    except MemorySyncError:
        return False

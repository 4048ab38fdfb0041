"""Edits of `config.toml`, which leave a person's comments and order as they are.

An edit is written only if the configuration with it can be loaded.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel
from tomlkit import TOMLDocument
from tomlkit.items import AoT, InlineTable, Table

from memory_sync.config.durable import make_private_folder, take_lock, write_durably
from memory_sync.config.loading import parse, read_text
from memory_sync.config.settings import ProjectsSettings, RootSettings, VaultSettings
from memory_sync.errors import FileUnwritableError, RootUnknownError, VaultUnknownError

PATIENCE = 10.0
"""Seconds to wait for another process that edits the file: an edit takes milliseconds."""


def add_vault(path: Path, vault: VaultSettings) -> None:
    """Add a vault with its roots. Raises as `load` does, or FileUnwritableError."""
    _edit(path, lambda document: _add(document, "vault", vault))


def add_root(path: Path, vault: str, root: RootSettings) -> None:
    """Add a root to a vault. Raises VaultUnknownError too if the file has no such vault."""
    _edit(path, lambda document: _add(_vault(document, vault), "root", root))


def add_projects(path: Path, vault: str, projects: ProjectsSettings) -> None:
    """Add a folder of projects to a vault. Raises as `add_root` does."""
    _edit(path, lambda document: _add(_vault(document, vault), "projects", projects))


def set_token_file(path: Path, token_file: Path, vault: str | None = None) -> None:
    """Set where the token lies: for one vault, or for all that have none of their own."""

    def change(document: TOMLDocument) -> None:
        if vault is None and "github" not in document:
            document.append("github", _spaced(tomlkit.table()))
        place: Any = document["github"] if vault is None else _vault(document, vault)
        place["token_file"] = str(token_file)

    _edit(path, change)


def set_allow_public(path: Path, vault: str) -> None:
    """Let a vault's repository be one that everybody can see."""

    def change(document: TOMLDocument) -> None:
        _vault(document, vault)["allow_public"] = True

    _edit(path, change)


def set_remote(path: Path, vault: str, remote: str) -> None:
    """Set where a vault lies."""

    def change(document: TOMLDocument) -> None:
        _vault(document, vault)["remote"] = remote

    _edit(path, change)


def rename_root(path: Path, vault: str, old: str, new: str) -> None:
    """Give a root another name; that it had the old one is written down with it."""

    def change(document: TOMLDocument) -> None:
        root = _root(document, vault, old)
        former = [str(one) for one in root.get("formerly", []) if one not in (old, new)]
        root["name"] = new
        root["formerly"] = [*former, old]

    _edit(path, change)


def set_root_path(path: Path, vault: str, root: str, folder: Path) -> None:
    """Set where a root lies."""

    def change(document: TOMLDocument) -> None:
        _root(document, vault, root)["path"] = str(folder)

    _edit(path, change)


def remove_root(path: Path, vault: str, root: str) -> None:
    """Take a root out of a vault."""

    def change(document: TOMLDocument) -> None:
        roots = _vault(document, vault)["root"]
        roots.remove(_root(document, vault, root))

    _edit(path, change)


def leave_project(path: Path, vault: str, top: Path, name: str) -> None:
    """Let a project be left out, of the folder of projects at `top`."""

    def change(document: TOMLDocument) -> None:
        for projects in _vault(document, vault)["projects"]:
            if os.path.normpath(os.path.expanduser(projects["path"])) == str(top):
                left = [str(one) for one in projects.get("leave_out", [])]
                projects["leave_out"] = [*left, name]

    _edit(path, change)


def remove_vault(path: Path, vault: str) -> None:
    """Take a vault out. Of the last one the file says that there is none, in so many words."""

    def change(document: TOMLDocument) -> TOMLDocument:
        gone = _vault(document, vault)
        vaults: Any = document["vault"]
        vaults.remove(gone)
        if vaults:
            return document
        del document["vault"]
        # Before the tables, or it would be a setting of the last of them.
        return tomlkit.parse(f"vault = []\n{tomlkit.dumps(document)}")

    _edit(path, change)


def set_device(path: Path, device: str) -> None:
    """Set the device's name."""

    def change(document: TOMLDocument) -> None:
        document["device"] = device

    _edit(path, change)


def _edit(path: Path, change: Callable[[TOMLDocument], TOMLDocument | None]) -> None:
    """Change the file, which is made (0600) if it is missing and else keeps its mode.

    `change` works on the document that it is given, or returns another one.

    Raises as `load` does, or FileUnwritableError: also where somebody else goes on changing it.
    """
    with _alone(path):
        _edit_alone(path, change)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only one of our processes that edits the file, by a lock that dies with its process.

    Its text is read under the lock too: of two edits none is lost.
    """
    try:
        make_private_folder(path.parent)
        # The folder itself is locked, so that nothing is left in it.
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileUnwritableError(path=path, detail=detail) from None
    try:
        end = time.monotonic() + PATIENCE
        while not take_lock(handle):
            if time.monotonic() > end:
                raise FileUnwritableError(path=path, detail="another command is changing it")
            time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _edit_alone(path: Path, change: Callable[[TOMLDocument], TOMLDocument | None]) -> None:
    text = read_text(path)
    # As it is before the change: an error in what a person wrote is then told as that.
    parse(text, path, {})
    document = tomlkit.parse(text if text.endswith("\n") or not text else text + "\n")
    other = change(document)
    changed = tomlkit.dumps(document if other is None else other).lstrip("\n")
    parse(changed, path, {})
    # The file that is meant, where a link (to a folder of dotfiles, say) leads to it.
    target = Path(os.path.realpath(path))
    try:
        mode = stat.S_IMODE(os.stat(target).st_mode) if target.exists() else 0o600
        make_private_folder(target.parent)
        write_durably(target, changed.encode(), mode)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileUnwritableError(path=path, detail=detail) from None


def _add(place: TOMLDocument | Table | InlineTable, key: str, section: BaseModel) -> None:
    """Add an element to an array of tables, in the way in which the file writes that array."""
    if key in place and not place[key]:
        del place[key]  # it says that there is none
    if key not in place:
        place.append(key, [] if isinstance(place, InlineTable) else tomlkit.aot())
    array: Any = place[key]
    array.append(_table(section, inline=not isinstance(array, AoT)))


def _table(section: BaseModel, *, inline: bool) -> Table | InlineTable:
    """Write down a section: what it must have, and what is not as it is by default."""
    table = tomlkit.inline_table() if inline else _spaced(tomlkit.table())
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if key in ("root", "projects"):
            for part in value:
                _add(table, key, part)
        elif value != field.get_default(call_default_factory=True):
            table.append(key, _plain(value))
    return table


def _spaced(table: Table) -> Table:
    """Set a table off by an empty line."""
    table.trivia.indent = "\n"
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (bool, int, float, str)):
        # A size is a kind of int that TOML's writer does not know.
        return int(value) if type(value) not in (bool, float, str) else value
    inner = tomlkit.inline_table()
    inner.update(value)
    return inner


def _root(document: TOMLDocument, vault: str, name: str) -> Any:
    """Return a root of a vault; one without a name has the usual one."""
    usual = RootSettings.model_fields["name"].default
    roots = {str(root.get("name", usual)): root for root in _vault(document, vault).get("root", [])}
    if name not in roots:
        raise RootUnknownError(name=name, known=", ".join(roots) or "none")
    return roots[name]


def _vault(document: TOMLDocument, name: str) -> Any:
    vaults: Any = document.get("vault", [])
    for vault in vaults:
        if vault["name"] == name:
            return vault
    known = ", ".join(str(vault["name"]) for vault in vaults) or "none"
    raise VaultUnknownError(name=name, known=known)

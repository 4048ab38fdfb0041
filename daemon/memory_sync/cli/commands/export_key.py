"""`memory-sync export-key`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import FILES, JSON_HELP, example, vault_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from memory_sync.app.context import Context
    from memory_sync.config.settings import VaultSettings
    from memory_sync.vault.keys import Identity

STDOUT = "-"


@click.command("export-key", epilog=example("memory-sync export-key ~/memory-sync-key.txt"))
@click.argument("file", shell_complete=FILES)
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase, and encrypt the file.")
@vault_option
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def command(file: str, passphrase: bool, vault: str | None, as_json: bool) -> Result:
    """Write the key of a vault to a file.

    Whoever has the key can read and write the vault, and without it nobody can: keep the file where
    you keep passwords. It is an age identity file, readable by you alone. FILE is never overwritten
    and never lies in a synced folder; - is standard output.
    """
    from memory_sync.app.context import load_context
    from memory_sync.cli.ask import new_passphrase
    from memory_sync.cli.newfile import write_new
    from memory_sync.errors import UsageError
    from memory_sync.vault.keys import encrypt_with_passphrase, format_identity

    if file == STDOUT and as_json:
        raise UsageError(detail="Standard output can hold the key or JSON, not both.")
    context = load_context(os.environ)
    settings = context.one_vault(vault, f"export-key {file}")
    identity = _identity(context, settings)
    path = None if file == STDOUT else Path(os.path.abspath(os.path.expanduser(file)))
    if path:
        _refuse(path, context)
    text = format_identity(identity, f"the key of the memory-sync vault {settings.name}")
    content = text.encode()
    if passphrase:
        content = encrypt_with_passphrase(content, new_passphrase())
    if path is None:
        sys.stdout.write(content.decode())
        sys.stdout.flush()
    else:
        write_new(path, content, other=f"memory-sync export-key '{path}.new'")
    context.keystore.mark_exported(identity.recipient)
    if path is None:
        return Result(written=True)
    data = {"vault": settings.name, "recipient": identity.recipient, "file": str(path)}
    lines = (
        Line(f"The key of {settings.name} ({identity.recipient}) lies in {path}."),
        Line("Keep it where you keep passwords: whoever has it reads and writes the vault."),
    )
    return Result(data, lines)


def _identity(context: Context, vault: VaultSettings) -> Identity:
    """Find the vault's key. Raises KeyMissingError."""
    from memory_sync.errors import KeyMissingError

    trust = context.keystore.trust(vault.name)
    identity = context.keystore.find(trust.recipient) if trust else None
    if identity is None:
        recipient = trust.recipient if trust else "not known before the first sync"
        raise KeyMissingError(vault=vault.name, recipient=recipient)
    return identity


def _refuse(path: Path, context: Context) -> None:
    """Refuse a path that is there, or lies in a folder that is synced, by whatever name."""
    from memory_sync.errors import ExportIntoRootError, FileExistsHereError

    if os.path.lexists(path):
        raise FileExistsHereError(path=path)
    places = set(_places(Path(os.path.realpath(path.parent))))
    for vault in context.settings.vault:
        conflicts = context.directories.vault_state(vault.name) / "conflicts"
        for root in (*(root.path for root in vault.root), conflicts):
            if places & set(list(_places(Path(os.path.realpath(root))))[:1]):
                raise ExportIntoRootError(path=path, root=root)


def _places(folder: Path) -> Iterator[tuple[int, int] | str]:
    """Tell what a folder and all that it lies in are, apart from their names."""
    for place in (folder, *folder.parents):
        try:
            found = os.stat(place)
        except OSError:
            yield str(place)
        else:
            yield (found.st_dev, found.st_ino)

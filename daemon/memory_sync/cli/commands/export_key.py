"""`memory-sync export-key`."""

from __future__ import annotations

import os
import shlex
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
EXAMPLES = ("memory-sync export-key ~/memory-sync-key.txt", "memory-sync export-key --qr")


@click.command("export-key", epilog=example(*EXAMPLES))
@click.argument("file", required=False, shell_complete=FILES)
@click.option("--passphrase", is_flag=True, help="Ask for a passphrase, and encrypt the file.")
@click.option("--qr", is_flag=True, help="Show it as a QR code on the terminal, in no file.")
@vault_option
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def command(
    file: str | None, passphrase: bool, qr: bool, vault: str | None, as_json: bool
) -> Result:
    """Write the key of a vault to a file.

    Whoever has the key can read and write the vault, and without it nobody can: keep the file where
    you keep passwords. It is an age identity file, readable by you alone. FILE is never overwritten
    and never lies in a synced folder; - is standard output. A QR code is for a phone's password
    manager: it fills the screen, and is gone when you have answered.
    """
    from memory_sync.app.context import load_context
    from memory_sync.cli.ask import new_passphrase
    from memory_sync.cli.newfile import write_new
    from memory_sync.vault.keys import encrypt_with_passphrase, format_identity

    _check(file, passphrase=passphrase, qr=qr, as_json=as_json)
    context = load_context(os.environ)
    more = ["--passphrase"] if passphrase else []
    settings = context.one_vault(vault, shlex.join(["export-key", file or "--qr", *more]))
    identity = _identity(context, settings)
    if file is None:
        return _shown(context, settings, identity)
    path = None if file == STDOUT else Path(os.path.abspath(os.path.expanduser(file)))
    if vault:
        more += ["--vault", vault]
    if path:
        _refuse(path, context, more)
    text = format_identity(identity, f"the key of the memory-sync vault {settings.name}")
    content = text.encode()
    if passphrase:
        content = encrypt_with_passphrase(content, new_passphrase())
    if path is None:
        sys.stdout.write(content.decode())
        sys.stdout.flush()
    else:
        write_new(path, content, other=_other(Path(f"{path}.new"), more))
    context.keystore.mark_exported(identity.recipient)
    return _told(settings.name, identity.recipient, path) if path else Result(written=True)


def _told(vault: str, recipient: str, path: Path) -> Result:
    """Say where the key lies now."""
    lines = (
        Line(f"The key of {vault} ({recipient}) lies in {path}."),
        Line("Keep it where you keep passwords: whoever has it reads and writes the vault."),
    )
    return Result({"vault": vault, "recipient": recipient, "file": str(path)}, lines)


def _check(file: str | None, *, passphrase: bool, qr: bool, as_json: bool) -> None:
    """Refuse what cannot be done at once. Raises UsageError."""
    from memory_sync.cli.qr import check_screen
    from memory_sync.errors import UsageError

    hint = EXAMPLES[0]
    if qr and (file or passphrase or as_json):
        detail = "A QR code shows the key itself: without FILE, --passphrase or --json."
        raise UsageError(detail=detail, hint=EXAMPLES[1])
    if file is None and not qr:
        raise UsageError(detail="A FILE is missing that the key goes to.", hint=hint)
    if file == STDOUT and as_json:
        raise UsageError(detail="Standard output can hold the key or JSON, not both.", hint=hint)
    if qr:
        check_screen()


def _shown(context: Context, vault: VaultSettings, identity: Identity) -> Result:
    """Show the key as a QR code, until the person says that it is saved, or not."""
    from memory_sync.cli.ask import confirm
    from memory_sync.cli.qr import shown

    before = [f"The key of {vault.name}. Whoever sees this has the key."]
    after = [
        "Scan it with a phone's password manager. On another machine, scan it",
        "and paste the line into: memory-sync import-key",
    ]
    if len(identity.secrets) > 1:
        after.append("Keys from before a rotation are not in it: export-key FILE has them.")
    with shown(identity.secrets[0], before, after):
        saved = confirm("Is it saved?", command="export-key", yes=False, usual=False)
    if not saved:
        return Result(lines=(Line("The key was shown, and is not saved yet."),))
    context.keystore.mark_exported(identity.recipient)
    return Result(lines=(Line(f"The key of {vault.name} ({identity.recipient}) is saved."),))


def _identity(context: Context, vault: VaultSettings) -> Identity:
    """Find the vault's key. Raises KeyMissingError."""
    from memory_sync.errors import KeyMissingError

    trust = context.keystore.trust(vault.name)
    identity = context.keystore.find(trust.recipient) if trust else None
    if identity is None:
        recipient = trust.recipient if trust else "not known before the first sync"
        raise KeyMissingError(vault=vault.name, recipient=recipient)
    return identity


def _other(path: Path, more: list[str]) -> str:
    """Return the command that writes the same to another file."""
    return shlex.join(["memory-sync", "export-key", str(path), *more])


def _refuse(path: Path, context: Context, more: list[str]) -> None:
    """Refuse a path that is there, or lies in a folder that is synced, by whatever name."""
    from memory_sync.errors import ExportIntoRootError, FileExistsHereError

    if os.path.lexists(path):
        raise FileExistsHereError(path=path, hint=_other(Path(f"{path}.new"), more))
    places = set(_places(Path(os.path.realpath(path.parent))))
    for vault in context.settings.vault:
        conflicts = context.directories.vault_state(vault.name) / "conflicts"
        for root in (*(root.path for root in vault.root), conflicts):
            if places & set(list(_places(Path(os.path.realpath(root))))[:1]):
                hint = _other(Path.home() / "memory-sync-key.txt", more)
                raise ExportIntoRootError(path=path, root=root, hint=hint)


def _places(folder: Path) -> Iterator[tuple[int, int] | str]:
    """Tell what a folder and all that it lies in are, apart from their names."""
    for place in (folder, *folder.parents):
        try:
            found = os.stat(place)
        except OSError:
            yield str(place)
        else:
            yield (found.st_dev, found.st_ino)

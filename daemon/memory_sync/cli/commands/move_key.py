"""`memory-sync move-key`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import example, json_option, vault_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from memory_sync.ports.keystore import Keystore


@click.command("move-key", epilog=example("memory-sync move-key keyring"))
@click.argument("to", type=click.Choice(["keyring", "file"]))
@vault_option
@json_option
def command(to: str, vault: str | None) -> Result:
    """Move the key of a vault into the system's keyring, or back.

    A key lies in a file that only you can read, until you move it. In the keyring (the Keychain,
    GNOME Keyring, KWallet) it is encrypted on the disk as well, and is there only while you are
    logged in: a daemon that runs without a login needs the file. The file goes once the keyring
    has given the key back.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.opens import wake
    from memory_sync.errors import KeyMissingError
    from memory_sync.ports.keystore import Keystore
    from memory_sync.ports.ring import Ring

    context = load_context(os.environ)
    settings = context.one_vault(vault, f"move-key {to}")
    keystore = Keystore(context.directories.keys, ring=Ring(context.env).patient())
    trust = keystore.trust(settings.name)
    if trust is None or not keystore.stored(trust.recipient):
        recipient = trust.recipient if trust else "not known before the first sync"
        raise KeyMissingError(vault=settings.name, recipient=recipient)
    if keystore.in_ring(trust.recipient) != (to == "keyring"):
        _move(keystore, trust.recipient, to)
        wake(context)
    data = {"vault": settings.name, "recipient": trust.recipient, "key": to}
    if to == "file":
        return Result(data, (Line(f"The key of {settings.name} lies in a file."),))
    lines = [Line(f"The key of {settings.name} lies in the keyring, and in no file any more.")]
    if not keystore.was_exported(trust.recipient):
        lines.append(Line("A keyring can be lost with its password. Export the key as well:"))
        lines.append(Line(f"    memory-sync export-key KEY-FILE --vault {settings.name}", "bold"))
    return Result(data, tuple(lines))


def _move(keystore: Keystore, recipient: str, to: str) -> None:
    """Move it. Raises KeyringError, with the key where it was and a hint that can be followed."""
    from memory_sync.errors import KeyringError

    try:
        if to == "keyring":
            keystore.move_into_ring(recipient)
        else:
            keystore.move_into_file(recipient)
    except KeyringError as error:
        if to == "file":
            raise KeyringError(
                **{**error.facts, "hint": "memory-sync import-key KEY-FILE"}
            ) from None
        detail = f"{error.facts['detail']}; the key stays in its file"
        hint = error.facts.get("hint", "memory-sync status")
        raise KeyringError(detail=detail, hint=hint) from None

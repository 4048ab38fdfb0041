"""`memory-sync import-key`."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import click

from memory_sync.cli.options import FILES, example, json_option
from memory_sync.cli.result import Line, Result

if TYPE_CHECKING:
    from memory_sync.app.context import Context
    from memory_sync.vault.keys import Identity

MAX_SIZE = 64 * 1024
"""Bytes that a key file may have."""
ENCRYPTED = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
STDIN = "-"


@click.command("import-key", epilog=example("memory-sync import-key ~/memory-sync-key.txt"))
@click.argument("file", default=STDIN, shell_complete=FILES)
@json_option
def command(file: str) -> Result:
    """Take in the key of a vault from another machine.

    FILE is what export-key has written there, with a passphrase or without; standard input if it is
    not given. On a terminal the key is asked for, without echo. No other key is replaced: several
    lie beside each other. It says at once which vaults the key opens.
    """
    from memory_sync.app.context import load_context
    from memory_sync.app.opens import opens, wake, wanted

    context = load_context(os.environ)
    source = "standard input" if file == STDIN else file
    identity = _parse(_opened(_read(file), source, piped=file == STDIN), source)
    keystore = context.keystore
    place = keystore.add(identity)
    # It came from outside: there is another place that has it.
    keystore.mark_exported(identity.recipient)
    wake(context)
    wants = wanted(context, context.settings.vault)
    fits = [name for name, recipient in wants.items() if opens(identity, recipient)]
    others = {name: wants[name] for name in wants if wants[name] and name not in fits}
    data = {"recipient": identity.recipient, "vaults": fits, "other_vaults": others}
    where = " in the keyring" if place.suffix == ".keyring" else ""
    stored = Line(f"The key {identity.recipient} is stored{where}.")
    return Result(data, (stored, *_next(context, fits, others)))


def _read(file: str) -> bytes:
    """Read at most MAX_SIZE bytes. Raises KeyFileError, KeyInvalidError."""
    from memory_sync.errors import KeyFileError, KeyInvalidError

    if file == STDIN and sys.stdin.isatty():
        return _typed()
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(MAX_SIZE + 1)
        else:
            with open(os.path.expanduser(file), "rb") as stream:
                content = stream.read(MAX_SIZE + 1)
    except PermissionError as error:
        hint = f"chmod u+r '{file}'"
        raise KeyFileError(path=file, detail=error.strerror, hint=hint) from None
    except OSError as error:
        hint = f"ls -la '{os.path.dirname(file) or '.'}'"
        raise KeyFileError(path=file, detail=error.strerror, hint=hint) from None
    if len(content) > MAX_SIZE:
        raise KeyInvalidError(source=file)
    return content


def _typed() -> bytes:
    """Ask for the key; what is pasted around it is passed over."""
    from memory_sync.cli.ask import secret_line

    prompt = "Key (the line that begins with AGE-SECRET-KEY-1)"
    return secret_line(prompt, lambda line: bool(line) and not line.startswith("#")).encode()


def _opened(content: bytes, source: str, *, piped: bool) -> bytes:
    """Decrypt a key file that has a passphrase. Raises PassphraseError."""
    from memory_sync.cli.ask import secret
    from memory_sync.errors import PassphraseError, UsageError
    from memory_sync.vault.keys import CipherError, decrypt_with_passphrase

    if not content.lstrip().startswith(ENCRYPTED):
        return content
    if piped:
        raise UsageError(detail="A key with a passphrase is read from a file, not from a pipe.")
    try:
        return decrypt_with_passphrase(content, secret(f"Passphrase of {source}"))
    except CipherError:
        raise PassphraseError(source=source) from None


def _parse(content: bytes, source: str) -> Identity:
    from memory_sync.errors import KeyInvalidError
    from memory_sync.vault.keys import CipherError, parse_identity

    try:
        return parse_identity(content.decode("ascii"))
    except (CipherError, UnicodeDecodeError):
        raise KeyInvalidError(source=source) from None


def _next(context: Context, fits: Collection[str], others: Mapping[str, str]) -> list[Line]:
    """Say which vaults the key opens, which it does not, and what comes next."""
    vaults = [vault.name for vault in context.settings.vault]
    if not vaults:
        return [
            Line("No vault is set up here yet. For the agents that are here, or with a FOLDER:"),
            Line("    memory-sync init --remote URL", "bold"),
        ]
    lines = [Line(f"It is the key of {', '.join(fits)}.")] if fits else []
    for name, recipient in others.items():
        lines.append(Line(f"It does not open {name}, which wants the key {recipient}."))
    unknown = [name for name in vaults if name not in fits and name not in others]
    if unknown:
        lines += [
            Line(f"Whether it opens {', '.join(unknown)} cannot be told now; the next sync will:"),
            Line("    memory-sync now", "bold"),
        ]
    return lines

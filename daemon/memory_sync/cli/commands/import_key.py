"""`memory-sync import-key`."""

from __future__ import annotations

import os
import sys
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
    not given. On a terminal the key is asked for, without echo.
    """
    from memory_sync.app.context import load_context

    context = load_context(os.environ)
    source = "standard input" if file == STDIN else file
    identity = _parse(_opened(_read(file), source, piped=file == STDIN), source)
    keystore = context.keystore
    keystore.add(identity)
    # It came from outside: there is another place that has it.
    keystore.mark_exported(identity.recipient)
    _wake(context)
    fits = _fits(context, identity)
    data = {"recipient": identity.recipient, "vaults": fits}
    return Result(data, (Line(f"The key {identity.recipient} is stored."), *_next(context, fits)))


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


def _wake(context: Context) -> None:
    """Let a daemon try again at once: one that lacks a key waits an hour."""
    from contextlib import suppress

    from memory_sync.app.sync import Wish, through_daemon
    from memory_sync.errors import DaemonError

    with suppress(DaemonError):
        through_daemon(context, [vault.name for vault in context.settings.vault], Wish())


def _fits(context: Context, identity: Identity) -> list[str]:
    """Return the vaults on this machine that the key belongs to."""
    trusts = {vault.name: context.keystore.trust(vault.name) for vault in context.settings.vault}
    return [
        name for name, trust in trusts.items() if trust and trust.recipient == identity.recipient
    ]


def _next(context: Context, fits: list[str]) -> list[Line]:
    if fits:
        return [Line(f"It is the key of {', '.join(fits)}.")]
    if context.settings.vault:
        return [
            Line("No vault here is known to have this key; the next sync will tell:"),
            Line("    memory-sync now", "bold"),
        ]
    return [
        Line("No vault is set up here yet. In the agent's folder:"),
        Line("    memory-sync init --remote URL", "bold"),
    ]

"""Where a GitHub token is found; nothing here ever says what it is."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from memory_sync.config.durable import make_private_folder, write_durably
from memory_sync.config.settings import EnvironmentVault, GitHubSettings, Settings, VaultSettings
from memory_sync.errors import KeyringError, TokenFileError, TokenMissingError, UsageError
from memory_sync.ports.ring import Ring, without_identity
from memory_sync.ports.token import Token

VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
ELSEWHERE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
"""Where a token is for the common server, and for a vault's own other one (as gh has it)."""
PATIENCE = 5
"""Seconds after which a program that was asked for a token is taken to have none."""
TOKEN = re.compile(r"[\x21-\x7e]{1,255}")


def variables_of(settings: Settings, vault: VaultSettings | None) -> tuple[str, ...]:
    """Return the variables that may hold a vault's token: one is not shown to another server."""
    return ELSEWHERE if vault and settings.elsewhere(vault) else VARIABLES


def find_token(
    settings: GitHubSettings,
    env: Mapping[str, str],
    remote: str,
    variables: tuple[str, ...] = VARIABLES,
) -> Token:
    """Look for a token: `token_file`, variables, keyring, `gh auth token`.

    Raises TokenMissingError, which names the places, or TokenFileError.
    """
    if settings.token_file:
        return read_token_file(settings.token_file, remote)
    for name in variables:
        if env.get(name, "").strip():
            return Token(checked(env[name]), name)
    host = web_host(settings.base_url)
    value = _from_keyring(host, env)
    if value:
        return Token(checked(value), "keyring")
    value = _from_gh(host, env)
    if value:
        return Token(checked(value), "gh auth token")
    places = ("token_file", *variables, "keyring", "gh auth token")
    raise TokenMissingError(remote=remote, places=", ".join(places))


def read_token_file(path: Path, remote: str) -> Token:
    """Read the token file for a remote; one that others can read is refused."""
    anew = renewing(remote)
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise TokenFileError(path=path, detail="others can read it")
        text = path.read_text("ascii", errors="replace")
    except OSError as error:
        detail = os.strerror(error.errno or 0)
        raise TokenFileError(path=path, detail=detail, hint=anew) from None
    if not TOKEN.fullmatch(text.strip()):
        raise TokenFileError(path=path, detail="it holds no token", hint=anew)
    return Token(text.strip(), str(path))


def renewing(remote: str) -> str:
    """Return the command that stores a new token for a vault that is set up."""
    return f"memory-sync init --remote {remote} --new-token"


def supplying(settings: Settings, vault: VaultSettings) -> str:
    """Return the command that supplies a vault's token, where the one that is here is of no use.

    A vault that the environment alone describes has its token there too.
    """
    if isinstance(vault, EnvironmentVault):
        return f"export {variables_of(settings, vault)[0]}=TOKEN"
    return renewing(vault.remote)


def write_token_file(path: Path, token: Token) -> None:
    """Store a token where a service finds it, readable by its owner alone."""
    make_private_folder(path.parent)
    write_durably(path, f"{token.value}\n".encode())


def checked(text: str) -> str:
    """Return a token without the white space around it; what cannot be one is refused."""
    if not TOKEN.fullmatch(text.strip()):
        raise UsageError(detail="That is no token: it has white space or other characters in it.")
    return text.strip()


def web_host(base_url: str) -> str:
    """Return the host that a person logs in to, from the API's address."""
    host = urlsplit(base_url).hostname or ""
    return "github.com" if host == "api.github.com" else host


def _from_keyring(host: str, env: Mapping[str, str]) -> str:
    """Ask the keyring, if that extra is installed; one that is locked or not there says nothing."""
    with suppress(KeyringError):
        return Ring(env, PATIENCE).get(host) or ""
    return ""


def _from_gh(host: str, env: Mapping[str, str]) -> str:
    """Ask GitHub's own command line, if it is there and logged in."""
    program = shutil.which("gh", path=env.get("PATH"))
    return _said([program, "auth", "token", "--hostname", host], env) if program else ""


def _said(words: list[str], env: Mapping[str, str]) -> str:
    """Return what a program says, "" if it fails or takes too long."""
    try:
        done = subprocess.run(
            words,
            env=without_identity(env),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

"""Token and identity during `init`: found, asked for, and stored where a service finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from memory_sync.app.context import Context
from memory_sync.app.setup import examine, vet
from memory_sync.app.tokens import (
    ELSEWHERE,
    VARIABLES,
    checked,
    find_token,
    variables_of,
    web_host,
    write_token_file,
)
from memory_sync.cli.ask import confirm, interactive, say, secret
from memory_sync.cli.where import Aim
from memory_sync.config.settings import GitHubSettings, VaultSettings
from memory_sync.config.writing import set_token_file
from memory_sync.errors import (
    OfflineError,
    TokenForbiddenError,
    TokenMissingError,
    TokenRejectedError,
    TokenSignOnError,
)
from memory_sync.ports.token import Token

ASKED = "your answer"
NEEDED = (
    "The least that it takes is a fine-grained GitHub token for the one repository, with",
    "    Contents: read and write   (Metadata: read comes with it)",
    "    https://{host}/settings/personal-access-tokens/new",
    "The repository has to be there for that: make it first, private and empty, at",
    "    https://{host}/new",
    "To have it made here takes Administration: read and write too, and all repositories.",
    "A classic token takes the scope repo, and reaches all of the account's repositories.",
)


def token_for(context: Context, vault: VaultSettings | None, remote: str) -> Token:
    """Find the token, or ask for one. Raises TokenMissingError where nobody can be asked."""
    settings = context.settings.github_of(vault) if vault else context.settings.github
    try:
        return find_token(settings, context.env, remote, variables_of(context.settings, vault))
    except TokenMissingError:
        if not interactive():
            raise
    return ask_token(settings)


def explain_needed(settings: GitHubSettings) -> None:
    """Say what a token has to be able to do, and where one is made."""
    for line in NEEDED:
        say(line.format(host=web_host(settings.base_url)))


@contextmanager
def tried_again(context: Context, again: str, aim: Aim | None = None) -> Iterator[None]:
    """Hint at the command that was given where it came to nothing: all others need a vault here.

    Without an `aim` it is not known yet where the vault lies.
    """
    settings = context.settings.github_of(aim.vault) if aim else context.settings.github
    place = {} if aim else {"remote": web_host(settings.base_url)}
    try:
        yield
    except (OfflineError, TokenMissingError) as error:
        raise type(error)(**{**error.facts, **place, "hint": f"memory-sync {again}"}) from None
    except TokenRejectedError as error:
        if (aim and aim.known) or settings.token_file:
            raise
        variable = variables_of(context.settings, aim.vault if aim else None)[0]
        # The variable comes before the keyring and gh.
        other = "" if error.facts["source"] == ASKED else f"{variable}=TOKEN "
        hint = f"{other}memory-sync {again}"
        raise TokenRejectedError(**{**error.facts, **place, "hint": hint}) from None


@contextmanager
def least_permission(settings: GitHubSettings, aim: Aim, again: str) -> Iterator[None]:
    """Explain what is needed where a token can do too little; `again` is the command."""
    try:
        yield
    except (TokenForbiddenError, TokenSignOnError) as error:
        if isinstance(error, TokenForbiddenError):
            explain_needed(settings)
        if aim.known:
            raise
        raise type(error)(**{**error.facts, "hint": f"memory-sync {again}"}) from None


def ask_token(settings: GitHubSettings) -> Token:
    """Ask for a token, without echo. Raises UsageError for what cannot be one."""
    explain_needed(settings)
    return Token(checked(secret("GitHub token")), ASKED)


def is_passing(token: Token) -> bool:
    """Tell whether a service would not find the token."""
    return token.source in (*VARIABLES, *ELSEWHERE, ASKED)


def with_token(context: Context, token: Token, vault: VaultSettings) -> Context:
    """Return the context as if the token were the one that is found for a vault."""
    github = context.settings.github.model_copy(update={"token_file": None})
    settings = context.settings.model_copy(update={"github": github})
    env = {**context.env, variables_of(context.settings, vault)[0]: token.value}
    return replace(context, env=env, settings=settings)


def login_of(token: Token, settings: GitHubSettings) -> str:
    """Ask GitHub whose token it is."""
    from memory_sync.ports.github import login

    proxy, ca_file = settings.proxy, settings.ca_file
    return login(token, settings.base_url, settings.timeout, proxy=proxy, ca_file=ca_file)


def offer_to_store(context: Context, token: Token, vault: VaultSettings, *, yes: bool) -> None:
    """Offer to store a token that only this shell has."""
    path, owner = place_of(context, vault)
    question = f"Store the token from {token.source} in {path}, where the daemon finds it?"
    if not (yes or interactive()):
        return
    if not confirm(question, command="init", yes=yes):
        say("The daemon finds no token unless its environment has one.")
        return
    write_token_file(path, token)
    set_token_file(context.directories.config_file, path, owner)
    if yes:
        say(f"The token from {token.source} is stored in {path}, where the daemon finds it.")


def offer_identity(context: Context, recipient: str, *, yes: bool) -> None:
    """Offer to store a key that only the environment has."""
    keystore = context.keystore
    identity = keystore.find(recipient)
    if identity is None or keystore.stored(recipient) or not (yes or interactive()):
        return
    question = "Store the key from MEMORY_SYNC_IDENTITY where the daemon finds it?"
    if confirm(question, command="init", yes=yes):
        keystore.add(identity)


def renew_token(context: Context, vault: VaultSettings) -> Path:
    """Take a new token for a vault, try it, and store it. Returns where it lies.

    Raises TokenRejectedError or TokenForbiddenError with the old one in place.
    """
    known = [(name, context.env.get(name, "")) for name in variables_of(context.settings, vault)]
    source, value = next((pair for pair in known if pair[1].strip()), ("", ""))
    settings = context.settings.github_of(vault)
    token = Token(checked(value), source) if value else ask_token(settings)
    bare = vault.model_copy(update={"token_file": None})
    tried = examine(with_token(context, token, vault), bare)
    for note in vet(*tried):
        say(note)
    path, owner = place_of(context, vault)
    write_token_file(path, token)
    set_token_file(context.directories.config_file, path, owner)
    return path


def place_of(context: Context, vault: VaultSettings) -> tuple[Path, str | None]:
    """Return where a vault's new token goes, and for which vault it is set (None: for all).

    A token file outside the configuration's folder is somebody else's and is not written to.
    """
    folder = context.directories.config
    own, common = vault.token_file, context.settings.github.token_file
    if own is not None:
        return (own if own.parent == folder else folder / f"token-{vault.name}"), vault.name
    if context.settings.elsewhere(vault):
        return folder / f"token-{vault.name}", vault.name
    if common is None or common.parent == folder:
        return common or folder / "token", None
    return folder / f"token-{vault.name}", vault.name

"""Who may do what: the user's part in a repository, and what a token was made for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.hub.wire import RefusedError

if TYPE_CHECKING:
    from tests.hub.accounts import Token
    from tests.hub.hub import Hub
    from tests.hub.repository import Repository

NO_PERMISSION = "Resource not accessible by personal access token"
NO_ADMIN = "Must have admin rights to Repository."
ARCHIVED = "Repository was archived so is read-only."
PERMISSIONS = {
    "metadata": "metadata=read",
    "read": "contents=read",
    "write": "contents=write",
    "admin": "administration=write",
    "create": "administration=write",
}
"""What a fine-grained token needs for each kind of access; `user` needs nothing."""
SCOPES = {
    "metadata": "repo",
    "read": "repo",
    "write": "repo",
    "admin": "delete_repo",
    "create": "public_repo, repo",
    "user": "",
}
"""What a classic token needs."""


def accepted(token: Token, access: str) -> dict[str, str]:
    """Say in headers what an access takes, what a classic token has, and when it ends."""
    if token.classic:
        scopes = ", ".join(sorted(token.scopes))
        told = {"X-OAuth-Scopes": scopes, "X-Accepted-OAuth-Scopes": SCOPES[access]}
    else:
        needed = PERMISSIONS.get(access, "allows_permissionless_access=true")
        told = {"X-Accepted-GitHub-Permissions": needed}
    if token.expires is not None:
        end = datetime.fromtimestamp(token.expires, UTC)
        told["GitHub-Authentication-Token-Expiration"] = f"{end:%Y-%m-%d %H:%M:%S} UTC"
    return told


def is_members(hub: Hub, token: Token, repo: Repository) -> bool:
    """Tell whether the token's user has a part in this repository, and the token too."""
    return hub.accounts.belongs(token.login, repo.owner) and token.covers(repo.full_name)


def may_read(hub: Hub, token: Token, repo: Repository) -> bool:
    """Tell whether this repository exists for this token."""
    if not repo.private:
        return True
    return is_members(hub, token, repo) and (not token.classic or "repo" in token.scopes)


def may_write(hub: Hub, token: Token, repo: Repository) -> bool:
    """Tell whether the token may change contents of a repository that is not archived."""
    if not is_members(hub, token, repo):
        return False
    return token.has_scope(repo.private) if token.classic else token.contents == "write"


def check_read(hub: Hub, token: Token, repo: Repository) -> None:
    """Refuse contents to a token that may only know that the repository is there."""
    if repo.private and not token.classic and token.contents == "none":
        raise RefusedError(403, NO_PERMISSION)


def check_write(hub: Hub, token: Token, repo: Repository) -> None:
    """Refuse a write that the token or the repository's state forbids."""
    if not hub.accounts.belongs(token.login, repo.owner):
        raise RefusedError(404, "Not Found")
    if not may_write(hub, token, repo):
        # A classic token is told nothing of what its scopes leave out.
        status, message = (404, "Not Found") if token.classic else (403, NO_PERMISSION)
        raise RefusedError(status, message)
    if repo.archived:
        raise RefusedError(403, ARCHIVED)


def check_delete(hub: Hub, token: Token, repo: Repository) -> None:
    """Refuse to delete a repository to who may only change its contents."""
    if not hub.accounts.belongs(token.login, repo.owner):
        raise RefusedError(403, NO_ADMIN)
    if token.classic and "delete_repo" not in token.scopes:
        raise RefusedError(403, NO_ADMIN)
    if not token.classic and (token.administration != "write" or not token.covers(repo.full_name)):
        raise RefusedError(403, NO_PERMISSION)


def check_create(hub: Hub, token: Token, owner: str, *, private: bool) -> None:
    """Refuse to make a repository for another, or with a token that is not made for that."""
    if not hub.accounts.belongs(token.login, owner):
        raise RefusedError(403, NO_ADMIN)
    if token.classic and not token.has_scope(private):
        raise RefusedError(404, "Not Found")
    # A token of some repositories cannot have one that is not there yet.
    if not token.classic and (token.administration != "write" or token.repos is not None):
        raise RefusedError(403, NO_PERMISSION)

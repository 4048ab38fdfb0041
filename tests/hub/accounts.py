"""Users, organisations and their tokens."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.hub.wire import RefusedError


@dataclass(frozen=True)
class Account:
    """A user or an organisation."""

    login: str
    id: int
    type: str = "User"

    @property
    def email(self) -> str:
        """The address that commits of this user carry."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


Level: TypeAlias = Literal["none", "read", "write"]
ALL = frozenset({"repo", "delete_repo"})


@dataclass(frozen=True)
class Token:
    """A token: a classic one has scopes, a fine-grained one permissions and perhaps repositories.

    `expires` is by the hub's clock.
    """

    secret: str
    login: str
    classic: bool = True
    scopes: frozenset[str] = ALL
    repos: frozenset[str] | None = None
    contents: Level = "write"
    administration: Level = "none"
    expires: float | None = None

    def has_scope(self, private: bool) -> bool:
        """Tell whether a classic token may change repositories that are private or are not."""
        return "repo" in self.scopes or (not private and "public_repo" in self.scopes)

    def covers(self, full_name: str) -> bool:
        """Tell whether the token was made for this repository."""
        return self.repos is None or full_name.lower() in self.repos


@dataclass
class Accounts:
    """Everybody whom the hub knows."""

    by_login: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)

    def add(self, login: str, kind: str, members: set[str]) -> Account:
        """Make an account, or find it."""
        account = Account(login, 1000 + len(self.by_login), kind)
        self.members.setdefault(login.lower(), set()).update(members)
        return self.by_login.setdefault(login.lower(), account)

    def issue(
        self,
        login: str,
        *,
        classic: bool = True,
        scopes: frozenset[str] = ALL,
        repos: frozenset[str] | None = None,
        contents: Level = "write",
        administration: Level = "none",
        expires: float | None = None,
    ) -> str:
        """Make a token for a login that exists."""
        secret = ("ghp_" if classic else "github_pat_") + secrets.token_hex(18)
        name = self.find(login).login
        self.tokens[secret] = Token(
            secret, name, classic, scopes, repos, contents, administration, expires
        )
        return secret

    def find(self, login: str) -> Account:
        """Look an account up by login."""
        return self.by_login[login.lower()]

    def belongs(self, login: str, owner: str) -> bool:
        """Tell whether this user owns what that owner has."""
        return login in self.members.get(owner.lower(), ())

    def authenticate(self, header: str | None, now: float) -> Token:
        """Find the token that an `Authorization` header carries, if it is still good."""
        scheme, _, secret = (header or "").partition(" ")
        token = self.tokens.get(secret.strip())
        if header is None:
            raise RefusedError(401, "Requires authentication")
        gone = token is None or (token.expires is not None and token.expires <= now)
        if scheme.lower() not in {"token", "bearer"} or token is None or gone:
            raise RefusedError(401, "Bad credentials")
        return token

"""Users, organisations, tokens, and what each may still ask for this hour."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from tests.hub.wire import Json, RefusedError

WINDOW = 3600


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


@dataclass(frozen=True)
class Token:
    """A classic token may do all that its user may; a limited one only touches contents."""

    secret: str
    login: str
    classic: bool = True
    read_only: bool = False
    repos: frozenset[str] | None = None

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
        read_only: bool = False,
        repos: frozenset[str] | None = None,
    ) -> str:
        """Make a token for a login that exists."""
        secret = ("ghp_" if classic else "github_pat_") + secrets.token_hex(18)
        self.tokens[secret] = Token(secret, self.find(login).login, classic, read_only, repos)
        return secret

    def find(self, login: str) -> Account:
        """Look an account up by login."""
        return self.by_login[login.lower()]

    def belongs(self, login: str, owner: str) -> bool:
        """Tell whether this user owns what that owner has."""
        return login in self.members.get(owner.lower(), ())

    def authenticate(self, header: str | None) -> Token:
        """Find the token that an `Authorization` header carries."""
        scheme, _, secret = (header or "").partition(" ")
        token = self.tokens.get(secret.strip())
        if header is None:
            raise RefusedError(401, "Requires authentication")
        if scheme.lower() not in {"token", "bearer"} or token is None:
            raise RefusedError(401, "Bad credentials")
        return token


@dataclass
class Limits:
    """The primary rate limits: one count for each user and resource, from the first request on."""

    allowed: dict[str, int] = field(
        default_factory=lambda: {"core": 5000, "graphql": 5000, "search": 30}
    )
    _used: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, login: str, resource: str, cost: int = 1) -> None:
        """Count a request."""
        with self._lock:
            used, reset = self._now(login, resource)
            self._used[login, resource] = (used + cost, reset)

    def state(self, login: str, resource: str) -> Json:
        """Describe what is left, as `GET /rate_limit` does."""
        with self._lock:
            used, reset = self._now(login, resource)
        limit = self.allowed[resource]
        used = min(used, limit)
        return {"limit": limit, "used": used, "remaining": limit - used, "reset": reset}

    def headers(self, login: str, resource: str) -> dict[str, str]:
        """Describe what is left, as the headers of each answer do."""
        state = {
            f"X-RateLimit-{key.title()}": str(n) for key, n in self.state(login, resource).items()
        }
        return state | {"X-RateLimit-Resource": resource}

    def _now(self, login: str, resource: str) -> tuple[int, int]:
        """Give what was used in the window that runs, beginning one if need be."""
        used, reset = self._used.get((login, resource), (0, 0))
        return (used, reset) if reset > time.time() else (0, int(time.time()) + WINDOW)

"""What is told of a remote besides its contents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What a server said is left of one of its limits.

    `resource` is its name for it; `reset` is in seconds since the epoch, by this machine's clock.
    """

    resource: str
    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class About:
    """How a remote is reached; "" where there is nothing to tell.

    `path` is graphql or rest. `token` is where the token was found. `server`, `proxy` (without its
    password) and `ca_file` are told where they are not the usual ones. `renamed` is the remote
    under its new name.
    """

    path: str = ""
    token: str = ""
    server: str = ""
    proxy: str = ""
    ca_file: str = ""
    renamed: str = ""
    budgets: tuple[Budget, ...] = ()

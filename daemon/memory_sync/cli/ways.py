"""What `status` tells of how each remote is reached. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory_sync.cli.words import duration

USUAL = "https://api.github.com"
PATHS = {"graphql": "", "rest": "REST only (this server has no GraphQL)"}
NAMES = {"core": "REST", "graphql": "GraphQL"}


def way(row: Mapping[str, Any], now: float) -> str:
    """Say in a line how a vault's remote is reached; "" where there is nothing to say."""
    about: Mapping[str, Any] = row.get("about") or {}
    server = about.get("server")
    told = [
        f"token from {about['token']}" if about.get("token") else "",
        f"server {server}" if server and server != USUAL else "",
        PATHS.get(about.get("path", ""), ""),
        f"through the proxy {about['proxy']}" if about.get("proxy") else "",
        f"trusting {about['ca_file']}" if about.get("ca_file") else "",
        f"now called {about['renamed']}" if about.get("renamed") else "",
        *(_left(budget, now) for budget in about.get("budgets", ())),
    ]
    return "; ".join(filter(None, told))


def _left(budget: Mapping[str, Any], now: float) -> str:
    """Say how much may still be asked; nothing of an hour that is over."""
    until = float(budget["reset"]) - now
    if until <= 0:
        return ""
    name = NAMES.get(budget["resource"], budget["resource"])
    return f"{budget['remaining']} of {budget['limit']} {name} requests left for {duration(until)}"

"""Fetch what the tests need from npm: `python -m tests.hub.fetch`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"
MODULES = CACHE / "node_modules"
PACKAGES = {
    "@octokit/graphql-schema": "15.26.1",
    "@octokit/openapi": "23.0.2",
    "emulate": "0.12.2",
}
"""Each package and the one version that the tests are written for."""
SCHEMA = MODULES / "@octokit/graphql-schema" / "schema.graphql"
OPENAPI = MODULES / "@octokit/openapi" / "generated" / "api.github.com.json"


def has(package: str) -> bool:
    """Tell whether a package is there, in the version that is pinned."""
    try:
        found = json.loads((MODULES / package / "package.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(found["version"] == PACKAGES[package])


def fetch() -> str:
    """Install what is not there, and say in a line what was done."""
    missing = [package for package in PACKAGES if not has(package)]
    if not missing:
        return "what the tests need from npm is there already"
    names = ", ".join(missing)
    npm = shutil.which("npm")
    if npm is None:
        return f"not fetched, since npm is not installed: {names}; their tests will be skipped"
    CACHE.mkdir(exist_ok=True)
    options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    # All of them at once: npm takes away what it was not asked for.
    pinned = [f"{package}@{version}" for package, version in PACKAGES.items()]
    command = [npm, "install", "--prefix", str(CACHE), *options, *pinned]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lost = [package for package in PACKAGES if not has(package)]
    for big in OPENAPI.parent.glob("*.json"):
        # Most of the package's 400 MB is other servers' descriptions, and each of them twice.
        if big != OPENAPI:
            big.unlink()
    if lost:
        reason = done.stderr[-500:].strip()
        return f"not fetched: {', '.join(lost)}; npm ended with {done.returncode}: {reason}"
    return f"fetched: {names}"


if __name__ == "__main__":
    print(fetch())

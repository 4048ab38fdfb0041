"""Fetch GitHub's GraphQL schema for the tests: `python -m tests.hub.fetch`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache"
PACKAGE = "@octokit/graphql-schema"
VERSION = "15.26.1"
SCHEMA = CACHE / "node_modules" / PACKAGE / "schema.graphql"


def fetch() -> str:
    """Install the package if it is not there, and say in a line what was done."""
    if SCHEMA.exists():
        return f"{PACKAGE} is there already"
    npm = shutil.which("npm")
    if npm is None:
        return f"{PACKAGE} was not fetched, since npm is not installed; its tests will be skipped"
    CACHE.mkdir(exist_ok=True)
    options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    command = [npm, "install", "--prefix", str(CACHE), *options, f"{PACKAGE}@{VERSION}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if not SCHEMA.exists():
        reason = done.stderr[-500:].strip()
        return f"{PACKAGE} was not fetched; npm ended with {done.returncode}: {reason}"
    return f"{PACKAGE} {VERSION} was fetched"


if __name__ == "__main__":
    print(fetch())

"""What a test cannot do without: programs, packages, or a system."""

import os
import shutil
import sys

import pytest

from tests.hub import fetch

PACKAGES = {"age-keygen": "age", "node": "nodejs"}


def needs(*programs: str) -> None:
    """Skip the test when a program is missing, or fail it where nothing may be skipped."""
    for program in programs:
        if shutil.which(program) is None:
            package = PACKAGES.get(program, program)
            _without(f"needs {program}: install the Debian package {package}")


def needs_fetched(package: str) -> None:
    """Skip a test of what comes from npm and is not there, as above."""
    if not fetch.has(package):
        _without(f"needs npm: the package {package} (scripts/test fetches it where npm is)")


def needs_linux() -> None:
    """Skip a test of what only Linux has, as above."""
    if sys.platform != "linux":
        _without("needs Linux")


def _without(message: str) -> None:
    if os.environ.get("MEMORY_SYNC_NO_SKIP") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)

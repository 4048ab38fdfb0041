"""What a test cannot do without: programs, or a system."""

import os
import shutil
import sys

import pytest

PACKAGES = {"age-keygen": "age"}


def needs(*programs: str) -> None:
    """Skip the test when a program is missing, or fail it where nothing may be skipped."""
    for program in programs:
        if shutil.which(program) is None:
            package = PACKAGES.get(program, program)
            _without(f"needs {program}: install the Debian package {package}")


def needs_linux() -> None:
    """Skip a test of what only Linux has, as above."""
    if sys.platform != "linux":
        _without("needs Linux")


def _without(message: str) -> None:
    if os.environ.get("MEMORY_SYNC_NO_SKIP") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)

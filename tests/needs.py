"""Programs that a test cannot do without."""

import os
import shutil

import pytest

PACKAGES = {"age-keygen": "age"}


def needs(*programs: str) -> None:
    """Skip the test when a program is missing, or fail it where nothing may be skipped."""
    for program in programs:
        if shutil.which(program) is None:
            package = PACKAGES.get(program, program)
            message = f"needs {program}: install the Debian package {package}"
            if os.environ.get("MEMORY_SYNC_NO_SKIP") == "1":
                pytest.fail(message, pytrace=False)
            pytest.skip(message)

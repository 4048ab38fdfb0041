"""What a test cannot do without: programs, packages, or a system."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.hub import fetch

PACKAGES = {
    "age-keygen": "age",
    "node": "nodejs",
    "systemctl": "systemd",
    "systemd-run": "systemd",
    "dbus-daemon": "dbus-user-session",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}


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


def needs_manager() -> None:
    """Skip a test of a user's systemd where none can be started, as above."""
    needs_linux()
    needs("systemctl", "systemd-run", "dbus-daemon", "nsenter", "unshare")
    if os.geteuid() != 0:
        _without("needs root: it starts a systemd in namespaces of its own")
    if " cgroup2 " not in Path("/proc/self/mounts").read_text():
        _without("needs a mount of cgroup2")


def needs_root() -> None:
    """Skip a test of what only root can try, as above."""
    if os.getuid() != 0:
        _without("needs root")


def _without(message: str) -> None:
    if os.environ.get("MEMORY_SYNC_NO_SKIP") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)

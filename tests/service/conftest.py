"""A wheel of the program, and people who have a service manager."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs_manager
from tests.service.manager import Boot, Machine, shelf
from tests.service.user import User


@pytest.fixture(scope="session")
def program(wheel: Path) -> Iterator[Path]:
    """Install the wheel into an environment of its own, with this one's other packages.

    Its path has all in it that a unit has to quote.
    """
    needs_manager()
    with shelf() as top:
        venv = top / 'my 100% "own" $PATH \\ programs' / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        python = str(venv / "bin" / "python")
        words = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
        words = ["--python", python, *words]
        subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=60)
        rest = sysconfig.get_path("purelib")
        if Path(rest).is_relative_to("/tmp"):  # a confined service has one of its own
            rest = str(shutil.copytree(rest, top / "packages"))
        purelib = sysconfig.get_path("purelib", vars={"base": str(venv)})
        Path(purelib, "rest.pth").write_text(f"{rest}\n")
        yield venv


@pytest.fixture(scope="session")
def machines(program: Path) -> Iterator[dict[str, Machine]]:
    """Have machines: one of root, two of somebody without any rights."""
    with shelf() as first, shelf() as second, shelf() as third:
        yield {
            "root": Machine("root", first, program),
            "nobody": Machine("nobody", second, program),
            "spare": Machine("nobody", third, program),
        }


@pytest.fixture(scope="session")
def boots(machines: dict[str, Machine]) -> Iterator[dict[str, Boot]]:
    """Have two of the machines run."""
    with machines["root"].boot() as first, machines["nobody"].boot() as second:
        yield {"root": first, "nobody": second}


@pytest.fixture(params=["root", "nobody"])
def anybody(boots: dict[str, Boot], request: pytest.FixtureRequest) -> Iterator[User]:
    """Return a user with a vault that is set up: root in one run, nobody in another."""
    with User(boots[request.param]).at_home() as user:
        yield user


@pytest.fixture
def nobody(boots: dict[str, Boot]) -> Iterator[User]:
    """Return a user without any rights, with a vault that is set up."""
    with User(boots["nobody"]).at_home() as user:
        yield user

"""The wheel, installed by the tools that people install with, in a home that has nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

BESIDE = Path(sys.executable).parent
"""Where the programs of the tests' own environment lie."""
TOOLS = {
    "pipx": ([sys.executable, "-m", "pipx"], "pipx inject memory-sync keyring"),
    "uv": ([str(BESIDE / "uv"), "tool"], "uv pip install --python {python} keyring"),
}
"""The words before `install`, and what adds the package keyring."""
KEPT = ("agent", ".config/memory-sync", ".local/state/memory-sync", "vault.git", "key.txt")
"""What is the person's own."""


@pytest.fixture(scope="module")
def house(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and all that it needs: the tools below ask nobody else."""
    folder = tmp_path_factory.mktemp("house")
    words = ["download", "--quiet", "--dest", str(folder), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, timeout=300)
    return folder


@dataclass(frozen=True)
class Newcomer:
    """Somebody with an empty home, and a tool that installs."""

    tool: str
    home: Path
    env: dict[str, str]

    def run(self, *words: str, status: int = 0) -> str:
        """Run a command, and return all that it says."""
        done = subprocess.run(
            words, env=self.env, cwd=self.home, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == status, (words, done.stdout)
        return done.stdout

    def ms(self, *words: str, status: int = 0) -> str:
        """Run the program that was installed, as it is found by its name."""
        return self.run(str(self.home / ".local/bin/memory-sync"), *words, status=status)

    def files(self) -> dict[str, bytes]:
        """Return the person's own files."""
        tops = [self.home / name for name in KEPT]
        below = [path for top in tops for path in (top, *top.rglob("*")) if path.is_file()]
        return {str(path): path.read_bytes() for path in below}

    def traces(self) -> list[Path]:
        """Return what else has the program's name, but in the tool's own cache and locks."""
        found = [*self.home.rglob("*memory-sync*"), *self.home.rglob("*memory_sync*")]
        own = [self.home / ".cache", *(self.home / name for name in KEPT)]
        return [
            path
            for path in found
            if path.suffix != ".lock" and not any(path.is_relative_to(top) for top in own)
        ]


@pytest.fixture(params=TOOLS)
def newcomer(house: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Newcomer:
    """Install the wheel; the home is a folder that had nothing in it."""
    home = tmp_path / "home"
    home.mkdir()
    env = {
        "HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house), "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_OFFLINE": "1", "UV_FIND_LINKS": str(house), "UV_PYTHON_DOWNLOADS": "never",
    }  # fmt: skip
    somebody = Newcomer(request.param, home, env)
    tool, _ = TOOLS[request.param]
    [wheel] = house.glob("memory_sync-*.whl")
    somebody.run(*tool, "install", "--python", sys.executable, str(wheel))
    return somebody


def test_what_is_installed_works_and_goes_again(newcomer: Newcomer) -> None:
    """The first commands of a newcomer; the uninstall leaves the person's own files alone."""
    home, (tool, adds) = newcomer.home, TOOLS[newcomer.tool]
    assert newcomer.ms("--version") == "memory-sync 0.1.0\n"
    if newcomer.tool == "pipx":
        assert "not found" in newcomer.ms("demo").splitlines()[-1]
    (home / "agent").mkdir()
    (home / "agent" / "MEMORY.md").write_text("# Memory\n")
    newcomer.ms("init", str(home / "agent"), "--remote", f"file://{home}/vault.git", "--yes")
    newcomer.ms("export-key", str(home / "key.txt"))
    assert "The daemon does not run." in newcomer.ms("status")
    python = Path(os.path.realpath(home / ".local/bin/memory-sync")).parent / "python"
    told = newcomer.ms("move-key", "keyring", status=9)
    assert f"hint: {adds.format(python=python)}\n" in told
    before = newcomer.files()
    assert len(before) > 8
    newcomer.run(*tool, "uninstall", "memory-sync")
    assert newcomer.files() == before
    assert newcomer.traces() == []

"""Somebody with a vault, who has the daemon run as a service."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.cli.person import Ran
from tests.service.manager import Boot

UNIT = "memory-sync.service"
QUICK = "\n[daemon]\ndebounce = 0.1\npoll = 0.3\n"


class User:
    """One home folder with an agent's folder in it, and a vault in another folder."""

    def __init__(self, boot: Boot, **env: str) -> None:
        self.boot = boot
        self.folder = boot.machine.folder
        self.home = self.folder / "home"
        self.agent = self.home / "agent"
        self.vault = self.folder / "vaults" / "one.git"
        self.remote = ""
        self.env = {**boot.env, **env}

    @contextmanager
    def at_home(self) -> Iterator[User]:
        """Begin with a home that has a vault, and leave no service behind."""
        kept = self.folder / "kept"
        if kept.exists():
            self.clear()
            subprocess.run(["cp", "-a", *kept.iterdir(), self.folder], check=True)
        else:
            self.clear()
            self.write("MEMORY.md", "# memory\n")
            self.set_up(self.agent)
            kept.mkdir(mode=0o700)
            subprocess.run(["cp", "-a", self.home, self.vault.parent, kept], check=True)
        try:
            yield self
        finally:
            self.boot.run("systemctl", "--user", "stop", UNIT)
            shutil.rmtree(self.units, ignore_errors=True)
            self.boot.ctl("daemon-reload")
            self.boot.run("systemctl", "--user", "reset-failed")

    def clear(self) -> None:
        """Remove all that the home holds, and the vaults."""
        for place in (self.home, self.vault.parent):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700)
            self.boot.own(place)

    def set_up(self, folder: Path, *more: str) -> None:
        """Set up a vault for a folder, and have a daemon that is quick."""
        remote = self.remote or f"file://{self.vault}"
        self.ms("init", str(folder), "--remote", remote, "--yes", *more)
        config = self.config
        if QUICK not in config.read_text():
            config.write_text(config.read_text() + QUICK)

    @property
    def python(self) -> Path:
        """The Python of the environment with the wheel."""
        return self.boot.machine.venv / "bin" / "python"

    @property
    def config(self) -> Path:
        """The configuration."""
        top = self.env.get("MEMORY_SYNC_HOME")
        return Path(top or self.home / ".config" / "memory-sync", "config.toml")

    @property
    def units(self) -> Path:
        """The folder of the user's own units."""
        return self.home / ".config" / "systemd" / "user"

    def ms(self, *words: str, status: int | None = 0, env: Mapping[str, str] | None = None) -> Ran:
        """Run memory-sync from the wheel."""
        ran = self.boot.run(str(self.python), "-m", "memory_sync", *words, env=env or self.env)
        assert status is None or ran.status == status, ran
        assert "Traceback" not in ran.out + ran.err
        return ran

    def data(self, *words: str) -> Any:
        """Run a command and return its data."""
        return json.loads(self.ms(*words, "--json").out)["data"]

    def installs(self, *more: str) -> dict[str, Any]:
        """Install the service."""
        data: dict[str, Any] = self.data("service", "install", *more)
        return data

    def write(self, path: str, text: str) -> None:
        """Save a memory file."""
        file = self.agent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.boot.own(self.agent)

    def adds(self, text: str, name: str = "90-test.conf") -> None:
        """Put a drop-in of the user's own beside the unit."""
        folder = self.units / f"{UNIT}.d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        self.boot.own(self.units.parent)
        self.boot.ctl("daemon-reload")

    def pid(self, unit: str = UNIT) -> int:
        """Return the daemon's process, 0 if none runs."""
        return int(self.boot.shown(unit, "MainPID"))

    def is_synced(self) -> bool:
        """Tell whether the daemon has nothing left to do."""
        status = self.data("status")
        return bool(status["state"] == "idle" and not status["vaults"][0]["pending"])

    def until_shown(self, name: str, value: str, seconds: float = 20.0) -> None:
        """Wait until the unit has a property."""
        eventually(partial(self._has, name, value), seconds)

    def _has(self, name: str, value: str) -> bool:
        return self.boot.shown(UNIT, name) == value


def eventually(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds; each look is a process or two, so there are few of them."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.15)

"""The demo's machines: each a home of its own, an agent's folder, and the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from memory_sync.config.directories import HOME, Directories, directories
from memory_sync.daemon.client import Client, find_socket
from memory_sync.errors import DaemonError, MemorySyncError
from memory_sync.model import Phase

COMMAND = (sys.executable, "-P", "-m", "memory_sync")
QUICK = "[daemon]\ndebounce = 0.3\npoll = 1\n"
"""The demo is in more of a hurry than a daemon has to be."""
PATIENCE = 15.0
"""Seconds in which a thing has to happen."""
PRIVATE = ("MEMORY_SYNC_", "GITHUB_TOKEN", "GH_TOKEN")
"""Beginnings of the variables of the person's own, which are no business of the demo."""


class Machine:
    """A machine as far as memory-sync can tell."""

    def __init__(self, name: str, top: Path) -> None:
        self.name = name
        self.agent = top / name / "agent"
        self._daemon: subprocess.Popen[bytes] | None = None
        env = {key: text for key, text in os.environ.items() if not key.startswith(PRIVATE)}
        self._env = {**env, HOME: str(top / name / "home"), "NO_COLOR": "1"}
        self.places: Directories = directories(self._env)
        self.places.config.mkdir(parents=True)
        self.places.config_file.write_text(QUICK)

    def write(self, path: str, text: str) -> None:
        """Save a file as an agent does: whole."""
        file = self.agent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def append(self, path: str, text: str) -> None:
        """Add to the end of a file."""
        with (self.agent / path).open("a") as file:
            file.write(text)

    def read(self, path: str) -> str:
        """Return a file's text, "" if it is not there."""
        try:
            return (self.agent / path).read_text()
        except FileNotFoundError:
            return ""

    def conflicts(self, vault: str) -> list[Path]:
        """Return the conflict copies that lie on this machine."""
        folder = self.places.vault_state(vault) / "conflicts"
        return [file for file in folder.rglob("*") if file.is_file() and file.name[0] != "."]

    def command(self, *words: str) -> dict[str, Any]:
        """Run `memory-sync` with --json, and return its data."""
        done = subprocess.run(
            [*COMMAND, *words, "--json"],
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        if done.returncode:
            said = (done.stdout or done.stderr).strip()
            detail = f"memory-sync {words[0]} ended with {done.returncode}: {said}"
            raise MemorySyncError(detail=detail)
        data: dict[str, Any] = json.loads(done.stdout)["data"]
        return data

    def start(self) -> None:
        """Start the daemon."""
        self._daemon = subprocess.Popen(
            [*COMMAND, "daemon"],
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the demo, which then ends its daemons in order.
            start_new_session=True,
        )

    def is_idle(self) -> bool:
        """Tell whether the daemon runs and has everything in sync."""
        try:
            with Client(find_socket(self.places.daemon_lock, self.places.socket), 1.0) as client:
                rows = client.status()["vaults"]
        except DaemonError:
            return False
        return bool(rows) and all(row["state"] == Phase.IDLE for row in rows)

    @property
    def pid(self) -> int:
        """The daemon's process."""
        return self._daemon.pid if self._daemon else 0

    def stop(self) -> None:
        """End the daemon, and remove what lies outside the machine's folder."""
        if self._daemon:
            self._daemon.terminate()
            try:
                self._daemon.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
        shutil.rmtree(self.places.run, ignore_errors=True)


@contextmanager
def machines(top: Path, *names: str) -> Iterator[list[Machine]]:
    """Give machines, whose daemons end with the context."""
    made: list[Machine] = []
    try:
        for name in names:
            made.append(Machine(name, top))  # noqa: PERF401 - each is known as soon as it is there
        yield made
    finally:
        for machine in made:
            machine.stop()


def until(what: str, holds: Callable[[], bool]) -> float:
    """Wait until something holds; return the seconds that it took. Raises MemorySyncError."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > PATIENCE:
            raise MemorySyncError(detail=f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(0.02)
    return time.monotonic() - began

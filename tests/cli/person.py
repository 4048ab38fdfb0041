"""A person with a machine of their own, who types commands."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memory_sync.cli.main import main
from memory_sync.config.directories import Directories, directories
from memory_sync.daemon.client import Client
from memory_sync.errors import DaemonError

QUICK = "[daemon]\ndebounce = 0.1\npoll = 0.2\n"
COMMAND = (sys.executable, "-m", "memory_sync")


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one line of JSON."""
        lines = self.out.splitlines()
        assert len(lines) == 1, self
        answer: dict[str, Any] = json.loads(lines[0])
        return answer

    @property
    def codes(self) -> list[str]:
        """The codes of the errors in the JSON."""
        return [error["code"] for error in self.answer["errors"]]


class Person:
    """One home, one agent's folder, and a way to type."""

    def __init__(self, name: str, top: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.home = top / name / "home"
        self.agent = top / name / "agent"
        self.agent.mkdir(parents=True)
        self.home.mkdir()
        self.env = {**env, "MEMORY_SYNC_HOME": str(self.home)}
        self.remote = f"file://{top}/vault.git"

    @property
    def places(self) -> Directories:
        """Where this home keeps everything."""
        return directories(self.env)

    def write(self, path: str, text: str) -> None:
        """Save a memory file."""
        file = self.agent / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str | None:
        """Return a memory file's text, None if there is none."""
        file = self.agent / path
        return file.read_text() if file.exists() else None

    def configure(self, text: str) -> None:
        """Add something to the end of the configuration."""
        self.places.config.mkdir(parents=True, exist_ok=True)
        with self.places.config_file.open("a") as file:
            file.write(text)

    def types(self, *words: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Ran:
        """Run a command in this process, without a terminal."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        source = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "environ", {**self.env, **(env or {})})
            patch.setattr(sys, "stdin", source)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            status = main(words)
        texts = []
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
            texts.append(stream.read())
        return Ran(status, *texts)

    def starts(self, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run a command as a process of its own."""
        done = subprocess.run(
            [*COMMAND, *words],
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def opens(self, *words: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Begin a command as a process of its own."""
        return subprocess.Popen(
            [*COMMAND, *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def init(self, *more: str) -> Ran:
        """Set up the agent's folder."""
        words = ("init", str(self.agent), "--remote", self.remote, "--device", self.name, "--yes")
        return self.types(*words, *more)

    def key_to(self, other: Person) -> None:
        """Bring the vault's key to another machine."""
        key = self.types("export-key", "-")
        assert key.status == 0, key
        assert other.types("import-key", stdin=key.out).status == 0

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[str]]:
        """Have a daemon run, which answers from the start."""
        process = self.opens("daemon", stderr=subprocess.DEVNULL)
        assert process.stdout
        try:
            until(lambda: self.is_served() or process.poll() is not None)
            assert process.poll() is None, "the daemon ended at once"
            yield process
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()

    def is_served(self) -> bool:
        """Tell whether a daemon answers."""
        try:
            with Client(str(self.places.socket), 1.0):
                return True
        except DaemonError:
            return False

    def state(self) -> str:
        """Return the worst state, as `status` has it."""
        state: str = self.types("status", "--json").answer["data"]["state"]
        return state


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)

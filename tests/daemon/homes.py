"""Real daemons: a home each, the real command, and waiting with a deadline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.daemon.logged import check

DEADLINE = 20.0
DEBOUNCE = 0.2
POLL = 0.5


class Home:
    """One machine: its own MEMORY_SYNC_HOME and workspace, and at most one daemon."""

    def __init__(self, top: Path, name: str, **env: str) -> None:
        self.name = name
        self.top = top / name / "home"
        self.root = top / name / "workspace"
        self.root.mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "PYTHONPATH")}
        self.env = {**kept, "HOME": str(top / name), "MEMORY_SYNC_HOME": str(self.top), **env}
        self.daemon: subprocess.Popen[str] | None = None

    def run(self, *words: str, status: int | None = 0, data: str = "", seconds: float = 60) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "memory_sync", *words],
            input=data,
            env=self.env,
            cwd=self.top.parent,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert status is None or done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str, status: int | None = None) -> dict[str, Any]:
        text = self.run(*words, "--json", status=status)
        answers = [line for line in text.splitlines() if line.startswith("{")]
        assert len(answers) == 1, text
        answer: dict[str, Any] = json.loads(answers[0])
        return answer

    def configure(self, poll: float = POLL, debounce: float = DEBOUNCE, **more: object) -> None:
        """Put quick timings below what `init` wrote."""
        path = self.top / "config.toml"
        settings = {"poll": poll, "debounce": debounce, **more}
        lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        before = path.read_text().partition("[daemon]")[0].rstrip()
        path.write_text("\n".join([before, "", "[daemon]", *lines, ""]))

    def start(self, **env: str) -> None:
        """Start the daemon, and wait until its socket answers."""
        self.daemon = subprocess.Popen(
            [sys.executable, "-m", "memory_sync", "daemon"],
            env=self.env | env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait(lambda: self.status()["daemon"]["version"], "the daemon answers")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """End the daemon; return its status and what it printed."""
        assert self.daemon
        self.daemon.send_signal(number)
        out, _ = self.daemon.communicate(timeout=30)
        code, self.daemon = self.daemon.returncode, None
        return code, out

    def close(self) -> None:
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.communicate(timeout=10)
        # Whatever a test was about: what its daemon wrote is what docs/logs.md says.
        if (self.top / "logs" / "daemon.log").exists():
            check(self.log())

    def status(self) -> dict[str, Any]:
        answer = self.json("status")
        assert answer["data"] is not None, answer
        data: dict[str, Any] = answer["data"]
        return data

    def row(self) -> dict[str, Any]:
        row: dict[str, Any] = self.status()["vaults"][0]
        return row

    def idle(self) -> None:
        wait(lambda: self.row()["state"] == "idle" and not self.row()["pending"], "it is idle")

    def log(self) -> list[dict[str, Any]]:
        path = self.top / "logs" / "daemon.log"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def read(self, path: str) -> str | None:
        try:
            return (self.root / path).read_text()
        except OSError:
            return None


def wait(good: Callable[[], object], what: str, seconds: float = DEADLINE) -> float:
    """Wait until something holds; return the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if good():
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def share_vault(one: Home, two: Home, remote: str) -> None:
    """Let the first home found a vault and the second one join it, as the README says."""
    key = str(one.top.parents[1] / "key.txt")
    one.write("MEMORY.md", "# memory\n")
    one.run("init", str(one.root), "--remote", remote, "--device", "one", "--yes")
    one.run("export-key", key)
    two.run("import-key", key)
    two.run("init", str(two.root), "--remote", remote, "--device", "two", "--yes")
    for home in (one, two):
        home.configure()


def edits_to_and_fro(one: Home, two: Home) -> list[float]:
    """Save a file on one machine and on the other in turn; return how long each edit travelled."""
    seconds: list[float] = []
    for number in range(5):
        here, there = (one, two) if number % 2 == 0 else (two, one)
        text = f"entry {number}\n"
        here.write("memory/log.md", text)
        seconds.append(wait(partial(_has, there, "memory/log.md", text), "it is there"))
    return seconds


def _has(home: Home, path: str, text: str) -> bool:
    return home.read(path) == text

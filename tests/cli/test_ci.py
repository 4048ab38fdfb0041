"""docs/ci.md: its jobs run as they stand there, each run in an empty home."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.person import Person
from tests.hub import Hub
from tests.test_docs import TOP, blocks, page

JOBS = blocks(page("docs/ci.md"), "yaml")
INSTALL = "pipx install memory-sync"
"""The step that is replaced: the program that is tested stands on the PATH already."""
SECRET = re.compile(r"\$\{\{ secrets\.(\w+) \}\}")


@dataclass
class Step:
    """One step of a job."""

    run: str = ""
    env: dict[str, str] = field(default_factory=dict)


def read_job(text: str) -> tuple[dict[str, str], list[Step]]:
    """Read the environment and the steps of the one job; a line of another form is an error."""
    head, _, tail = text.partition("    steps:\n")
    above: dict[str, str] = {}
    for line in head.partition("    env:\n")[2].splitlines():
        name, _, value = line.strip().partition(": ")
        above[name] = value
    steps: list[Step] = []
    inside = ""
    for line in tail.splitlines():
        words = line.strip()
        if line.startswith("      - name: "):
            steps.append(Step())
            inside = ""
        elif line.startswith("        run: |"):
            inside = "run"
        elif line.startswith("        run: "):
            steps[-1].run, inside = words.removeprefix("run: "), ""
        elif line == "        env:":
            inside = "env"
        elif line.startswith("          ") and inside == "env":
            name, _, value = words.partition(": ")
            steps[-1].env[name] = value
        elif line.startswith("          ") and inside == "run":
            steps[-1].run += f"{words}\n"
        else:
            assert line.startswith("        if: ${{ !cancelled() }}"), line
    return above, steps


class Runner:
    """A machine of which nothing is left after a job: an empty home, and a PATH."""

    def __init__(self, top: Path, secrets: dict[str, str], **env: str) -> None:
        self.home = top
        self.secrets = secrets
        self.said = ""
        programs = top / "programs"
        programs.mkdir(parents=True)
        command = programs / "memory-sync"
        command.write_text(
            f"#!/bin/sh\nPYTHONPATH={TOP}/daemon:{TOP}/service"
            f' exec {sys.executable} -m memory_sync "$@"\n'
        )
        command.chmod(0o755)
        self.env = {"HOME": str(top), "PATH": f"{programs}:/usr/bin:/bin", **env}

    def runs(self, job: str) -> None:
        """Run the steps with bash, as a runner does; one that fails ends the test."""
        above, steps = read_job(job)
        assert [step.run for step in steps].count(INSTALL) == 1
        for step in steps:
            script = "memory-sync --version" if step.run == INSTALL else step.run
            done = subprocess.run(
                ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                env={**self.env, **above, **{name: self._of(step.env[name]) for name in step.env}},
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            self.said += done.stdout + done.stderr
            assert done.returncode == 0, (step.run, done)

    def _of(self, value: str) -> str:
        return SECRET.sub(lambda found: self.secrets[found[1]], value)

    def holds(self, secret: str) -> bool:
        """Tell whether a secret was said, or lies anywhere in what is left."""
        files = (file for file in self.home.rglob("*") if file.is_file())
        return secret in self.said or any(secret.encode() in file.read_bytes() for file in files)


@pytest.fixture
def online(ada: Person, hub: Hub) -> Person:
    """Return a machine with the vault that the page names, on the hub."""
    ada.env["GITHUB_TOKEN"] = hub.add_user("ada")
    ada.configure(f'[github]\nbase_url = "{hub.base_url}"\n')
    ada.remote = "github:ada/memory-sync-vault"
    assert ada.init().status == 0
    return ada


@pytest.fixture
def secrets(online: Person, hub: Hub) -> dict[str, str]:
    """Return the secrets that the page tells one to make."""
    key = next(
        line for line in online.types("export-key", "-").out.splitlines() if line[:3] == "AGE"
    )
    repos = ("ada/memory-sync-vault",)
    return {
        "MEMORY_SYNC_IDENTITY": key,
        "MEMORY_SYNC_TOKEN": hub.add_token("ada", repos=repos),
        "MEMORY_SYNC_READING_TOKEN": hub.add_token("ada", repos=repos, read_only=True),
    }


def test_the_jobs_of_the_page_run_twice_in_an_empty_home(
    tmp_path: Path, online: Person, secrets: dict[str, str], hub: Hub
) -> None:
    """Memory travels there and back; key and token are nowhere afterwards, nor in what was said."""
    agent, review = JOBS
    where = {"MEMORY_SYNC_GITHUB__BASE_URL": hub.base_url}
    runners = []
    for number in range(2):
        online.write("MEMORY.md", f"# Memory {number}\n")
        assert online.types("now").status == 0
        for name, job in (("agent", agent), ("review", review)):
            runner = Runner(tmp_path / f"{name}-{number}", secrets, **where)
            runner.runs(job)
            assert (runner.home / "agent/MEMORY.md").read_text() == f"# Memory {number}\n"
            runners.append(runner)
        assert online.types("now").status == 0
    assert online.read("memory/runs.md") == "- Looked at the issues.\n" * 2
    assert "# Memory 1" in runners[-1].said
    for runner in runners:
        assert not any(runner.holds(secret) for secret in secrets.values())


def test_only_the_steps_that_sync_see_key_and_token() -> None:
    """The agent's own step gets neither; there are two steps that sync, or one that reads."""
    for job, syncs in zip(JOBS, (2, 1), strict=True):
        above, steps = read_job(job)
        assert not SECRET.search(str(above))
        told = [step for step in steps if SECRET.search(str(step.env))]
        assert len(told) == syncs
        assert all("memory-sync" in step.run for step in told)

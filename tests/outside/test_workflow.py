"""The workflow of GitHub Actions: held to its schema, and to the scripts that it calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

TOP = Path(__file__).parents[2]
WORKFLOWS = sorted((TOP / ".github" / "workflows").iterdir())
SCRIPT = re.compile(r"(?<![\w./])scripts/[\w-]+")
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def _read(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(file.read_text("utf-8"))
    return read


def _check(*files: Path) -> subprocess.CompletedProcess[str]:
    schema = ["--builtin-schema", "vendor.github-workflows"]
    words = [sys.executable, "-m", "check_jsonschema", *schema, *map(str, files)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def _commands(workflow: dict[str, Any]) -> str:
    """Return all that a workflow runs."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return "\n".join(step.get("run", "") for step in steps)


def test_workflows_keep_to_their_schema(tmp_path: Path) -> None:
    """GitHub would take them; what it would not take is seen."""
    assert WORKFLOWS
    done = _check(*WORKFLOWS)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "ci.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on:", "runs_on:"))
    assert _check(broken).returncode == 1


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_script_that_is_called_exists(file: Path) -> None:
    """Each is there and can be run."""
    called = SCRIPT.findall(_commands(_read(file)))
    assert called
    for script in called:
        assert os.access(TOP / script, os.X_OK), script


def test_the_workflow_calls_what_passes_every_change() -> None:
    """`.ci/run` and the workflow call the same scripts, in the same order."""
    own = [line for line in (TOP / ".ci/run").read_text("utf-8").splitlines() if line[:1] != "#"]
    workflow = _read(TOP / ".github/workflows/ci.yml")
    assert SCRIPT.findall(_commands(workflow)) == SCRIPT.findall("\n".join(own))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_do_as_little_as_it_can(file: Path) -> None:
    """It reads the sources and no more, keeps no credentials, and each action is one commit."""
    workflow = _read(file)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert all("${{" not in step.get("run", "") for step in job["steps"])
    used = re.findall(r"uses: (.+)", file.read_text("utf-8"))
    assert used
    assert all(PINNED.fullmatch(action) for action in used)
    checkouts = [step for job in workflow["jobs"].values() for step in job["steps"]]
    for step in checkouts:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_it_runs_where_the_program_does() -> None:
    """On both systems, and from the oldest Python that is allowed on, with none left out."""
    [job] = _read(TOP / ".github/workflows/ci.yml")["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos"}
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    minors = [int(version.removeprefix("3.")) for version in matrix["python"]]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert project["requires-python"] == f">=3.{minors[0]}"
    named = {
        found for line in project["classifiers"] for found in re.findall(r":: (3\.\d+)$", line)
    }
    assert named <= set(matrix["python"])


def test_the_readme_says_what_nobody_has_tried() -> None:
    """As long as nobody ran it on macOS, the page that people read first says so."""
    text = (TOP / "README.md").read_text("utf-8")
    platforms = text.split("\n## Platforms\n")[1].split("\n## ")[0]
    assert re.search(r"macOS\s+is\s+written\s+for\s+and\s+has\s+not\s+been\s+tried", platforms)
